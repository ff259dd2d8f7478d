import { stringify } from 'yaml'
import { z } from 'zod'
import { isK2Error, K2Error } from '../../base/errors.ts'
import { type Place, samePlace } from '../../bridges/model/place.ts'
import type { Contact } from '../../core/index.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, fileOf, line, lines } from '../commands/notices.ts'
import { parsePlace, printPlace } from '../config/places.ts'
import { printRoute, readRoute } from '../config/route-text.ts'
import type { RouteConfig } from '../config/schema.ts'
import { peerChannel } from '../peers/index.ts'
import type { Reloader, ReloadReport } from './reloader.ts'
import type { RouteBook, RouteChoice } from './route-book.ts'

export interface RouteCommandParts {
  readonly book: RouteBook
  readonly reloader: Reloader
  /** Whom places may name: those of the configuration and of the contact book. */
  readonly contacts: () => readonly Contact[]
  /** Uses a choice at once and keeps it. Rejects what is wrong with it. */
  readonly choose: (route: string, choice: RouteChoice, by: string) => Promise<void>
}

const PLACE = { summary: 'such as telegram/market/-100123, discord/main/<server>/<channel>, p2p/self/Goods, web/main/Lobby' }

/** Routes by command (bridging 18): made, changed and taken away while the gateway runs. */
export function routeCommands({ book, reloader, contacts, choose }: RouteCommandParts): CommandDefinition[] {
  const suggest = async (_context: CommandContext, typed: string) =>
    editable(book)
      .filter((r) => r.id.includes(typed.trim()))
      .map((r) => ({ name: r.id, value: r.id }))
  const placeArgument = (text: string): Place => placeOf(text, contacts())
  return [
    defineCommand({
      path: ['bridge', 'link'],
      http: { method: 'PUT', path: '/routes/:route' },
      summary: 'join two places, or one more place with a route; also after a restart',
      help: 'In a chat the second place may be left out: then it is where you are.',
      role: 'admin',
      arguments: z.object({
        route: z.string().min(1).max(32),
        place: z.string().min(1).max(300),
        with: z.string().min(1).max(300).optional(),
        direction: z.enum(['both', 'in', 'out']).default('both'),
      }),
      argumentHelp: {
        route: { summary: 'its id: a new one, or that of a route', suggest },
        place: PLACE,
        with: { summary: 'the other place; default: here' },
        direction: { summary: 'in: only read from the place; out: only write to it' },
      },
      run: async (context, { route, place, with: other, direction }) => {
        const known = editable(book).find((r) => r.id === route)
        const first = { place: printPlace(placeArgument(place)), direction }
        const second = other === undefined ? here(context) : placeArgument(other)
        const wanted = known
          ? {
              ...printRoute(known),
              members: withMembers(known, [first, ...(other === undefined ? [] : [{ place: printPlace(second as Place) }])]),
            }
          : { id: route, members: [first, { place: printPlace(second ?? placeMissing()) }] }
        const read = readRoute(wanted)
        if (typeof read === 'string') throw new K2Error({ code: 'ROUTE_INVALID', kind: 'input', message: read })
        await asked(choose(route, read, context.actor.key))
        return answer(
          lines(`“${route}” joins now:`, ...read.members.map((m) => code(printPlace(m.place)))),
          { route, members: read.members.map((m) => ({ place: printPlace(m.place), direction: m.direction })) },
          { title: 'Route' },
        )
      },
    }),
    defineCommand({
      path: ['bridge', 'unlink'],
      http: { method: 'DELETE', path: '/routes/:route' },
      summary: 'take a place out of a route, or the route away; also after a restart',
      help: 'What waits for delivery is still delivered.',
      role: 'admin',
      confirm: ({ route, place }) =>
        place === undefined ? `The route “${route}” ends.` : `${place} leaves the route “${route}”.`,
      arguments: z.object({ route: z.string().min(1).max(32), place: z.string().min(1).max(300).optional() }),
      argumentHelp: { route: { summary: 'id of the route', suggest }, place: { summary: 'only this place' } },
      run: async (context, { route, place }) => {
        const known = editable(book).find((r) => r.id === route)
        if (known === undefined) throw unknownRoute(route)
        const gone = place === undefined ? undefined : placeArgument(place)
        const left = gone === undefined ? [] : known.members.filter((m) => !samePlace(m.place, gone))
        if (gone !== undefined && left.length === known.members.length) {
          throw new K2Error({ code: 'ROUTE_UNKNOWN_PLACE', kind: 'input', message: `${place} is not part of “${route}”` })
        }
        const ends = left.length < 2
        await asked(choose(route, ends ? 'removed' : { ...known, members: left }, context.actor.key))
        return answer(ends ? `“${route}” has ended.` : `${place} has left “${route}”.`, {
          route,
          removed: ends,
          members: left.length,
        })
      },
    }),
    defineCommand({
      path: ['bridge', 'export'],
      menu: false,
      http: { method: 'GET', path: '/routes/export' },
      summary: 'the routes as they are now, as text for the configuration file',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const routes = editable(book).map(printRoute)
        const text = stringify({ routes })
        const file = fileOf('routes.yaml', 'text/yaml', new TextEncoder().encode(text))
        return answer(
          `${routes.length} ${routes.length === 1 ? 'route' : 'routes'}.`,
          { routes, yaml: text },
          { title: 'Routes', files: [file] },
        )
      },
    }),
    defineCommand({
      path: ['bridge', 'reload'],
      menu: false,
      http: { method: 'POST', path: '/reload' },
      summary: 'read the configuration file again',
      help: 'An invalid file changes nothing; the answer names every mistake with its line.',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const report = await asked(reloader.reload('command'))
        return answer(shownReport(report), report, { title: 'Configuration' })
      },
    }),
  ]
}

/** What is wrong with a configuration is, for whoever asked for it, wrong input. */
async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isK2Error(error) || error.kind !== 'config') throw error
    throw new K2Error({ code: error.code, kind: 'input', message: error.message, cause: error })
  }
}

/** Routes of the file and of commands, as the file would write them; not those of direct conversations. */
function editable(book: RouteBook): RouteConfig[] {
  const chosen = book.choices
  const file = (book.config.routes ?? []).filter((r) => !chosen.has(r.id))
  return [...file, ...[...chosen.values()].filter((choice) => choice !== 'removed')]
}

function withMembers(route: RouteConfig, added: readonly { readonly place: string; readonly direction?: string }[]) {
  const members = printRoute(route).members
  return [...members.filter((m) => !added.some((a) => a.place === m.place)), ...added]
}

function here({ origin }: CommandContext): Place | undefined {
  return origin.surface === 'chat' ? origin.at : undefined
}

/** A contact is kept by its id: its name may change, and the book is read later than routes are needed. */
function placeOf(text: string, contacts: readonly Contact[]): Place {
  const place = parsePlace(text.trim())
  if (typeof place === 'string') throw new K2Error({ code: 'ROUTE_BAD_PLACE', kind: 'input', message: place })
  if (place.network !== 'p2p') return place
  try {
    return { ...place, channel: peerChannel(place.channel, contacts) }
  } catch (error) {
    throw isK2Error(error) ? new K2Error({ code: 'ROUTE_BAD_PLACE', kind: 'input', message: error.message, cause: error }) : error
  }
}

function placeMissing(): never {
  throw new K2Error({ code: 'ROUTE_BAD_PLACE', kind: 'input', message: 'name the other place, too: a route joins at least two' })
}

function unknownRoute(id: string): K2Error {
  return new K2Error({ code: 'ROUTE_UNKNOWN', kind: 'input', message: `there is no route called "${id}"` })
}

function shownReport({ changed, routes, accounts, topics, contacts, settings, restart }: ReloadReport) {
  if (!changed) return 'Nothing has changed.'
  const named = (what: string, names: readonly string[]) =>
    names.length === 0 ? undefined : line(bold(what), ` ${names.join(', ')}`)
  return lines(
    named('New routes:', routes.added),
    named('Changed routes:', routes.changed),
    named('Ended routes:', routes.removed),
    named(
      'Accounts:',
      accounts.map((a) => `${a.network}/${a.account} ${a.kind}`),
    ),
    named('Joined topics:', topics.join),
    named('Left topics:', topics.leave),
    named(
      'Contacts:',
      contacts.map((c) => c.name),
    ),
    named('Also in use:', settings),
    named('Only after a restart:', restart),
  )
}
