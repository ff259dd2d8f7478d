import type { Node } from './condition.ts'
import type { RuleProblem } from './problem.ts'
import type { CompiledRule } from './rule-set.ts'

/** Warnings about rules that are valid but can hardly be meant: never reached, never true. */
export function lintRules(rules: readonly CompiledRule[]): RuleProblem[] {
  const out: RuleProblem[] = []
  const add = (rule: CompiledRule, path: string, message: string): void => {
    const at = `rules[${rule.position}]${path === '' ? '' : `.${path}`}`
    out.push({ severity: 'warning', file: rule.file, line: rule.line, column: rule.column, path: at, message })
  }
  const stops: CompiledRule[] = []
  for (const rule of rules) {
    if (rule.mode === 'off') continue
    const shadow = stops.find((s) => covers(s, rule))
    if (shadow !== undefined) add(rule, '', `never reached: \`${shadow.id}\` stands above it, always holds and stops`)
    const clash = contradiction(rule.condition)
    if (clash !== undefined) add(rule, 'if', clash)
    if (
      rule.stop &&
      rule.mode === 'live' &&
      rule.condition === undefined &&
      rule.active === undefined &&
      !rule.cooldown &&
      !rule.limit
    )
      stops.push(rule)
  }
  return out
}

/** The stopping rule's trigger takes in every event of the other. */
function covers(stop: CompiledRule, rule: CompiledRule): boolean {
  const { events, cron, ...narrow } = stop.trigger
  if (cron !== undefined || Object.values(narrow).some((v) => v !== undefined)) return false
  const own = rule.trigger.events ?? ['message.create']
  const covered = new Set<string>(events ?? ['message.create'])
  return own.every((event) => covered.has(event))
}

/** Two leaves under the same `all` that accept nothing in common. */
function contradiction(node: Node | undefined): string | undefined {
  if (node === undefined || node.kind === 'leaf') return undefined
  if (node.kind === 'not') return contradiction(node.part)
  if (node.kind === 'all') {
    const seen = new Map<string, ReadonlySet<string>>()
    for (const part of node.parts) {
      if (part.kind !== 'leaf' || part.leaf.accepts === undefined) continue
      const { accepts, name } = part.leaf
      const before = seen.get(name)
      if (before !== undefined && ![...accepts].some((v) => before.has(v)))
        return `can never hold: two conditions on ${name} exclude each other`
      seen.set(name, accepts)
    }
  }
  for (const part of node.parts) {
    const inner = contradiction(part)
    if (inner !== undefined && node.kind === 'all') return inner
  }
  return undefined
}
