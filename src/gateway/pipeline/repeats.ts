import { BoundedMap } from '../../base/bounded-map.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import { saidAs } from '../../bridges/p2p/said.ts'
import { channelKey } from './scope.ts'

/** Places of messages that are remembered, and how long: copies of one message meet within minutes. Lost at a restart. */
const MAX_PLACES = 50_000
const KEPT_MS = 3_600_000

/**
 * Where each message of K2 was said or is sent to. Gateways in a ring pass a message on in both directions, so it is heard on
 * several topics; it goes to each place once (bridging 12.4, across gateways). Pure: `now` is passed in.
 */
export class RepeatBook {
  /** The event that brought a message to a place. */
  readonly #brought = new BoundedMap<string, string>({ max: MAX_PLACES, ttlMs: KEPT_MS })

  /** Whether the place still has to get this message. The same event gets the same answer. */
  isNews({ at, eventId, origin = eventId, event }: Envelope, to: Place, now: number): boolean {
    if (at.network !== 'p2p' || event.kind !== 'message.create') return true
    const said = saidAs(origin, event.body.rich.text)
    const here = keyOf(said, at)
    if (!this.#brought.has(here, now)) this.#brought.set(here, eventId, now)
    const there = keyOf(said, to)
    const before = this.#brought.get(there, now)
    if (before === undefined) this.#brought.set(there, eventId, now)
    return before === undefined || before === eventId
  }
}

const keyOf = (said: string, place: Place): string => `${said} ${channelKey(place)} ${place.thread ?? ''}`
