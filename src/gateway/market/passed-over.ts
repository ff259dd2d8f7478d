import { language } from '../../rules/index.ts'

/** Rules named in one trace beside those that fired or were held back; what was nearly true comes first. */
const MAX_PASSED_OVER = 20

/** Traces kept by what they show (rules 11.5): per rule that fired, per rule that nearly did, and of all others together. */
export const TRACE_RINGS = { fired: 200, near: 50, dull: 20 } as const

/**
 * Rules that did not fire and what each of them lacked, also where its trigger was too narrow. Nothing of this pass is kept but
 * what it says. What people wrote is not repeated: the message itself has it, and may be deleted.
 */
export function passedOver(
  ruleSet: language.RuleSet,
  facts: language.RuleFacts,
  state: language.RuleStateView,
  now: number,
  stopwatch: language.Stopwatch,
): language.RuleTrace[] {
  const { trace } = language.evaluateRules(ruleSet, facts, state, now, { explain: true, escape: 'plain', stopwatch })
  const told = trace.filter((t) => t.first_false !== 'when.events' && TOLD.has(t.result))
  return [...told.filter((t) => t.near === true), ...told.filter((t) => t.near !== true)]
    .slice(0, MAX_PASSED_OVER)
    .map(withoutWords)
}

const TOLD: ReadonlySet<language.RuleResult> = new Set(['false', 'unknown', 'trigger', 'schedule'])

function withoutWords(entry: language.RuleTrace): language.RuleTrace {
  const path = entry.first_false ?? entry.leaf ?? ''
  if (!path.endsWith('.text') && path !== 'if.text') return entry
  const { actual: _, why: __, ...rest } = entry
  return rest
}

/** Which ring a trace belongs to first. */
export function traceClass(looked: readonly language.RuleTrace[], passed: readonly language.RuleTrace[]): language.TraceClass {
  if (looked.some((t) => t.result === 'fired' || t.result === 'dry_run')) return 'fired'
  return looked.length > 0 || passed.some((t) => t.near === true) ? 'near' : 'dull'
}
