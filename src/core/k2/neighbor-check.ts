import type { PeerId } from '../ids.ts'

/** What a peer is to receipts; `unknown`: it did not answer. */
export type ReceiptHabit = 'gateway' | 'application' | 'unknown'

export interface NeighborCheckOptions {
  readonly ask: (peer: PeerId) => Promise<ReceiptHabit>
  readonly isTrusted: (peer: PeerId) => boolean
  /** Never called for `unknown`. */
  readonly onAnswer: (peer: PeerId, habit: Exclude<ReceiptHabit, 'unknown'>) => void
  /** An answer is there, or it is clear that none comes. Whoever waits looks again. */
  readonly onSettled: () => void
}

/**
 * Finds out for one line whether neighbours confirm lines of whom that is not known yet. A configured peer that does not answer
 * may be a gateway that is just being restarted: the line is owed to it.
 */
export class NeighborCheck {
  readonly #options: NeighborCheckOptions
  readonly #asked = new Map<PeerId, 'waiting' | ReceiptHabit>()

  constructor(options: NeighborCheckOptions) {
    this.#options = options
  }

  /** Asks those of `undecided` that were not asked yet. */
  ask(undecided: readonly PeerId[]): void {
    for (const peer of undecided) {
      if (this.#asked.has(peer)) continue
      this.#asked.set(peer, 'waiting')
      this.#options
        .ask(peer)
        .catch((): ReceiptHabit => 'unknown') // nothing is known of a peer that cannot be asked
        .then((habit) => {
          this.#asked.set(peer, habit)
          if (habit !== 'unknown') this.#options.onAnswer(peer, habit)
          this.#options.onSettled()
        })
    }
  }

  /** An answer that is worth more than a moment's wait is still to come. */
  isOpen(undecided: readonly PeerId[]): boolean {
    return undecided.some((peer) => this.#asked.get(peer) === 'waiting' && this.#options.isTrusted(peer))
  }

  /** Those of `undecided` that may be gateways nobody hears just now. */
  owed(undecided: readonly PeerId[]): PeerId[] {
    const isOwed = (peer: PeerId): boolean => ['waiting', 'unknown'].includes(this.#asked.get(peer) ?? '')
    return undecided.filter((peer) => isOwed(peer) && this.#options.isTrusted(peer))
  }
}
