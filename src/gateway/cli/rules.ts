import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { z } from 'zod'
import { systemClock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import { type Lexicon, language, type match, readMessage } from '../../rules/index.ts'
import { PLATFORMS, TRUST_LEVELS } from '../../rules/model.ts'
import type { Config } from '../config/schema.ts'
import { openLexicon } from '../rules/lexicon.ts'
import { ruleFilesOf } from '../rules/places.ts'
import { ratesOf } from '../rules/rates.ts'
import { exampleReader } from '../rules/reader.ts'
import { type StoredMessage, storedMessages } from '../rules/stored-messages.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print, usageError } from './context.ts'
import { traceLines } from './rules-text.ts'

interface Loaded {
  readonly config: Config
  readonly lexicon: Lexicon
  readonly files: readonly language.RuleFile[]
  readonly compiled: language.CompileResult
}

function load(context: CliContext, options: GlobalOptions, named: readonly string[]): Loaded {
  const { config } = loadFor(context, options)
  const lexicon = openLexicon(config)
  const files = ruleFilesOf(config, named)
  const knownTopics = new Set(lexicon.taxonomy.topics.map((t) => t.slug))
  return { config, lexicon, files, compiled: language.compileRuleFiles(files, { knownTopics }) }
}

const errorsIn = (problems: readonly language.RuleProblem[]): number => problems.filter((p) => p.severity === 'error').length
const countOf = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`

/** Reads, checks and compiles rule files and runs their examples, without touching a running gateway (rules 11.7). */
export async function rulesCheck(context: CliContext, options: GlobalOptions, named: readonly string[]): Promise<number> {
  const { lexicon, files, compiled } = load(context, options, named)
  const problems = [
    ...compiled.problems,
    ...(compiled.ok ? language.checkExamples(compiled.ruleSet, exampleReader(lexicon)) : []),
  ]
  const errors = errorsIn(problems)
  const summary = {
    ok: errors === 0,
    files: files.map((f) => f.path),
    rules: compiled.ok ? compiled.ruleSet.rules.length : null,
    version: compiled.ok ? compiled.ruleSet.version : null,
    problems,
  }
  print(context, options, summary, () =>
    [
      ...problems.map(language.problemLine),
      errors > 0
        ? `${countOf(errors, 'error')}, ${countOf(problems.length - errors, 'warning')}: these rules would be refused`
        : `${countOf(summary.rules ?? 0, 'rule')} in ${countOf(files.length, 'file')}: ok${problems.length === 0 ? '' : `, ${countOf(problems.length, 'warning')}`}`,
    ].join('\n'),
  )
  return errors === 0 ? EXIT.ok : EXIT.failed
}

/** Runs the examples of all rules and prints what differs; failing examples of rules in dry run count too. */
export async function rulesTest(context: CliContext, options: GlobalOptions, named: readonly string[]): Promise<number> {
  const { lexicon, compiled } = load(context, options, named)
  const ruleSet = compiledOf(compiled)
  const problems = language.checkExamples(ruleSet, exampleReader(lexicon))
  const failed = new Set(problems.map((p) => `${p.file} ${p.path}`)).size
  const examples = ruleSet.rules.reduce((n, rule) => n + rule.examples.length, 0)
  const summary = { ok: problems.length === 0, examples, failed, rules: ruleSet.rules.length, failures: problems }
  print(context, options, summary, () =>
    [
      ...problems.map(language.problemLine),
      `${countOf(examples, 'example')} of ${countOf(ruleSet.rules.length, 'rule')}: ${failed === 0 ? 'all hold' : `${failed} failed`}`,
    ].join('\n'),
  )
  return problems.length === 0 ? EXIT.ok : EXIT.failed
}

export interface ExplainOptions {
  readonly text: string
  readonly channel?: string
  readonly platform?: string
  readonly author?: string
  readonly trust?: string
  readonly profile?: string
  readonly event?: string
  readonly rules?: readonly string[]
}

const explainInput = z.strictObject({
  text: z.string().max(20_000),
  channel: z.string().max(200).default('#example'),
  platform: z.enum(PLATFORMS).default('discord'),
  author: z.string().max(200).default('example:author'),
  trust: z.enum(TRUST_LEVELS).default('verified'),
  profile: z.enum(['off', 'observe', 'assist', 'auto']).default('assist'),
  event: z.enum(language.EVENTS).default('message.create'),
  rules: z.array(z.string()).optional(),
})

/** Reading, rules with the first leaf that failed, and plan for one text; nothing is stored or sent. */
export async function rulesExplain(context: CliContext, options: GlobalOptions, given: ExplainOptions): Promise<number> {
  const checked = explainInput.safeParse(given)
  if (!checked.success) {
    const issue = checked.error.issues[0]
    throw usageError(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not usable'}`)
  }
  const input = checked.data
  const { config, lexicon, compiled } = load(context, options, input.rules ?? [])
  const ruleSet = compiledOf(compiled)
  const now = systemClock.now()
  const begun = performance.now()
  const reading = readMessage({ id: 'explain', text: input.text }, { lexicon })
  const facts: language.RuleFacts = {
    event: input.event,
    message: { id: 'explain', revision: 1, platform: input.platform, channel: input.channel, text: input.text, sent_at: now },
    author: { key: input.author, kind: 'user', trust: input.trust, roles: [] },
    reading,
    intent_id: 'explain',
    profile: { mode: input.profile },
    ...ratesFact(config),
  }
  const { plan, trace } = language.evaluateRules(ruleSet, facts, new language.RuleState(), now, { explain: true })
  const ms = Math.round((performance.now() - begun) * 1000) / 1000
  const result = { message: 'explain', at: now, rules: ruleSet.version, ms, reading, trace, plan }
  print(context, options, result, () => traceLines(result))
  return EXIT.ok
}

export interface SimulateOptions {
  readonly from?: string
  readonly to?: string
  readonly in?: string
  readonly rules?: readonly string[]
}

/** Replays stored messages (or lines of a file) through rules with their own times; no effect, no state (rules 11.7). */
export async function rulesSimulate(context: CliContext, options: GlobalOptions, given: SimulateOptions): Promise<number> {
  const { config, lexicon, compiled } = load(context, options, given.rules ?? [])
  const ruleSet = compiledOf(compiled)
  const from = moment(given.from, '--from') ?? 0
  const to = moment(given.to, '--to') ?? Number.MAX_SAFE_INTEGER
  const messages = given.in === undefined ? await storedMessages(config, from, to, context.signal) : linesOf(given.in, from, to)
  const begun = performance.now()
  const rates = ratesFact(config)
  const simulation = language.simulateRules(
    ruleSet,
    messages.map((m) => simulated(lexicon, m, rates)),
  )
  const ms = Math.max(0.001, performance.now() - begun)
  const rules = [...simulation.rules].map(([id, r]) => ({ id, ...r })).sort((a, b) => b.fired - a.fired || (a.id < b.id ? -1 : 1))
  const summary = {
    messages: simulation.messages,
    effects: simulation.effects,
    perSecond: Math.round(simulation.messages / (ms / 1000)),
    rules,
  }
  print(context, options, summary, () =>
    [
      `${countOf(summary.messages, 'message')}, ${countOf(summary.effects, 'effect')} planned, none carried out (${summary.perSecond} messages/s)`,
      ...rules.map((r) => `  ${r.id}  fired ${r.fired}${difference(r)}  ${r.samples.slice(0, 3).join(' ')}`.trimEnd()),
    ].join('\n'),
  )
  return EXIT.ok
}

const difference = (r: { readonly more: number; readonly fewer: number }): string =>
  r.more + r.fewer === 0 ? '' : ` (+${r.more} −${r.fewer} against what happened)`

function simulated(lexicon: Lexicon, m: StoredMessage, rates: { readonly rates?: match.Rates }): language.SimulatedMessage {
  const { id, platform, space, channel, thread, text, author, at } = m
  return {
    at,
    ...(m.fired !== undefined && { fired: m.fired }),
    facts: {
      event: 'message.create',
      message: { id, revision: 1, platform, space, channel, thread, text, sent_at: at },
      author: { key: author, kind: 'user', trust: 'verified', roles: [] },
      reading: readMessage({ id, text }, { lexicon }),
      intent_id: id,
      ...rates,
    },
  }
}

function ratesFact(config: Config): { readonly rates?: match.Rates } {
  const rates = ratesOf(config.market)
  return rates === undefined ? {} : { rates }
}

function compiledOf(compiled: language.CompileResult): language.RuleSet {
  if (compiled.ok) return compiled.ruleSet
  throw new K2Error({
    code: 'RULES_INVALID',
    kind: 'config',
    message: `the rules cannot be used:\n${compiled.problems.map(language.problemLine).join('\n')}`,
  })
}

function moment(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  if (Number.isFinite(at)) return at
  throw usageError(`${name} is no time: write 2026-01-31 or 2026-01-31T12:00:00Z`)
}

const lineSchema = z.object({
  id: z.string().max(200),
  text: z.string().max(100_000),
  platform: z.enum(PLATFORMS).default('discord'),
  space: z.string().max(200).optional(),
  channel: z.string().max(200).default('#example'),
  thread: z.string().max(200).optional(),
  author: z.string().max(200).default('example:author'),
  at: z.number().int().nonnegative().optional(),
  fired: z.array(z.string()).max(100).optional(),
})
/** Time between lines that carry none, ms. */
const LINE_STEP_MS = 1_000

function linesOf(path: string, from: number, to: number): StoredMessage[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new K2Error({ code: 'CLI_USAGE', kind: 'input', message: `cannot read ${path}`, cause })
  }
  const out: StoredMessage[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    let parsed: ReturnType<typeof lineSchema.safeParse>
    try {
      parsed = lineSchema.safeParse(JSON.parse(line))
    } catch {
      throw usageError(`${path}:${i + 1}: not JSON`)
    }
    if (!parsed.success)
      throw usageError(`${path}:${i + 1}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`)
    const at = parsed.data.at ?? language.EXAMPLE_TIME + i * LINE_STEP_MS
    if (parsed.data.at === undefined || (at >= from && at <= to)) out.push({ ...parsed.data, at })
  }
  return out
}
