import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import type { Grant } from '../access.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../definition.ts'
import { answer, bold, code, line, lines } from '../notices.ts'
import type { BuiltinParts } from './parts.ts'

const DISCORD_MENTION = /^<@!?(\d{5,20})>$/
const ACCOUNT = /^(discord|telegram|web):[A-Za-z0-9_-]{1,64}$/
const SHOWN = 15

const GRANTS = {
  admin: {
    summary: 'make somebody an administrator of the gateway, or take it away',
    name: 'an administrator of the whole gateway',
  },
  moderator: { summary: 'let somebody moderate what is bridged, or take it away', name: 'a moderator of all that is bridged' },
  trader: { summary: 'let somebody trade, or take it away', name: 'a trader' },
} as const

const person = z.object({ account: z.string().min(1).max(80), take: z.boolean().default(false) })

export function accessCommands({ access, log, config, clock }: BuiltinParts): CommandDefinition[] {
  const grant = (role: Grant['role']): CommandDefinition =>
    defineCommand({
      path: ['access', role],
      http: { method: 'POST', path: `/access/${role}` },
      summary: GRANTS[role].summary,
      role: 'admin',
      confirm: ({ account, take }) => (take ? `${account} is ${role} no longer.` : `${account} becomes ${GRANTS[role].name}.`),
      arguments: person,
      argumentHelp: {
        account: { summary: 'a mention on Discord, or discord:<id>, telegram:<id>, web:<id>' },
        take: { summary: 'take the right away instead' },
      },
      run: async (context, { account: text, take }) => {
        const account = accountOf(text, context)
        if (take) {
          if (!(await access.revoke(account, role))) {
            throw new K2Error({
              code: 'ACCESS_NOT_GRANTED',
              kind: 'input',
              message: `${account} has no such right from a command`,
            })
          }
        } else await access.grant({ account, role, by: context.actor.key, at: clock.now() })
        return answer(take ? `Taken from ${account}.` : `Granted to ${account}.`, { account, role, granted: !take })
      },
    })
  return [
    defineCommand({
      path: ['access', 'list'],
      http: { method: 'GET', path: '/access' },
      summary: 'who administrates the gateway and who may trade',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const grants = await access.grants()
        const data = { ...config().access, grants }
        return answer(
          lines(
            line(bold('From the configuration'), `: ${config().access.admins.join(', ') || 'nobody by name'}`),
            config().access.platformAdmins
              ? 'Administrators of bridged servers and groups are administrators here, too.'
              : undefined,
            config().access.traders === 'everyone' ? 'Everybody may trade.' : 'Linked people may trade.',
            ...grants.map((g) => line(`• ${g.role}: `, code(g.account), `, by ${g.by}`)),
          ),
          data,
          { title: 'Access' },
        )
      },
    }),
    grant('admin'),
    grant('moderator'),
    grant('trader'),
    defineCommand({
      path: ['access', 'audit'],
      http: { method: 'GET', path: '/audit' },
      summary: 'which commands were given lately, by whom',
      role: 'admin',
      arguments: z.object({ limit: z.int().min(1).max(1000).default(SHOWN) }),
      argumentHelp: { limit: { summary: 'how many at most' } },
      run: async (_context, { limit }) => {
        const entries = await log.recent(limit)
        const shown = entries.slice(0, SHOWN).map((e) => {
          const when = new Date(e.at).toISOString().slice(0, 16).replace('T', ' ')
          return line(
            `${when} `,
            bold(e.actorName),
            ` ${e.surface}: `,
            code(e.command),
            ` ${e.outcome}${e.code ? ` (${e.code})` : ''}`,
          )
        })
        return answer(entries.length === 0 ? 'Nothing yet.' : lines(...shown), entries, { title: 'Audit log' })
      },
    }),
  ]
}

/** Author key of what a person wrote. Throws `ACCESS_BAD_ACCOUNT`. */
function accountOf(text: string, { origin }: CommandContext): string {
  const mention = DISCORD_MENTION.exec(text.trim())?.[1]
  if (mention !== undefined) return `discord:${mention}`
  if (ACCOUNT.test(text.trim())) return text.trim()
  if (/^\d{5,20}$/.test(text.trim()) && origin.surface === 'chat') return `${origin.interaction.network}:${text.trim()}`
  throw new K2Error({
    code: 'ACCESS_BAD_ACCOUNT',
    kind: 'input',
    message: `"${text.slice(0, 40)}" is no account: mention the person on Discord, or write discord:<id>, telegram:<id> or web:<id>`,
  })
}
