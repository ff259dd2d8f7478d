import type { NoticeTarget } from '../../bridges/interaction.ts'
import { type language, match } from '../../rules/index.ts'
import type { Slots } from '../../rules/model.ts'
import { notice } from '../commands/notices.ts'
import { parsePlace } from '../config/places.ts'
import { ownerOf, type Told, tellByRule } from './alerting.ts'
import { intentOf, type MarketIntent } from './model.ts'
import type { Cause, Step } from './step.ts'

/** What `emit` actions change about the intents a message opens. */
export interface Effects {
  readonly emit: {
    readonly slots?: Partial<Slots>
    readonly lifeMs?: number
    readonly publish?: 'never' | 'ask' | 'auto'
  }
}

export interface Target {
  /** Absent for messages that opened nothing. */
  readonly entry: MarketIntent | undefined
  readonly cause: Cause
  /** Whether a card that asks for consent may be shown. */
  readonly mayAsk: boolean
}

/** Carries out a plan. What this gateway has no hand for is counted, so that the operator sees it. */
export function carryOut(step: Step, effects: readonly language.PlannedEffect[], target: Target): void {
  for (const effect of effects) {
    const status = one(step, effect, target) ? 'done' : 'unsupported'
    if (effect.action !== 'emit') step.parts.counters.add('plans_effects_total', { action: effect.action, status })
  }
}

function one(step: Step, effect: language.PlannedEffect, target: Target): boolean {
  const { fields } = effect
  switch (effect.action) {
    case 'reply':
      return reply(step, effect, target)
    case 'ask':
      if (fields.for !== 'publish' || target.entry === undefined) return false
      if (target.mayAsk) step.publisher.ask(target.entry, undefined, step.changes, step.now)
      return true
    case 'alert':
      return alertByRule(step, effect, target)
    case 'notify_admin':
      step.parts.log.warn({ ev: 'rule-notice', rule: effect.rule, level: fields.level }, String(fields.text ?? ''))
      return true
    case 'emit':
    case 'ignore':
    case 'count':
      return true
    default:
      return false
  }
}

function reply(step: Step, effect: language.PlannedEffect, { entry, cause, mayAsk }: Target): boolean {
  const { fields } = effect
  const text = String(fields.text ?? '')
  const buttons = Array.isArray(fields.buttons) ? fields.buttons : []
  if (buttons.includes('confirm') && entry !== undefined) {
    if (mayAsk) step.publisher.ask(entry, text, step.changes, step.now)
    return true
  }
  const { place, ref } = cause.origin
  if (place.network === 'p2p' || text === '') return false
  const here: NoticeTarget = { kind: 'place', place, ...(ref !== undefined && { replyTo: ref }) }
  const direct: NoticeTarget = { kind: 'person', authorKey: cause.author.key }
  step.changes.notices.push({
    id: `rule.${effect.id}`,
    kind: 'reply',
    target: fields.visibility === 'dm' ? [direct] : [here],
    via: { network: place.network, account: place.account },
    notice: notice(text),
    intentId: entry === undefined ? null : intentOf(entry).intent_id,
    dueAt: effect.not_before ?? step.now,
  })
  return true
}

function alertByRule(step: Step, effect: language.PlannedEffect, { entry, cause }: Target): boolean {
  if (entry === undefined) return false
  const to = Array.isArray(effect.fields.to) ? (effect.fields.to as string[]) : []
  const urgency = effect.fields.urgency === 'digest' ? 'hourly' : 'instant'
  let known = true
  for (const recipient of to) {
    // Owners of saved searches hear of every intent anyway.
    if (recipient === 'subscribers') continue
    const told = toldOf(step, recipient, entry, cause)
    if (told === undefined) known = false
    else tellByRule(step.parts, entry, told, effect.rule, urgency, step.changes, step.now)
  }
  return known
}

function toldOf(step: Step, recipient: string, entry: MarketIntent, cause: Cause): Told | undefined {
  if (recipient === 'owner') return ownerOf(step.parts, entry)
  const { place } = cause.origin
  const [kind, id = ''] = [recipient.slice(0, recipient.indexOf(':')), recipient.slice(recipient.indexOf(':') + 1)]
  if (kind === 'user') {
    const network = id.slice(0, id.indexOf(':'))
    if (network !== place.network) return undefined
    return {
      person: step.parts.memory.personOf(id),
      target: [{ kind: 'person', authorKey: id }],
      via: { network: place.network, account: place.account },
      place,
    }
  }
  if (kind !== 'channel') return undefined
  const there = parsePlace(id)
  if (typeof there === 'string' || there.network === 'p2p') return undefined
  return {
    person: `channel:${id}`,
    target: [{ kind: 'place', place: there }],
    via: { network: there.network, account: there.account },
    place: there,
  }
}

/** Slots and life the `emit` actions of a plan ask for. */
export function emitOf(effects: readonly language.PlannedEffect[]): Effects['emit'] {
  const emit = effects.find((e) => e.action === 'emit')
  if (emit === undefined) return {}
  const { set, expires, publish } = emit.fields as {
    set?: Record<string, unknown>
    expires?: number
    publish?: 'never' | 'ask' | 'auto'
  }
  const slots = set === undefined ? undefined : slotsOf(set)
  return {
    ...(slots !== undefined && { slots }),
    ...(expires !== undefined && { lifeMs: expires }),
    ...(publish !== undefined && publish !== 'never' && { publish }),
  }
}

function slotsOf(set: Readonly<Record<string, unknown>>): Partial<Slots> {
  const { item, want_item, price, quantity, condition, place } = set
  const thing = (text: unknown) =>
    typeof text === 'string' ? { text: text.toLowerCase().slice(0, 120), head: null, model_tokens: [], brand: null } : undefined
  const amount = typeof price === 'string' || typeof price === 'number' ? match.parseAmount(String(price)) : undefined
  const [main, want] = [thing(item), thing(want_item)]
  return {
    ...(main !== undefined && { item: main }),
    ...(want !== undefined && { want_item: want }),
    ...(amount !== undefined && {
      price: {
        min: String(amount.value),
        max: String(amount.value),
        currency: amount.currency ?? null,
        currency_source: amount.currency === undefined ? null : 'explicit',
        unit: 'item',
        role: 'asking',
        flags: [],
      },
    }),
    ...(typeof quantity === 'number' && { quantity: { value: quantity, unit: null } }),
    ...(typeof condition === 'string' && { condition: condition as Slots['condition'] }),
    ...(typeof place === 'string' && {
      place: { text: place, country: null, region: null, city: null, lat: null, lon: null, radius_km: null },
    }),
  }
}
