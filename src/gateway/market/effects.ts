import type { NoticeTarget } from '../../bridges/interaction.ts'
import { language } from '../../rules/index.ts'
import { notice } from '../commands/notices.ts'
import { tellByRule } from './alerting.ts'
import { askFor, QUESTIONS, type Question } from './asking.ts'
import { intentOf, type MarketIntent, type NoticeRow } from './model.ts'
import { recipientsOf } from './recipients.ts'
import { showElsewhere } from './routing.ts'
import { statusOf, subjectsOf, type TagTarget } from './rules-pass.ts'
import type { Cause, Step } from './step.ts'

const DAY_MS = 86_400_000
/** How long a tag stays where the rule does not say. */
const TAGGED_MS: Readonly<Record<TagTarget, number>> = {
  message: DAY_MS,
  thread: 30 * DAY_MS,
  author: 90 * DAY_MS,
  intent: 90 * DAY_MS,
}
const MAX_TAGGED_MS = 365 * DAY_MS

export interface Target {
  /** Absent for messages that opened nothing. */
  readonly entry: MarketIntent | undefined
  readonly cause: Cause
  /** Whether a card that asks for consent may be shown. */
  readonly mayAsk: boolean
}

type Status = 'done' | 'nobody' | 'unsupported' | 'unconfigured'

/** Carries out a plan. What came of each effect is counted and part of the pass's trace. */
export function carryOut(step: Step, effects: readonly language.PlannedEffect[], target: Target): void {
  const statuses = statusOf(effects)
  for (const effect of effects) {
    const status = one(step, effect, target)
    statuses[effect.id] = status
    if (effect.action !== 'emit') step.parts.counters.add('plans_effects_total', { action: effect.action, status })
  }
}

function one(step: Step, effect: language.PlannedEffect, target: Target): Status {
  const { fields } = effect
  switch (effect.action) {
    case 'reply':
      return reply(step, effect, target)
    case 'ask':
      return ask(step, effect, target)
    case 'alert':
      return alertByRule(step, effect, target)
    case 'route':
      return showElsewhere(step, effect, target.entry, target.cause) ? 'done' : 'nobody'
    case 'react':
      return react(step, effect, target.cause)
    case 'job':
      return order(step, effect, target)
    case 'tag':
      return tag(step, effect, target)
    case 'notify_admin':
      step.parts.log.warn({ ev: 'rule-notice', rule: effect.rule, level: fields.level }, String(fields.text ?? ''))
      tellOperator(step, `rule.${effect.id}`, `${String(fields.level)}: ${String(fields.text ?? '')} (rule ${effect.rule})`)
      return 'done'
    case 'emit':
    case 'ignore':
    case 'count':
      return 'done'
  }
}

/** Says something where the operator reads, if a place for that is configured. */
export function tellOperator({ parts, changes, now }: Pick<Step, 'parts' | 'changes' | 'now'>, id: string, text: string): void {
  const place = parts.operatorPlace
  if (place === undefined) return
  changes.notices.push({
    id,
    kind: 'admin',
    target: [{ kind: 'place', place }],
    via: { network: place.network, account: place.account },
    notice: notice(text.slice(0, 1_500)),
    intentId: null,
    dueAt: now,
  })
}

function ask(step: Step, { fields, not_before }: language.PlannedEffect, { entry, mayAsk }: Target): Status {
  if (entry === undefined) return 'nobody'
  const question = String(fields.for)
  if (question === 'publish') {
    if (mayAsk) step.publisher.ask(entry, undefined, step.changes, step.now)
    return 'done'
  }
  const timeout = typeof fields.timeout === 'number' ? fields.timeout : undefined
  if (!(QUESTIONS as readonly string[]).includes(question)) return 'unsupported'
  return askFor(step, entry, question as Question, timeout, not_before ?? step.now) ? 'done' : 'nobody'
}

/** The account reacts for the operator; carried by the reactions of the gateway, which try until the platform took it. */
function react({ changes, now }: Step, { fields, not_before }: language.PlannedEffect, { origin }: Cause): Status {
  if (origin.ref === undefined || origin.place.network === 'p2p') return 'nobody'
  changes.reactions.push({ ref: origin.ref, emoji: String(fields.emoji), dueAt: not_before ?? now })
  return 'done'
}

function order(step: Step, effect: language.PlannedEffect, { entry, cause }: Target): Status {
  const { parts, changes, now } = step
  const { queue, name, data, delay, attempts, id } = effect.fields as {
    readonly queue: string
    readonly name: string
    readonly data: Readonly<Record<string, unknown>>
    readonly delay?: number
    readonly attempts?: number
    readonly id: string
  }
  if (!parts.jobQueues.has(queue)) {
    parts.log.warn(
      { ev: 'rule-job', rule: effect.rule, queue },
      'a rule orders a job nobody is configured to do: see market.jobs',
    )
    return 'unconfigured'
  }
  const message = cause.message ?? entry?.record.message_id ?? effect.id
  changes.notices.push({
    id: `job.${queue}.${id}`.slice(0, 200),
    kind: 'job',
    target: [],
    via: { network: 'job', account: 'self' },
    notice: notice(''),
    job: {
      id: `${queue}.${id}`,
      queue,
      name,
      rule: effect.rule,
      data,
      message,
      intent: entry === undefined ? null : intentOf(entry).intent_id,
      attempts: attempts ?? DEFAULT_ATTEMPTS,
    },
    intentId: null,
    dueAt: Math.max(effect.not_before ?? now, now + (delay ?? 0)),
  })
  return 'done'
}

const DEFAULT_ATTEMPTS = 3

function tag(step: Step, { fields }: language.PlannedEffect, { entry, cause }: Target): Status {
  const {
    add,
    remove,
    on,
    for: ms,
  } = fields as {
    readonly add: readonly string[]
    readonly remove: readonly string[]
    readonly on: TagTarget
    readonly for?: number
  }
  const subject = subjectsOf({
    origin: cause.origin,
    author: cause.author,
    messageId: cause.message ?? entry?.record.message_id ?? '',
    intentId: entry === undefined ? undefined : intentOf(entry).intent_id,
  })[on]
  if (subject === undefined || subject === '') return 'nobody'
  const until = step.now + Math.min(ms ?? TAGGED_MS[on], MAX_TAGGED_MS)
  const changes = [
    ...add.map((name) => language.tagChange(on, subject, name, until)),
    ...remove.map((name) => language.tagChange(on, subject, name, 0)),
  ]
  step.parts.memory.remember(changes)
  step.changes.ruleState.push(...changes)
  return 'done'
}

function reply(step: Step, effect: language.PlannedEffect, { entry, cause, mayAsk }: Target): Status {
  const { fields } = effect
  const text = String(fields.text ?? '')
  const buttons = Array.isArray(fields.buttons) ? fields.buttons : []
  if (buttons.includes('confirm') && entry !== undefined) {
    if (mayAsk) step.publisher.ask(entry, text, step.changes, step.now)
    return 'done'
  }
  const { place, ref } = cause.origin
  if (place.network === 'p2p' || text === '') return 'nobody'
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
  return 'done'
}

/** Alerts are about intents; without one, what a rule has to say is said as it is. */
function alertByRule(step: Step, effect: language.PlannedEffect, { entry, cause }: Target): Status {
  const { fields } = effect
  const to = Array.isArray(fields.to) ? (fields.to as string[]) : []
  const urgency = fields.urgency === 'digest' ? 'hourly' : 'instant'
  const text = String(fields.text ?? '')
  let known = true
  for (const recipient of to) {
    // Owners of saved searches hear of every intent anyway.
    if (recipient === 'subscribers') continue
    const told = recipientsOf(step, recipient, entry, cause.origin)
    if (told.length === 0) known = false
    for (const one of told) {
      if (entry !== undefined && one.via.network !== 'p2p')
        tellByRule(step.parts, entry, one, effect.rule, urgency, step.changes, step.now)
      else if (text === '') known = false
      else {
        const row: NoticeRow = {
          id: `rule.${effect.id}.${one.person}`.slice(0, 200),
          kind: 'reply',
          target: one.target,
          via: one.via,
          notice: notice(text),
          intentId: null,
          dueAt: effect.not_before ?? step.now,
        }
        step.changes.notices.push(row)
      }
    }
  }
  return known ? 'done' : 'nobody'
}
