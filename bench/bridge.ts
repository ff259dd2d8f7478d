// A whole gateway between two platforms (bridging 23): what people on the other side see, and when.
import { setTimeout as pause } from 'node:timers/promises'
import { snowflakeMs } from '../test/fakes/discord/snowflake.ts'
import { measurePressure, type PressureFigures } from './bridge-pressure.ts'
import { measureRecovery, type RecoveryFigures } from './bridge-recovery.ts'
import { type BridgeRig, type Cpu, type Pair, startBridgeRig } from './bridge-rig.ts'
import type { BenchOptions } from './registry.ts'

/** ms from the post on one side until the copy can be seen on the other. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface BurstFigures {
  readonly messages: number
  /** Until the last one is visible. */
  readonly perSecond: number
  readonly latency: Latency
  /** CPU seconds used meanwhile by each process. */
  readonly cpu: Cpu
}

export interface SteadyFigures {
  readonly ratePerSecond: number
  readonly messages: number
  readonly latency: Latency
  readonly cpuPer1000: Cpu
  readonly rssMiB: number
}

export interface IsolationFigures {
  readonly messages: number
  readonly perSecond: number
  readonly totalMs: number
  /** The least one lane needs for its share, sends being one after the other. */
  readonly laneMs: number
}

export interface BridgeFigures {
  readonly synchronous: { readonly telegramToDiscord: BurstFigures; readonly discordToTelegram: BurstFigures }
  readonly withoutSync: { readonly telegramToDiscord: BurstFigures; readonly discordToTelegram: BurstFigures }
  /** Telegram → Discord, with synchronous commit. */
  readonly steady: readonly SteadyFigures[]
  readonly isolation: IsolationFigures
  readonly pressure: PressureFigures
  readonly recovery: RecoveryFigures
  /** CPU ms the gateway needs for one message of the first burst. */
  readonly cpuMsPerMessage: number
}

const LANES = 10
const STEADY_RATES = [50, 100, 300]
const ISOLATION = { perLane: 20, latencyMs: 50 }
const STEADY_SECONDS = 20
/** Longest wait for one measurement, ms. */
const LIMIT_MS = 180_000
/** Messages before the first figure of each direction: the code is compiled on the way. */
const WARM_UP = 2_000

interface Times {
  readonly sent: readonly number[]
  readonly seen: readonly number[]
}

type Burst = (rig: BridgeRig, pair: Pair, count: number) => Promise<Times>

const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `message ${i + 1}`)

/** When the copies in a Discord channel became visible, oldest first. */
async function seenOnDiscord(rig: BridgeRig, pair: Pair, count: number): Promise<number[]> {
  const copies = (await rig.discord.visible({ channel: pair.channel })).filter((m) => m.isBot).slice(-count)
  inOrder(copies.map((m) => m.content))
  return copies.map((m) => snowflakeMs(m.id))
}

/** A figure for messages that are lost or out of order would be worth nothing. */
function inOrder(contents: readonly string[]): void {
  for (const [i, content] of contents.entries()) {
    if (!content.endsWith(`message ${i + 1}`)) throw new Error(`message ${i + 1} expected, seen: ${content.slice(0, 80)}`)
  }
}

const toDiscord: Burst = async (rig, pair, count) => {
  const { count: before } = await rig.discord.count({ channel: pair.channel })
  const begun = Date.now()
  await rig.telegram.postMany(pair.chat, rig.ada, texts(count))
  await rig.discord.waitFor({ channel: pair.channel, count: before + count, timeoutMs: LIMIT_MS })
  return { sent: Array(count).fill(begun), seen: await seenOnDiscord(rig, pair, count) }
}

const toTelegram: Burst = async (rig, pair, count) => {
  const before = (await rig.telegram.visible(pair.chat)).length
  const { ids } = await rig.discord.burst({ channel: pair.channel, user: rig.ann, count })
  const all = await rig.telegram.untilVisible({ chatId: pair.chat, count: before + count, timeoutMs: LIMIT_MS })
  inOrder(all.slice(-count).map((m) => m.text))
  const requests = (await rig.telegram.requests('sendMessage')).filter((r) => r.chatId === pair.chat && r.status === 200)
  return { sent: ids.map(snowflakeMs), seen: requests.slice(-count).map((r) => r.at) }
}

async function measureBurst(rig: BridgeRig, burst: Burst, count: number): Promise<BurstFigures> {
  const before = rig.cpu()
  const times = await burst(rig, rig.pairs[0] as Pair, count)
  const seconds = (Math.max(...times.seen) - Math.min(...times.sent)) / 1000
  return { messages: count, perSecond: Math.round(count / seconds), latency: latencyOf(times), cpu: minus(rig.cpu(), before, 1) }
}

async function measureSteady(rig: BridgeRig, rate: number): Promise<SteadyFigures> {
  const pair = rig.pairs[0] as Pair
  const count = rate * STEADY_SECONDS
  const { count: there } = await rig.discord.count({ channel: pair.channel })
  const cpu = rig.cpu()
  const sent: number[] = []
  const begun = performance.now()
  for (const text of texts(count)) {
    const wait = begun + (sent.length / rate) * 1000 - performance.now()
    if (wait > 1) await pause(wait)
    sent.push(Date.now())
    await rig.telegram.post(pair.chat, rig.ada, text)
  }
  await rig.discord.waitFor({ channel: pair.channel, count: there + count, timeoutMs: LIMIT_MS })
  const latency = latencyOf({ sent, seen: await seenOnDiscord(rig, pair, count) })
  return {
    ratePerSecond: rate,
    messages: count,
    latency,
    cpuPer1000: minus(rig.cpu(), cpu, 1000 / count),
    rssMiB: rig.rssMiB(),
  }
}

/** A tenth of the messages in each of ten lanes, whose destinations answer slowly. */
async function measureIsolation(rig: BridgeRig): Promise<IsolationFigures> {
  const pairs = rig.pairs.slice(1)
  await Promise.all(pairs.map((pair) => toDiscord(rig, pair, 1)))
  await rig.discord.fault({
    method: 'POST',
    route: 'webhooks',
    effect: { kind: 'delay-before', ms: ISOLATION.latencyMs },
  })
  try {
    const lanes = await Promise.all(pairs.map((pair) => toDiscord(rig, pair, ISOLATION.perLane)))
    const totalMs = Math.max(...lanes.flatMap((l) => l.seen)) - Math.min(...lanes.flatMap((l) => l.sent))
    const messages = pairs.length * ISOLATION.perLane
    return {
      messages,
      perSecond: Math.round(messages / (totalMs / 1000)),
      totalMs,
      laneMs: ISOLATION.perLane * ISOLATION.latencyMs,
    }
  } finally {
    await rig.discord.clearFaults()
  }
}

/** Median of five runs (one when quick). Everything it starts is ended, also when it fails. */
export async function benchBridge({ quick, report }: BenchOptions): Promise<BridgeFigures> {
  const runs = quick ? 1 : 5
  const count = quick ? 1_000 : 3_000
  const bursts = async (rig: BridgeRig): Promise<BridgeFigures['synchronous']> => {
    for (const burst of [toDiscord, toTelegram]) await measureBurst(rig, burst, WARM_UP)
    return {
      telegramToDiscord: await medianOf(runs, () => measureBurst(rig, toDiscord, count)),
      discordToTelegram: await medianOf(runs, () => measureBurst(rig, toTelegram, count)),
    }
  }
  const withRig = async <T>(synchronousCommit: boolean, work: (rig: BridgeRig) => Promise<T>): Promise<T> => {
    const rig = await startBridgeRig({ pairs: 1 + LANES, synchronousCommit })
    try {
      return await work(rig)
    } finally {
      await rig.close()
    }
  }
  report('bursts with synchronous commit, both directions')
  const withSync = await withRig(true, async (rig) => {
    const synchronous = await bursts(rig)
    report('ten lanes whose destination is slow')
    const isolation = await medianOf(runs, () => measureIsolation(rig))
    const steady: SteadyFigures[] = []
    for (const rate of quick ? STEADY_RATES.slice(0, 1) : STEADY_RATES) {
      report(`steady ${rate}/s`)
      steady.push(await measureSteady(rig, rate))
    }
    return { synchronous, isolation, steady }
  })
  const { messages, cpu } = withSync.synchronous.telegramToDiscord
  report('bursts without synchronous commit')
  const withoutSync = await withRig(false, bursts)
  const seconds = quick ? 20 : 120
  report(`lanes under pressure, ${seconds} s of twice what the platforms take, then what is left`)
  const pressure = await measurePressure(seconds)
  report('recovery after a kill with a full outbox')
  const recovery = await measureRecovery(quick ? 2_000 : 10_000)
  return { ...withSync, cpuMsPerMessage: round((cpu.gateway * 1000) / messages), withoutSync, pressure, recovery }
}

async function medianOf<T extends { readonly perSecond: number }>(runs: number, measure: () => Promise<T>): Promise<T> {
  const results: T[] = []
  for (let i = 0; i < runs; i++) results.push(await measure())
  return results.sort((a, b) => a.perSecond - b.perSecond)[Math.floor(runs / 2)] as T
}

function latencyOf({ sent, seen }: Times): Latency {
  const sorted = seen.map((at, i) => at - (sent[i] as number)).sort((a, b) => a - b)
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

const round = (n: number): number => Math.round(n * 100) / 100

const minus = (a: Cpu, b: Cpu, factor: number): Cpu => ({
  gateway: round((a.gateway - b.gateway) * factor),
  discord: round((a.discord - b.discord) * factor),
  telegram: round((a.telegram - b.telegram) * factor),
})
