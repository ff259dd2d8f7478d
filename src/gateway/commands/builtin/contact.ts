import { z } from 'zod'
import type { K2Node, PeerId } from '../../../core/index.ts'
import { namedPeer } from '../../peers/index.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../definition.ts'
import { answer } from '../notices.ts'
import type { BuiltinParts } from './parts.ts'

const CONTACT = { summary: 'a contact’s name, or a node id' }
/** A ping of K2's own applications waits this long, ms (k2-application 4.1). */
const PING_MS = 10_000
/** Longest text of one direct message, characters; longer ones are refused, not cut. */
const MAX_TEXT = 4_000
const MAX_NAME = 64
/** A message waits this long for its receiver, ms. */
const SEND_MS = 45_000

/** Pings and direct messages; the contact book brings its own commands. */
export function contactCommands({ node, control }: BuiltinParts): CommandDefinition[] {
  const suggest = async (_context: CommandContext, typed: string) =>
    rows(node)
      .filter((c) => c.name.toLowerCase().includes(typed.toLowerCase()) || c.id.startsWith(typed.toLowerCase()))
      .map((c) => ({ name: `${c.name}${c.online ? ' (online)' : ''}`, value: c.named ? c.name : c.id }))
  return [
    defineCommand({
      path: ['contact', 'ping'],
      telegram: 'k2_ping',
      http: { method: 'POST', path: '/contacts/:contact/ping' },
      summary: 'whether a contact’s computer answers right now',
      role: 'everyone',
      arguments: z.object({ contact: z.string().min(1).max(100) }),
      argumentHelp: { contact: { ...CONTACT, rest: true, suggest } },
      run: async (_context, { contact }) => {
        const id = namedPeer(contact, node.contacts())
        const result = await node.ping(id, { deadlineMs: PING_MS })
        const text = result.online
          ? `🟢 ${contact} answers, after ${Math.round(result.ms)} ms.`
          : `⚪ ${contact} does not answer.`
        return answer(text, { id, ...result })
      },
    }),
    defineCommand({
      path: ['dm', 'send'],
      telegram: 'k2_dm',
      http: { method: 'POST', path: '/dm/:contact/messages' },
      summary: 'write to a contact directly, from this gateway in your name',
      help: 'The text goes straight to the contact’s computer. Names in front tell them who wrote.',
      role: 'trader',
      arguments: z.object({ contact: z.string().min(1).max(100), text: z.string().min(1).max(MAX_TEXT) }),
      argumentHelp: { contact: { ...CONTACT, suggest }, text: { summary: 'what to say', rest: true } },
      run: async (context, { contact, text }) => {
        const id = namedPeer(contact, node.contacts())
        const sent = await control.sendDirect(id, text, context.actor.displayName.slice(0, MAX_NAME), context.actor.key)
        return answer(`Sent to ${contact}.`, { id, ...sent })
      },
      timeoutMs: SEND_MS,
    }),
  ]
}

interface Row {
  readonly name: string
  readonly named: boolean
  readonly id: PeerId
  readonly online: boolean
}

function rows(node: K2Node): Row[] {
  const topics = node.topics()
  return node.contacts().map(({ name, addr: { id } }) => ({
    name: name ?? id.slice(0, 8),
    named: name !== undefined,
    id,
    online: topics.some((t) => t.contact === id && t.neighbors.includes(id)),
  }))
}
