import { BoundedMap } from '../../base/bounded-map.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { idBytes, type PeerId } from '../ids.ts'
import { pointFault } from '../keys/curve-point.ts'
import type { IdVerdict } from './proto/messages.ts'

/** Verdicts remembered: a check costs 0.2 ms, and the same ids come again and again. */
const VERDICTS_MAX = 4_096
/** New ids one peer may make us check, per second and at once. Membership traffic of a large swarm stays far below. */
const PEER_RATE = 32
const PEER_BURST = 256
/** New ids checked for all peers together: a fifth of a core. */
const TOTAL_RATE = 1_000
const TOTAL_BURST = 4_000
const PEERS_MAX = 1_024

/** Judges ids that other peers mention (gossip 14 T-24). Ids beyond what a peer may ask for count as unusable. */
export class PeerIdChecker {
  readonly #verdicts = new BoundedMap<PeerId, IdVerdict>({ max: VERDICTS_MAX })
  readonly #budgets = new BoundedMap<PeerId, TokenBucket>({ max: PEERS_MAX })
  #total: TokenBucket | undefined

  /** @param from who mentions the id. @param now monotonic ms. */
  check(id: PeerId, from: PeerId, now: number): IdVerdict {
    const known = this.#verdicts.get(id, now)
    if (known !== undefined) return known
    if (!this.#mayCheck(from, now)) return 'unusable'
    const fault = pointFault(idBytes(id))
    const verdict = fault === undefined ? 'usable' : fault === 'not-on-curve' ? 'invalid' : 'unusable'
    this.#verdicts.set(id, verdict, now)
    return verdict
  }

  #mayCheck(from: PeerId, now: number): boolean {
    let budget = this.#budgets.get(from, now)
    if (budget === undefined) {
      budget = new TokenBucket(PEER_RATE, PEER_BURST, now)
      this.#budgets.set(from, budget, now)
    }
    this.#total ??= new TokenBucket(TOTAL_RATE, TOTAL_BURST, now)
    return budget.take(now) && this.#total.take(now)
  }
}
