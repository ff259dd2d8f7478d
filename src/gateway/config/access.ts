import { z } from 'zod'

const people = (what: string) =>
  z
    .array(
      z
        .string()
        .regex(
          /^(discord|discord-role|telegram|web):[A-Za-z0-9_-]{1,64}$/,
          'write discord:<id>, discord-role:<id>, telegram:<id> or web:<id>',
        ),
    )
    .max(1000)
    .default([])
    .describe(what)

/** Rights of people who give commands (k2-application 4.2, bridging 18). */
export const accessSchema = z.strictObject({
  admins: people('who may administrate the gateway by chat commands'),
  moderators: people('who may ban, mute, approve and remove messages by chat commands'),
  platformAdmins: z
    .boolean()
    .default(true)
    .describe('administrators and moderators of bridged Discord servers and Telegram groups are that of the gateway, too'),
  traders: z
    .enum(['everyone', 'linked'])
    .default('everyone')
    .describe('who may publish, answer offers and share files; linked: people with several linked accounts, or granted it'),
})
