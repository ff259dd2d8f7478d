import { holds, type PreparedCondition, prepareCondition } from './condition.ts'
import type { MessageFacts } from './facts.ts'
import { prepareFacts } from './prepared-facts.ts'
import type { Rule } from './schema.ts'

/** What the rules want done with a message. The pipeline carries it out. */
export interface Plan {
  /** Name of the rule that drops the message. */
  readonly ignoredBy?: string
  /** Stands before the message everywhere it goes. */
  readonly prefix?: string
  /** Only these routes take the message; absent: every route it belongs to. */
  readonly routes?: readonly string[]
  /** Why: the rule that decided, absent when none fitted. */
  readonly trace?: { readonly rule: string; readonly action: Rule['action'] }
}

/** Rules made ready once per configuration. */
export interface RuleSet {
  readonly size: number
  evaluate(message: MessageFacts): Plan
}

const NO_PLAN: Plan = {}

/** Prepares rules in their order: the first whose condition holds decides. Pure; the seam a fuller engine replaces. */
export function compileRules(rules: readonly Rule[]): RuleSet {
  const prepared = rules.map((rule): [PreparedCondition, Plan] => [prepareCondition(rule.when), planOf(rule)])
  return {
    size: prepared.length,
    evaluate(message) {
      if (prepared.length === 0) return NO_PLAN
      const facts = prepareFacts(message)
      return prepared.find(([condition]) => holds(condition, facts))?.[1] ?? NO_PLAN
    },
  }
}

/** One-shot form of `compileRules`, for tools that explain single messages. */
export function evaluate(message: MessageFacts, rules: readonly Rule[]): Plan {
  return compileRules(rules).evaluate(message)
}

function planOf(rule: Rule): Plan {
  const trace = { rule: rule.name, action: rule.action }
  switch (rule.action) {
    case 'ignore':
      return { ignoredBy: rule.name, trace }
    case 'prefix':
      return { prefix: rule.text ?? '', trace }
    case 'route':
      return { routes: rule.routes ?? [], trace }
  }
}
