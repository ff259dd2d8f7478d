import type { Action, ActionKind, SetSlot } from './actions.ts'
import { slotValue } from './actions.ts'
import type { PassContext } from './context.ts'
import { intentOf } from './facts.ts'
import { pairedId, stableId } from './hash.ts'
import type { CompiledRule } from './rule-set.ts'
import { type Escape, fillTemplate } from './template.ts'

/** One effect the gateway carries out at least once; idempotent by `id`. Plain data. */
export interface PlannedEffect {
  /** Of hash(message, revision) and hash(rule, index of the action). */
  readonly id: string
  readonly rule: string
  readonly index: number
  readonly action: ActionKind
  /** The action's fields with `$1` and templates filled in (`text`). */
  readonly fields: Readonly<Record<string, unknown>>
  /** ms since the epoch; set by a limit with overflow `queue` or `latest`. */
  readonly not_before?: number
  /** Of several effects with the same key that wait, only the newest is carried out. */
  readonly coalesce?: string
}

export interface DroppedEffect {
  readonly effect: PlannedEffect
  readonly status: 'superseded' | 'ignored' | 'over_limit'
  /** The rule that won. */
  readonly by: string
}

export interface RulePlan {
  readonly effects: readonly PlannedEffect[]
  /** What rules in dry run would have done. */
  readonly dry: readonly PlannedEffect[]
  readonly dropped: readonly DroppedEffect[]
  /** First rule that wants the message ignored. */
  readonly ignored: { readonly rule: string; readonly reason: string } | null
}

const MAX_ACTIONS = 200
const MAX_INTENTS = 5
const STOPPED_BY_IGNORE = new Set<ActionKind>(['emit', 'alert', 'ask', 'route'])

export interface Delay {
  readonly not_before?: number
  readonly coalesce?: string
}

/** Builds the effect of one action of a rule that fired. */
export function planEffect(rule: CompiledRule, index: number, c: PassContext, delay: Delay, style: Escape): PlannedEffect {
  const action = rule.actions[index] as Action
  const { message } = c.facts
  const fields: Record<string, unknown> = { ...action.fields }
  if (action.template !== undefined) fields.text = fillTemplate(action.template, c.facts, c.now, rule.id, style)
  if (action.kind === 'emit' && action.fields.set !== undefined) fields.set = filledSlots(action.fields.set, c.captures)
  if (action.kind === 'job') fields.id = action.fields.id ?? stableId(rule.id, message.id, action.fields.name)
  return {
    id: pairedId(c.messageDigest, rule.digests[index] as Uint8Array),
    rule: rule.id,
    index,
    action: action.kind,
    fields,
    ...delay,
  }
}

function filledSlots(
  set: Readonly<Record<string, unknown>>,
  captures: readonly (string | null)[] | null,
): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [slot, value] of Object.entries(set)) {
    if (value === undefined) continue
    if (typeof value !== 'object' || value === null) {
      out[slot] = value
      continue
    }
    const text = captures?.[Number((value as { from: string }).from.slice(1))]
    const read = text === null || text === undefined ? undefined : slotValue(slot as SetSlot, text)
    if (read !== undefined) out[slot] = read
  }
  return out
}

const NOTHING: RulePlan = { effects: [], dry: [], dropped: [], ignored: null }

/** Resolves what several rules want (section 11.3). Effects come in the order of the rules. */
export class PlanBuilder {
  readonly #c: PassContext
  readonly #effects: PlannedEffect[] = []
  readonly #dropped: DroppedEffect[] = []
  readonly dry: PlannedEffect[] = []
  readonly #emits = new Map<string, number>()
  readonly #tags = new Map<string, string>()
  readonly #once = new Map<string, string>()
  #ignored: { rule: string; reason: string } | null = null
  #actions = 0

  constructor(c: PassContext) {
    this.#c = c
  }

  /** Adds the effects of one rule; an `ignore` among them also holds back the rule's own effects. */
  add(effects: readonly PlannedEffect[]): void {
    const ignore = effects.find((e) => e.action === 'ignore')
    if (ignore !== undefined) this.#ignored ??= { rule: ignore.rule, reason: String(ignore.fields.reason) }
    for (const effect of effects) {
      if (++this.#actions > MAX_ACTIONS) this.#drop(effect, 'over_limit', effect.rule)
      else if (this.#ignored !== null && STOPPED_BY_IGNORE.has(effect.action)) this.#drop(effect, 'ignored', this.#ignored.rule)
      else this.#place(effect)
    }
  }

  #drop(effect: PlannedEffect, status: DroppedEffect['status'], by: string): undefined {
    this.#dropped.push({ effect, status, by })
  }

  #place(effect: PlannedEffect): undefined {
    switch (effect.action) {
      case 'emit':
        return this.#emit(effect)
      case 'reply':
      case 'ask':
        return this.#first(effect, effect.action)
      case 'job':
        return this.#first(effect, `job ${String(effect.fields.id)}`)
      case 'tag':
        return this.#tag(effect)
      default:
        this.#effects.push(effect)
    }
  }

  #first(effect: PlannedEffect, key: string): undefined {
    const winner = this.#once.get(key)
    if (winner !== undefined) return this.#drop(effect, 'superseded', winner)
    this.#once.set(key, effect.rule)
    this.#effects.push(effect)
  }

  #emit(effect: PlannedEffect): undefined {
    const set = (effect.fields.set ?? {}) as Record<string, unknown>
    const intent = String(effect.fields.intent ?? intentOf(this.#c.facts))
    const side = intent === 'sell' || intent === 'service_offered' ? 'offer' : intent === 'exchange' ? 'exchange' : 'want'
    const key = `${side}\u0000${String(set.item ?? this.#c.key(['item'])).toLowerCase()}`
    const at = this.#emits.get(key)
    if (at !== undefined) {
      const first = this.#effects[at] as PlannedEffect
      const merged = { ...set, ...((first.fields.set ?? {}) as Record<string, unknown>) }
      if (Object.keys(merged).length > 0) this.#effects[at] = { ...first, fields: { ...first.fields, set: merged } }
      return this.#drop(effect, 'superseded', first.rule)
    }
    if (this.#emits.size >= MAX_INTENTS) return this.#drop(effect, 'over_limit', effect.rule)
    this.#emits.set(key, this.#effects.length)
    this.#effects.push(effect)
  }

  #tag(effect: PlannedEffect): undefined {
    const on = String(effect.fields.on)
    const keep = (list: unknown, verb: string): string[] =>
      ((list ?? []) as string[]).filter((tag) => {
        const key = `${on}\u0000${tag}`
        const before = this.#tags.get(key)
        if (before === undefined) this.#tags.set(key, verb)
        return before === undefined
      })
    const add = keep(effect.fields.add, 'add')
    const remove = keep(effect.fields.remove, 'remove')
    for (const tag of add) this.#c.tags.add(tag)
    for (const tag of remove) this.#c.tags.delete(tag)
    if (add.length + remove.length === 0) return this.#drop(effect, 'superseded', effect.rule)
    this.#effects.push({ ...effect, fields: { ...effect.fields, add, remove } })
  }

  finish(): RulePlan {
    if (this.#actions === 0) return { ...NOTHING, dry: this.dry }
    const effects = this.#routes(this.#alerts(this.#effects))
    return { effects, dry: this.dry, dropped: this.#dropped, ignored: this.#ignored }
  }

  /** One alert per recipient; instant beats digest, else the first. */
  #alerts(effects: readonly PlannedEffect[]): PlannedEffect[] {
    const owner = new Map<string, PlannedEffect>()
    for (const effect of effects) {
      if (effect.action !== 'alert') continue
      for (const to of effect.fields.to as string[]) {
        const before = owner.get(to)
        const better = before === undefined || (before.fields.urgency === 'digest' && effect.fields.urgency === 'instant')
        if (better) owner.set(to, effect)
      }
    }
    return effects.flatMap((effect) => {
      if (effect.action !== 'alert') return [effect]
      const to = [...new Set(effect.fields.to as string[])].filter((r) => owner.get(r) === effect)
      if (to.length > 0) return [{ ...effect, fields: { ...effect.fields, to } }]
      this.#drop(effect, 'superseded', owner.get((effect.fields.to as string[])[0] as string)?.rule ?? effect.rule)
      return []
    })
  }

  /** Union of destinations minus every drop, each destination once. */
  #routes(effects: readonly PlannedEffect[]): PlannedEffect[] {
    const routes = effects.filter((e) => e.action === 'route')
    if (routes.length < 2) return [...effects]
    const dropping = new Map(
      routes.filter((e) => e.fields.drop === true).flatMap((e) => (e.fields.to as string[]).map((t) => [t, e.rule] as const)),
    )
    const seen = new Map<string, string>()
    return effects.flatMap((effect) => {
      if (effect.action !== 'route' || effect.fields.drop === true) return [effect]
      const all = effect.fields.to as string[]
      const to = all.filter((t) => !dropping.has(t) && !seen.has(t))
      const by = dropping.get(all[0] as string) ?? seen.get(all[0] as string) ?? effect.rule
      for (const t of to) seen.set(t, effect.rule)
      if (to.length > 0) return [{ ...effect, fields: { ...effect.fields, to } }]
      this.#drop(effect, 'superseded', by)
      return []
    })
  }
}
