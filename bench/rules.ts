// The reading pipeline: messages per second, latency, worst cases, all in one run on one thread.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readSources } from '../scripts/eval.ts'
import { compileLexicon, readMessage, readPrice } from '../src/rules/reading/index.ts'
import { leastOfThree, quantile, timed } from './rules-workload.ts'

export interface ReadingFigures {
  readonly compileMs: number
  /** P1: development texts, messages per second. */
  readonly perSecond: number
  /** P2: microseconds. */
  readonly p50: number
  readonly p99: number
  /** P3: worst of the adversarial texts of 4,096 characters, ms, and time of full against half length. */
  readonly worstMs: number
  readonly worstGrowth: number
  /** P4: chat without a cue, messages per second. */
  readonly chatPerSecond: number
  /** P5: price reading alone, texts per second. */
  readonly pricePerSecond: number
  /** Reading of trade texts against chat without cues. */
  readonly chatRatio: number
}

const CHAT = [
  'good morning everyone',
  'lol same',
  'see you later at the station',
  'that match was so good',
  'hôm nay trời đẹp',
  'ну ладно тогда',
  'que buena foto',
  'nossa que legal',
]
const HOSTILE = ['1', '[', 'selling my ', '$5 for ', '1 ', 'a\u0301\u0301', '> ', '`a']

/** Rounds before anything is measured. */
const WARM_ROUNDS = 12

/** ms a round takes where nothing else disturbs it: the tenth percentile. */
async function perRound(rounds: number, run: () => void): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < rounds; i++) times.push(await timed(run))
  return quantile(times, 0.1)
}

export async function benchRules(options: { readonly quick?: boolean } = {}): Promise<ReadingFigures> {
  const begun = performance.now()
  const lexicon = compileLexicon(readSources())
  const compileMs = performance.now() - begun
  const file = fileURLToPath(new URL('../test/rules/data/intents-dev.jsonl', import.meta.url))
  const texts = readFileSync(file, 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => (JSON.parse(l) as { text: string }).text)
  const rounds = options.quick === true ? 10 : 40
  const read = (text: string): void => void readMessage({ id: 'b', text }, { lexicon })
  for (let i = 0; i < WARM_ROUNDS; i++) texts.forEach(read)
  const perSecond = (1000 * texts.length) / (await perRound(rounds, () => texts.forEach(read)))
  const latencies = leastOfThree(texts, read)
  const rate = async (list: readonly string[], n: number, run: (text: string) => void): Promise<number> => {
    for (let i = 0; i < WARM_ROUNDS; i++) list.forEach(run)
    return Math.round((1000 * list.length) / (await perRound(n, () => list.forEach(run))))
  }
  const worst = HOSTILE.map((piece) => {
    const full = piece.repeat(4096 / piece.length)
    const time = (text: string): number => {
      const runs = Array.from({ length: 9 }, () => {
        const t = performance.now()
        read(text)
        return performance.now() - t
      })
      return Math.min(...runs)
    }
    const all = time(full)
    return { all, growth: all / time(full.slice(0, full.length / 2)) }
  })
  const chat = Array.from({ length: 40 }, () => CHAT).flat()
  const chatPerSecond = await rate(chat, rounds, read)
  const at = (q: number): number => Math.round(quantile(latencies, q) * 1000)
  return {
    compileMs: Math.round(compileMs),
    perSecond: Math.round(perSecond),
    p50: at(0.5),
    p99: at(0.99),
    worstMs: Math.round(Math.max(...worst.map((w) => w.all)) * 100) / 100,
    worstGrowth: Math.round(Math.max(...worst.map((w) => w.growth)) * 100) / 100,
    chatPerSecond,
    pricePerSecond: await rate(texts, rounds, (text) => void readPrice(lexicon, text, 'sell')),
    chatRatio: Math.round((chatPerSecond / perSecond) * 10) / 10,
  }
}
