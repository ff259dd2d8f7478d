import { z } from 'zod'
import type { Notice } from '../../bridges/interaction.ts'
import { type CommandContext, type CommandDefinition, type CommandResult, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { intentLine, matchWords } from './cards.ts'
import { type SearchDesk, searchData } from './commands-alerts.ts'
import type { Desk } from './desk.ts'
import { intentOf } from './model.ts'
import { cut, type Page, turns } from './pages.ts'

/** Saved searches and matches on one page: less than what fits into one message of any platform. */
const SEARCHES = 10
const MATCHES = 5
const arguments_ = z.object({ page: z.int().min(1).max(10_000).default(1) })
const argumentHelp = { page: { summary: 'which page' } } as const

interface Listing {
  readonly title: string
  readonly empty: string
  readonly rows: readonly Notice['rich'][]
  readonly data: object
  /** Id of the button that leads to a page. */
  readonly turn: (to: number) => string
}

function listed(shown: Page<unknown>, { title, empty, rows, data, turn }: Listing): CommandResult {
  const { page, pages, total } = shown
  const buttons = turns(shown, turn)
  const where = pages > 1 || page > 1 ? `page ${page} of ${pages}, ${total} in all` : undefined
  return answer(
    total === 0 ? empty : lines(...rows, where),
    { total, page, pages, ...data },
    { title, ...(buttons.length > 0 && { actions: [buttons] }) },
  )
}

/** One page of a person's saved searches. */
export function searchesPage({ desk }: SearchDesk, context: CommandContext, which: number): CommandResult {
  const { memory, buttonId } = desk.market.parts
  const page = cut(memory.searchesOf(context.actor.key), which, SEARCHES)
  return listed(page, {
    title: 'Alerts',
    empty: 'You have no saved searches.',
    rows: page.rows.map((s) => line(s.status === 'active' ? '🔔 ' : '⏸ ', code(s.id), ` ${s.words} · ${s.hits} so far`)),
    data: { alerts: page.rows.map(searchData) },
    turn: (to) => buttonId('alerts', String(to)),
  })
}

/** One page of what fits a person's own offers and wishes, best first. */
export function matchesPage(desk: Desk, context: CommandContext, which: number): CommandResult {
  const page = cut(desk.matches(context.actor.key), which, MATCHES)
  const matches = page.rows.map(({ own, hit }) => ({
    own: intentOf(own).intent_id,
    match: hit.intent.intent_id,
    score: hit.score,
    parts: hit.parts,
    flags: hit.flags,
  }))
  return listed(page, {
    title: 'Matches',
    empty: 'Nothing fits yet.',
    rows: page.rows.flatMap(({ own, hit }) => [
      bold(intentLine(hit.intent)),
      line(`  for ${intentLine(intentOf(own))} · ${matchWords(hit)}`),
    ]),
    data: { matches },
    turn: (to) => desk.market.parts.buttonId('matches', String(to)),
  })
}

/** alert list, match list. */
export function listCommands(searches: SearchDesk): CommandDefinition[] {
  return [
    defineCommand({
      path: ['alert', 'list'],
      telegram: 'k2_alerts',
      http: { method: 'GET', path: '/alerts' },
      summary: 'what you are told of',
      role: 'everyone',
      arguments: arguments_,
      argumentHelp,
      run: async (context, { page }) => searchesPage(searches, context, page),
    }),
    defineCommand({
      path: ['match', 'list'],
      telegram: 'k2_matches',
      http: { method: 'GET', path: '/matches' },
      summary: 'what fits your offers and wishes, and why',
      role: 'everyone',
      arguments: arguments_,
      argumentHelp,
      run: async (context, { page }) => matchesPage(searches.desk, context, page),
    }),
  ]
}
