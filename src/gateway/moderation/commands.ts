import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { parseDuration } from '../config/units.ts'
import type { Pipeline, RouteDefinition } from '../pipeline/index.ts'
import type { Announcements } from './announce.ts'
import type { Bar, BarKind, RouteLimits } from './model.ts'
import { purgePerson } from './purge.ts'
import type { Moderation } from './service.ts'
import { type Targets, WHO } from './target.ts'

export interface ModerationCommandParts {
  readonly service: Moderation
  readonly announcements: Announcements
  readonly pipeline: () => Pipeline
  readonly routes: () => readonly RouteDefinition[]
  readonly targets: Targets
  readonly pool: Parameters<typeof purgePerson>[0]
  readonly clock: Clock
}

const SHOWN = 20
const MAX_SLOW_MS = 24 * 3_600_000
const DEFAULT_MUTE = '1h'
const DEFAULT_RAID = '15m'
/** What "mod lift" takes back when nothing is said: optout is the person's own. */
const BY_MODERATORS: readonly BarKind[] = ['ban', 'mute', 'hold']

const BARS = {
  ban: {
    verb: 'ban',
    effect: 'is not heard and gives no commands',
    summary: 'carry nothing of somebody any more, on any network',
  },
  mute: { verb: 'mute', effect: 'is not heard', summary: 'carry nothing of somebody for a while' },
  hold: {
    verb: 'hold',
    effect: 'is heard only after a moderator agreed to each message',
    summary: 'let every message of somebody wait for a moderator',
  },
} as const

/** Bans, slow mode and raids (bridging 18). */
export function moderationCommands(parts: ModerationCommandParts): CommandDefinition[] {
  const { service, routes, targets, clock } = parts
  const suggestRoute = async (_context: CommandContext, typed: string) =>
    [{ name: 'all routes', value: 'all' }, ...routes().map((r) => ({ name: r.id, value: r.id }))].filter((r) =>
      r.value.includes(typed.trim()),
    )
  const ROUTE = { summary: 'id of a route; default: everywhere', suggest: suggestRoute }
  const bar = (kind: 'ban' | 'mute' | 'hold'): CommandDefinition => {
    const { verb, effect, summary } = BARS[kind]
    return defineCommand({
      path: ['mod', verb],
      http: { method: 'POST', path: `/moderation/${verb}` },
      summary,
      role: 'moderator',
      ...(kind === 'ban' && {
        confirm: ({ account }: { account?: string | undefined }) => `${account ?? 'The author'} ${effect}.`,
      }),
      arguments: z.object({
        account: z.string().max(300).optional(),
        for: z.string().max(20).optional(),
        route: z.string().max(32).optional(),
        reason: z.string().max(200).optional(),
      }),
      argumentHelp: {
        account: { summary: WHO },
        for: { summary: `such as 2h or 7d; default: ${kind === 'mute' ? DEFAULT_MUTE : 'until taken back'}` },
        route: ROUTE,
        reason: { summary: 'for the other moderators' },
      },
      run: async (context, { account: text, for: time, route: routeText, reason }) => {
        const account = await targets.accountOf(context, text)
        await targets.requireBelow(context, account)
        const route = targets.routeOf(routeText)
        const until = untilOf(time ?? (kind === 'mute' ? DEFAULT_MUTE : undefined), clock.now())
        const made: Bar = {
          account,
          kind,
          by: context.actor.key,
          at: clock.now(),
          ...(route !== undefined && { route }),
          ...(until !== undefined && { until }),
          ...(reason !== undefined && { reason }),
        }
        await service.bar(made)
        return answer(line(code(account), ` ${effect}`, where(made), untilText(until), '.'), made)
      },
    })
  }
  return [
    bar('ban'),
    bar('mute'),
    bar('hold'),
    defineCommand({
      path: ['mod', 'lift'],
      http: { method: 'POST', path: '/moderation/lift' },
      summary: 'take back a ban, a mute or a hold',
      role: 'moderator',
      arguments: z.object({
        account: z.string().max(300).optional(),
        what: z.enum(['ban', 'mute', 'hold', 'all']).default('all'),
        route: z.string().max(32).optional(),
      }),
      argumentHelp: {
        account: {
          summary: WHO,
          suggest: async (_context, typed) =>
            service
              .state()
              .bars.filter((b) => b.account.includes(typed.trim()))
              .map((b) => ({ name: `${b.kind} ${b.account}`.slice(0, 100), value: b.account })),
        },
        what: { summary: 'default: everything moderators decided' },
        route: ROUTE,
      },
      run: async (context, { account: text, what, route }) => {
        const account = await targets.accountOf(context, text)
        const lifted = await service.lift(account, what === 'all' ? BY_MODERATORS : [what], targets.routeOf(route))
        if (lifted > 0) return answer(line(code(account), ' is heard again.'), { account, lifted })
        throw new K2Error({ code: 'MOD_NOTHING', kind: 'input', message: `nothing of the kind holds for ${account}` })
      },
    }),
    defineCommand({
      path: ['mod', 'list'],
      http: { method: 'GET', path: '/moderation' },
      summary: 'who is not heard where, slow routes and raids',
      role: 'moderator',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const { bars, limits } = service.state()
        const rows = [...bars.map(shownBar), ...limits.map((l) => shownLimits(l, clock.now()))]
        const more = rows.length > SHOWN ? `… and ${rows.length - SHOWN} more` : undefined
        return answer(rows.length === 0 ? 'Everybody is heard everywhere.' : lines(...rows.slice(0, SHOWN), more), {
          bars,
          limits,
        })
      },
    }),
    defineCommand({
      path: ['mod', 'slow'],
      http: { method: 'PUT', path: '/moderation/slow' },
      summary: 'let a person write at most once in a while',
      role: 'moderator',
      arguments: z.object({ every: z.string().max(20), route: z.string().max(32).optional() }),
      argumentHelp: { every: { summary: 'such as 10s or 5m; off, or default for what the configuration says' }, route: ROUTE },
      run: async (context, { every, route: routeText }) => {
        const route = targets.routeOf(routeText)
        const ms = every.trim() === 'default' ? undefined : slowOf(every)
        await service.slow(route, ms, context.actor.key)
        const text =
          ms === undefined ? 'As the configuration says' : ms === 0 ? 'As fast as people like' : `One message per ${every}`
        return answer(`${text}${route === undefined ? ', on every route' : ` on ${route}`}.`, {
          route: route ?? null,
          ms: ms ?? null,
        })
      },
    }),
    defineCommand({
      path: ['mod', 'raid'],
      http: { method: 'PUT', path: '/moderation/raid' },
      summary: 'for some minutes carry nothing of people who never wrote before, and no joins',
      role: 'moderator',
      arguments: z.object({ for: z.string().max(20).default(DEFAULT_RAID), route: z.string().max(32).optional() }),
      argumentHelp: { for: { summary: `such as 30m; off ends it; default: ${DEFAULT_RAID}` }, route: ROUTE },
      run: async (context, { for: time, route: routeText }) => {
        const route = targets.routeOf(routeText)
        const until = time.trim() === 'off' ? undefined : untilOf(time, clock.now())
        await service.raid(route, until, context.actor.key)
        const place = route === undefined ? 'everywhere' : `on ${route}`
        return answer(
          until === undefined
            ? `New people are heard again ${place}.`
            : line(`New people are not heard ${place}`, untilText(until), '.'),
          { route: route ?? null, until: until ?? null },
        )
      },
    }),
    defineCommand({
      path: ['mod', 'purge'],
      menu: false,
      http: { method: 'POST', path: '/moderation/purge' },
      summary: 'forget what is stored of a person: texts, names, links, rights',
      help: 'Copies on other networks stay unless they are removed with "bridge del". What was decided about the person stays.',
      role: 'admin',
      confirm: ({ account }) => `Everything stored of ${account ?? 'the author'} is forgotten for good.`,
      timeoutMs: 300_000,
      arguments: z.object({ account: z.string().max(300).optional() }),
      argumentHelp: { account: { summary: WHO, rest: true } },
      run: async (context, { account: text }) => {
        const account = await targets.accountOf(context, text)
        return purged(parts, account)
      },
    }),
  ]
}

/** Forgets a person with all their accounts. */
export async function purged({ service, pool, clock }: ModerationCommandParts, account: string) {
  const messages = await purgePerson(pool, service.accountsOf(account), clock.now())
  await service.refresh()
  return answer(`Forgotten: ${messages} ${messages === 1 ? 'message' : 'messages'} and all that belongs to them.`, { messages })
}

function untilOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1_000) throw badTime(text)
  return now + ms
}

function slowOf(text: string): number {
  if (text.trim() === 'off') return 0
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1_000 || ms > MAX_SLOW_MS) throw badTime(text)
  return ms
}

const badTime = (text: string): K2Error =>
  new K2Error({ code: 'MOD_TIME', kind: 'input', message: `"${text.slice(0, 20)}" is no time that fits: 30s, 5m, 2h and 7d are` })

const dateOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
const untilText = (until: number | undefined): string => (until === undefined ? '' : ` until ${dateOf(until)}`)
const where = ({ route }: { readonly route?: string }): string => (route === undefined ? '' : ` on ${route}`)

function shownBar(bar: Bar) {
  return line(
    bold(bar.kind),
    ' ',
    code(bar.account),
    where(bar),
    untilText(bar.until),
    bar.reason === undefined ? '' : `: ${bar.reason}`,
  )
}

function shownLimits(l: RouteLimits, now: number) {
  const slow =
    l.slowMs === undefined ? '' : l.slowMs === 0 ? ' no slow mode' : ` one message per ${Math.round(l.slowMs / 1000)} s`
  const raid = l.raid !== undefined && l.raid.until > now ? ` nobody new${untilText(l.raid.until)}` : ''
  return line(bold(l.route ?? 'all routes'), slow, raid)
}
