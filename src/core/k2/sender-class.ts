import { BoundedMap } from '../../base/bounded-map.ts'
import type { Hash, PeerId } from '../ids.ts'

/**
 * How sure we are that a message is from whom it names (k2-application 7.2). `verified`: its sender itself handed it over.
 * `hosted`: published by another node in the sender's name. `claimed`: passed on by others, anybody may have written it.
 */
export type SenderClass = 'verified' | 'hosted' | 'claimed'

export interface Arrival {
  /** Authenticated neighbour that handed the message over. */
  readonly from: PeerId
  /** Hop 0 or neighbours-only: `from` itself published it. */
  readonly direct: boolean
}

/** `forged`: our own name on something we did not send. Only hop 0 binds a message to a peer; the neighbour's id alone does not. */
export function classifySender(senderId: string, arrival: Arrival, me: PeerId): SenderClass | 'forged' {
  if (senderId === me) return 'forged'
  if (!arrival.direct) return 'claimed'
  return arrival.from === senderId ? 'verified' : 'hosted'
}

/** Claimed messages are remembered this long: gossip forgets a message id after 90 s. */
const MEMORY_MS = 90_000
const MEMORY_MESSAGES = 10_000

/**
 * Raises claimed messages to verified when a later copy comes straight from the sender. Gossip drops such copies before the
 * application sees them, so it reports them as direct copies.
 */
export class ClaimBook {
  readonly #claims = new BoundedMap<Hash, { readonly senderId: string; readonly messageId: Hash }>({
    max: MEMORY_MESSAGES,
    ttlMs: MEMORY_MS,
  })

  /** Notes a message that was accepted as claimed: its gossip id, and the id the application knows it by. */
  claimed(gossipId: Hash, claim: { readonly senderId: string; readonly messageId: Hash }, now: number): void {
    this.#claims.set(gossipId, claim, now)
  }

  /** A direct copy arrived: the application's id of the message whose sender it proves, at most once per message. */
  directCopy(gossipId: Hash, from: PeerId, now: number): Hash | undefined {
    const claim = this.#claims.get(gossipId, now)
    if (claim?.senderId !== from) return undefined
    this.#claims.delete(gossipId)
    return claim.messageId
  }
}
