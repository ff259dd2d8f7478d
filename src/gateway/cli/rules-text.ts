import { language } from '../../rules/index.ts'
import type { Reading } from '../../rules/model.ts'

/** What a person wants to know of a reading, one fact per line. */
export function readingLines(reading: Reading): string[] {
  const { slots, topic } = reading
  if (reading.intent === 'none') {
    const act = reading.act === 'none' ? '' : `, act ${reading.act}`
    return [`none  confidence ${reading.confidence}${act}${reading.flags.length > 0 ? `  [${reading.flags.join(', ')}]` : ''}`]
  }
  const facts: [string, string | null | undefined][] = [
    ['item', slots.item?.text],
    ['in return', slots.want_item?.text],
    ['price', slots.price === null ? null : priceLine(slots.price)],
    ['quantity', slots.quantity === null ? null : String(slots.quantity.value)],
    ['condition', slots.condition],
    ['place', slots.place?.text],
    ['deadline', slots.deadline?.text],
    ['contact', slots.contact.kinds.join(', ')],
    [
      'topic',
      topic === null ? null : [topic.slug, topic.k2_topic, ...Object.values(topic.selection)].filter(Boolean).join(' › '),
    ],
    ['also', reading.secondary.map((s) => s.intent).join(', ')],
    ['flags', reading.flags.join(', ')],
  ]
  return [
    `${reading.intent}  confidence ${reading.confidence}  score ${reading.score}  language ${reading.lang}`,
    ...facts.flatMap(([name, value]) => (value ? [`  ${name.padEnd(10)}${value}`] : [])),
  ]
}

function priceLine(price: NonNullable<Reading['slots']['price']>): string {
  const unit = price.unit === 'item' ? '' : ` per ${price.unit}`
  const flags = price.flags.length > 0 ? ` (${price.flags.join(', ')})` : ''
  return `${language.priceText(price)}${unit}${flags}`
}

export interface Explained {
  readonly rules: string
  readonly ms: number
  readonly reading: Reading
  readonly trace: readonly language.RuleTrace[]
  readonly plan: language.RulePlan
}

/** Reading, why each rule did or did not fire, and the plan. */
export function traceLines({ rules, ms, reading, trace, plan }: Explained): string {
  return [
    ...readingLines(reading),
    ...evidenceLines(reading),
    `rules ${rules.slice(0, 19)}… in ${ms} ms`,
    ...trace.map((t) => `  ${t.result.padEnd(9)} ${t.id}${reasonOf(t)}`),
    plan.effects.length === 0 ? 'plan: nothing' : 'plan:',
    ...plan.effects.map((e) => `  ${e.action}  by ${e.rule}  ${short(e.fields)}`),
    ...plan.dropped.map((d) => `  (${d.effect.action} of ${d.effect.rule}: ${d.status} by ${d.by})`),
    ...plan.dry.map((e) => `  (dry run) ${e.action} by ${e.rule}`),
  ].join('\n')
}

function evidenceLines(reading: Reading): string[] {
  const evidence = reading.trace.evidence
  if (!Array.isArray(evidence)) return []
  return evidence.slice(0, 20).map((entry: Record<string, unknown>) => {
    const what = entry.cue === undefined ? String(entry.why ?? '') : `"${String(entry.cue)}" (${String(entry.family ?? '')})`
    return `  evidence  ${String(entry.intent)} ${Number(entry.points) >= 0 ? '+' : ''}${String(entry.points)}  ${what}`
  })
}

function reasonOf(t: language.RuleTrace): string {
  if (t.actions !== undefined) return `: ${t.actions.join(', ')}`
  const at = t.first_false ?? t.leaf
  if (at === undefined) return t.why === undefined ? '' : `: ${t.why}`
  return `: ${at} is ${t.actual ?? 'unknown'}${t.wanted === undefined ? '' : `, wanted ${t.wanted}`}`
}

function short(fields: object): string {
  const text = JSON.stringify(fields)
  return text.length > 160 ? `${text.slice(0, 159)}…` : text
}
