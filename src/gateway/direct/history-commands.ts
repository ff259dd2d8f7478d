import { z } from 'zod'
import type { K2Node } from '../../core/index.ts'
import { type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, line, lines } from '../commands/notices.ts'
import { mayUse } from '../commands/registry.ts'
import { namedPeer } from '../peers/index.ts'
import type { DirectHistory, DirectLine } from './history.ts'

const MAX_LISTED = 200
const LISTED = 20
/** Characters of one line in an answer; machines get them whole. */
const SHOWN = 300

export interface HistoryCommandParts {
  readonly history: DirectHistory
  readonly node: () => K2Node
  /** All accounts of a person. */
  readonly accountsOf: (account: string) => readonly string[]
}

/** What was said in direct messages (k2-application 4.2, row 13). */
export function historyCommands({ history, node, accountsOf }: HistoryCommandParts): CommandDefinition[] {
  return [
    defineCommand({
      path: ['dm', 'history'],
      menu: false,
      http: { method: 'GET', path: '/dm/:contact/messages' },
      summary: 'what you and a contact wrote to each other',
      help: 'The last lines, the newest below. Moderators see everybody’s, others what they wrote and what answered them.',
      role: 'trader',
      arguments: z.object({
        contact: z.string().min(1).max(100),
        limit: z.int().min(1).max(MAX_LISTED).default(LISTED),
        before: z.int().min(1).optional(),
      }),
      argumentHelp: {
        contact: { summary: 'a contact’s name, or a node id' },
        limit: { summary: `how many lines; ${LISTED} where nothing is said` },
        before: { summary: 'only lines before this one: the number the answer names' },
      },
      run: async ({ actor, role }, { contact, limit, before }) => {
        const peer = namedPeer(contact, node().contacts())
        const found = await history.list(peer, {
          ...(!mayUse(role, 'moderator') && { persons: accountsOf(actor.key) }),
          ...(before !== undefined && { before }),
          limit,
        })
        const shown = found.toReversed()
        if (shown.length === 0) return answer(`Nothing was said${before === undefined ? '' : ' before that'}.`, { messages: [] })
        const more = found.length === limit ? `Earlier lines: dm history ${contact}, before ${shown[0]?.seq}` : undefined
        return answer(lines(...shown.map(shownLine), more), { messages: shown }, { title: `With ${contact}` })
      },
    }),
  ]
}

const shownLine = ({ at, way, name, text, verified }: DirectLine) =>
  line(
    `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} ${way === 'in' ? '←' : '→'} `,
    bold(name === '' ? 'somebody' : name),
    verified ? ': ' : ' (not proven): ',
    text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text,
  )
