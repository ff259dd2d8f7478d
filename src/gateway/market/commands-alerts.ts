import { z } from 'zod'
import { toHex } from '../../base/bytes.ts'
import { K2Error } from '../../base/errors.ts'
import { alert, match, subscribe } from '../../rules/index.ts'
import { type CommandContext, type CommandDefinition, type CommandResult, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { acceptSearch } from './alerting.ts'
import { intentLine } from './cards.ts'
import type { Desk } from './desk.ts'
import { intentOf, type PersonSettings, type Reach, type Search } from './model.ts'

const DAY_MS = 86_400_000
const MAX_SEARCHES = 50
const MAX_PAUSE_DAYS = 90
const TEST_MS = 7 * DAY_MS
const id = z.string().min(2).max(40)

/** Saved searches of a person, with everything commands and buttons do to them. */
export class SearchDesk {
  readonly desk: Desk

  constructor(desk: Desk) {
    this.desk = desk
  }

  /** Saves a search written in words. Throws `SUBSCRIPTION_*` or `SEARCH_NOT_UNDERSTOOD` with a hint. */
  async add(context: CommandContext, words: string): Promise<Search> {
    const { market } = this.desk
    const { parts } = market
    const person = context.actor.key
    const settings = parts.memory.people.get(person)
    const currency = settings?.currency ?? parts.profiles.of(this.desk.originOf(context).place).reading.currency
    const parsed = subscribe.parseQuery(words, {
      topics: new Set(parts.lexicon.taxonomy.topics.map((t) => t.slug)),
      ...(currency !== undefined && { currency }),
    })
    if (!parsed.ok) {
      const [first] = parsed.problems
      const hint = first?.hint === undefined ? '' : ` (${first.hint})`
      throw new K2Error({ code: 'SEARCH_NOT_UNDERSTOOD', kind: 'input', message: `${first?.message ?? 'not a search'}${hint}` })
    }
    acceptSearch(parsed.query, parts)
    return market.act((step) => {
      if (parts.memory.searchesOf(person).length >= MAX_SEARCHES)
        throw new K2Error({ code: 'SEARCH_TOO_MANY', kind: 'limit', message: `you have ${MAX_SEARCHES} searches: remove some` })
      const search: Search = {
        id: toHex(parts.rng.bytes(5)),
        owner: person,
        words: words.trim(),
        query: parsed.query,
        reach: this.#reach(context),
        status: 'active',
        pausedUntil: null,
        hits: 0,
        lastHitAt: null,
        createdAt: step.now,
        expiresAt: step.now + parsed.query.expires,
      }
      parts.memory.putSearch(search)
      step.changes.searches.set(search.id, search)
      return search
    })
  }

  async remove(context: CommandContext, which: string): Promise<Search> {
    return this.desk.market.act((step) => {
      const search = this.find(context, which)
      step.parts.memory.removeSearch(search.id)
      step.changes.searches.delete(search.id)
      step.changes.removedSearches.add(search.id)
      return search
    })
  }

  /** Pauses for some days; 0 resumes. */
  async pause(context: CommandContext, which: string, days: number): Promise<Search> {
    return this.desk.market.act((step) => {
      const search = this.find(context, which)
      const next: Search =
        days > 0
          ? { ...search, status: 'paused', pausedUntil: step.now + Math.min(days, MAX_PAUSE_DAYS) * DAY_MS }
          : { ...search, status: 'active', pausedUntil: null }
      step.parts.memory.putSearch(next)
      step.changes.searches.set(next.id, next)
      return next
    })
  }

  /** Runs on for as long as a new one would. */
  async renew(context: CommandContext, which: string): Promise<Search> {
    return this.desk.market.act((step) => {
      const search = this.find(context, which)
      const next: Search = { ...search, expiresAt: Math.max(search.expiresAt, step.now + search.query.expires) }
      step.parts.memory.searches.set(next.id, next)
      step.changes.searches.set(next.id, next)
      return next
    })
  }

  /** Changes what a person set. */
  async set(context: CommandContext, change: (before: PersonSettings) => PersonSettings): Promise<PersonSettings> {
    return this.desk.market.act((step) => {
      const person = context.actor.key
      const next = { ...change(step.parts.memory.people.get(person) ?? {}), reach: this.#reach(context) }
      step.parts.memory.people.set(person, next)
      step.changes.people.set(person, next)
      return next
    })
  }

  /** Open intents of the last week a search fits. */
  test(context: CommandContext, which: string): string[] {
    const { parts } = this.desk.market
    const search = this.find(context, which)
    const index = new subscribe.SubscriptionIndex()
    index.add(search.id, search.query)
    const now = parts.clock.now()
    const out: string[] = []
    for (const entry of parts.memory.all()) {
      const intent = intentOf(entry)
      if (now - intent.created_at > TEST_MS || intent.status !== 'open') continue
      if (index.match(match.documentOf(intent), match.converter(parts.rates, now)).handles.length > 0) out.push(intent.intent_id)
    }
    return out
  }

  /** A person's own search by id or the beginning of it. Throws `SEARCH_UNKNOWN`. */
  find(context: CommandContext, which: string): Search {
    const { memory } = this.desk.market.parts
    const own = memory.searchesOf(context.actor.key)
    const found = own.filter((s) => s.id === which || s.id.startsWith(which))
    if (found.length === 1) return found[0] as Search
    throw new K2Error({
      code: 'SEARCH_UNKNOWN',
      kind: 'input',
      message: `you have no search called "${which.slice(0, 40)}": see alert list`,
    })
  }

  /** Forgets a person: searches, settings, consents, alerts; what they offer is taken back. */
  async forget(context: CommandContext): Promise<number> {
    const { market } = this.desk
    const person = context.actor.key
    const own = this.desk.ownOf(person).filter((e) => ['open', 'draft', 'paused'].includes(intentOf(e).status))
    for (const entry of own) await this.desk.dismiss(context, intentOf(entry).intent_id)
    await market.act(({ parts }) => parts.memory.forget(person))
    await market.store.forgetPerson(person)
    await market.tellOthers('forget', person)
    return own.length
  }

  #reach(context: CommandContext): Reach {
    const { place } = this.desk.originOf(context)
    return { network: place.network, account: place.account, authorKey: this.desk.accountOf(context), place }
  }
}

/** alert add, remove, pause, mute, settings (rules 13 and 14). */
export function alertCommands(searches: SearchDesk): CommandDefinition[] {
  const { desk } = searches
  const suggest = async (context: CommandContext, typed: string) =>
    desk.market.parts.memory
      .searchesOf(context.actor.key)
      .filter((s) => s.words.toLowerCase().includes(typed.toLowerCase()))
      .slice(0, 25)
      .map((s) => ({ name: s.words.slice(0, 100), value: s.id }))
  const which = { summary: 'its id, as alert list shows it', suggest }
  return [
    defineCommand({
      path: ['alert', 'add'],
      http: { method: 'POST', path: '/alerts' },
      summary: 'be told when something turns up',
      help: 'In words: thinkpad under 800 eur. More: OR, -word, topic:laptops, price:<900usd, near:berlin 50km, condition:new, every:daily.',
      role: 'everyone',
      arguments: z.object({ search: z.string().min(1).max(500) }),
      argumentHelp: { search: { summary: 'what to look for, for example: thinkpad under 800 eur', rest: true } },
      run: async (context, { search: words }) => {
        const search = await searches.add(context, words)
        const now = searches.test(context, search.id)
        return answer(
          lines(
            bold(`🔔 Saved: ${search.words}`),
            now.length === 0 ? 'Nothing open fits yet.' : `${now.length} open now: see offers.`,
            line('Remove it with alert remove ', code(search.id)),
          ),
          { ...searchData(search), open: now },
        )
      },
    }),
    defineCommand({
      path: ['alert', 'remove'],
      http: { method: 'DELETE', path: '/alerts/:id' },
      summary: 'forget a saved search',
      role: 'everyone',
      arguments: z.object({ id }),
      argumentHelp: { id: which },
      run: async (context, args) => changed('Removed', await searches.remove(context, args.id)),
    }),
    defineCommand({
      path: ['alert', 'pause'],
      http: { method: 'POST', path: '/alerts/:id/pause' },
      summary: 'silence a saved search for some days; 0 wakes it',
      role: 'everyone',
      arguments: z.object({ id, days: z.number().min(0).max(MAX_PAUSE_DAYS).default(1) }),
      argumentHelp: { id: which, days: { summary: 'how many days; 0 goes on at once' } },
      run: async (context, args) => {
        const search = await searches.pause(context, args.id, args.days)
        return changed(search.status === 'paused' ? `Paused for ${args.days} days` : 'Goes on', search)
      },
    }),
    defineCommand({
      path: ['alert', 'test'],
      http: { method: 'GET', path: '/alerts/:id/test' },
      summary: 'what a saved search would have found in the last week',
      role: 'everyone',
      arguments: z.object({ id }),
      argumentHelp: { id: which },
      run: async (context, args) => {
        const found = searches.test(context, args.id)
        const rows = found.slice(0, 10).map((i) => `· ${intentLine(intentOf(desk.find(i)))}`)
        return answer(rows.length === 0 ? 'Nothing open fits.' : lines(...rows), { open: found })
      },
    }),
    defineCommand({
      path: ['alert', 'mute'],
      http: { method: 'POST', path: '/alerts/mute' },
      summary: 'hear nothing more from an author, or of a search',
      role: 'everyone',
      arguments: z.object({ offer: z.string().min(2).max(40), undo: z.boolean().default(false) }),
      argumentHelp: { offer: { summary: 'id of an offer, or of a search' }, undo: { summary: 'hear of them again' } },
      run: async (context, args) => mute(searches, context, args.offer, args.undo),
    }),
    defineCommand({
      path: ['market', 'forget'],
      http: { method: 'DELETE', path: '/market/me' },
      summary: 'take back what you offer and forget your searches, settings and consents',
      role: 'everyone',
      confirm: () =>
        'Everything of yours in the market is taken back and forgotten. What K2 has already heard stays with others.',
      arguments: z.object({}),
      argumentHelp: {},
      run: async (context) => {
        const ended = await searches.forget(context)
        return answer(lines(bold('Forgotten.'), `${ended} taken back.`), { ended })
      },
    }),
    defineCommand({
      path: ['alert', 'settings'],
      http: { method: 'PATCH', path: '/alerts/settings' },
      summary: 'quiet hours, time zone, how much per hour; or no alerts at all',
      role: 'everyone',
      arguments: z.object({
        on: z.boolean().optional(),
        zone: z.string().refine(alert.isTimeZone, 'not a time zone such as Europe/Berlin').optional(),
        quiet: z
          .string()
          .refine((t) => t === 'none' || alert.parseHours(t) !== undefined, 'write 22:00-07:00, or none')
          .optional(),
        daily: z
          .string()
          .regex(/^([01]?\d|2[0-3]):[0-5]\d$/, 'a time such as 09:00')
          .optional(),
        hour: z.int().min(0).max(100).optional(),
        day: z.int().min(0).max(1000).optional(),
        currency: z
          .string()
          .regex(/^[A-Za-z]{3,5}$/)
          .optional(),
      }),
      argumentHelp: {
        on: { summary: 'no: tell me nothing' },
        zone: { summary: 'your time zone, such as Europe/Berlin' },
        quiet: { summary: 'hours without alerts, such as 22:00-07:00, or none' },
        daily: { summary: 'when daily summaries come' },
        hour: { summary: 'alerts per hour at most; the rest is summed up' },
        day: { summary: 'alerts per day at most' },
        currency: { summary: 'prices are shown in it, too' },
      },
      run: async (context, args) => {
        const next = await searches.set(context, (before) => settingsOf(before, args))
        const { reach: _, ...data } = next
        const rows = Object.entries(data).map(
          ([name, value]) => `${name}: ${Array.isArray(value) ? value.length : String(value)}`,
        )
        return answer(rows.length === 0 ? 'Everything is as usual.' : lines(...rows), data, { title: 'Your alerts' })
      },
    }),
  ]
}

interface Settings {
  readonly on?: boolean | undefined
  readonly zone?: string | undefined
  readonly quiet?: string | undefined
  readonly daily?: string | undefined
  readonly hour?: number | undefined
  readonly day?: number | undefined
  readonly currency?: string | undefined
}

function settingsOf(before: PersonSettings, { on, zone, quiet, daily, hour, day, currency }: Settings): PersonSettings {
  const { quiet: oldQuiet, optedOut, ...rest } = before
  const hours = quiet === undefined ? oldQuiet : quiet === 'none' ? undefined : quiet
  const out = on === undefined ? optedOut : !on
  return {
    ...rest,
    ...(hours !== undefined && { quiet: hours }),
    ...(out === true && { optedOut: true }),
    ...(zone !== undefined && { timeZone: zone }),
    ...(daily !== undefined && { dailyAt: daily }),
    ...(hour !== undefined && { perHour: hour }),
    ...(day !== undefined && { perDay: day }),
    ...(currency !== undefined && { currency: currency.toUpperCase() }),
  }
}

/** Mutes a search of one's own, or the author of an offer. */
export async function mute(searches: SearchDesk, context: CommandContext, what: string, undo: boolean): Promise<CommandResult> {
  const own = searches.desk.market.parts.memory.searchesOf(context.actor.key).find((s) => s.id === what)
  const author = own === undefined ? intentOf(searches.desk.find(what)).owner : undefined
  const list = (before: readonly string[] | undefined, value: string): string[] => {
    const others = (before ?? []).filter((x) => x !== value)
    return undo ? others : [...others, value].slice(-2000)
  }
  await searches.set(context, (s) =>
    own === undefined
      ? { ...s, mutedAuthors: list(s.mutedAuthors, author as string) }
      : { ...s, mutedSearches: list(s.mutedSearches, own.id) },
  )
  const who = own === undefined ? 'that author' : `“${own.words}”`
  return answer(undo ? `You hear of ${who} again.` : `You hear nothing more of ${who}.`, {
    muted: !undo,
    search: own?.id ?? null,
  })
}

function changed(word: string, search: Search): CommandResult {
  return answer(lines(bold(`${word}.`), search.words), searchData(search))
}

/** A saved search as programs see it. */
export function searchData({
  id: key,
  words,
  query,
  status,
  pausedUntil,
  hits,
  lastHitAt,
  createdAt,
  expiresAt,
}: Search): object {
  return { id: key, words, query, status, pausedUntil, hits, lastHitAt, createdAt, expiresAt }
}
