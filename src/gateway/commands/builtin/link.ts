import { z } from 'zod'
import { BoundedMap } from '../../../base/bounded-map.ts'
import { toBase32 } from '../../../base/bytes.ts'
import { K2Error } from '../../../base/errors.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../definition.ts'
import { answer, bold, code, line, lines } from '../notices.ts'
import type { BuiltinParts } from './parts.ts'

/** A code is good for this long, ms, and a person may guess this often (bridging 11). */
const CODE_MS = 10 * 60_000
const MAX_TRIES = 5
const MAX_CODES = 5_000
const CODE_BYTES = 5

/** Joining one person's accounts on several networks by a code from one, given on the other. */
export function linkCommands({ access, clock, rng }: BuiltinParts): CommandDefinition[] {
  const codes = new BoundedMap<string, string>({ max: MAX_CODES, ttlMs: CODE_MS })
  const tries = new BoundedMap<string, number>({ max: MAX_CODES, ttlMs: CODE_MS })

  const newCode = (account: string): string => {
    const text = toBase32(rng.bytes(CODE_BYTES)).slice(0, 8).toUpperCase()
    codes.set(text, account, clock.monotonic())
    return text
  }
  const redeem = async (account: string, text: string): Promise<string> => {
    const now = clock.monotonic()
    const tried = tries.get(account, now) ?? 0
    if (tried >= MAX_TRIES) {
      throw new K2Error({ code: 'LINK_TOO_MANY_TRIES', kind: 'limit', message: 'too many wrong codes: wait ten minutes' })
    }
    const other = codes.get(text, now)
    if (other === undefined || other === account) {
      tries.set(account, tried + 1, now)
      const message =
        'this code is not valid: ask for a new one with "link" on your other account, and give it here within ten minutes'
      throw new K2Error({ code: 'LINK_BAD_CODE', kind: 'input', message })
    }
    codes.delete(text)
    await access.link(other, account, clock.now())
    return other
  }

  return [
    defineCommand({
      path: ['link'],
      http: { method: 'POST', path: '/link' },
      notOn: ['cli', 'http'],
      summary: 'join your accounts on Discord, Telegram and the web chat',
      help: 'Without a code you get one; give it to the same command on your other network within ten minutes.',
      role: 'everyone',
      private: true,
      arguments: z.object({ code: z.string().max(20).optional() }),
      argumentHelp: { code: { summary: 'the code you got on your other account' } },
      run: async (context, { code: given }) => {
        const account = ownAccount(context)
        if (given === undefined) {
          const text = newCode(account)
          return answer(
            lines(
              line('Your code: ', bold(text)),
              line(
                'On your other account give ',
                code(`link ${text}`),
                ' within ten minutes. Tell nobody: whoever has it becomes you here.',
              ),
            ),
            { code: text },
            { title: 'Link an account', private: true },
          )
        }
        const other = await redeem(account, given.trim().toUpperCase())
        return answer(`✅ This account and ${nameOf(other)} belong together now.`, { account, linkedTo: other })
      },
    }),
    defineCommand({
      path: ['unlink'],
      http: { method: 'DELETE', path: '/link' },
      notOn: ['cli', 'http'],
      summary: 'take this account out of your linked accounts',
      role: 'everyone',
      private: true,
      confirm: () => 'This account no longer belongs to your others.',
      arguments: z.object({}),
      argumentHelp: {},
      run: async (context) => {
        const account = ownAccount(context)
        const was = await access.unlink(account)
        return answer(was ? 'This account stands alone again.' : 'This account was not linked.', { account, unlinked: was })
      },
    }),
  ]
}

function ownAccount({ origin, actor }: CommandContext): string {
  return origin.surface === 'chat' ? origin.interaction.actor.key : actor.key
}

const nameOf = (account: string): string => `your ${account.split(':', 1)[0]} account`
