// Twice what the platforms take, for a while (bridging 23.4): how much of the possible gets through, and in which order.
import { setTimeout as pause } from 'node:timers/promises'
import { snowflakeMs } from '../test/fakes/discord/snowflake.ts'
import { type Pair, startBridgeRig } from './bridge-rig.ts'

export interface LaneUnderPressure {
  readonly offered: number
  /** What the limits allow from the first to the last send, burst included. */
  readonly possible: number
  /** Of `possible`, by then. Bar: 0.95. */
  readonly share: number
  /** Never arrived, although nothing more was written for as long as it took. Bar: 0. */
  readonly losses: number
  readonly orderViolations: number
  /** Answers 429 per 1,000 sends. Bar: 20. */
  readonly refusedPer1000: number
}

export interface PressureFigures {
  readonly seconds: number
  /** One webhook: 5 per 2 s. */
  readonly discord: LaneUnderPressure
  /** One group: 1 per s with a burst, 20 per minute. */
  readonly telegram: LaneUnderPressure
}

const DISCORD = { perWindow: 5, windowMs: 2_000 }
const TELEGRAM = { perSecond: 20 / 60, burst: 20, chatPerSecond: 1, chatBurst: 3 }
const LIMIT_MS = 900_000
const STEP_MS = 250

const numbersOf = (texts: readonly string[]): number[] => texts.map((text) => Number(/(\d+)$/.exec(text)?.[1]))

const violationsIn = (numbers: readonly number[]): number =>
  numbers.filter((n, i) => i > 0 && n <= (numbers[i - 1] as number)).length

function judge(lane: {
  readonly offered: number
  readonly texts: readonly string[]
  readonly times: readonly number[]
  readonly until: number
  readonly possible: number
  readonly refused: number
}): LaneUnderPressure {
  const numbers = numbersOf(lane.texts)
  const inTime = lane.times.filter((at) => at <= lane.until).length
  return {
    offered: lane.offered,
    possible: lane.possible,
    share: Math.round((inTime / lane.possible) * 1000) / 1000,
    losses: lane.offered - new Set(numbers).size,
    orderViolations: violationsIn(numbers),
    refusedPer1000: Math.round((lane.refused / Math.max(1, lane.texts.length)) * 1000),
  }
}

/** Both directions at once, on lanes of their own. */
export async function measurePressure(seconds: number): Promise<PressureFigures> {
  const rig = await startBridgeRig({ pairs: 2, synchronousCommit: true, limited: true })
  const [there, back] = rig.pairs as [Pair, Pair]
  try {
    // The webhook is made before.
    await rig.telegram.post(there.chat, rig.ada, 'message 0')
    await rig.discord.waitFor({ channel: there.channel, count: 1, timeoutMs: LIMIT_MS })
    const { count: before } = await rig.discord.count({ channel: there.channel })
    await pause(DISCORD.windowMs)
    const possible = {
      discord: (seconds * 1000 * DISCORD.perWindow) / DISCORD.windowMs,
      telegram: Math.floor(
        Math.min(TELEGRAM.burst + seconds * TELEGRAM.perSecond, TELEGRAM.chatBurst + seconds * TELEGRAM.chatPerSecond),
      ),
    }
    const offered = { discord: possible.discord * 2, telegram: possible.telegram * 2 }
    const sent = { discord: 0, telegram: 0 }
    const begun = Date.now()
    for (let at = 0; at < seconds * 1000; at = Date.now() - begun) {
      const due = (total: number): number => Math.min(total, Math.ceil((total * (at + STEP_MS)) / (seconds * 1000)))
      while (sent.discord < due(offered.discord)) await rig.telegram.post(there.chat, rig.ada, `message ${++sent.discord}`)
      while (sent.telegram < due(offered.telegram))
        await rig.discord.say({ channel: back.channel, user: rig.ann, content: `message ${++sent.telegram}` })
      await pause(STEP_MS)
    }
    const until = begun + seconds * 1000
    await rig.discord.waitFor({ channel: there.channel, count: before + sent.discord, timeoutMs: LIMIT_MS })
    await rig.telegram.untilVisible({ chatId: back.chat, count: sent.telegram, timeoutMs: LIMIT_MS })
    const copies = (await rig.discord.visible({ channel: there.channel })).filter((m) => m.isBot).slice(-sent.discord)
    const requests = (await rig.telegram.requests('sendMessage')).filter((r) => r.chatId === back.chat)
    const hooks = await rig.discord.requests({ method: 'POST', path: '/webhooks/' })
    const shown = (await rig.telegram.visible(back.chat)).filter((m) => /message \d+$/.test(m.text))
    return {
      seconds,
      discord: judge({
        offered: sent.discord,
        texts: copies.map((m) => m.content),
        times: copies.map((m) => snowflakeMs(m.id)),
        until,
        possible: possible.discord,
        refused: hooks.filter((r) => r.status === 429).length,
      }),
      telegram: judge({
        offered: sent.telegram,
        texts: shown.map((m) => m.text),
        times: requests.filter((r) => r.status === 200).map((r) => r.at),
        until,
        possible: possible.telegram,
        refused: requests.filter((r) => r.status === 429).length,
      }),
    }
  } finally {
    await rig.close()
  }
}
