import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { K2Node } from '../../core/index.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines, notice } from '../commands/notices.ts'
import type { Notifier } from '../commands/notifier.ts'
import { mayUse } from '../commands/registry.ts'
import type { Config } from '../config/schema.ts'
import { namedPeer } from '../peers/index.ts'
import { isDirectPlace } from '../pipeline/direct-route.ts'
import { type DirectConversation, peerKeyOf } from './model.ts'
import { type DirectService, STAFF } from './service.ts'

export interface DirectCommandParts {
  readonly service: DirectService
  readonly config: () => Config
  readonly node: () => K2Node
  readonly notifier: Notifier
  /** Asks a contact over K2. Rejects when it cannot be reached. */
  readonly ask: (nodeId: string, text: string) => Promise<void>
}

const CONTACT = { summary: 'a contact’s name, or a node id' }
const ACCOUNT = { summary: 'discord:<id> or telegram:<id>, or an id as dm conversations shows it' }
const idArgument = z.object({ id: z.string().min(1).max(80) })

/** Conversations of people with K2 contacts, and the staff's inbox (bridging 19). */
export function directCommands(parts: DirectCommandParts): CommandDefinition[] {
  const { service } = parts
  const suggestOpen = async (_context: CommandContext, typed: string) =>
    service
      .conversations()
      .filter((c) => c.id.startsWith(typed) || c.personName.toLowerCase().includes(typed.toLowerCase()))
      .map((c) => ({ name: `${c.personName} – ${c.otherName}`.slice(0, 100), value: c.id }))
  const suggestAsked = async () =>
    service.requests().map((r) => ({ name: `${r.personName} → ${r.contact.slice(0, 8)}`, value: r.code }))
  return [
    defineCommand({
      path: ['dm', 'pair'],
      telegram: 'k2_pair',
      http: { method: 'POST', path: '/conversations' },
      notOn: ['cli', 'http', 'web'],
      summary: 'talk with a K2 contact in your private chat with the bot',
      help: 'The contact is asked and agrees with a code. From then on what you write to the bot goes to them, and back.',
      role: 'trader',
      private: true,
      timeoutMs: 60_000,
      arguments: z.object({ contact: z.string().min(1).max(100) }),
      argumentHelp: { contact: { ...CONTACT, rest: true } },
      run: async (context, { contact }) => {
        const { pairing } = parts.config().direct
        if (pairing === 'off')
          throw new K2Error({ code: 'DIRECT_OFF', kind: 'denied', message: 'conversations with contacts are switched off' })
        const peer = namedPeer(contact, parts.node().contacts())
        const person = await directPlaceOf(context, parts)
        const request = await service.request({ ...personOf(context), person, contact: peer })
        if (pairing === 'admins') {
          return answer(
            'You have asked. An administrator has to agree within ten minutes.',
            { asked: true, contact: peer },
            { private: true },
          )
        }
        try {
          await parts.ask(peer, question(request.personName, person.network, request.code))
        } catch (error) {
          await service.withdraw(request.code)
          throw error
        }
        return answer(
          `${contact} was asked. You will be told here when they agree; they have ten minutes.`,
          { asked: true, contact: peer },
          { private: true },
        )
      },
    }),
    defineCommand({
      path: ['dm', 'end'],
      telegram: 'end',
      http: { method: 'DELETE', path: '/conversations/:id' },
      summary: 'end a direct conversation',
      help: 'In the conversation itself it needs no id; administrators may end any.',
      role: 'everyone',
      private: true,
      arguments: z.object({ id: z.string().max(80).optional() }),
      argumentHelp: { id: { summary: 'which one; default: the one you are in', suggest: suggestOpen } },
      run: async (context, { id }) => {
        const conversation = conversationOf(context, id, service)
        await service.end(conversation.id, context.role === 'admin' && id !== undefined ? 'staff' : 'person')
        return answer('The conversation has ended.', { id: conversation.id, ended: true })
      },
    }),
    defineCommand({
      path: ['dm', 'block'],
      telegram: 'k2_block',
      http: { method: 'POST', path: '/conversations/:id/block' },
      notOn: ['cli', 'http', 'web'],
      summary: 'end your conversation and hear no more from this contact',
      role: 'everyone',
      private: true,
      confirm: () => 'The conversation ends, and this contact cannot reach you through the gateway any more.',
      arguments: z.object({}),
      argumentHelp: {},
      run: async (context) => {
        const conversation = conversationOf(context, undefined, service)
        const other = conversation.kind === 'inbox' ? STAFF : peerKeyOf(conversation.other)
        await service.block(conversation.personKey, other)
        return answer('Blocked.', { id: conversation.id, blocked: other })
      },
    }),
    defineCommand({
      path: ['dm', 'requests'],
      http: { method: 'GET', path: '/conversation-requests' },
      summary: 'who wants to talk with which K2 contact and waits for an answer',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const rows = service
          .requests()
          .map(({ code: id, personKey, personName, contact, expiresAt }) => ({ id, personKey, personName, contact, expiresAt }))
        const shown = rows.map((r) => line(code(r.id), ' ', bold(r.personName), ` (${r.personKey}) → ${r.contact.slice(0, 10)}…`))
        return answer(rows.length === 0 ? 'Nobody waits.' : lines(...shown), rows, { title: 'Requests' })
      },
    }),
    defineCommand({
      path: ['dm', 'approve'],
      http: { method: 'POST', path: '/conversation-requests/:id/approve' },
      summary: 'agree to a conversation in the contact’s place',
      role: 'admin',
      arguments: idArgument,
      argumentHelp: { id: { summary: 'code of the request', suggest: suggestAsked } },
      run: async (_context, { id }) => {
        const request = service.requests().find((r) => r.code === id.trim().toUpperCase())
        const begun = request && (await service.accept(request))
        if (begun === undefined)
          throw new K2Error({ code: 'DIRECT_UNKNOWN', kind: 'input', message: 'there is no such request (any more)' })
        return answer(`${begun.personName} and ${begun.otherName} are joined.`, { id: begun.id })
      },
    }),
    defineCommand({
      path: ['dm', 'conversations'],
      http: { method: 'GET', path: '/conversations' },
      summary: 'open direct conversations, those of the inbox included',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const rows = service.conversations().map(({ id, kind, personKey, personName, otherName, openedAt }) => ({
          id,
          kind,
          personKey,
          personName,
          otherName,
          openedAt,
        }))
        const shown = rows.map((r) => line(code(r.id), ' ', bold(r.personName), ` – ${r.otherName}`))
        return answer(rows.length === 0 ? 'There are none.' : lines(...shown), rows, { title: 'Conversations' })
      },
    }),
    defineCommand({
      path: ['inbox', 'block'],
      http: { method: 'POST', path: '/inbox/:id/block' },
      summary: 'end a conversation of the inbox and take no more from this person',
      role: 'moderator',
      confirm: () => 'What this person writes to the bot is not read any more.',
      arguments: z.object({ id: z.string().max(80).optional() }),
      argumentHelp: { id: { ...ACCOUNT, suggest: suggestOpen } },
      run: async (context, { id }) => {
        const person = id?.includes(':') ? id : conversationOf(context, id, service).personKey
        await service.block(STAFF, person)
        return answer(`${person} is blocked.`, { person, blocked: true })
      },
    }),
    defineCommand({
      path: ['inbox', 'unblock'],
      http: { method: 'DELETE', path: '/inbox/:id/block' },
      summary: 'let somebody write to the inbox again',
      role: 'moderator',
      arguments: idArgument,
      argumentHelp: { id: { summary: 'discord:<id> or telegram:<id>' } },
      run: async (_context, { id }) => {
        if (!(await service.unblock(STAFF, id)))
          throw new K2Error({ code: 'DIRECT_UNKNOWN', kind: 'input', message: `${id} is not blocked` })
        return answer(`${id} may write again.`, { person: id, blocked: false })
      },
    }),
  ]
}

function question(name: string, network: string, code_: string): string {
  return [
    `${name} (${network}) asks to talk with you here, through this gateway.`,
    `What you write would be stored by ${network}, too.`,
    `To agree, answer with this code within ten minutes: ${code_}`,
    'To hear no more of it, answer: block',
  ].join('\n')
}

function personOf({ origin, actor }: CommandContext): { readonly personKey: string; readonly personName: string } {
  const author = origin.surface === 'chat' ? origin.interaction.actor : actor
  return { personKey: author.key, personName: author.displayName }
}

/** The person's private chat with the bot; a command in a group is answered there first. Rejects where that is impossible. */
async function directPlaceOf({ origin, signal }: CommandContext, { notifier }: DirectCommandParts): Promise<Place> {
  if (origin.surface !== 'chat')
    throw new K2Error({ code: 'DIRECT_NOT_HERE', kind: 'input', message: 'give this command in a chat' })
  const { at, interaction } = origin
  if (isDirectPlace(at)) return at
  const { network, account, actor } = interaction
  const hello = notice('Here you will talk with your K2 contact, once they agree.')
  const ref = await notifier.post({ kind: 'person', authorKey: actor.key }, hello, signal)
  if (ref.network !== network || ref.account !== account) {
    throw new K2Error({
      code: 'DIRECT_UNREACHABLE',
      kind: 'denied',
      message: 'open a private chat with the bot first, and give the command there',
    })
  }
  return { network, account, channel: ref.channel }
}

function conversationOf({ origin, role }: CommandContext, id: string | undefined, service: DirectService): DirectConversation {
  const here = origin.surface === 'chat' ? service.at(origin.at) : undefined
  const named = id === undefined || !mayUse(role, 'moderator') ? undefined : service.byId(id)
  const own =
    origin.surface === 'chat' ? service.conversations().find((c) => c.personKey === origin.interaction.actor.key) : undefined
  // In a thread of the inbox everybody who can write there is staff.
  const found = id === undefined ? (here ?? own) : (named ?? (own?.id === id ? own : undefined))
  if (found !== undefined) return found
  throw new K2Error({ code: 'DIRECT_UNKNOWN', kind: 'input', message: 'there is no such conversation' })
}
