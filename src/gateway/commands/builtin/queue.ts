import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import type { DeadLetter, LaneStatus, PipelineAdmin } from '../../pipeline/admin.ts'
import { type CommandDefinition, defineCommand } from '../definition.ts'
import { answer, bold, code, line, lines } from '../notices.ts'
import { messageRef } from './message-ref.ts'
import { duration } from './node.ts'
import type { BuiltinParts } from './parts.ts'

/** Rows a chat message shows; `data` has all. */
const SHOWN = 15
const id = z.object({ id: z.string().min(1).max(64) })
const ID = { summary: 'id of the dead message, as queue dead shows it' }

export function queueCommands({ pipeline: { admin }, routes }: BuiltinParts): CommandDefinition[] {
  return [
    defineCommand({
      path: ['queue', 'lanes'],
      http: { method: 'GET', path: '/lanes' },
      summary: 'destinations with waiting messages, and what they wait for',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const lanes = await admin.lanes()
        const busy = lanes.filter((lane) => lane.state !== 'idle' || lane.depth > 0 || lane.parked > 0)
        return answer(shownLanes(busy, lanes.length), lanes, { title: 'Destinations' })
      },
    }),
    defineCommand({
      path: ['queue', 'dead'],
      http: { method: 'GET', path: '/dead-letters' },
      summary: 'messages that could not be delivered and need a person',
      role: 'admin',
      arguments: z.object({ limit: z.int().min(1).max(1000).default(100) }),
      argumentHelp: { limit: { summary: 'how many at most' } },
      run: async (_context, { limit }) => {
        const dead = await admin.deadLetters(limit)
        return answer(shownDead(dead), dead, { title: 'Dead messages' })
      },
    }),
    defineCommand({
      path: ['queue', 'replay'],
      http: { method: 'POST', path: '/dead-letters/:id/replay' },
      summary: 'try a dead message again',
      role: 'admin',
      arguments: id,
      argumentHelp: { id: { ...ID, suggest: suggestDead(admin) } },
      run: async (_context, { id }) => {
        await admin.replay(id)
        return answer('It is tried again.', { replayed: id })
      },
    }),
    defineCommand({
      path: ['queue', 'discard'],
      menu: false,
      http: { method: 'DELETE', path: '/dead-letters/:id' },
      summary: 'give a dead message up',
      role: 'admin',
      confirm: () => 'The message is given up for good.',
      arguments: id,
      argumentHelp: { id: { ...ID, suggest: suggestDead(admin) } },
      run: async (_context, { id }) => {
        await admin.discard(id)
        return answer('Given up.', { discarded: id })
      },
    }),
    defineCommand({
      path: ['queue', 'why'],
      http: { method: 'GET', path: '/events/:event' },
      summary: 'what became of a message: rules, routes, deliveries',
      help: 'Give an event id or the link of a message. In Telegram you may also reply to the message.',
      role: 'admin',
      arguments: z.object({ event: z.string().max(300).optional() }),
      argumentHelp: { event: { summary: 'event id or link of the message', rest: true } },
      run: async (context, { event }) => {
        const ref = messageRef(context, event, routes())
        const why = await admin.why(ref ?? event ?? '')
        if (why === undefined) throw unknownEvent()
        const shown = why.deliveries
          .slice(0, SHOWN)
          .map((d) => line('• ', code(String(d.lane)), ` ${d.op} ${d.state} ${d.error ?? ''}`))
        return answer(
          lines(
            ...why.events.map((e) =>
              line(bold(e.kind), ` ${e.network}/${e.account}: ${e.status}${e.reason ? ` (${e.reason})` : ''}`),
            ),
            `${why.copies.length} ${why.copies.length === 1 ? 'copy' : 'copies'}`,
            ...shown,
          ),
          why,
          { title: 'What became of it' },
        )
      },
    }),
  ]
}

export function unknownEvent(): K2Error {
  return new K2Error({
    code: 'EVENT_UNKNOWN',
    kind: 'input',
    message: 'no such message is known: give its link, or reply to it in Telegram',
  })
}

function shownLanes(busy: readonly LaneStatus[], all: number) {
  if (busy.length === 0) return `Nothing waits. ${all} destinations are known.`
  return lines(
    ...busy.slice(0, SHOWN).map((lane) => {
      const parked = lane.parked > 0 ? `, ${lane.parked} parked` : ''
      const age = lane.oldestMs > 0 ? `, oldest ${duration(lane.oldestMs)}` : ''
      return line(
        code(lane.lane),
        ` ${lane.state}: ${lane.depth} waiting${parked}${age}${lane.reason ? ` — ${lane.reason}` : ''}`,
      )
    }),
    busy.length > SHOWN ? `… and ${busy.length - SHOWN} more` : undefined,
  )
}

function shownDead(dead: readonly DeadLetter[]) {
  if (dead.length === 0) return 'There are no dead messages.'
  return lines(
    ...dead.slice(0, SHOWN).map((d) => line(code(d.id), ` ${d.op} to ${d.lane}: ${d.message} (${d.code})`)),
    dead.length > SHOWN ? `… and ${dead.length - SHOWN} more` : undefined,
  )
}

function suggestDead(admin: PipelineAdmin) {
  return async (_context: unknown, typed: string) =>
    (await admin.deadLetters(100))
      .filter((d) => d.id.startsWith(typed.trim()))
      .map((d) => ({ name: `${d.lane}: ${d.message}`.slice(0, 100), value: d.id }))
}
