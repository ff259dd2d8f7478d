import { emojiKey } from '../../bridges/reactions.ts'
import { language } from '../../rules/index.ts'
import type { Statement } from '../db/sql/statement.ts'
import { toJsonb } from '../pipeline/json.ts'
import { refScope } from '../pipeline/scope.ts'
import type { Changes } from './changes.ts'
import type { MarketIntent, Search } from './model.ts'
import * as sql from './store-sql.ts'
import { SAVE_TALKS, TOUCH_TALKS, talkRow } from './talk-store.ts'

/** A statement with its values. */
export type Write = readonly [Statement, readonly unknown[]]

/** What a step changed, as statements of one transaction. */
export function writesOf(c: Changes, now: number): Write[] {
  const out: Write[] = []
  const rows = (s: Statement, list: readonly object[], ...more: unknown[]): void => {
    if (list.length > 0) out.push([s, [toJsonb(list), ...more]])
  }
  rows(sql.SAVE_INTENTS, [...c.intents.values()].map(intentRowOf))
  rows(
    sql.SAVE_REVISIONS,
    c.revisions.map((r) => ({ intent_id: r.intentId, revision: r.revision, slots: r.slots, reason: r.reason, at: r.at })),
  )
  rows(sql.SAVE_SEARCHES, [...c.searches.values()].map(searchRowOf))
  if (c.removedSearches.size > 0) out.push([sql.REMOVE_SEARCHES, [[...c.removedSearches]]])
  rows(
    sql.SAVE_MATCHES,
    lastByKey(c.matches, (m) => `${m.wantId} ${m.offerId}`).map((m) => ({
      want_id: m.wantId,
      offer_id: m.offerId,
      score: m.score,
      parts: m.parts,
      at: m.at,
    })),
  )
  rows(sql.SAVE_ALERTS, c.alerts.map(alertRowOf))
  if (c.takenDigests.length > 0) out.push([sql.TAKE_DIGESTS, [c.takenDigests, now]])
  rows(
    sql.SAVE_NOTICES,
    c.notices.map((n) => ({
      id: n.id,
      kind: n.kind,
      target: {
        via: n.via,
        to: n.target,
        ...(n.author && { author: n.author }),
        ...(n.job && { job: n.job }),
        ...(n.inPublic && { inPublic: n.inPublic }),
      },
      notice: n.notice,
      intent_id: n.intentId,
      due_at: n.dueAt,
    })),
    now,
  )
  if (c.cancelled.size > 0) out.push([sql.CANCEL_NOTICES, [[...c.cancelled]]])
  rows(
    sql.SAVE_PEOPLE,
    [...c.people].map(([person, settings]) => ({ person, settings })),
    now,
  )
  rows(
    sql.SAVE_CONSENTS,
    c.consents.map(({ person, place, consent }) => ({ person, place, shown: consent.shown, at: consent.at })),
  )
  rows(
    sql.SAVE_RULE_STATE,
    lastByKey(c.ruleState, (s) => `${s.kind}\0${s.rule}\0${s.key}`).map((s) => ({ ...s })),
  )
  rows(
    sql.SAVE_TRACES,
    lastByKey(c.traces, (t) => t.messageId).map((t) => ({ message_id: t.messageId, class: t.class, trace: t.trace, at: t.at })),
  )
  rows(
    sql.SAVE_REACTIONS,
    c.reactions.map(({ ref, emoji, dueAt }) => ({
      network: ref.network,
      scope: refScope(ref),
      channel: ref.channel,
      native_id: ref.id,
      key: emojiKey(emoji),
      name: emoji,
      due_at: dueAt,
    })),
  )
  rows(SAVE_TALKS, [...c.talks.values()].map(talkRow))
  if (c.touchedTalks.size > 0) out.push([TOUCH_TALKS, [[...c.touchedTalks], now]])
  if (c.forgottenTraces.length > 0) out.push([sql.FORGET_TRACES, [c.forgottenTraces.flatMap(traceIds)]])
  if (c.cursor !== undefined) out.push([sql.SAVE_CURSOR, [c.cursor]])
  return out
}

/** A message's traces: of itself, and of what its intents went through. */
const traceIds = (message: string): string[] => [message, ...language.EVENTS.map((event) => `${message}#${event}`)]

/** One statement cannot touch a row twice: the last change of each counts. */
function lastByKey<T>(list: readonly T[], key: (value: T) => string): T[] {
  return list.length < 2 ? [...list] : [...new Map(list.map((value) => [key(value), value])).values()]
}

function intentRowOf({ record, origin, consent, published }: MarketIntent): object {
  const { intent } = record
  return {
    intent_id: intent.intent_id,
    owner: intent.owner,
    platform: intent.platform,
    channel: intent.channel,
    kind: intent.intent,
    side: intent.side,
    slug: intent.topic?.slug ?? null,
    k2_topic: intent.topic?.k2_topic ?? null,
    status: intent.status,
    confidence: intent.confidence,
    revision: intent.revision,
    record,
    origin,
    consent,
    published,
    created_at: intent.created_at,
    updated_at: intent.updated_at,
    expires_at: intent.expires_at,
  }
}

function alertRowOf(row: Changes['alerts'][number]): object {
  const { decision, change } = row
  return {
    alert_id: change === undefined ? `${decision.alert_id}.${row.at}` : decision.alert_id,
    recipient: row.recipient,
    intent_id: row.intentId,
    revision: row.revision,
    causes: row.causes,
    result: decision.result,
    step: decision.step,
    reason: decision.reason,
    record: change?.record ?? null,
    digest: change?.digest ?? null,
    created_at: row.at,
  }
}

function searchRowOf(search: Search): object {
  const { pausedUntil, lastHitAt, createdAt, expiresAt, ...same } = search
  return { ...same, paused_until: pausedUntil, last_hit_at: lastHitAt, created_at: createdAt, expires_at: expiresAt }
}
