import { z } from 'zod'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import type { ContactRow, Contacts } from './contacts.ts'

const MAX_NAME = 64
const MAX_NOTES = 1_000
/** Contacts in one answer of a chat. */
const SHOWN = 50
/** Longest `contacts.json`, characters. */
const MAX_LEGACY = 250_000
const who = z.string().min(1).max(100)
const name = z.string().min(1).max(MAX_NAME)
const data = z.object({ id: z.string(), name: z.string() })

/** Commands of the contact book (k2-application 4.2, rows 7 to 10); pings and direct messages are the gateway's own. */
export function contactBookCommands(contacts: Contacts): CommandDefinition[] {
  const suggest = async (_context: CommandContext, typed: string) => {
    const { rows } = await contacts.list()
    const wanted = typed.toLowerCase()
    return rows
      .filter((row) => row.source === 'book' && (row.name.toLowerCase().includes(wanted) || row.id.startsWith(wanted)))
      .map((row) => ({ name: row.name, value: row.name }))
  }
  const contact = { summary: 'the contact’s name, or its node id', suggest }
  return [
    defineCommand({
      path: ['contact', 'list'],
      telegram: 'k2_contacts',
      http: { method: 'GET', path: '/contacts' },
      summary: 'the K2 contacts of this gateway and who is online',
      role: 'everyone',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const { rows, fault } = await contacts.list()
        const shown = [
          ...rows.slice(0, SHOWN).map(rowLine),
          rows.length > SHOWN ? `and ${rows.length - SHOWN} more` : undefined,
          fault === undefined ? undefined : `⚠️ The contact book cannot be read: ${fault}`,
        ]
        const text = rows.length === 0 && fault === undefined ? 'There are no contacts yet.' : lines(...shown)
        return answer(text, rows, { title: 'Contacts' })
      },
    }),
    defineCommand({
      path: ['contact', 'add'],
      http: { method: 'POST', path: '/contacts' },
      summary: 'add a K2 node to the contact book, or change its name and notes',
      help: 'A contact’s messages are listened for, and direct messages can be sent to it by name.',
      role: 'trader',
      arguments: z.object({ node: z.string().min(1).max(2_000), name, notes: z.string().max(MAX_NOTES).optional() }),
      argumentHelp: {
        node: { summary: 'its node id, or a node ticket' },
        name: { summary: 'what to call it here' },
        notes: { summary: 'anything worth remembering', rest: true },
      },
      data,
      run: async (_context, args) => {
        const { id, nickname, notes, addedAt } = await contacts.add(args.node, args.name, args.notes)
        const text = line('✅ ', bold(nickname), ' is in the contact book: ', code(id))
        return answer(text, { id, name: nickname, notes: notes ?? null, addedAt })
      },
    }),
    defineCommand({
      path: ['contact', 'rename'],
      http: { method: 'PATCH', path: '/contacts/:contact' },
      summary: 'give a contact another name',
      role: 'trader',
      arguments: z.object({ contact: who, name }),
      argumentHelp: { contact, name: { summary: 'the new name', rest: true } },
      data,
      run: async (_context, args) => {
        const { id, nickname } = await contacts.rename(args.contact, args.name)
        return answer(line('✅ Now called ', bold(nickname), '.'), { id, name: nickname })
      },
    }),
    defineCommand({
      path: ['contact', 'remove'],
      http: { method: 'DELETE', path: '/contacts/:contact' },
      summary: 'remove a contact from the book',
      help: 'Its messages are no longer listened for. What was said stays where it is.',
      role: 'trader',
      confirm: (args) => `Remove the contact "${args.contact}"?`,
      arguments: z.object({ contact: who }),
      argumentHelp: { contact: { ...contact, rest: true } },
      data,
      run: async (_context, args) => {
        const { id, nickname } = await contacts.remove(args.contact)
        return answer(line('Removed ', bold(nickname), '.'), { id, name: nickname })
      },
    }),
    defineCommand({
      path: ['contact', 'import'],
      http: { method: 'POST', path: '/contacts/import' },
      summary: 'take the contacts of a contacts.json of older K2 programs',
      help: 'Contacts that are here already stay as they are; what is no contact is left out.',
      role: 'admin',
      notOn: ['discord', 'telegram', 'web', 'cli'],
      arguments: z.object({ json: z.string().min(2).max(MAX_LEGACY) }),
      argumentHelp: { json: { summary: 'the text of the file' } },
      data: z.object({ added: z.number() }),
      run: async (_context, { json }) => {
        const added = await contacts.importLegacy(json)
        return answer(`${added} ${added === 1 ? 'contact' : 'contacts'} added.`, { added })
      },
    }),
  ]
}

const rowLine = (row: ContactRow) =>
  line(row.online ? '🟢 ' : '⚪ ', bold(row.name), ` ${row.id.slice(0, 10)}…${row.notes === undefined ? '' : ` – ${row.notes}`}`)
