// P13, P14: messages at a steady rate against full indexes, in a process of its own so that its memory is its own.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { readSources } from '../scripts/eval.ts'
import { compileRuleFiles, evaluateRules, RuleState } from '../src/rules/language/index.ts'
import { documentOf } from '../src/rules/match/document.ts'
import { converter, OpenIntents } from '../src/rules/match/index.ts'
import { wordsOf } from '../src/rules/match/terms.ts'
import { compileLexicon, readMessage } from '../src/rules/reading/index.ts'
import { SubscriptionIndex } from '../src/rules/subscribe/index.ts'
import { advance, ChannelTable, IntentBook, placeOf, type ThreadMessage } from '../src/rules/thread/index.ts'
import { ruleText } from './rules-language.ts'
import { cpuSeconds, digits, matchWorkload, NOW, quantile, SearchWorkload } from './rules-workload.ts'

export interface SteadyOptions {
  readonly seconds: number
  readonly perSecond: number
  readonly intents: number
  readonly subscriptions: number
}

export interface SteadyFigures {
  readonly messages: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Most messages waiting, in the first and in the last quarter: a queue that grows shows here. */
  readonly waitingEarly: number
  readonly waitingLate: number
  /** Computing time of a message. */
  readonly cpuUs: number
  readonly residentMegabytes: number
  readonly opened: number
  readonly matches: number
  readonly hits: number
  readonly effects: number
}

const TEXTS = fileURLToPath(new URL('../test/rules/data/intents-dev.jsonl', import.meta.url))

const AS_BUILT = new URL('./as-built.mjs', import.meta.url).href

/** Everything between a message and its plan: reading, conversation, 200 rules, matching, saved searches. */
class Pipeline {
  readonly #lexicon = compileLexicon(readSources())
  readonly #channels = new ChannelTable()
  readonly #book = new IntentBook(20_000)
  readonly #state = new RuleState()
  readonly #open = new OpenIntents()
  readonly #subscriptions = new SubscriptionIndex()
  readonly #rates = converter(undefined, NOW)
  readonly #rules
  readonly #stored: string[] = []
  #oldest = 0
  readonly counts = { opened: 0, matches: 0, hits: 0, effects: 0 }

  constructor(options: SteadyOptions, texts: readonly string[]) {
    const compiled = compileRuleFiles([{ path: 'bench.yaml', text: ruleText(200, 0) }])
    if (!compiled.ok) throw new Error(compiled.problems[0]?.message)
    this.#rules = compiled.ruleSet
    for (const intent of matchWorkload(options.intents).stored) {
      this.#open.insert(intent)
      this.#stored.push(intent.intent_id)
    }
    const topics = this.#lexicon.taxonomy.topics.map((t) => t.slug)
    const words = [...new Set(texts.flatMap((t) => wordsOf(t)))].filter((w) => w.length > 3)
    const workload = new SearchWorkload(options.subscriptions, topics, words)
    let number = 0
    for (const search of workload.searches()) this.#subscriptions.add(`s${number++}`, workload.query(search))
    while (this.#subscriptions.rebuildStep());
  }

  handle(message: ThreadMessage, now: number): void {
    const place = placeOf(message)
    const { state, reading, events } = advance(
      this.#channels.get(place, now),
      { kind: 'create', message },
      { now, reader: { read: (m) => readMessage(m, { lexicon: this.#lexicon }) }, intents: this.#book, opens: 'open' },
    )
    this.#channels.set(place, state, now)
    this.#book.apply(events)
    const { platform, channel, author, trust, text, id } = message
    const plan = evaluateRules(
      this.#rules,
      {
        event: 'message.create',
        message: { id, revision: 1, platform, channel, text },
        author: { key: author, kind: 'user', trust, roles: [] },
        reading,
      },
      this.#state,
      now,
      { stopwatch: () => performance.now() },
    )
    this.#state.apply(plan.state)
    this.counts.effects += plan.plan.effects.length
    for (const event of events) {
      const { intent } = event.record
      if (intent.status === 'open') {
        this.counts.opened++
        this.counts.matches += this.#open.search(intent, { now, rates: this.#rates }).length
        const document = documentOf(intent)
        this.counts.hits += this.#subscriptions.match(document, this.#rates).handles.length
        this.#subscriptions.observe(document)
        // As many leave as come: the number of open intents stays what it is.
        this.#open.remove(this.#stored[this.#oldest++] as string)
        this.#stored.push(intent.intent_id)
      }
      this.#open.insert(intent)
    }
    if (this.#open.compactionDue) this.#open.compactStep(200)
  }
}

async function run(options: SteadyOptions): Promise<SteadyFigures> {
  const texts = readFileSync(TEXTS, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { text: string }).text)
  const pipeline = new Pipeline(options, texts)
  const message = (i: number): ThreadMessage => ({
    id: `m${i}`,
    platform: i % 2 === 0 ? 'discord' : 'telegram',
    channel: `c${i % 500}`,
    author: `a${i % 5_000}`,
    trust: 'verified',
    text: texts[i % texts.length] as string,
    sent_at: NOW + i,
  })
  for (let i = 0; i < 5_000; i++) pipeline.handle(message(i), NOW + i)
  const total = options.seconds * options.perSecond
  const latencies = new Float64Array(total)
  let early = 0
  let late = 0
  let resident = 0
  const cpu = cpuSeconds()
  const begun = performance.now()
  let idle = 0
  for (let i = 0; i < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) * options.perSecond) / 1000))
    if (due <= i) {
      const waiting = cpuSeconds()
      await new Promise((resolve) => setImmediate(resolve))
      idle += cpuSeconds() - waiting
      continue
    }
    if (i < total / 4) early = Math.max(early, due - i)
    if (i > (total * 3) / 4) late = Math.max(late, due - i)
    for (; i < due; i++) {
      pipeline.handle(message(5_000 + i), NOW + 5_000 + i)
      latencies[i] = performance.now() - begun - ((i + 1) * 1000) / options.perSecond
    }
    if (i % 1_000 < 10) resident = Math.max(resident, process.memoryUsage().rss)
  }
  const list = [...latencies]
  return {
    messages: total,
    p50Ms: digits(quantile(list, 0.5)),
    p99Ms: digits(quantile(list, 0.99)),
    maxMs: digits(quantile(list, 1)),
    waitingEarly: early,
    waitingLate: late,
    cpuUs: digits(((cpuSeconds() - cpu - idle) * 1e6) / total),
    residentMegabytes: Math.round(Math.max(resident, process.memoryUsage().rss) / 1e6),
    ...pipeline.counts,
  }
}

/** Runs the load in a process of its own. */
export async function benchSteady(options: SteadyOptions): Promise<SteadyFigures> {
  const file = fileURLToPath(import.meta.url)
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', AS_BUILT, file, JSON.stringify(options)], {
    timeout: (options.seconds + 240) * 1000,
    maxBuffer: 1_048_576,
  })
  return JSON.parse(stdout) as SteadyFigures
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}') as SteadyOptions)))
