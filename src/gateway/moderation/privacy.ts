import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, code, line } from '../commands/notices.ts'
import { mayUse } from '../commands/registry.ts'
import { type ModerationCommandParts, purged } from './commands.ts'

const account = z.object({ account: z.string().max(300).optional() })
const ACCOUNT = { summary: 'only for administrators: somebody else’s account; default: yours', rest: true }

/** What everybody may decide about what is theirs (bridging 18). */
export function privacyCommands(parts: ModerationCommandParts): CommandDefinition[] {
  const { service, targets, clock } = parts
  /** Oneself; administrators may name others, and have to where nobody is known. */
  const whose = async (context: CommandContext, text: string | undefined): Promise<string> => {
    if (text !== undefined && text.trim() !== '') {
      if (!mayUse(context.role, 'admin'))
        throw new K2Error({ code: 'COMMAND_DENIED', kind: 'denied', message: 'only administrators decide for others' })
      return targets.accountOf(context, text)
    }
    if (context.origin.surface === 'chat') return context.origin.interaction.actor.key
    throw new K2Error({ code: 'MOD_WHO', kind: 'input', message: 'name the account this is about' })
  }
  return [
    defineCommand({
      path: ['privacy', 'optout'],
      http: { method: 'POST', path: '/privacy/optout' },
      summary: 'do not carry my messages to other networks',
      help: 'From now on nothing you write is copied elsewhere; direct conversations you began go on. "privacy optin" takes it back.',
      role: 'everyone',
      arguments: account,
      argumentHelp: { account: ACCOUNT },
      run: async (context, { account: text }) => {
        const person = await whose(context, text)
        await service.bar({ account: person, kind: 'optout', by: context.actor.key, at: clock.now() })
        return answer(line('What ', code(person), ' writes stays where it is written, from now on.'), {
          account: person,
          optout: true,
        })
      },
    }),
    defineCommand({
      path: ['privacy', 'optin'],
      http: { method: 'POST', path: '/privacy/optin' },
      summary: 'carry my messages again',
      role: 'everyone',
      arguments: account,
      argumentHelp: { account: ACCOUNT },
      run: async (context, { account: text }) => {
        const person = await whose(context, text)
        await service.lift(person, ['optout'])
        return answer(line('What ', code(person), ' writes is carried to other networks.'), { account: person, optout: false })
      },
    }),
    defineCommand({
      path: ['privacy', 'purge'],
      menu: false,
      http: { method: 'DELETE', path: '/privacy/me' },
      summary: 'forget everything stored of me',
      help: 'Texts, names, links and rights. Copies that are on other networks stay there; "market forget" takes offers back.',
      role: 'everyone',
      notOn: ['cli', 'http'],
      confirm: () => 'Everything stored of you here is forgotten for good.',
      timeoutMs: 300_000,
      arguments: z.object({}),
      argumentHelp: {},
      run: async (context) => purged(parts, await whose(context, undefined)),
    }),
  ]
}
