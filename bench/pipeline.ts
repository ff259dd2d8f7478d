// The pipeline alone, on the embedded database with synchronous commit: events in, deliveries to destinations in the process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cryptoRng, pick } from '../src/base/random.ts'
import type { Envelope } from '../src/bridges/model/message.ts'
import type { Place } from '../src/bridges/model/place.ts'
import { openDatabase } from '../src/gateway/db/database.ts'
import { BridgeSet, createPipeline, type RouteDefinition } from '../src/gateway/pipeline/index.ts'
import { create, discord, route, ScriptedBridge, telegram } from '../test/gateway/pipeline/scripted.ts'

export interface LoadFigures {
  readonly messages: number
  readonly perSecond: number
  /** ms from the call of `ingest` to the destination. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface PipelineFigures {
  /** 3,000 messages at once, destination answers at once. */
  readonly burstOneLane: LoadFigures
  readonly burstTenLanes: LoadFigures
  /** The same without synchronous commit (bridging 23.5). */
  readonly burstTenLanesWithoutSync: LoadFigures
  /** 10 lanes, 50 ms per send: 10 lanes × 20 per second is the most there can be. */
  readonly isolation: LoadFigures
  /** One message at a time on an idle pipeline. */
  readonly single: LoadFigures
  /** ms from start to the first and to the last delivery with 10,000 waiting. */
  readonly recovery: { readonly waiting: number; readonly firstMs: number; readonly allMs: number }
}

type BenchDatabase = Awaited<ReturnType<typeof openDatabase>>

interface Rig {
  readonly bridge: ScriptedBridge
  readonly places: readonly Place[]
  readonly ingest: (events: readonly Envelope[]) => Promise<void>
  /** `graceMs`: how long sends in flight may take. */
  stop(graceMs?: number): Promise<void>
}

async function rig(db: BenchDatabase, lanes: number, instance: string, latencyMs = 0): Promise<Rig> {
  const bridge = new ScriptedBridge('discord', 'dc')
  if (latencyMs > 0) bridge.script = () => new Promise((resolve) => setTimeout(() => resolve('ok'), latencyMs))
  const places = Array.from({ length: lanes }, (_, i) => telegram(`-${instance}${i}`))
  const routes: RouteDefinition[] = places.map((place, i) => route(`r${i}`, [place, discord(`${instance}${i}`)]))
  const bridges = new BridgeSet()
  bridges.add(bridge)
  const pipeline = createPipeline({ db, bridges, routes, rules: [], instance })
  await pipeline.start(new AbortController().signal)
  const sink = pipeline.sink('tg')
  return {
    bridge,
    places,
    ingest: (events) => sink.ingest(events),
    async stop(graceMs = 10_000) {
      await pipeline.drain(AbortSignal.timeout(graceMs))
      await pipeline.stop()
    },
  }
}

function figures(messages: number, seconds: number, latencies: number[]): LoadFigures {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (q: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0) * 100) / 100
  return { messages, perSecond: Math.round(messages / seconds), p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** Offers `total` messages at once, one call each, as a busy source does, and waits until the last one is delivered. */
async function load(r: Rig, total: number, prefix: string): Promise<LoadFigures> {
  const begun = performance.now()
  const offered = new Map<string, number>()
  const latencies: number[] = []
  const script = r.bridge.script
  r.bridge.script = async (request, call, signal) => {
    const answer = await script(request, call, signal)
    latencies.push(performance.now() - (offered.get(request.body?.rich.text ?? '') ?? begun))
    return answer
  }
  const before = r.bridge.total
  const calls: Promise<void>[] = []
  for (let i = 0; i < total; i++) {
    const place = r.places[i % r.places.length] as Place
    const text = `${prefix} message number ${i}, of an ordinary length for a chat`
    offered.set(text, performance.now())
    calls.push(r.ingest([create(place, `${prefix}${i}`, text)]))
  }
  await Promise.all(calls)
  await r.bridge.until(() => r.bridge.total - before >= total)
  r.bridge.script = script
  return figures(total, (performance.now() - begun) / 1000, latencies)
}

async function single(r: Rig, total: number): Promise<LoadFigures> {
  const latencies: number[] = []
  const begun = performance.now()
  for (let i = 0; i < total; i++) {
    const before = r.bridge.total
    const at = performance.now()
    const place = pick(cryptoRng, r.places) as Place
    await r.ingest([create(place, `s${i}`, `single ${i}`)])
    await r.bridge.until(() => r.bridge.total > before)
    latencies.push(performance.now() - at)
  }
  return figures(total, (performance.now() - begun) / 1000, latencies)
}

async function recovery(db: BenchDatabase, waiting: number): Promise<PipelineFigures['recovery']> {
  const stuck = await rig(db, 10, 'rec')
  // Nothing gets through until the process ends: what is in flight is refused then.
  stuck.bridge.script = (_request, _call, signal) =>
    new Promise((resolve) =>
      signal.addEventListener('abort', () => resolve({ kind: 'not-sent', code: 'STOPPED', message: 'stopped' }), { once: true }),
    )
  for (let at = 0; at < waiting; at += 500) {
    const events = Array.from({ length: 500 }, (_, i) => create(stuck.places[i % 10] as Place, `p${at + i}`, `pending ${at + i}`))
    await stuck.ingest(events)
  }
  await stuck.stop(0)
  const begun = performance.now()
  const again = await rig(db, 10, 'rec')
  await again.bridge.until(() => again.bridge.total > 0)
  const firstMs = Math.round(performance.now() - begun)
  await again.bridge.until(() => again.bridge.total >= waiting)
  const allMs = Math.round(performance.now() - begun)
  await again.stop()
  return { waiting, firstMs, allMs }
}

async function withDatabase<T>(synchronousCommit: boolean, work: (db: BenchDatabase) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'k2-bench-'))
  const db = await openDatabase({ driver: 'embedded', dir, synchronousCommit })
  try {
    return await work(db)
  } finally {
    await db.close()
    await rm(dir, { recursive: true, force: true })
  }
}

async function burst(db: BenchDatabase, lanes: number, total: number): Promise<LoadFigures> {
  const r = await rig(db, lanes, `burst${lanes}`)
  await load(r, 1_000, 'w')
  const figures = await load(r, total, 'm')
  await r.stop()
  return figures
}

/** Benchmark of bridging 23.1, 23.3, 23.5 and 23.6 without platforms: what the pipeline itself can carry. */
export async function benchPipeline(options: { readonly quick?: boolean } = {}): Promise<PipelineFigures> {
  const total = options.quick ? 1_000 : 3_000
  const durable = await withDatabase(true, async (db) => {
    const burstOneLane = await burst(db, 1, total)
    const burstTenLanes = await burst(db, 10, total)
    const idle = await rig(db, 10, 'idle')
    const alone = await single(idle, options.quick ? 100 : 300)
    await idle.stop()
    const slow = await rig(db, 10, 'slow', 50)
    const isolation = await load(slow, 200, 'm')
    await slow.stop()
    const waiting = await recovery(db, options.quick ? 2_000 : 10_000)
    return { burstOneLane, burstTenLanes, isolation, single: alone, recovery: waiting }
  })
  // Last, so that the comparison does not flatter it with a cold start of the other.
  return { ...durable, burstTenLanesWithoutSync: await withDatabase(false, (db) => burst(db, 10, total)) }
}

if (import.meta.url === `file://${process.argv[1]}`) {
  console.log(JSON.stringify(await benchPipeline({ quick: process.argv.includes('--quick') }), null, 2))
}
