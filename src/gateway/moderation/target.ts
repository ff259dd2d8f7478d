import { K2Error } from '../../base/errors.ts'
import { messageRef } from '../commands/builtin/message-ref.ts'
import type { CommandContext, Role } from '../commands/definition.ts'
import { mayUse } from '../commands/registry.ts'
import type { Pipeline, RouteDefinition } from '../pipeline/index.ts'

const DISCORD_MENTION = /^<@!?(\d{5,20})>$/
const ACCOUNT = /^(discord|telegram|web|p2p):[A-Za-z0-9_-]{1,64}$/

export interface TargetParts {
  readonly pipeline: () => Pipeline
  readonly routes: () => readonly RouteDefinition[]
  readonly roleOf: (account: string) => Promise<Role>
}

export interface Targets {
  /** Whom a moderator means: by account, mention, link of a message, or the message they reply to. Throws `MOD_WHO`. */
  accountOf(context: CommandContext, text: string | undefined): Promise<string>
  /** Throws `MOD_PROTECTED` for somebody with the same rights or more: only the operator decides about those. */
  requireBelow(context: CommandContext, account: string): Promise<void>
  /** Throws `ROUTE_UNKNOWN`. Undefined for none and for `all`. */
  routeOf(text: string | undefined): string | undefined
}

export const WHO = 'discord:<id>, telegram:<id>, a mention, or the link of a message; on Telegram you may reply instead'

export function targets({ pipeline, routes, roleOf }: TargetParts): Targets {
  return {
    async accountOf(context, text) {
      const word = text?.trim() ?? ''
      const mention = DISCORD_MENTION.exec(word)?.[1]
      if (mention !== undefined) return `discord:${mention}`
      if (ACCOUNT.test(word)) return word
      const { origin } = context
      if (/^\d{5,20}$/.test(word) && origin.surface === 'chat') return `${origin.interaction.network}:${word}`
      const ref = messageRef(context, text, routes())
      const author = ref && (await pipeline().admin.why(ref))?.message?.author_key
      if (typeof author === 'string' && author !== 'purged') return author
      throw new K2Error({ code: 'MOD_WHO', kind: 'input', message: `whom do you mean? Write ${WHO}` })
    },
    async requireBelow(context, account) {
      if (context.origin.surface !== 'chat') return
      const role = await roleOf(account)
      if (!mayUse(role, 'moderator') || !mayUse(role, context.role)) return
      throw new K2Error({ code: 'MOD_PROTECTED', kind: 'denied', message: `${account} is ${role}: take that right away first` })
    },
    routeOf(text) {
      const id = text?.trim()
      if (id === undefined || id === '' || id === 'all') return undefined
      if (routes().some((r) => r.id === id)) return id
      throw new K2Error({ code: 'ROUTE_UNKNOWN', kind: 'input', message: `there is no route called "${id.slice(0, 40)}"` })
    },
  }
}
