import { z } from 'zod'
import { place } from './places.ts'
import { duration } from './units.ts'

/** Direct messages: conversations with K2 contacts, and the staff's inbox (bridging 19). */
export const directSchema = z.strictObject({
  pairing: z
    .enum(['code', 'admins', 'off'])
    .default('code')
    .describe('how people get to talk with K2 contacts: the contact agrees by a code, only administrators join them, or never'),
  inbox: place.optional().describe('a Discord channel or Telegram forum that gets one thread per person who writes to the bot'),
  newPerMinute: z.int().min(1).max(100).default(5).describe('new people in the inbox; more wait'),
  idle: duration().prefault('30d').describe('a conversation without messages ends after this'),
})

/** What is wrong with the staff's channel: it must be able to have threads, in an account there is. */
export function inboxProblem(
  { inbox }: z.output<typeof directSchema>,
  accounts: Readonly<Record<'discord' | 'telegram', object>>,
): string | undefined {
  if (inbox === undefined) return undefined
  const { network, account, thread } = inbox
  if (network !== 'discord' && network !== 'telegram') return 'the inbox is a Discord channel or a Telegram forum'
  if (thread !== undefined) return 'the inbox gets threads of its own: name the channel without one'
  return Object.hasOwn(accounts[network], account) ? undefined : `there is no account ${network}.${account}`
}
