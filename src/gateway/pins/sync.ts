import { sharedAbort, sleep, TaskGroup } from '../../base/async.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { NativeRef, Place } from '../../bridges/model/place.ts'
import type { PinningBridge } from '../../bridges/pins.ts'
import type { Bridge, BridgeSink } from '../../bridges/port.ts'
import type { PgPool } from '../db/pool.ts'
import { run, statement } from '../db/sql/statement.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import type { RouteDefinition } from '../pipeline/route-definition.ts'
import { channelKey, refScope } from '../pipeline/scope.ts'

/** Tries of one pin, and the wait before each further one, ms. */
const TRIES = 4
const RETRY_MS = 5_000
/** Pins under way; what comes beyond becomes a line. */
const MAX_RUNNING = 100

/** The first native message of each copy of the message that `$1`–`$4` (network, scope, channel, id) is one of. */
const COPIES = statement(
  'pin_copies',
  `select distinct on (t.network, t.scope, t.channel, t.thread) t.network, t.account, t.channel, t.thread, t.native_id
   from k2.copy c join k2.message m on m.cid = c.cid and m.deleted_at is null join k2.copy t on t.cid = c.cid
   where c.network = $1 and c.scope = $2 and c.channel = $3 and c.native_id = $4
   order by t.network, t.scope, t.channel, t.thread, t.part`,
)

interface CopyRow {
  readonly network: NativeRef['network']
  readonly account: string
  readonly channel: string
  readonly thread: string | null
  readonly native_id: string
}

export interface PinSyncOptions {
  readonly bridges: BridgeRegistry
  readonly routes: () => readonly RouteDefinition[]
  readonly pool: PgPool
  readonly log: Logger
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Pins copies of what somebody pinned, on routes with `pins: pin`; where that does not work the pin is a line after all (bridging
 * 10.1). Best effort: not kept over a restart. No platform tells bots that a pin was taken away.
 */
export class PinSync implements Lifecycle {
  readonly name = 'pins'
  readonly #options: PinSyncOptions
  readonly #stop = sharedAbort()
  readonly #tasks: TaskGroup

  constructor(options: PinSyncOptions) {
    this.#options = options
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'pin-sync', err }, 'a pin could not be carried over'))
  }

  /** The same sink; pins that routes want as pins do not reach it unless they have to be told as lines. */
  sink(inner: BridgeSink): BridgeSink {
    return {
      ingest: async (envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> => {
        const pins = envelopes.filter((e) => this.#isWanted(e) && this.#tasks.size < MAX_RUNNING)
        await inner.ingest(pins.length === 0 ? envelopes : envelopes.filter((e) => !pins.includes(e)), cursors)
        for (const pin of pins) this.#tasks.add(this.#carry(pin, inner))
      },
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#tasks.settled()
  }

  #isWanted({ at, event }: Envelope): boolean {
    return event.kind === 'notice' && event.notice === 'pin' && event.target !== undefined && this.#leads(at).length > 0
  }

  /** Places to which a pin made here goes as a pin. */
  #leads(at: Pick<Place, 'network' | 'account' | 'channel'>): Place[] {
    const here = channelKey(at)
    return this.#options
      .routes()
      .flatMap(({ pins, members }) =>
        pins === 'pin' && members.some((m) => m.direction !== 'out' && channelKey(m.place) === here)
          ? members.filter((m) => m.direction !== 'in' && channelKey(m.place) !== here).map((m) => m.place)
          : [],
      )
  }

  async #carry(envelope: Envelope, inner: BridgeSink): Promise<void> {
    const target = envelope.event.kind === 'notice' ? envelope.event.target : undefined
    if (target === undefined) return
    const wanted = new Set(this.#leads(envelope.at).map(channelKey))
    const copies = (await this.#copies(target)).filter((ref) => wanted.delete(channelKey(ref)))
    const done = await Promise.all(copies.map((ref) => this.#pin(ref)))
    // A place without a copy, or where the bot may not pin: people read that something was pinned.
    if (this.#stop.signal.aborted || (wanted.size === 0 && done.every(Boolean))) return
    await inner.ingest([envelope])
  }

  async #copies(target: NativeRef): Promise<NativeRef[]> {
    const key = [target.network, refScope(target), target.channel, target.id]
    const rows = await run<CopyRow>(this.#options.pool, COPIES, key)
    return rows.map(({ network, account, channel, thread, native_id: id }) => ({
      network,
      account,
      channel,
      id,
      ...(thread !== null && { thread }),
    }))
  }

  async #pin(ref: NativeRef): Promise<boolean> {
    const { bridges, log, sleep: pause = sleep } = this.#options
    const bridge = bridges.find(ref.network, ref.account)
    if (bridge === undefined || !isPinning(bridge)) return false
    const { signal } = this.#stop
    for (let tries = 1; tries <= TRIES && !signal.aborted; tries++) {
      if (tries > 1) await pause(RETRY_MS * 2 ** (tries - 2), signal).catch(() => {})
      const outcome = await bridge.pin(ref, signal)
      if (outcome === 'done') return true
      if (outcome === 'refused') break
    }
    log.info(
      { ev: 'pin-refused', network: ref.network, channel: ref.channel },
      'a message could not be pinned; it is told instead',
    )
    return false
  }
}

function isPinning(bridge: Bridge): bridge is Bridge & PinningBridge {
  return typeof (bridge as Partial<PinningBridge>).pin === 'function'
}
