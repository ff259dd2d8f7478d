import { z } from 'zod'
import { type CommandDefinition, defineCommand } from './definition.ts'
import { answer, bold, code, line, lines } from './notices.ts'

/** Something that waits for a person's yes. */
export interface Approval {
  /** `contact`: a stranger wrote to the node. `conversation`: somebody wants to talk with a contact. `folder`: an invitation. `message`: held by moderation. */
  readonly kind: 'contact' | 'conversation' | 'folder' | 'message'
  readonly id: string
  readonly from: string
  /** What it is about, one line. */
  readonly what: string
  /** ms; where it is known. */
  readonly since?: number
  /** ms: what happens then is a no. */
  readonly until: number
  /** Commands, as `k2gw` and the chats take them. */
  readonly approve: string
  readonly reject?: string
}

export type ApprovalSource = () => Promise<readonly Approval[]>

const SHOWN = 15
const MAX_TEXT = 80

/** Everything that waits for an administrator, whoever keeps it, the most urgent first. A source that fails hides no other. */
export function approvalsCommand(sources: readonly ApprovalSource[], now: () => number): CommandDefinition {
  return defineCommand({
    path: ['approvals'],
    http: { method: 'GET', path: '/approvals' },
    summary: 'everything that waits for a yes: strangers, conversations, folders, held messages; and until when',
    role: 'admin',
    arguments: z.object({}),
    argumentHelp: {},
    run: async () => {
      const found = await Promise.allSettled(sources.map((source) => source()))
      const rows = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
      const waiting = rows.filter((row) => row.until > now()).sort((a, b) => a.until - b.until)
      const missing = found.length - found.filter((one) => one.status === 'fulfilled').length
      const shown = waiting.slice(0, SHOWN).map((row) => describe(row, now()))
      const more = waiting.length > SHOWN ? `… and ${waiting.length - SHOWN} more` : undefined
      const note = missing > 0 ? 'Some of it cannot be read at the moment.' : undefined
      return answer(waiting.length === 0 ? lines('Nothing waits.', note) : lines(...shown, more, note), waiting, {
        title: 'Approvals',
      })
    },
  })
}

function describe({ kind, from, what, until, approve, reject }: Approval, now: number) {
  const commands = [code(approve), ...(reject === undefined ? [] : [' or ', code(reject)])]
  return line(`${kind} `, bold(from), `: ${what.slice(0, MAX_TEXT)} (${left(until - now)}) `, ...commands)
}

function left(ms: number): string {
  const minutes = Math.ceil(ms / 60_000)
  if (minutes < 120) return `${minutes} min left`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h left` : `${Math.round(hours / 24)} days left`
}
