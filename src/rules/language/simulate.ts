import { evaluateRules } from './evaluate.ts'
import type { RuleFacts } from './facts.ts'
import type { RuleSet } from './rule-set.ts'
import { RuleState } from './state.ts'

/** A stored message with the moment it came. */
export interface SimulatedMessage {
  readonly facts: RuleFacts
  readonly at: number
  /** Rules that fired then, for the difference. */
  readonly fired?: readonly string[]
}

export interface SimulatedRule {
  fired: number
  /** Fires now, did not then. */
  more: number
  /** Fired then, does not now. */
  fewer: number
  /** Message ids of the first firings. */
  readonly samples: string[]
}

export interface Simulation {
  readonly messages: number
  readonly effects: number
  readonly rules: ReadonlyMap<string, SimulatedRule>
}

const MAX_SAMPLES = 10

/** Replays messages through a rule set with their own times and a state of its own: no effects, nothing stored, repeatable. */
export function simulateRules(ruleSet: RuleSet, messages: Iterable<SimulatedMessage>): Simulation {
  const state = new RuleState()
  const rules = new Map<string, SimulatedRule>()
  const entry = (id: string): SimulatedRule => {
    const known = rules.get(id) ?? { fired: 0, more: 0, fewer: 0, samples: [] }
    rules.set(id, known)
    return known
  }
  let count = 0
  let effects = 0
  for (const { facts, at, fired } of messages) {
    count++
    const evaluation = evaluateRules(ruleSet, facts, state, at)
    state.apply(evaluation.state)
    effects += evaluation.plan.effects.length
    const now = new Set<string>()
    for (const { id, result } of evaluation.trace) {
      if (result !== 'fired' && result !== 'dry_run') continue
      now.add(id)
      const rule = entry(id)
      rule.fired++
      if (rule.samples.length < MAX_SAMPLES) rule.samples.push(facts.message.id)
      if (fired !== undefined && !fired.includes(id)) rule.more++
    }
    for (const id of fired ?? []) if (!now.has(id)) entry(id).fewer++
  }
  return { messages: count, effects, rules }
}
