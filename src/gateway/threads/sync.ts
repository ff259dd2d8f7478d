import { sharedAbort, sleep, TaskGroup } from '../../base/async.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { Bridge, BridgeSink } from '../../bridges/port.ts'
import type { ThreadChange, ThreadedBridge } from '../../bridges/threads.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import type { RouteDefinition } from '../pipeline/route-definition.ts'

/** Tries of one change, and the wait before each further one, ms. */
const TRIES = 4
const RETRY_MS = 5_000
/** Changes under way; what comes beyond is not carried over. */
const MAX_RUNNING = 200

export interface ThreadSyncOptions {
  readonly bridges: BridgeRegistry
  readonly routes: () => readonly RouteDefinition[]
  readonly log: Logger
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Keeps names and states of threads and topics that a route pairs in step (bridging 10.5). Best effort: not kept over a restart. */
export class ThreadSync implements Lifecycle {
  readonly name = 'threads'
  readonly #options: ThreadSyncOptions
  readonly #stop = sharedAbort()
  readonly #tasks: TaskGroup
  /** The last change of each thread: a newer one takes the place of one that waits. */
  readonly #newest = new Map<string, ThreadChange>()

  constructor(options: ThreadSyncOptions) {
    this.#options = options
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'thread-sync', err }, 'a thread could not be kept in step'))
  }

  /** The same sink; changes of threads are carried over after their events were stored. */
  sink(inner: BridgeSink): BridgeSink {
    return {
      ingest: async (envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> => {
        await inner.ingest(envelopes, cursors)
        for (const envelope of envelopes) this.#take(envelope)
      },
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#tasks.settled()
  }

  #take({ at, event }: Envelope): void {
    if (event.kind !== 'thread.rename' && event.kind !== 'thread.close' && event.kind !== 'thread.reopen') return
    const change: ThreadChange | undefined =
      event.kind !== 'thread.rename'
        ? { kind: event.kind === 'thread.close' ? 'close' : 'reopen' }
        : event.title
          ? { kind: 'rename', title: event.title }
          : undefined
    if (change === undefined) return
    for (const place of counterparts(at, event.thread, this.#options.routes())) {
      const bridge = this.#options.bridges.find(place.network, place.account)
      if (bridge === undefined || !isThreaded(bridge) || this.#tasks.size >= MAX_RUNNING) continue
      this.#newest.set(`${change.kind === 'rename'} ${placeKey(place)}`, change)
      this.#tasks.add(this.#carry(bridge, place, change))
    }
  }

  async #carry(bridge: ThreadedBridge, place: Place, change: ThreadChange): Promise<void> {
    const { log, sleep: pause = sleep } = this.#options
    const key = `${change.kind === 'rename'} ${placeKey(place)}`
    const { signal } = this.#stop
    for (let tries = 1; tries <= TRIES && !signal.aborted && this.#newest.get(key) === change; tries++) {
      if (tries > 1) await pause(RETRY_MS * 2 ** (tries - 2), signal).catch(() => {})
      const outcome = await bridge.changeThread(place, change, signal)
      if (outcome === 'later') continue
      if (outcome === 'refused')
        log.warn({ ev: 'thread-refused', place: placeKey(place), kind: change.kind }, 'the platform refuses to change a thread')
      break
    }
    if (this.#newest.get(key) === change) this.#newest.delete(key)
  }
}

/** Threads that routes pair with this one. */
function counterparts(at: Place, thread: string, routes: readonly RouteDefinition[]): Place[] {
  const isHere = (place: Place): boolean =>
    place.network === at.network && place.channel === at.channel && place.thread === thread
  return routes.flatMap(({ members }) =>
    members.some((m) => m.direction !== 'out' && isHere(m.place))
      ? members.filter((m) => m.direction !== 'in' && m.place.thread !== undefined && !isHere(m.place)).map((m) => m.place)
      : [],
  )
}

function isThreaded(bridge: Bridge): bridge is Bridge & ThreadedBridge {
  return typeof (bridge as Partial<ThreadedBridge>).changeThread === 'function'
}
