import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { Engine } from 'json-rules-engine'
import MiniSearch from 'minisearch'
import {
  compileRuleFiles,
  EMPTY_LIBRARY,
  evaluateRules,
  type RuleFacts,
  type RuleSet,
  RuleState,
  reloadRules,
  simulateRules,
} from '../src/rules/language/index.ts'
import type { SearchDocument } from '../src/rules/match/document.ts'
import { converter, OpenIntents, vocabularyOf } from '../src/rules/match/index.ts'
import { emptySlots, type Money, type Reading, type StoredIntent } from '../src/rules/model.ts'
import { SubscriptionIndex, subscriptionQuerySchema } from '../src/rules/subscribe/index.ts'

export interface RulesMatchBenchOptions {
  /** Shares of the full sizes, for a quick look: 0.1 for a tenth. */
  readonly scale?: number
}

const NOW = Date.UTC(2026, 0, 5, 12)
const RATES = converter(undefined, NOW)
const WORDS = 50_000
const TOPICS = 23

/** Seeded numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Words by rank frequency 1/(r + 50). */
function vocabulary(next: () => number): () => string {
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

const distinct = (word: () => string, n: number): string[] => {
  const set = new Set<string>()
  while (set.size < n) set.add(word())
  return [...set]
}
const logUniform = (next: () => number, low: number, high: number): number => Math.round(low * (high / low) ** next())
const quantile = (list: number[], q: number): number =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))] ?? Number.NaN
const digits = (n: number): number => Number(n.toPrecision(4))
const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length

const money = (min: number | null, max: number | null): Money => ({
  min: min === null ? null : String(min),
  max: max === null ? null : String(max),
  currency: 'USD',
  currency_source: 'explicit',
  unit: 'item',
  role: 'asking',
  flags: [],
})

function intent(id: string, offers: boolean, words: readonly string[], topic: number, price: Money): StoredIntent {
  return {
    intent_id: id,
    owner: `o${id}`,
    platform: 'discord',
    channel: 'c',
    intent: offers ? 'sell' : 'buy',
    side: offers ? 'offer' : 'want',
    status: 'open',
    revision: 1,
    slots: { ...emptySlots(), item: { text: words.slice(0, 8).join(' '), head: null, model_tokens: [], brand: null }, price },
    topic: { slug: `t${topic}`, k2_topic: 'Goods', selection: { subtopic: `level ${topic}` }, source: 'item' },
    confidence: 0.9,
    score: 8,
    text: words.join(' '),
    flags: [],
    trust: 'verified',
    created_at: NOW,
    updated_at: NOW,
    expires_at: NOW + 86_400_000,
    consent: null,
  }
}

/** P7, P8: workload of section 19.1. */
function benchMatching(scale: number) {
  const next = random(7)
  const word = vocabulary(next)
  const count = Math.round(100_000 * scale)
  const stored = Array.from({ length: count }, (_, i) => {
    const words = distinct(word, 4 + Math.floor(next() * 14))
    const topic = Math.floor(TOPICS * next() * next())
    const offers = next() < 0.7
    const price = logUniform(next, 10, 10_000)
    return intent(`i${i}`, offers, words, topic, offers ? money(price, price) : money(null, price))
  })
  const index = new OpenIntents({ vocabulary: vocabularyOf([]) })
  let begun = performance.now()
  for (const one of stored) index.insert(one)
  const build = performance.now() - begun
  const mini = new MiniSearch<{ id: number; text: string; topic: number; offer: boolean; price: number }>({
    fields: ['text'],
    storeFields: ['topic', 'offer', 'price'],
  })
  const rows = stored.map((s, id) => ({
    id,
    text: s.text,
    topic: Number(s.topic?.slug.slice(1)),
    offer: s.side === 'offer',
    price: Number(s.slots.price?.max),
  }))
  mini.addAll(rows)
  const queries = Array.from({ length: 500 }, (_, i) => {
    const base = stored[Math.floor(next() * count)] as StoredIntent
    const words = base.text.split(' ').slice(0, 2 + Math.floor(next() * 4))
    const budget = Math.max(1, Math.round(Number(base.slots.price?.max) * (0.7 + next() * 0.6)))
    return intent(`w${i}`, false, words, Number(base.topic?.slug.slice(1)), money(null, budget))
  })
  const times: number[] = []
  let found = 0
  for (const [i, query] of [...queries.slice(0, 100), ...queries].entries()) {
    begun = performance.now()
    const hits = index.search(query, { now: NOW, rates: RATES }).length
    if (i >= 100) times.push(performance.now() - begun)
    found += hits
  }
  const miniTimes = queries.slice(0, 100).map((query) => {
    const topic = Number(query.topic?.slug.slice(1))
    const budget = Number(query.slots.price?.max)
    const start = performance.now()
    mini
      .search(query.text, { filter: (r) => r.offer === true && r.topic === topic && (r.price as number) <= budget * 1.1 })
      .slice(0, 20)
    return performance.now() - start
  })
  const changed = stored.slice(0, Math.min(5_000, count))
  begun = performance.now()
  for (const one of changed) index.remove(one.intent_id)
  const removed = performance.now()
  for (const one of changed) index.insert(one)
  const inserted = performance.now()
  return {
    p7: {
      intents: count,
      p50Ms: digits(quantile(times, 0.5)),
      p99Ms: digits(quantile(times, 0.99)),
      meanMs: digits(mean(times)),
      found,
      buildMs: Math.round(build),
      miniSearchMeanMs: digits(mean(miniTimes)),
      ratio: digits(mean(miniTimes) / mean(times)),
      barRatio: 20,
    },
    p8: {
      insertUs: digits(((inserted - removed) * 1000) / changed.length),
      removeUs: digits(((removed - begun) * 1000) / changed.length),
      barUs: 50,
    },
  }
}

interface PlainSubscription {
  readonly words: readonly string[]
  readonly topic: number
  readonly offers: boolean
  readonly min: number
  readonly max: number
}

/** P9 to P11: workload of section 19.2. */
function benchSubscriptions(scale: number) {
  const next = random(9)
  const word = vocabulary(next)
  const count = Math.round(1_000_000 * scale)
  const weights = Array.from({ length: TOPICS }, (_, i) => 1 / (i + 2))
  const total = weights.reduce((a, b) => a + b, 0)
  const topicOf = (): number => {
    let at = next() * total
    for (let i = 0; i < TOPICS; i++) {
      at -= weights[i] as number
      if (at < 0) return i
    }
    return 0
  }
  const plain = Array.from({ length: count }, (): PlainSubscription => {
    const kind = next()
    const priced = next() < 0.6
    const max = priced ? logUniform(next, 10, 10_000) : Number.POSITIVE_INFINITY
    const words =
      kind < 0.01 ? [] : kind < 0.75 ? distinct(word, 1 + Math.floor(next() * 3)) : distinct(word, 2 + Math.floor(next() * 3))
    return {
      words,
      topic: kind < 0.75 ? topicOf() : -1,
      offers: next() < 0.8,
      min: priced && next() < 0.2 ? Math.round(max * next()) : 0,
      max,
    }
  })
  const query = (s: PlainSubscription) => ({
    ...DEFAULT_QUERY,
    want: s.offers ? ('offers' as const) : ('requests' as const),
    all: [...s.words],
    topics: s.topic < 0 ? [] : [`t${s.topic}`],
    ...(s.max === Number.POSITIVE_INFINITY
      ? {}
      : { price: { currency: 'USD', max: s.max, ...(s.min > 0 ? { min: s.min } : {}) } }),
  })
  const document = (): SearchDocument => {
    const words = distinct(word, 5 + Math.floor(next() * 16))
    const price = logUniform(next, 10, 3_000)
    return {
      side: next() < 0.8 ? 'offer' : 'want',
      words,
      keys: new Set(words),
      topic: `t${topicOf()}`,
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
  const index = new SubscriptionIndex({ vocabulary: vocabularyOf([]) })
  let begun = performance.now()
  for (const [i, s] of plain.entries()) index.add(`s${i}`, query(s))
  const adding = performance.now() - begun
  for (let i = 0; i < 5_000; i++) index.observe(document())
  begun = performance.now()
  let longestStep = 0
  for (let more = true; more; ) {
    const start = performance.now()
    more = index.rebuildStep(5_000)
    longestStep = Math.max(longestStep, performance.now() - start)
  }
  const rebuild = performance.now() - begun
  const times: number[] = []
  let hits = 0
  for (let i = 0; i < 3_500; i++) {
    const d = document()
    const start = performance.now()
    const { handles } = index.match(d, RATES)
    if (i < 500) continue
    times.push(performance.now() - start)
    hits += handles.length
  }
  let wrong = 0
  for (let i = 0; i < 100; i++) {
    const d = document()
    const expected = plain.flatMap((s, n) => (wants(s, d) ? [`s${n}`] : [])).sort()
    const got = [...index.match(d, RATES).handles].map((h) => index.id(h)).sort()
    if (expected.length !== got.length || expected.some((id, k) => id !== got[k])) wrong++
  }
  const scan = linearScan(plain, document)
  begun = performance.now()
  for (let i = 0; i < 5_000; i++) index.add(`n${i}`, query(plain[i % count] as PlainSubscription))
  const added = performance.now()
  for (let i = 0; i < 5_000; i++) index.remove(`n${i}`)
  const removed = performance.now()
  return {
    p9: {
      subscriptions: count,
      p50Ms: digits(quantile(times, 0.5)),
      p99Ms: digits(quantile(times, 0.99)),
      meanMs: digits(mean(times)),
      hitsPerIntent: digits(hits / times.length),
      differencesFromBruteForce: wrong,
      linearScanMeanMs: digits(scan),
      ratio: digits(scan / mean(times)),
      barRatio: 50,
    },
    p10: {
      indexMegabytes: digits(index.bytes / 1e6),
      addSeconds: digits(adding / 1000),
      rebuildSeconds: digits(rebuild / 1000),
      longestStepMs: digits(longestStep),
      barMegabytesPerMillion: 100,
      barSeconds: 10,
    },
    p11: { addUs: digits(((added - begun) * 1000) / 5_000), removeUs: digits(((removed - added) * 1000) / 5_000), barUs: 100 },
  }
}

const DEFAULT_QUERY = subscriptionQuerySchema.parse({ all: ['x'] })

function wants(s: PlainSubscription, d: SearchDocument): boolean {
  if (s.offers !== (d.side === 'offer') || (s.topic >= 0 && d.topic !== `t${s.topic}`)) return false
  const price = d.price as NonNullable<SearchDocument['price']>
  return price.min <= s.max && price.max >= s.min && s.words.every((w) => d.keys.has(w))
}

/** Mean ms of a scan over packed records of eight words: signature, side, price, then keys by marks. */
function linearScan(plain: readonly PlainSubscription[], document: () => SearchDocument): number {
  const keys = new Map<string, number>()
  const key = (name: string): number => {
    const known = keys.get(name) ?? keys.size
    keys.set(name, known)
    return known
  }
  const records = new Uint32Array(plain.length * 8)
  const floats = new Float32Array(records.buffer)
  for (const [i, s] of plain.entries()) {
    const list = s.words.map((w) => key(w))
    if (s.topic >= 0) list.push(key(`topic ${s.topic}`))
    const at = i * 8
    for (const k of list) {
      const word = at + ((k >>> 5) & 1)
      records[word] = (records[word] as number) | (1 << (k & 31))
    }
    floats[at + 2] = s.min
    floats[at + 3] = s.max
    records[at + 4] = s.offers ? 1 : 2
    for (let k = 0; k < 3; k++) records[at + 5 + k] = list[k] ?? 0xffffffff
  }
  const marks = new Uint32Array(keys.size + 1)
  const times: number[] = []
  for (let round = 1; round <= 40; round++) {
    const d = document()
    const begun = performance.now()
    let [a, b] = [0, 0]
    for (const name of [...d.keys, `topic ${d.topic?.slice(1)}`]) {
      const k = keys.get(name)
      if (k === undefined) continue
      marks[k] = round
      if (((k >>> 5) & 1) === 0) a |= 1 << (k & 31)
      else b |= 1 << (k & 31)
    }
    const side = d.side === 'offer' ? 1 : 2
    const price = d.price?.min ?? 0
    let found = 0
    for (let at = 0; at < records.length; at += 8) {
      if (((records[at] as number) & ~a) !== 0 || ((records[at + 1] as number) & ~b) !== 0 || records[at + 4] !== side) continue
      if (price > (floats[at + 3] as number) || price < (floats[at + 2] as number)) continue
      let all = true
      for (let k = 5; k < 8; k++) {
        const one = records[at + k] as number
        if (one !== 0xffffffff && marks[one] !== round) all = false
      }
      if (all) found++
    }
    if (round > 10) times.push(performance.now() - begun + found * 0)
  }
  return mean(times)
}

const SLUGS = Array.from({ length: TOPICS }, (_, i) => `t${i}`)

/** Rules of three leaves over the topics and intents, one in ten with a text leaf. */
function ruleText(count: number, examples: number): string {
  const kinds = ['sell', 'buy', 'exchange', 'service_offered', 'service_wanted']
  const lines = ['version: 1', 'rules:']
  for (let i = 0; i < count; i++) {
    const third =
      i % 10 === 0 ? `text: { any: ["word${i % 97}", "two words${i % 31}"] }` : `price: { max: "${50 + (i % 900)} USD" }`
    lines.push(
      `  - id: rule-${i}`,
      `    if: { intent: ${kinds[i % 5]}, topic: t${i % TOPICS}, ${third} }`,
      `    cooldown: { for: 10m, per: author }`,
      `    then: [{ tag: { add: [t${i}] } }]`,
    )
    if (examples > 0)
      lines.push(
        `    examples: [${Array.from({ length: examples }, () => '{ text: "hello there", expect: silent }').join(', ')}]`,
      )
  }
  return lines.join('\n')
}

function factsList(n: number): RuleFacts[] {
  const next = random(5)
  const kinds = ['sell', 'buy', 'none', 'none', 'exchange'] as const
  return Array.from({ length: n }, (_, i) => {
    const slug = SLUGS[Math.floor(next() * TOPICS)] as string
    const price = logUniform(next, 10, 3_000)
    const reading: Reading = {
      message_id: `m${i}`,
      lang: 'en',
      intent: kinds[i % 5] as 'sell',
      act: 'open',
      confidence: 0.9,
      score: 9,
      secondary: [],
      slots: {
        ...emptySlots(),
        item: { text: `thing ${i % 50}`, head: null, model_tokens: [], brand: null },
        price: money(price, price),
      },
      topic: { slug, k2_topic: 'Goods', selection: {}, source: 'item' },
      flags: [],
      source: 'rules',
      lexicon_version: 'bench',
      trace: {},
    }
    return {
      event: 'message.create',
      message: {
        id: `m${i}`,
        revision: 1,
        platform: 'discord',
        space: 'g',
        channel: `#c${i % 20}`,
        text: `selling thing ${i % 50} word${i % 97} for ${price} dollars, shipped`,
      },
      author: { key: `a${i % 500}`, kind: 'user', trust: 'verified', roles: [] },
      reading,
    }
  })
}

function compiled(text: string): RuleSet {
  const result = compileRuleFiles([{ path: 'bench.yaml', text }])
  if (!result.ok) throw new Error(result.problems[0]?.message)
  return result.ruleSet
}

/** P6, P12, P15. */
async function benchLanguage(scale: number) {
  const thousand = compiled(ruleText(1_000, 0))
  const list = factsList(20_000)
  const state = new RuleState()
  const rounds = Math.max(2_000, Math.round(20_000 * scale))
  for (const facts of list.slice(0, 2_000)) state.apply(evaluateRules(thousand, facts, state, NOON).state)
  let begun = performance.now()
  for (let i = 0; i < rounds; i++) state.apply(evaluateRules(thousand, list[i % list.length] as RuleFacts, state, NOON + i).state)
  const perMessage = ((performance.now() - begun) * 1000) / rounds

  const engine = new Engine()
  for (let i = 0; i < 100; i++) {
    engine.addRule({
      conditions: {
        all: [
          { fact: 'intent', operator: 'equal', value: ['sell', 'buy', 'exchange'][i % 3] },
          { fact: 'topic', operator: 'equal', value: `t${i % TOPICS}` },
          { fact: 'price', operator: 'lessThanInclusive', value: 50 + (i % 900) },
        ],
      },
      event: { type: `rule-${i}` },
    })
  }
  const runs = 150
  begun = performance.now()
  for (let i = 0; i < runs; i++) {
    const { reading } = list[i] as RuleFacts
    await engine.run({ intent: reading?.intent, topic: reading?.topic?.slug, price: Number(reading?.slots.price?.max) })
  }
  const engineUs = ((performance.now() - begun) * 1000) / runs

  const text = ruleText(1_000, 3)
  begun = performance.now()
  const reloaded = reloadRules(EMPTY_LIBRARY, [{ path: 'bench.yaml', text }], {
    now: NOON,
    author: 'bench',
    read: (m) => m.map(() => ({ reading: null })),
  })
  const reload = performance.now() - begun

  begun = performance.now()
  const simulated = simulateRules(
    thousand,
    list.map((facts, i) => ({ facts, at: NOON + i * 1000 })),
  )
  const simulate = performance.now() - begun
  return {
    p6: {
      rules: 1_000,
      addedUs: digits(perMessage),
      barUs: 20,
      jsonRulesEngine100Us: digits(engineUs),
      ratio: digits(engineUs / perMessage),
      barRatio: 100,
    },
    p12: { rules: 1_000, examples: 3_000, swapped: reloaded.swapped, seconds: digits(reload / 1000), barSeconds: 3 },
    p15: { messagesPerSecond: Math.round((simulated.messages / simulate) * 1000), bar: 10_000 },
  }
}
const NOON = NOW

/** Bars P6 to P12 and P15 of the rules specification, with the ratios measured in the same run. */
export async function benchRulesMatch(options: RulesMatchBenchOptions = {}) {
  const scale = options.scale ?? 1
  return { ...(await benchLanguage(scale)), ...benchMatching(scale), ...benchSubscriptions(scale) }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await benchRulesMatch({ scale: Number(process.argv[2] ?? 1) }), null, 2))
}
