import type { Clock } from '../../../src/base/clock.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { type Place, placeKey } from '../../../src/bridges/model/place.ts'
import type { Database } from '../../../src/gateway/db/database.ts'
import { BridgeSet, createPipeline, type Pipeline, type PipelineOptions } from '../../../src/gateway/pipeline/index.ts'
import { discord, route, ScriptedBridge, telegram } from './scripted.ts'

export type TestDatabase = Pick<Database<unknown>, 'pool'>

/** Real timers, but the time of day can be moved: for what takes hours. */
export class ShiftedClock implements Clock {
  #offset = 0
  now = (): number => systemClock.now() + this.#offset
  monotonic = systemClock.monotonic
  after = systemClock.after
  shift(ms: number): void {
    this.#offset += ms
  }
}

export interface Rig {
  readonly db: TestDatabase
  readonly pipeline: Pipeline
  readonly bridges: BridgeSet
  readonly dc: ScriptedBridge
  readonly tg: ScriptedBridge
  readonly clock: ShiftedClock
  readonly from: Place
  readonly to: Place
  readonly lane: string
  ingest: ReturnType<Pipeline['sink']>['ingest']
  /** Resolves when the lane rests. */
  rest(lane?: string): Promise<void>
  rows<R = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<R[]>
  stop(graceMs?: number): Promise<void>
}

let counter = 0

/** A pipeline with one route from a Telegram group to a Discord channel, both new, over an open database. */
export async function startRig(
  db: TestDatabase,
  over: Partial<PipelineOptions> & { readonly clock?: ShiftedClock } = {},
): Promise<Rig> {
  const n = ++counter
  const from = telegram(`-100${n}`)
  const to = discord(`5000000000000${String(n).padStart(5, '0')}`)
  const dc = new ScriptedBridge('discord', 'dc')
  const tg = new ScriptedBridge('telegram', 'tg')
  const bridges = new BridgeSet()
  bridges.add(dc)
  bridges.add(tg)
  const clock = over.clock ?? new ShiftedClock()
  const pipeline = createPipeline({
    db,
    bridges,
    routes: [route('r', [from, to])],
    rules: [],
    instance: `test-${process.pid}-${n}`,
    clock,
    ...over,
    limits: { sweepMs: 200, ...over.limits },
  })
  await pipeline.start(new AbortController().signal)
  const sink = pipeline.sink('tg')
  let stopped = false
  return {
    db,
    pipeline,
    bridges,
    dc,
    tg,
    clock,
    from,
    to,
    lane: placeKey(to),
    ingest: (events, cursors) => sink.ingest(events, cursors),
    rest: (lane = placeKey(to)) => pipeline.runLane(lane, 60_000),
    rows: async <R>(sql: string, values?: readonly unknown[]) => (await db.pool.query<R>(sql, values)).rows,
    async stop(graceMs = 5_000) {
      if (stopped) return
      stopped = true
      await pipeline.drain(AbortSignal.timeout(graceMs))
      await pipeline.stop()
    },
  }
}
