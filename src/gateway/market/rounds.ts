import type { NoticeTarget } from '../../bridges/interaction.ts'
import { alert, language } from '../../rules/index.ts'
import { ownerOf } from './alerting.ts'
import { digestNotice, expiringNotice } from './cards.ts'
import { carryOut } from './effects.ts'
import { ended, subjectOf } from './intents.ts'
import { intentOf, type MarketIntent, type NoticeRow, type Search } from './model.ts'
import { countPeer, type PeerCounts } from './peers.ts'
import { remindOfSearches } from './reminders.ts'
import { judge } from './rules-pass.ts'
import { schedule } from './schedule.ts'
import type { Cause, Step } from './step.ts'

const DAY_MS = 86_400_000
/** Owners are asked this long before an intent ends by itself. */
const ASK_BEFORE_MS = DAY_MS
/** Rounds between two looks for intents that end soon. */
const LOOK_EVERY_MS = 600_000
const lastLook = new WeakMap<object, number>()

/** Everything that happens because time passes. */
export function tick(step: Step, counts: PeerCounts): void {
  const { memory } = step.parts
  const { now, changes } = step
  for (const intent of memory.open.expire(now)) {
    const entry = memory.get(intent.intent_id)
    if (entry === undefined) continue
    if (entry.origin.peer !== undefined) countPeer(counts, entry.origin.peer.nodeId, -1)
    const record = { ...entry.record, intent: { ...intent, status: 'expired' as const, updated_at: now } }
    ended(step, record, 'expired', causeOf(step, entry))
  }
  if (now - (lastLook.get(memory) ?? 0) >= LOOK_EVERY_MS) {
    lastLook.set(memory, now)
    askExpiring(step)
    remindOfSearches(step)
    memory.sweepEnded(now - DAY_MS)
  }
  searches(step)
  digests(step)
  memory.alerts.sweep(now)
  memory.channels.sweep(now)
  changes.ruleState.push(...memory.takeMessageCounts(now))
  schedule(step)
  memory.tags.sweep(now)
  memory.ruleState.sweep(now, new Set(step.parts.ruleSet()?.rules.map((r) => r.id)))
}

/** What an intent's own life is caused by: its origin. */
export function causeOf({ parts }: Pick<Step, 'parts'>, entry: MarketIntent): Cause {
  const intent = intentOf(entry)
  return {
    origin: entry.origin,
    profile: parts.profiles.of(entry.origin.place),
    author: { key: intent.owner, kind: intent.platform === 'p2p' ? 'peer' : 'user', trust: intent.trust, roles: [] },
  }
}

function askExpiring(step: Step): void {
  const { parts, changes, now } = step
  for (const entry of parts.memory.all()) {
    const intent = intentOf(entry)
    if (intent.status !== 'open' || entry.origin.peer !== undefined) continue
    const left = intent.expires_at - now
    // Short-lived ones would be asked for as soon as they are written.
    if (left > ASK_BEFORE_MS || intent.expires_at - intent.created_at < 2 * ASK_BEFORE_MS) continue
    expiring(step, entry)
    const told = ownerOf(parts, entry)
    if (told === undefined) continue
    changes.notices.push({
      id: `exp.${intent.intent_id}.${intent.expires_at}`,
      kind: 'reminder',
      target: told.target,
      via: told.via,
      notice: expiringNotice(entry, parts.buttonId),
      intentId: intent.intent_id,
      dueAt: now,
    })
  }
}

/** Rules hear of it once for each end an intent has; a mark on the intent tells, also after a restart. */
function expiring(step: Step, entry: MarketIntent): void {
  const { parts, changes, now } = step
  const intent = intentOf(entry)
  const mark = `\u0002expiring ${intent.expires_at}`
  if (parts.memory.tags.until('intent', intent.intent_id, mark, now) !== undefined) return
  const noted = [language.tagChange('intent', intent.intent_id, mark, intent.expires_at)]
  parts.memory.remember(noted)
  changes.ruleState.push(...noted)
  const cause = causeOf(step, entry)
  const subject = subjectOf('intent.expiring', entry, cause)
  const plan = judge(parts, { ...subject, messageId: `${subject.messageId}#${intent.expires_at}` }, changes, now)
  carryOut(step, plan.effects, { entry, cause, mayAsk: false })
}

function searches({ parts, changes, now }: Step): void {
  for (const search of parts.memory.searches.values()) {
    if (search.expiresAt <= now) {
      parts.memory.removeSearch(search.id)
      changes.removedSearches.add(search.id)
    } else if (search.status === 'paused' && search.pausedUntil !== null && search.pausedUntil <= now) {
      const next: Search = { ...search, status: 'active', pausedUntil: null }
      parts.memory.putSearch(next)
      changes.searches.set(search.id, next)
    }
  }
}

function digests(step: Step): void {
  const { parts, changes, now } = step
  const { memory } = parts
  for (const { recipient, due_at } of memory.alerts.due(now)) {
    const entries = memory.alerts.takeDigest(recipient, now)
    changes.takenDigests.push(...entries.map((e) => e.alert_id))
    const digest = alert.buildDigest(entries, (id) => memory.book.get(id)?.intent.status === 'open')
    const where = digest === null ? undefined : reachOf(step, recipient, entries[0]?.search)
    if (digest === null || where === undefined) continue
    parts.counters.add('digests_total')
    changes.notices.push({
      id: `dig.${recipient}.${due_at}`.slice(0, 200),
      kind: 'digest',
      ...where,
      notice: digestNotice(
        digest,
        (id) => memory.searches.get(id)?.words ?? memory.book.get(id)?.intent.slots.item?.text ?? id,
        (id) => memory.book.get(id)?.intent,
      ),
      intentId: null,
      dueAt: now,
    })
  }
}

/** Where a person gets digests: as their searches say, else where they wrote. */
function reachOf({ parts }: Step, person: string, cause: string | undefined): Pick<NoticeRow, 'target' | 'via'> | undefined {
  const { memory } = parts
  const reach = memory.searches.get(cause ?? '')?.reach ?? memory.people.get(person)?.reach ?? memory.searchesOf(person)[0]?.reach
  if (reach !== undefined) {
    const target: NoticeTarget[] = [
      { kind: 'person', authorKey: reach.authorKey },
      { kind: 'place', place: reach.place },
    ]
    return { target, via: { network: reach.network, account: reach.account } }
  }
  const own = memory.get(cause ?? '')
  const told = own === undefined ? undefined : ownerOf(parts, own)
  return told === undefined ? undefined : { target: told.target, via: told.via }
}
