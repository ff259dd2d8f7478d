import { type Mutex, withDeadline } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import { hashId } from '../../base/ids.ts'
import type { Logger } from '../../base/logger.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { Bridge, BridgeSink } from '../../bridges/port.ts'
import type { ThreadedBridge } from '../../bridges/threads.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import type { RouteDefinition, RouteMember } from '../pipeline/index.ts'
import { channelKey } from '../pipeline/scope.ts'
import type { ThreadPair } from './pairs.ts'

/** A platform may take this long to begin a thread, ms; the account's events wait for it. */
export const OPEN_MS = 10_000
/** A thread whose counterpart could not be made is read with its channel this long, ms. */
const REFUSED_MS = 600_000
const MAX_REFUSED = 10_000
/** Counterparts made per minute at most: somebody may open threads by the dozen. */
const PER_MINUTE = 20

export interface ThreadPairingOptions {
  readonly bridges: BridgeRegistry
  readonly routes: () => readonly RouteDefinition[]
  /** Keeps the pair and takes its route into use. */
  readonly keep: (pair: ThreadPair) => Promise<void>
  /** Shared with whoever else makes threads: one at a time. */
  readonly turn: Mutex
  readonly clock: Clock
  readonly log: Logger
}

/** Makes the counterpart of a thread or topic before its first message is stored (bridging 10.5, mode `auto`). */
export class ThreadPairing {
  readonly #options: ThreadPairingOptions
  readonly #refused = new BoundedMap<string, true>({ max: MAX_REFUSED, ttlMs: REFUSED_MS })
  #minute = 0
  #made = 0

  constructor(options: ThreadPairingOptions) {
    this.#options = options
  }

  sink(inner: BridgeSink): BridgeSink {
    return {
      ingest: async (envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> => {
        for (const envelope of envelopes)
          if (this.#wants(envelope) !== undefined) await this.#options.turn.run(() => this.#pair(envelope))
        await inner.ingest(envelopes, cursors)
      },
    }
  }

  /** The route that wants a counterpart for the thread of this event. */
  #wants(envelope: Envelope): RouteDefinition | undefined {
    const place = threadOf(envelope)
    if (place === undefined) return undefined
    const routes = this.#options.routes()
    const isNamed = routes.some(({ members }) => members.some((m) => placeKey(m.place) === placeKey(place)))
    if (isNamed || this.#refused.has(placeKey(place), this.#options.clock.now())) return undefined
    return routes.find(
      ({ threads, members }) => threads === 'auto' && members.some((m) => m.direction !== 'out' && isChannelOf(m, place)),
    )
  }

  async #pair(envelope: Envelope): Promise<void> {
    const { clock, log, keep } = this.#options
    // Asked again: whoever came first has made it.
    const route = this.#wants(envelope)
    const place = threadOf(envelope)
    if (route === undefined || place === undefined) return
    const title = titleOf(envelope, place)
    const places: Place[] = [place]
    try {
      for (const member of route.members) {
        const other = member.place
        const bridge = this.#options.bridges.find(other.network, other.account)
        if (member.direction === 'in' || other.thread !== undefined || isChannelOf(member, place)) continue
        if (bridge === undefined || !canOpen(bridge) || !this.#mayMake()) continue
        const abort = new AbortController()
        const work = bridge.openThread(other, title, abort.signal)
        const thread = await withDeadline(work, { ms: OPEN_MS, what: 'beginning a thread', clock, onGiveUp: () => abort.abort() })
        places.push({ ...other, thread })
      }
      if (places.length > 1) await keep({ id: hashId([route.id, ...places.map(placeKey)], 12), route: route.id, title, places })
      else this.#refused.set(placeKey(place), true, clock.now())
    } catch (error) {
      this.#refused.set(placeKey(place), true, clock.now())
      log.warn(
        { ev: 'thread-pair-failed', route: route.id, code: errorCode(error), reason: errorMessage(error) },
        'a thread has no counterpart and is read with its channel',
      )
    }
  }

  #mayMake(): boolean {
    const minute = Math.floor(this.#options.clock.now() / 60_000)
    if (minute !== this.#minute) this.#made = 0
    this.#minute = minute
    return ++this.#made <= PER_MINUTE
  }
}

/** The thread a first message or its beginning is about. */
function threadOf({ at, event }: Envelope): Place | undefined {
  if (event.kind === 'thread.create') return { ...at, thread: event.thread }
  return event.kind === 'message.create' && at.thread !== undefined ? at : undefined
}

function titleOf({ event, threadTitle }: Envelope, { thread }: Place): string {
  const title = event.kind === 'thread.create' ? event.title : threadTitle
  return title?.trim() || `Thread ${thread}`
}

const isChannelOf = ({ place }: RouteMember, thread: Place): boolean =>
  place.thread === undefined && channelKey(place) === channelKey(thread)

export function canOpen(bridge: Bridge): bridge is Bridge & ThreadedBridge {
  return typeof (bridge as Partial<ThreadedBridge>).openThread === 'function'
}
