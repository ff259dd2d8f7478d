import { type Mutex, withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Network, Place } from '../../bridges/model/place.ts'
import type { Bridge, SendOutcome, SendRequest } from '../../bridges/port.ts'
import type { ThreadedBridge } from '../../bridges/threads.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import { channelKey } from '../pipeline/scope.ts'
import { canOpen, OPEN_MS } from './pairing.ts'
import type { PairedPlace, ThreadPair } from './pairs.ts'
import { sendingBy } from './sending.ts'

/** The platform says that a thread or topic is not there any more. */
const GONE: ReadonlySet<string> = new Set(['DISCORD_UNKNOWN_CHANNEL', 'TELEGRAM_TOPIC_DELETED', 'TELEGRAM_TOPIC_NOT_FOUND'])
/** A thread that is deleted again and again stays away after this many: somebody does not want it. */
const MAX_REVIVALS = 5

export interface ThreadRevivalOptions {
  readonly bridges: BridgeRegistry
  readonly pairs: () => readonly ThreadPair[]
  /** Keeps what became of a pair and takes its route into use. */
  readonly change: (pair: ThreadPair) => Promise<void>
  /** Whether the pair's route still makes counterparts. */
  readonly isLive: (pair: ThreadPair) => boolean
  /** Shared with whoever else makes threads: one at a time. */
  readonly turn: Mutex
  readonly clock: Clock
  readonly log: Logger
}

interface Found {
  readonly pair: ThreadPair
  readonly place: PairedPlace
}

/**
 * A thread or topic that a route made and somebody deleted is made again when something is to be said there (bridging 5.3), and
 * what was on its way to the old one goes to the new one, also after a restart.
 */
export class ThreadRevival implements BridgeRegistry {
  readonly #options: ThreadRevivalOptions

  constructor(options: ThreadRevivalOptions) {
    this.#options = options
  }

  find(network: Network, account: string): Bridge | undefined {
    const bridge = this.#options.bridges.find(network, account)
    if (bridge === undefined || !canOpen(bridge) || this.#options.pairs().length === 0) return bridge
    return sendingBy(bridge, (request, signal) => this.#send(bridge, request, signal))
  }

  async #send(bridge: Bridge & ThreadedBridge, request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    const found = this.#find(request.place)
    if (found === undefined) return bridge.send(request, signal)
    const outcome = await bridge.send({ ...request, place: placeOf(found.place) }, signal)
    if (outcome.kind !== 'lane-failed' || !GONE.has(outcome.code)) return outcome
    // What was in the old one went with it.
    if (request.op !== 'create') return { kind: 'done', parts: [] }
    const place = await this.#options.turn.run(() => this.#revive(bridge, request.place, found.place.thread, signal))
    return place === undefined ? outcome : bridge.send({ ...request, place }, signal)
  }

  /** The pair a thread belongs to, or belonged to. */
  #find(place: Place): Found | undefined {
    const { thread } = place
    if (thread === undefined) return undefined
    for (const pair of this.#options.pairs()) {
      const found = pair.places.find((p) => channelKey(p) === channelKey(place))
      if (found !== undefined && (found.thread === thread || found.was?.includes(thread))) return { pair, place: found }
    }
    return undefined
  }

  async #revive(bridge: ThreadedBridge, old: Place, gone: string | undefined, signal: AbortSignal): Promise<Place | undefined> {
    const { clock, log, change, isLive } = this.#options
    const found = this.#find(old)
    if (found === undefined || gone === undefined) return undefined
    const { pair, place } = found
    // Somebody else was faster.
    if (place.thread !== gone) return placeOf(place)
    const was = [...(place.was ?? []), gone]
    if (was.length > MAX_REVIVALS || !isLive(pair)) return undefined
    const { thread: _gone, ...channel } = placeOf(place)
    try {
      const abort = new AbortController()
      const work = bridge.openThread(channel, pair.title, AbortSignal.any([signal, abort.signal]))
      const options = { ms: OPEN_MS, what: 'beginning a thread again', clock, onGiveUp: () => abort.abort() }
      const next: PairedPlace = { ...channel, thread: await withDeadline(work, options), was }
      await change({ ...pair, places: pair.places.map((p) => (p === place ? next : p)) })
      log.info({ ev: 'thread-revived', route: pair.route }, 'a thread that was deleted has been made again')
      return placeOf(next)
    } catch (error) {
      const why = { code: errorCode(error), reason: errorMessage(error) }
      log.warn({ ev: 'thread-revival-failed', route: pair.route, ...why }, 'a thread that was deleted cannot be made again')
      return undefined
    }
  }
}

function placeOf({ was: _was, ...place }: PairedPlace): Place {
  return place
}
