import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import {
  type ActionDefinition,
  type CommandContext,
  type CommandDefinition,
  type CommandResult,
  defineCommand,
} from '../commands/definition.ts'
import { answer, code, line, lines } from '../commands/notices.ts'
import { APPROVE, BAN, describe, REJECT } from './announce.ts'
import type { ModerationCommandParts } from './commands.ts'

const SHOWN = 5
/** Messages that are looked at for a list. */
export const LISTED = 100
const id = z.object({ id: z.string().min(1).max(40) })

/** Messages that wait for a moderator: list, let through, refuse (bridging 18). */
export function quarantineCommands(parts: ModerationCommandParts): CommandDefinition[] {
  const { pipeline, announcements } = parts
  const suggest = async (_context: unknown, typed: string) =>
    (await pipeline().quarantine.list(LISTED))
      .filter((h) => h.eventId.startsWith(typed.trim()))
      .map((h) => ({ name: `${h.envelope.author.displayName}: ${h.reason}`.slice(0, 100), value: h.eventId }))
  const ID = { summary: 'id of the waiting message, as "mod waiting" shows it', suggest }
  return [
    defineCommand({
      path: ['mod', 'waiting'],
      http: { method: 'GET', path: '/moderation/waiting' },
      summary: 'messages that wait for a moderator',
      role: 'moderator',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const held = await pipeline().quarantine.list(LISTED)
        const [first] = held
        const shown = held.slice(0, SHOWN).flatMap((h) => [code(h.eventId), ...describe(h.envelope, `because of ${h.reason}`)])
        const more = held.length > SHOWN ? `… and ${held.length - SHOWN} more` : undefined
        const buttons = first && held.length === 1 ? { actions: announcements.buttons(first.eventId) } : {}
        const data = held.map((h) => ({
          id: h.eventId,
          reason: h.reason,
          since: h.since,
          author: h.envelope.author.key,
          name: h.envelope.author.displayName,
          text: h.envelope.event.kind === 'message.create' ? h.envelope.event.body.rich.text : '',
        }))
        return answer(held.length === 0 ? 'Nothing waits.' : lines(...shown, more), data, { title: 'Waiting', ...buttons })
      },
    }),
    defineCommand({
      path: ['mod', 'approve'],
      menu: false,
      http: { method: 'POST', path: '/moderation/waiting/:id/approve' },
      summary: 'let a waiting message through',
      role: 'moderator',
      arguments: id,
      argumentHelp: { id: ID },
      run: (context, { id: event }) => approve(parts, context, event, true),
    }),
    defineCommand({
      path: ['mod', 'reject'],
      menu: false,
      http: { method: 'POST', path: '/moderation/waiting/:id/reject' },
      summary: 'refuse a waiting message',
      role: 'moderator',
      arguments: id,
      argumentHelp: { id: ID },
      run: (context, { id: event }) => reject(parts, context, event, true),
    }),
  ]
}

/** The buttons below a waiting message. */
export function quarantineActions(parts: ModerationCommandParts): ActionDefinition[] {
  return [
    { name: APPROVE, role: 'moderator', run: (context, event) => approve(parts, context, event, false) },
    { name: REJECT, role: 'moderator', run: (context, event) => reject(parts, context, event, false) },
    {
      name: BAN,
      role: 'moderator',
      run: async (context, event) => {
        const { pipeline, service, targets, clock } = parts
        const held = (await pipeline().quarantine.list(LISTED)).find((h) => h.eventId === event)
        if (held === undefined) throw gone()
        const account = held.envelope.author.key
        await targets.requireBelow(context, account)
        await service.bar({
          account,
          kind: 'ban',
          by: context.actor.key,
          at: clock.now(),
          reason: `for a message: ${held.reason}`,
        })
        await pipeline().quarantine.reject(event)
        await parts.announcements.settle([event], `Refused and banned by ${context.actor.displayName}.`)
        return decided(line(code(account), ` is banned. Refused by ${context.actor.displayName}.`), event, false)
      },
    },
  ]
}

async function approve(parts: ModerationCommandParts, context: CommandContext, event: string, isCommand: boolean) {
  const held = await parts.pipeline().quarantine.approve(event)
  if (held === undefined) throw gone()
  const text = line(...describe(held.envelope, `let through by ${context.actor.displayName}`))
  return done(parts, context, event, isCommand, 'Let through', text)
}

async function reject(parts: ModerationCommandParts, context: CommandContext, event: string, isCommand: boolean) {
  if (!(await parts.pipeline().quarantine.reject(event))) throw gone()
  return done(parts, context, event, isCommand, 'Refused', `Refused by ${context.actor.displayName}.`)
}

/** A pressed button's message becomes what was decided; one shown elsewhere is changed as well. */
async function done(
  { announcements, service }: ModerationCommandParts,
  { actor }: CommandContext,
  event: string,
  isCommand: boolean,
  what: string,
  text: Parameters<typeof answer>[0],
): Promise<CommandResult> {
  await announcements.settle([event], `${what} by ${actor.displayName}.`)
  await service.refresh()
  return decided(isCommand ? `${what}.` : text, event, what === 'Let through')
}

function decided(text: Parameters<typeof answer>[0], event: string, approved: boolean): CommandResult {
  return answer(text, { id: event, approved }, { replace: true })
}

const gone = (): K2Error =>
  new K2Error({
    code: 'MOD_DECIDED',
    kind: 'input',
    message: 'this message does not wait any more: somebody decided, or it was taken back',
  })
