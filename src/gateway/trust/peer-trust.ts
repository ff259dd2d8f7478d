import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { K2Node, PeerId } from '../../core/index.ts'

/** Longest wait of a timer; decisions that end later are looked at again then. */
const MAX_WAIT_MS = 24 * 3600_000

/** What an administrator decided about another node. */
export interface PeerDecision {
  readonly peer: PeerId
  /** `blocked`: nothing is taken from it, nor in its name. `trusted`: as a configured peer. */
  readonly level: 'blocked' | 'trusted'
  /** ms; for good when undefined. */
  readonly until?: number
  readonly reason?: string
  readonly by: string
  readonly at: number
}

export interface PeerTrustStore {
  /** Decisions that hold at `now`, oldest first. */
  list(now: number): Promise<PeerDecision[]>
  save(decision: PeerDecision): Promise<void>
  remove(peer: PeerId): Promise<boolean>
  prune(now: number): Promise<void>
}

export interface PeerTrustOptions {
  readonly store: PeerTrustStore
  readonly node: Pick<K2Node, 'setBlocked' | 'setTrusted'>
  readonly clock: Clock
  readonly log: Logger
}

/** Tells the node whom it may hear, from the first message on and until decisions expire. */
export class PeerTrust implements Lifecycle {
  readonly name = 'peer-trust'
  readonly #options: PeerTrustOptions
  #cancel = (): void => {}

  constructor(options: PeerTrustOptions) {
    this.#options = options
  }

  /** Before the node starts, so that a blocked peer finds no gap. */
  async start(): Promise<void> {
    await this.#options.store.prune(this.#options.clock.now())
    await this.#apply()
  }

  async stop(): Promise<void> {
    this.#cancel()
  }

  list(): Promise<PeerDecision[]> {
    return this.#options.store.list(this.#options.clock.now())
  }

  async decide(decision: PeerDecision): Promise<void> {
    await this.#options.store.save(decision)
    await this.#apply()
  }

  /** False when nothing was decided about the peer. */
  async forget(peer: PeerId): Promise<boolean> {
    const known = await this.#options.store.remove(peer)
    await this.#apply()
    return known
  }

  async #apply(): Promise<void> {
    const { node, clock, log } = this.#options
    const decisions = await this.list()
    const at = (level: PeerDecision['level']): PeerId[] => decisions.filter((d) => d.level === level).map((d) => d.peer)
    node.setBlocked(at('blocked'))
    node.setTrusted(at('trusted'))
    const ends = decisions.flatMap((d) => (d.until === undefined ? [] : [d.until - clock.now()]))
    this.#cancel()
    if (ends.length === 0) return
    this.#cancel = clock.after(Math.max(1, Math.min(MAX_WAIT_MS, ...ends)), () => {
      this.#apply().catch((err) => log.warn({ ev: 'trust-not-read', err }, 'expired decisions about peers still hold'))
    })
  }
}
