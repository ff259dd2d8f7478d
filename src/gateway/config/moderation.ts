import { z } from 'zod'
import { place } from './places.ts'
import { duration } from './units.ts'

/** Where moderators work, and how long messages wait for them (bridging 18). */
export const moderationSchema = z.strictObject({
  channel: place.optional().describe('the place where waiting messages are shown with buttons; default: none'),
  holdFor: duration().prefault('7d').describe('a message nobody decided about is given up after this'),
})

const policy = z.enum(['allow', 'hold', 'drop']).optional()

/** Limits of one route; "mod slow" and "mod raid" set others while the gateway runs. */
export const routeModerationSchema = z.strictObject({
  slow: duration().optional().describe('a person writes at most one message in this time'),
  rate: z
    .strictObject({ messages: z.int().min(1).max(1_000), per: duration() })
    .optional()
    .describe('a person writes at most so many messages in this time; further ones are stopped'),
  links: policy.describe('messages with links: let through, wait for a moderator, or stopped'),
  invites: policy.describe('messages that invite into other servers or groups'),
  maxAttachments: z.int().min(0).max(20).optional().describe('messages with more files are stopped'),
})

/** What is wrong with the moderators' place. */
export function moderationProblem(
  { channel }: z.output<typeof moderationSchema>,
  accounts: Readonly<Record<'discord' | 'telegram', object>>,
): string | undefined {
  if (channel === undefined) return undefined
  const { network, account } = channel
  if (network === 'p2p') return 'K2 has no buttons: name a Discord channel, a Telegram group or a room of the web chat'
  if (network === 'web') return undefined
  return Object.hasOwn(accounts[network], account) ? undefined : `there is no account ${network}.${account}`
}
