// The reading pipeline: messages per second, latency, worst cases, all in one run on one thread.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readSources } from '../scripts/eval.ts'
import { compileLexicon, readMessage, readPrice } from '../src/rules/reading/index.ts'
import { digits, ItemMeter, leastOfThree, quantile } from './rules-workload.ts'

export interface ReadingFigures {
  readonly compileMs: number
  /** P1: development texts, messages per second. */
  readonly perSecond: number
  /** P1: the currency model of a general recogniser on the same texts, and how many times faster the reading is. */
  readonly recogniserPerSecond: number
  readonly ratio: number
  /** P2: microseconds. */
  readonly p50: number
  readonly p99: number
  /** P3: worst of the adversarial texts of 4,096 characters, ms, and time of full against half length; what they repeat. */
  readonly worstMs: number
  readonly worstText: string
  readonly worstGrowth: number
  readonly steepestText: string
  /** P4: chat without a cue, messages per second. */
  readonly chatPerSecond: number
  /** P5: price reading alone, texts per second. */
  readonly pricePerSecond: number
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
/** What a text of 4,096 characters is made of: digits, brackets, cues, combining marks, and what looks like structure. */
const HOSTILE = [
  ...['1', '1 ', '1,000.', '1-', '12:', '9/', '5x', '5k-', '1.5tr', '#1 ', '$', '$5 for ', 'usd '],
  ...['[', '([{<', '> ', '`a', '~~', '_a_ ', '"', '[H] 1 [W] '],
  ...['wts ', 'selling my ', 'not selling ', 'would you take ', 'for sale looking for a '],
  ...['a\u0301\u0301', 'e\u0301', '\u200b', '\u{1f600}', 'из ', 'a-', "a'", '@a ', 'a@b.', 'http://a ', '\n'],
]
const LONG = 4096

/** Rounds before anything is measured. */
const WARM_ROUNDS = 12

const milliseconds = (work: () => void): number => {
  const begun = performance.now()
  work()
  return performance.now() - begun
}

/** ms of a text and of its half, in turns: the least of several runs, of more where the two do not fit. */
function worstCase(piece: string, read: (text: string) => void): { readonly all: number; readonly growth: number } {
  const full = piece.repeat(Math.ceil(LONG / piece.length)).slice(0, LONG)
  const half = full.slice(0, LONG / 2)
  let [all, part] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let run = 0; run < 12 || (run < 60 && all > 2 * part); run++) {
    all = Math.min(
      all,
      milliseconds(() => read(full)),
    )
    part = Math.min(
      part,
      milliseconds(() => read(half)),
    )
  }
  return { all, growth: all / part }
}

/** Turns in which readings, prices and the recogniser are measured one after the other, and rounds of each in a turn. */
const TURNS = 12
const IN_TURN = { warm: 3, measured: 12, recogniser: 1 }
/** Texts whose time is taken together. */
const TEXTS_AT_ONCE = 16

/** P1: the currency model of a general recogniser of numbers with units. */
async function recogniser(): Promise<(text: string) => void> {
  const { NumberWithUnitRecognizer, Culture } = (await import('@microsoft/recognizers-text-number-with-unit')).default
  const model = new NumberWithUnitRecognizer(Culture.English).getCurrencyModel()
  return (text) => void model.parse(text)
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
  const read = (text: string): void => void readMessage({ id: 'b', text }, { lexicon })
  const price = (text: string): void => void readPrice(lexicon, text, 'sell')
  const chat = Array.from({ length: 40 }, () => CHAT).flat()
  const reading = new ItemMeter(texts, read, TEXTS_AT_ONCE)
  const pricing = new ItemMeter(texts, price, TEXTS_AT_ONCE)
  const recognising = new ItemMeter(texts, await recogniser())
  await reading.measure(0, WARM_ROUNDS)
  await pricing.measure(0, WARM_ROUNDS)
  await recognising.measure(0, 1)
  // All go round all texts: the same one several times in a row finds everything in the processor's caches and needs less.
  for (let turn = 0; turn < (options.quick === true ? TURNS / 2 : TURNS); turn++) {
    await reading.measure(IN_TURN.measured, IN_TURN.warm)
    await pricing.measure(IN_TURN.measured, IN_TURN.warm)
    await recognising.measure(IN_TURN.recogniser)
  }
  const latencies = leastOfThree(texts, read)
  for (const piece of HOSTILE) worstCase(piece, read)
  const worst = HOSTILE.map((piece) => ({ piece, ...worstCase(piece, read) }))
  const slowest = worst.reduce((a, b) => (b.all > a.all ? b : a))
  const steepest = worst.reduce((a, b) => (b.growth > a.growth ? b : a))
  const chatting = new ItemMeter(chat, read, TEXTS_AT_ONCE)
  await chatting.measure(options.quick === true ? 24 : 60, WARM_ROUNDS)
  const at = (q: number): number => Math.round(quantile(latencies, q) * 1000)
  return {
    compileMs: Math.round(compileMs),
    perSecond: Math.round(1e6 / reading.us),
    recogniserPerSecond: Math.round(1e6 / recognising.us),
    ratio: digits(recognising.us / reading.us),
    p50: at(0.5),
    p99: at(0.99),
    worstMs: digits(slowest.all),
    worstText: slowest.piece,
    worstGrowth: digits(steepest.growth),
    steepestText: steepest.piece,
    chatPerSecond: Math.round(1e6 / chatting.us),
    pricePerSecond: Math.round(1e6 / pricing.us),
  }
}
