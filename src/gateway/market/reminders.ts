import { bold, lines, notice } from '../commands/notices.ts'
import { reachOf } from './alerting.ts'
import { intentLine } from './cards.ts'
import { intentOf, type MarketIntent, type NoticeRow, type Reach, type Search } from './model.ts'
import type { MarketParts } from './parts.ts'
import type { Step } from './step.ts'

/** Owners of saved searches are asked this long before one ends. */
const BEFORE_MS = 3 * 86_400_000

/** Somebody wants to hear of it once more; cancelled with the intent. */
export function reminder(parts: MarketParts, entry: MarketIntent, person: string, reach: Reach, dueAt: number): NoticeRow {
  const id = intentOf(entry).intent_id
  const { target, via } = reachOf(person, reach)
  const interested = { id: parts.buttonId('interest', id), label: 'Interested', style: 'primary' } as const
  return {
    id: `rem.${id}.${person}`.slice(0, 200),
    kind: 'reminder',
    target,
    via,
    notice: notice(lines(bold('⏰ Still open'), intentLine(intentOf(entry))), { actions: [[interested]] }),
    intentId: id,
    dueAt,
  }
}

/** Saved searches that end soon: their owners can let them run on. Once for each end. */
export function remindOfSearches({ parts, changes, now }: Step): void {
  for (const search of parts.memory.searches.values()) {
    const left = search.expiresAt - now
    if (left <= 0 || left > BEFORE_MS || search.expiresAt - search.createdAt < 2 * BEFORE_MS) continue
    changes.notices.push(endOf(parts, search, now))
  }
}

function endOf(parts: MarketParts, search: Search, now: number): NoticeRow {
  const { target, via } = reachOf(search.owner, search.reach)
  const keep = { id: parts.buttonId('search-keep', search.id), label: 'Go on', style: 'success' } as const
  return {
    id: `sexp.${search.id}.${search.expiresAt}`,
    kind: 'reminder',
    target,
    via,
    notice: notice(lines(bold('⌛ A saved search ends in a few days'), search.words), { actions: [[keep]] }),
    intentId: null,
    dueAt: now,
  }
}
