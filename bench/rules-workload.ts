import { PerformanceObserver, performance } from 'node:perf_hooks'
import type { SearchDocument } from '../src/rules/match/document.ts'
import { emptySlots, type Money, NOTHING_SAID, type StoredIntent, type TopicRef } from '../src/rules/model.ts'
import { type SubscriptionQuery, subscriptionQuerySchema } from '../src/rules/subscribe/index.ts'

// Workloads of the rules specification, sections 19.1 and 19.2: seeded, so that every run measures the same.

export const NOW = Date.UTC(2026, 0, 5, 12)
export const TOPICS = 23
const WORDS = 50_000

/** Seeded numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Words by rank frequency 1/(r + 50). */
export function vocabulary(next: () => number): () => string {
  const sums = new Float64Array(WORDS)
  let total = 0
  for (let r = 0; r < WORDS; r++) sums[r] = total += 1 / (r + 50)
  return () => {
    const at = next() * total
    let [low, high] = [0, WORDS - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < at) low = middle + 1
      else high = middle
    }
    return `q${low.toString(36)}x`
  }
}

export const distinct = (word: () => string, n: number): string[] => {
  const set = new Set<string>()
  while (set.size < n) set.add(word())
  return [...set]
}
export const logUniform = (next: () => number, low: number, high: number): number => Math.round(low * (high / low) ** next())
export const quantile = (list: number[], q: number): number =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))] ?? Number.NaN
export const digits = (n: number): number => Number(n.toPrecision(4))

export const money = (min: number | null, max: number | null): Money => ({
  min: min === null ? null : String(min),
  max: max === null ? null : String(max),
  currency: 'USD',
  currency_source: 'explicit',
  unit: 'item',
  role: 'asking',
  flags: NOTHING_SAID.list,
})

/** Readings share the references to their topics, and an intent read from storage shares them too. */
const TOPIC_REFS: readonly TopicRef[] = Array.from({ length: TOPICS }, (_, topic) => ({
  slug: `t${topic}`,
  k2_topic: 'Goods',
  selection: { subtopic: `level ${topic}` },
  source: 'item',
}))

/** An open intent of these words. */
export function intent(id: string, offers: boolean, words: readonly string[], topic: number, price: Money): StoredIntent {
  return {
    intent_id: id,
    owner: `o${id}`,
    platform: 'discord',
    channel: 'c',
    intent: offers ? 'sell' : 'buy',
    side: offers ? 'offer' : 'want',
    status: 'open',
    revision: 1,
    slots: {
      ...emptySlots(),
      item: { text: words.slice(0, 8).join(' '), head: null, model_tokens: NOTHING_SAID.list, brand: null },
      price,
    },
    topic: TOPIC_REFS[topic] as TopicRef,
    confidence: 0.9,
    score: 8,
    text: words.join(' '),
    flags: NOTHING_SAID.list,
    trust: 'verified',
    created_at: NOW,
    updated_at: NOW,
    expires_at: NOW + 86_400_000,
    consent: null,
  }
}

/** Open intents of workload 19.1 and queries cut out of them. */
export function matchWorkload(count: number): { readonly stored: readonly StoredIntent[]; queries(n: number): StoredIntent[] } {
  const next = random(7)
  const word = vocabulary(next)
  const stored = Array.from({ length: count }, (_, i) => {
    const words = distinct(word, 4 + Math.floor(next() * 14))
    const topic = Math.floor(TOPICS * next() * next())
    const offers = next() < 0.7
    const price = logUniform(next, 10, 10_000)
    return intent(`i${i}`, offers, words, topic, offers ? money(price, price) : money(null, price))
  })
  const queries = (n: number): StoredIntent[] =>
    Array.from({ length: n }, (_, i) => {
      const base = stored[Math.floor(next() * count)] as StoredIntent
      const words = base.text.split(' ').slice(0, 2 + Math.floor(next() * 4))
      const budget = Math.max(1, Math.round(Number(base.slots.price?.max) * (0.7 + next() * 0.6)))
      return intent(`w${i}`, false, words, Number(base.topic?.slug.slice(1)), money(null, budget))
    })
  return { stored, queries }
}

/** A saved search of workload 19.2 as plain values. */
export interface PlainSubscription {
  readonly words: readonly string[]
  readonly topic: number
  readonly offers: boolean
  readonly min: number
  readonly max: number
}

export const SLUGS: readonly string[] = Array.from({ length: TOPICS }, (_, i) => `t${i}`)

/** Saved searches and the intents that meet them (19.2): first all searches, then as many intents as are asked for. */
export class SearchWorkload {
  readonly #count: number
  readonly #next: () => number
  readonly #word: () => string
  readonly #topics: readonly string[]

  constructor(count: number, topics: readonly string[] = SLUGS, words?: readonly string[]) {
    const next = random(9)
    const synthetic = vocabulary(next)
    this.#next = next
    // With words of real texts among them, such texts hit some of the searches.
    this.#word =
      words === undefined ? synthetic : () => (next() < 0.3 ? (words[Math.floor(next() * words.length)] as string) : synthetic())
    this.#topics = topics
    this.#count = count
  }

  /** One after another, so that nobody has to hold a million of them. */
  *searches(): Generator<PlainSubscription> {
    for (let i = 0; i < this.#count; i++) yield this.#search()
  }

  #topic(): number {
    let at = this.#next() * TOPIC_TOTAL
    for (let i = 0; i < TOPICS; i++) {
      at -= 1 / (i + 2)
      if (at < 0) return i
    }
    return 0
  }

  #search(): PlainSubscription {
    const next = this.#next
    const kind = next()
    const priced = next() < 0.6
    const max = priced ? logUniform(next, 10, 10_000) : Number.POSITIVE_INFINITY
    const count = kind < 0.01 ? 0 : kind < 0.75 ? 1 + Math.floor(next() * 3) : 2 + Math.floor(next() * 3)
    return {
      words: distinct(this.#word, count),
      topic: kind < 0.75 ? this.#topic() : -1,
      offers: next() < 0.8,
      min: priced && next() < 0.2 ? Math.round(max * next()) : 0,
      max,
    }
  }

  query(s: PlainSubscription): SubscriptionQuery {
    return {
      ...DEFAULT_QUERY,
      want: s.offers ? 'offers' : 'requests',
      all: [...s.words],
      topics: s.topic < 0 ? [] : [this.#topics[s.topic % this.#topics.length] as string],
      ...(s.max === Number.POSITIVE_INFINITY
        ? {}
        : { price: { currency: 'USD', max: s.max, ...(s.min > 0 ? { min: s.min } : {}) } }),
    }
  }

  document(): SearchDocument {
    const next = this.#next
    const words = distinct(this.#word, 5 + Math.floor(next() * 16))
    const price = logUniform(next, 10, 3_000)
    return {
      side: next() < 0.8 ? 'offer' : 'want',
      words,
      keys: new Set(words),
      topic: this.#topics[this.#topic()] as string,
      k2_topic: 'Goods',
      platform: 'discord',
      channel: 'c',
      country: null,
      city: null,
      lat: null,
      lon: null,
      condition: null,
      trust: 'verified',
      price: { min: price, max: price, currency: 'USD' },
    }
  }
}

const DEFAULT_QUERY = subscriptionQuerySchema.parse({ all: ['x'] })
const TOPIC_TOTAL = Array.from({ length: TOPICS }, (_, i) => 1 / (i + 2)).reduce((a, b) => a + b, 0)

/** ms one piece of work takes: what the clock or the processor says, whichever is less. Other processes do not count, nor threads of the runtime. */
export async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now()
  const cpu = cpuSeconds()
  await work()
  return Math.min(performance.now() - begun, (cpuSeconds() - cpu) * 1000)
}

/** µs per call: the median over batches. */
export async function perCall(calls: number, batch: number, run: (i: number) => unknown): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < calls; i += batch) {
    const ms = await timed(async () => {
      for (let k = i; k < i + batch; k++) {
        const result = run(k)
        if (result instanceof Promise) await result
      }
    })
    times.push((ms * 1000) / batch)
  }
  return quantile(times, 0.5)
}

/** Items whose time is taken together unless told otherwise: short enough that most are done before another process gets the processor. */
const CHUNK = 4

/**
 * µs an item of a list takes while all of them are gone through again and again: per chunk the lower quartile of its rounds, so
 * that what interrupts a round does not count, and what collecting garbage took besides. Of clock and processor the one that says
 * less: where chunks are long, most are interrupted on a busy machine. Rounds may be taken a few at a time, in turns with those of
 * others: what slows a machine down for some seconds then hits all alike.
 */
export class ItemMeter<T> {
  readonly #list: readonly T[]
  readonly #run: (item: T) => unknown
  readonly #chunk: number
  readonly #chunks: number[][] = []
  #collecting = 0
  #rounds = 0

  /** `chunk`: of fast items more, since asking for the time costs as well. */
  constructor(list: readonly T[], run: (item: T) => unknown, chunk = CHUNK) {
    this.#list = list
    this.#run = run
    this.#chunk = chunk
  }

  /** Some rounds more, behind some that do not count. */
  async measure(rounds: number, warm = 0): Promise<void> {
    for (let round = 0; round < warm; round++)
      for (const item of this.#list) {
        const result = this.#run(item)
        if (result instanceof Promise) await result
      }
    const observer = new PerformanceObserver((entries) => {
      for (const { duration } of entries.getEntries()) this.#collecting += duration
    })
    observer.observe({ entryTypes: ['gc'] })
    for (let round = 0; round < rounds; round++) {
      await this.#round()
      if (round % 16 === 15) await new Promise((resolve) => setImmediate(resolve))
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
    observer.disconnect()
    this.#rounds += rounds
  }

  /** µs an item of the list takes. */
  get us(): number {
    const quiet = this.#chunks.reduce((sum, times) => sum + quantile(times, 0.25), 0) / this.#list.length
    return (quiet + this.#collecting / (this.#rounds * this.#list.length)) * 1000
  }

  async #round(): Promise<void> {
    const list = this.#list
    const run = this.#run
    for (let k = 0, c = 0; k < list.length; k += this.#chunk, c++) {
      const end = Math.min(k + this.#chunk, list.length)
      const cpu = cpuSeconds()
      const begun = performance.now()
      for (let i = k; i < end; i++) {
        const result = run(list[i] as T)
        if (result instanceof Promise) await result
      }
      const clock = performance.now() - begun
      const ms = Math.min(clock, (cpuSeconds() - cpu) * 1000)
      const times = this.#chunks[c]
      if (times === undefined) this.#chunks[c] = [ms]
      else times.push(ms)
    }
  }
}

/** The same with all rounds in one go. */
export async function perItem<T>(list: readonly T[], rounds: number, run: (item: T) => unknown, chunk?: number): Promise<number> {
  const meter = new ItemMeter(list, run, chunk)
  await meter.measure(rounds)
  return meter.us
}

/** Seconds this process has computed; what others do on the machine does not count. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/**
 * ms of each piece of work: the least of three runs, one right after the other. What interrupts a run comes from outside, and it
 * does not hit all three.
 */
export function leastOfThree<T>(list: readonly T[], work: (one: T) => unknown): number[] {
  return list.map((one) => {
    let least = Number.POSITIVE_INFINITY
    for (let k = 0; k < 3; k++) {
      const begun = performance.now()
      work(one)
      least = Math.min(least, performance.now() - begun)
    }
    return least
  })
}
