import { type Rng, unit } from '../../base/random.ts'

/** Cadence in ms, and answers per second a network is to carry (discovery 12, the interactive profile). */
const TAU_MS = 700
const PHI_PER_SECOND = 2.5
/** Answers that are enough for one question. */
const CUTOFF = Math.ceil((TAU_MS / 1000) * PHI_PER_SECOND)
const RESPONSE_MS = 100
const MAX_FAIRNESS = 10
/** How often silent peers are looked for. */
export const EXPIRY_CHECK_MS = Math.round((TAU_MS * 12_345) / 9_999)

export type MdnsSend = 'query' | 'response'

/**
 * When to ask and when to answer, as swarm-discovery does it: one question per cadence in the whole network, answered by a few
 * at random. Times in ms of a clock that never goes back. Pure.
 */
export class MdnsRhythm {
  readonly #rng: Rng
  #phase: 'waiting' | 'answering' = 'waiting'
  #dueAt: number
  #answers = 0
  #extraMs = 0
  #hasAnswered = false

  constructor(rng: Rng, now: number) {
    this.#rng = rng
    this.#dueAt = now
  }

  get dueAt(): number {
    return this.#dueAt
  }

  /** Something is due: what to send now. `swarm`: peers known, this node included. */
  due(now: number, swarm: number): MdnsSend {
    if (this.#phase === 'waiting') {
      this.#answer(now, swarm)
      return 'query'
    }
    this.#hasAnswered = true
    this.#wait(now, swarm)
    return 'response'
  }

  /** Somebody has asked: no need to ask as well. */
  queried(now: number, swarm: number): void {
    if (this.#phase === 'waiting') this.#answer(now, swarm)
  }

  /** Others have answered; enough of them spare us doing it. */
  answered(count: number, now: number, swarm: number): void {
    if (this.#phase !== 'answering') return
    this.#answers += count
    if (this.#answers >= CUTOFF) this.#wait(now, swarm)
  }

  #wait(now: number, swarm: number): void {
    this.#phase = 'waiting'
    this.#dueAt = now + TAU_MS + unit(this.#rng) * ((TAU_MS * swarm) / 10)
  }

  #answer(now: number, swarm: number): void {
    this.#phase = 'answering'
    this.#answers = 0
    // Whoever has answered last leaves the next one to others.
    this.#extraMs = this.#hasAnswered
      ? RESPONSE_MS * Math.min(Math.floor(swarm / CUTOFF), MAX_FAIRNESS)
      : Math.max(0, this.#extraMs - RESPONSE_MS)
    this.#hasAnswered = false
    this.#dueAt = now + this.#extraMs + unit(this.#rng) * ((RESPONSE_MS * swarm) / CUTOFF)
  }
}

/** How long a silent peer is believed in, when so many are known: three times its turn to answer. */
export function graceMs(peers: number): number {
  const perTau = Math.min(CUTOFF, Math.max(1, peers))
  return (3 * TAU_MS * Math.max(1, peers)) / perTau
}
