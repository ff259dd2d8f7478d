import { parseAmount } from '../match/amount.ts'
import type { Platform, Reading } from '../model.ts'
import { evaluateRules, type RuleResult } from './evaluate.ts'
import type { RuleFacts } from './facts.ts'
import { pathText, type RuleProblem } from './problem.ts'
import type { CompiledRule, RuleSet } from './rule-set.ts'
import type { Example } from './schema.ts'
import { RuleState } from './state.ts'
import { finished } from './steps.ts'

/** A message of an example as the reading pipeline gets it. */
export interface ExampleMessage {
  readonly id: string
  readonly platform: Platform
  readonly channel: string
  readonly author: string
  readonly text: string
  /** Position of the message it answers. */
  readonly reply_to: number | undefined
  readonly at: number
}

export interface ExampleReading {
  readonly reading: Reading | null
  readonly clean?: string
}

/** Reads a conversation from an empty state with the shipped lexicon; one answer per message. */
export type ExampleReader = (messages: readonly ExampleMessage[]) => readonly ExampleReading[]

/** All examples run at this moment: a Monday, 12:00 UTC. */
export const EXAMPLE_TIME = Date.UTC(2025, 0, 6, 12)

/**
 * Runs the examples of all rules over the whole set, each from an empty state. A failing example of a live rule is an error, which
 * refuses the set; of a dry-run or switched-off rule a warning.
 */
export function checkExamples(ruleSet: RuleSet, read: ExampleReader): RuleProblem[] {
  return finished(checkingExamples(ruleSet, read))
}

/** The same in small steps: one rule's examples each. */
export function* checkingExamples(ruleSet: RuleSet, read: ExampleReader): Generator<void, RuleProblem[]> {
  const out: RuleProblem[] = []
  for (const rule of ruleSet.rules) {
    yield
    for (const [i, example] of rule.examples.entries()) {
      // What went wrong is only worked out for an example that fails.
      const differences =
        runExample(ruleSet, rule, example, read, false).length === 0 ? [] : runExample(ruleSet, rule, example, read, true)
      for (const difference of differences) {
        out.push({
          severity: rule.mode === 'live' ? 'error' : 'warning',
          file: rule.file,
          ...(rule.examplePlaces[i] ?? { line: rule.line, column: rule.column }),
          path: pathText(['rules', rule.position, 'examples', i]),
          message: `example of \`${rule.id}\`: ${difference}`,
          hint: 'change the rule or what the example expects; `rules explain` shows how the text is read',
        })
      }
    }
  }
  return out
}

function runExample(ruleSet: RuleSet, rule: CompiledRule, example: Example, read: ExampleReader, explain: boolean): string[] {
  const messages = messagesOf(rule, example)
  const readings = read(messages)
  const state = new RuleState()
  const placed = example.channel !== undefined || example.messages?.some((m) => m.channel !== undefined) === true
  const differences: string[] = []
  const results: (RuleResult | undefined)[] = []
  for (const [i, message] of messages.entries()) {
    const facts = factsOf(rule, example, message, readings[i])
    const options = { explain, probe: { rule: rule.id, anywhere: !placed } }
    const { trace, state: changes } = evaluateRules(ruleSet, facts, state, message.at, options)
    state.apply(changes)
    const own = trace.find((t) => t.id === rule.id)
    results.push(own?.result)
    if (i < messages.length - 1) continue
    const fired = didFire(own?.result)
    const why =
      own === undefined
        ? 'not reached'
        : [own.result, own.first_false ?? own.leaf, own.actual && `is ${own.actual}`, own.wanted && `wanted ${own.wanted}`]
            .filter(Boolean)
            .join(', ')
    if (example.expect === 'fires' && !fired) differences.push(`should fire, but: ${why} (${short(message.text)})`)
    if (example.expect === 'silent' && fired) differences.push(`should stay silent, but fires (${short(message.text)})`)
    if (example.reading !== undefined) differences.push(...readingDifferences(example.reading, facts.reading))
    const missing = example.actions?.filter((a) => !rule.actions.some((x) => x.kind === a) || !fired) ?? []
    if (missing.length > 0) differences.push(`expected the actions ${missing.join(', ')}`)
    if (typeof example.expect === 'object' && example.expect.act !== undefined && example.expect.act !== facts.reading?.act)
      differences.push(`act should be ${example.expect.act}, is ${facts.reading?.act ?? 'none'}`)
  }
  if (typeof example.expect === 'object') {
    const at = results.flatMap((r, i) => (didFire(r) ? [i] : []))
    if (at.join() !== example.expect.fires_at.join())
      differences.push(`should fire at [${example.expect.fires_at}], fires at [${at}]`)
  }
  return differences
}

const didFire = (result: RuleResult | undefined): boolean => result === 'fired' || result === 'dry_run'
const short = (text: string): string => `"${text.length > 60 ? `${text.slice(0, 59)}…` : text}"`

function messagesOf(rule: CompiledRule, example: Example): ExampleMessage[] {
  const list = example.messages ?? [
    { text: example.text ?? '', author: example.author, platform: example.platform, channel: example.channel },
  ]
  let at = EXAMPLE_TIME
  return list.map((m, i): ExampleMessage => {
    at += 'after' in m && m.after !== undefined ? m.after : i === 0 ? 0 : 1_000
    return {
      id: `example:${rule.id}/${i}`,
      platform: m.platform ?? example.platform ?? 'discord',
      channel: m.channel ?? example.channel ?? '#example',
      author: m.author ?? 'example',
      text: m.text,
      reply_to: 'reply_to' in m ? m.reply_to : undefined,
      at,
    }
  })
}

function factsOf(rule: CompiledRule, example: Example, message: ExampleMessage, read: ExampleReading | undefined): RuleFacts {
  return {
    event: example.event ?? rule.trigger.events?.[0] ?? 'message.create',
    message: {
      id: message.id,
      revision: 1,
      platform: message.platform,
      channel: message.channel,
      text: message.text,
      clean: read?.clean,
      sent_at: message.at,
    },
    author: { key: `example:${message.author}`, kind: 'user', trust: 'verified', roles: [] },
    reading: read?.reading ?? null,
    intent_id: message.id,
    profile: rule.trigger.profiles === undefined ? undefined : { mode: rule.trigger.profiles[0] as 'assist' },
  }
}

function readingDifferences(expected: NonNullable<Example['reading']>, reading: Reading | null): string[] {
  const out: string[] = []
  const differs = (what: string, wanted: unknown, actual: unknown): void => {
    if (wanted !== undefined && wanted !== actual) out.push(`${what} should be ${String(wanted)}, is ${String(actual)}`)
  }
  differs('intent', expected.intent, reading?.intent ?? 'none')
  differs('act', expected.act, reading?.act ?? 'none')
  differs('topic', expected.topic, reading?.topic?.slug ?? null)
  const slots = reading?.slots
  differs('condition', expected.condition, slots?.condition ?? null)
  differs('quantity', expected.quantity, slots?.quantity?.value ?? null)
  if (typeof expected.item === 'string' && slots?.item?.text.toLowerCase().includes(expected.item.toLowerCase()) !== true)
    out.push(`item should contain ${expected.item}, is ${slots?.item?.text ?? 'none'}`)
  if (typeof expected.place === 'string' && slots?.place?.text.toLowerCase().includes(expected.place.toLowerCase()) !== true)
    out.push(`place should contain ${expected.place}, is ${slots?.place?.text ?? 'none'}`)
  const price = expected.price
  if (price === null) differs('price', null, slots?.price ?? null)
  else if (price !== undefined) {
    for (const bound of ['min', 'max'] as const) {
      const wanted = price[bound]
      if (wanted === undefined) continue
      const number = typeof wanted === 'string' ? (parseAmount(wanted)?.value ?? Number.NaN) : wanted
      const actual = slots?.price?.[bound] ?? null
      differs(`price.${bound}`, number, actual === null ? null : Number(actual))
    }
    differs('price.currency', price.currency, slots?.price?.currency ?? null)
  }
  return out
}
