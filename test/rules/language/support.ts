import {
  type CompileOptions,
  type CompileResult,
  compileRuleFiles,
  type Reload,
  type ReloadOptions,
  type RuleFacts,
  type RuleFile,
  type RuleLibrary,
  type RuleSet,
  reloadingRules,
  rollingBackRules,
} from '../../../src/rules/language/index.ts'
import { finished } from '../../../src/rules/language/steps.ts'
import { emptySlots, type Money, type Reading } from '../../../src/rules/model.ts'

export const NOON = Date.UTC(2026, 0, 5, 12)

/** A reload in one go; the gateway takes its steps one by one. */
export const reloadRules = (library: RuleLibrary, files: readonly RuleFile[], options: ReloadOptions): Reload =>
  finished(reloadingRules(library, files, options))

export const rollbackRules = (library: RuleLibrary, version: string, options: ReloadOptions): Reload =>
  finished(rollingBackRules(library, version, options))

export function compile(text: string, options: CompileOptions = {}): CompileResult {
  return compileRuleFiles([{ path: 'rules/test.yaml', text }], options)
}

/** A rule set from the body of `rules:`; throws the problems when there are errors. */
export function ruleSet(rules: string, head = ''): RuleSet {
  const result = compile(`version: 1\n${head}\nrules:\n${rules}`)
  if (!result.ok) throw new Error(result.problems.map((p) => `${p.line}:${p.column} ${p.path} ${p.message}`).join('\n'))
  return result.ruleSet
}

export function money(min: number | null, max: number | null, currency: string | null = 'USD'): Money {
  const text = (n: number | null) => (n === null ? null : String(n))
  return {
    min: text(min),
    max: text(max),
    currency,
    currency_source: currency === null ? null : 'explicit',
    unit: 'item',
    role: 'asking',
    flags: [],
  }
}

export function reading(part: Partial<Omit<Reading, 'slots'>> & { slots?: Partial<Reading['slots']> } = {}): Reading {
  return {
    message_id: 'm1',
    lang: 'en',
    intent: 'sell',
    act: 'open',
    confidence: 0.95,
    score: 9,
    secondary: [],
    topic: { slug: 'computers', k2_topic: 'Goods', selection: { subtopic: 'Electronics & Devices' }, source: 'item' },
    flags: [],
    source: 'rules',
    lexicon_version: 'test',
    trace: {},
    ...part,
    slots: {
      ...emptySlots(),
      item: { text: 'RTX 4070', head: 'gpu', model_tokens: ['rtx4070'], brand: 'nvidia' },
      price: money(390, 390),
      ...part.slots,
    },
  }
}

export function facts(part: Partial<RuleFacts> & { text?: string; channel?: string; id?: string } = {}): RuleFacts {
  const { text = 'WTS RTX 4070, $390 shipped', channel = '#market', id = 'm1', ...rest } = part
  return {
    event: 'message.create',
    message: { id, revision: 1, platform: 'discord', space: 'guild', channel, text, sent_at: NOON },
    author: { key: 'discord:7', kind: 'user', trust: 'verified', roles: [] },
    reading: reading(),
    intent_id: id,
    ...rest,
  }
}
