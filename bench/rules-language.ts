import { Engine } from 'json-rules-engine'
import { readSources } from '../scripts/eval.ts'
import {
  compileRuleFiles,
  EMPTY_LIBRARY,
  type ExampleReader,
  evaluateRules,
  type RuleFacts,
  type RuleSet,
  RuleState,
  reloadingRules,
  simulateRules,
} from '../src/rules/language/index.ts'
import { emptySlots, type Reading } from '../src/rules/model.ts'
import { compileLexicon, readMessage } from '../src/rules/reading/index.ts'
import {
  cpuSeconds,
  digits,
  logUniform,
  money,
  NOW,
  perCall,
  perItem,
  quantile,
  random,
  SLUGS,
  TOPICS,
} from './rules-workload.ts'

/** Rules of three leaves over the topics and intents, one in ten with a text leaf. */
export function ruleText(count: number, examples: number): string {
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
        `    examples: [${Array.from({ length: examples }, () => '{ text: "WTS RTX 4070, $390 shipped", expect: silent }').join(', ')}]`,
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

/** Messages that both engines decide on, in turn. */
const COMPARED = 1_000
/** A pass takes a few µs, and asking for the time one. */
const PASSES_AT_ONCE = 40

/** P6, P12, P15: a thousand rules beside a general rules engine, their reload with examples, a replay. */
export async function benchLanguage(scale: number) {
  const thousand = compiled(ruleText(1_000, 0))
  const list = factsList(20_000)
  const state = new RuleState()
  const some = list.slice(0, COMPARED)
  const rounds = Math.max(4, Math.round(20 * scale))
  for (const facts of list) state.apply(evaluateRules(thousand, facts, state, NOW).state)
  let now = NOW
  const pass = (facts: RuleFacts): void => state.apply(evaluateRules(thousand, facts, state, now++).state)
  const addedUs = await perItem(some, rounds, pass, PASSES_AT_ONCE)

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
  const decide = ({ reading }: RuleFacts): Promise<unknown> =>
    engine.run({ intent: reading?.intent, topic: reading?.topic?.slug, price: Number(reading?.slots.price?.max) })
  for (const facts of some) await decide(facts)
  const engineUs = await perItem(some, Math.max(2, Math.round(8 * scale)), decide)

  const { seconds, cpu, swapped, pauses } = reload(ruleText(1_000, 3))

  const messages = list.map((facts, i) => ({ facts, at: NOW + i * 1000 }))
  const batchUs = await perCall(10, 1, (i) => void simulateRules(thousand, messages.slice(i * 2_000, (i + 1) * 2_000)))
  const simulateUs = batchUs / 2_000
  return {
    addedUs: digits(addedUs),
    jsonRulesEngine100Us: digits(engineUs),
    ratio: digits(engineUs / addedUs),
    reloadSwapped: swapped,
    reloadSeconds: digits(seconds),
    reloadCpuSeconds: digits(cpu),
    /** Steps of the reload in the background; the longest parses the file. */
    reloadLongestStepMs: digits(Math.max(...pauses)),
    reloadP99StepMs: digits(quantile(pauses, 0.99)),
    swapPauseMs: swapPause(thousand, list),
    simulatePerSecond: Math.round(1e6 / simulateUs),
  }
}

/** P12: a thousand rules with three examples each, through the reading pipeline, in the steps a gateway takes. */
function reload(text: string) {
  const lexicon = compileLexicon(readSources())
  const read: ExampleReader = (messages) => messages.map(({ id, text }) => ({ reading: readMessage({ id, text }, { lexicon }) }))
  const begun = performance.now()
  const cpu = cpuSeconds()
  const work = reloadingRules(EMPTY_LIBRARY, [{ path: 'bench.yaml', text }], { now: NOW, author: 'bench', read })
  const pauses: number[] = []
  for (;;) {
    const start = performance.now()
    const step = work.next()
    pauses.push(performance.now() - start)
    if (step.done !== true) continue
    const seconds = (performance.now() - begun) / 1000
    return { seconds, cpu: cpuSeconds() - cpu, swapped: step.value.swapped, pauses }
  }
}

/** ms a message waits for a swap: the first message after it also builds the selection for its place. */
function swapPause(next: RuleSet, list: readonly RuleFacts[]): number {
  const fresh: RuleSet = { ...next }
  const state = new RuleState()
  const begun = performance.now()
  evaluateRules(fresh, list[0] as RuleFacts, state, NOW)
  return digits(performance.now() - begun)
}
