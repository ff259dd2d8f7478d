import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { Bridge } from '../../bridges/port.ts'
import type { TypingBridge } from '../../bridges/typing.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import type { RouteDefinition } from '../pipeline/route-definition.ts'

/** A place shows that somebody is writing at most once in this time, ms (bridging 10.1). */
const EVERY_MS: Readonly<Record<string, number>> = { discord: 8_000, telegram: 5_000 }
const MAX_PLACES = 5_000
/** A platform may take this long, ms; nobody waits for it. */
const SHOW_MS = 10_000

export interface TypingRelayOptions {
  readonly bridges: BridgeRegistry
  readonly routes: () => readonly RouteDefinition[]
  /** Whose doings are not shown: those who are banned or opted out. */
  readonly isBarred: (author: string) => boolean
  readonly clock: Clock
}

/** Shows elsewhere that somebody is writing, where routes want it. Never stored, never tried again. */
export function typingRelay({ bridges, routes, isBarred, clock }: TypingRelayOptions): (place: Place, author: string) => void {
  const shownAt = new BoundedMap<string, number>({ max: MAX_PLACES })
  return (from, author) => {
    if (isBarred(author)) return
    const now = clock.now()
    const key = placeKey(from)
    const heard = routes().filter(
      ({ typing, members }) => typing === true && members.some((m) => m.direction !== 'out' && placeKey(m.place) === key),
    )
    for (const { place, direction } of heard.flatMap(({ members }) => members)) {
      const everyMs = EVERY_MS[place.network]
      const there = placeKey(place)
      if (direction === 'in' || there === key || everyMs === undefined) continue
      if (now - (shownAt.get(there, now) ?? Number.NEGATIVE_INFINITY) < everyMs) continue
      const bridge = bridges.find(place.network, place.account)
      if (bridge === undefined || !showsTyping(bridge)) continue
      shownAt.set(there, now, now)
      bridge.showTyping(place, AbortSignal.timeout(SHOW_MS)).catch(() => {})
    }
  }
}

function showsTyping(bridge: Bridge): bridge is Bridge & TypingBridge {
  return typeof (bridge as Partial<TypingBridge>).showTyping === 'function'
}
