import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import { eventIdOf } from '../../../bridges/model/event-id.ts'
import type { Envelope } from '../../../bridges/model/message.ts'
import type { NativeRef, Network, Place } from '../../../bridges/model/place.ts'
import { printPlace } from '../../config/places.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../definition.ts'
import { answer, bold, code, line, lines } from '../notices.ts'
import { messageRef } from './message-ref.ts'
import type { BuiltinParts } from './parts.ts'
import { unknownEvent } from './queue.ts'

const routeArgument = z.object({ route: z.string().min(1).max(32) })
const messageArgument = z.object({ message: z.string().max(300).optional() })
const MESSAGE = { summary: 'link of the message; in Telegram you may reply to it instead', rest: true }

export function bridgeCommands({ pipeline, routes, bridges, clock }: BuiltinParts): CommandDefinition[] {
  const suggest = async (_context: CommandContext, typed: string) =>
    routes()
      .filter((r) => r.id.includes(typed.trim()))
      .map((r) => ({ name: r.id, value: r.id }))
  const known = (id: string): string => {
    if (routes().some((r) => r.id === id)) return id
    throw new K2Error({ code: 'ROUTE_UNKNOWN', kind: 'input', message: `there is no route called "${id}"` })
  }
  const pause = (paused: boolean): CommandDefinition =>
    defineCommand({
      path: ['bridge', paused ? 'pause' : 'resume'],
      http: { method: 'POST', path: `/routes/:route/${paused ? 'pause' : 'resume'}` },
      summary: paused ? 'stop forwarding along a route' : 'forward along a route again',
      role: 'admin',
      arguments: routeArgument,
      argumentHelp: { route: { summary: 'id of the route', suggest } },
      run: async (_context, { route }) => {
        await pipeline.pauseRoute(known(route), paused)
        return answer(paused ? `“${route}” stands still.` : `“${route}” runs again.`, { route, paused })
      },
    })
  return [
    defineCommand({
      path: ['bridge', 'list'],
      http: { method: 'GET', path: '/routes' },
      summary: 'which places are joined with which',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const rows = routes().map((r) => ({
          id: r.id,
          members: r.members.map((m) => ({ place: printPlace(m.place), direction: m.direction })),
        }))
        const arrows = { both: '↔', in: '→', out: '←' } as const
        const shown = rows.flatMap((r) => [bold(r.id), ...r.members.map((m) => line(`  ${arrows[m.direction]} `, code(m.place)))])
        return answer(rows.length === 0 ? 'There are no routes.' : lines(...shown), rows, { title: 'Routes' })
      },
    }),
    defineCommand({
      path: ['bridge', 'status'],
      http: { method: 'GET', path: '/bridges' },
      summary: 'whether each account is connected',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const rows = bridges().map((b) => ({ network: b.network, account: b.account, health: b.health() }))
        const shown = rows.map(({ network, account, health }) => {
          const mark = health.status === 'ok' ? '🟢' : health.status === 'degraded' ? '🟡' : '🔴'
          return line(`${mark} `, bold(`${network}/${account}`), health.status === 'ok' ? '' : `: ${health.reason}`)
        })
        return answer(lines(...shown), rows, { title: 'Accounts' })
      },
    }),
    pause(true),
    pause(false),
    defineCommand({
      path: ['bridge', 'who'],
      http: { method: 'GET', path: '/messages/author' },
      summary: 'who really wrote a bridged message, and where',
      role: 'moderator',
      arguments: messageArgument,
      argumentHelp: { message: MESSAGE },
      run: async (context, { message }) => {
        const found = await find(context, message)
        const { network, account, author_key: key, author_name: name } = found.message
        const data = { network, account, author: key, name, copies: found.copies.length }
        return answer(lines(line(bold(String(name)), ' on ', `${network}/${account}`), code(String(key))), data)
      },
    }),
    defineCommand({
      path: ['bridge', 'del'],
      telegram: 'k2_del',
      http: { method: 'DELETE', path: '/messages' },
      summary: 'remove all copies of a bridged message',
      help: 'Copies on other networks are removed. The original stays: its own network lets only its moderators remove it.',
      role: 'moderator',
      confirm: () => 'All copies of this message are removed.',
      arguments: messageArgument,
      argumentHelp: { message: MESSAGE },
      run: async (context, { message }) => {
        const { message: row, copies } = await find(context, message)
        const account = String(row.account)
        await pipeline.sink(account).ingest([deletion(row, context, clock.now())])
        const count = copies.filter((c) => c.role !== 'origin').length
        return answer(`${count} ${count === 1 ? 'copy is' : 'copies are'} being removed.`, { copies: count })
      },
    }),
  ]

  async function find(context: CommandContext, text: string | undefined) {
    const ref = messageRef(context, text, routes())
    const why = await pipeline.admin.why(ref ?? text ?? '')
    if (why?.message === undefined) throw unknownEvent()
    return { message: why.message, copies: why.copies }
  }
}

/** A moderator deletes the original: the pipeline takes its copies along (bridging 10.2). */
function deletion(row: Readonly<Record<string, unknown>>, { actor }: CommandContext, now: number): Envelope {
  const text = (name: string): string | undefined => (typeof row[name] === 'string' ? (row[name] as string) : undefined)
  const network = text('network') as Network
  const account = text('account') ?? ''
  const where = {
    channel: text('channel') ?? '',
    ...(text('thread') !== undefined && { thread: text('thread') as string }),
  }
  const msg: NativeRef = { network, account, ...where, id: text('native_id') ?? '' }
  const at: Place = { network, account, ...(text('space') !== undefined && { space: text('space') as string }), ...where }
  return {
    v: 1,
    eventId: eventIdOf(msg, 'message.delete'),
    account,
    at,
    msg,
    author: { key: actor.key, displayName: actor.displayName, isBot: false, kind: 'user', roles: ['admin'] },
    occurredAt: now,
    receivedAt: now,
    event: { kind: 'message.delete' },
    via: [],
  }
}
