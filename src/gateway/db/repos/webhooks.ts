import type { Logger } from '../../../base/logger.ts'
import { Secret } from '../../../base/secret.ts'
import type { WebhookRegistry } from '../../../bridges/discord/webhook-registry.ts'
import type { PgPool } from '../pool.ts'
import { run, statement } from '../sql/statement.ts'

const LIST = statement('webhook_list', 'select channel, id, token from k2.webhook where account = $1')
const SAVE = statement(
  'webhook_save',
  `insert into k2.webhook (account, channel, id, token, created_at) values ($1, $2, $3, $4, $5)
   on conflict (account, channel) do update set id = excluded.id, token = excluded.token, created_at = excluded.created_at`,
)
const REMOVE = statement('webhook_remove', 'delete from k2.webhook where account = $1 and id = $2')

/** Encrypts and decrypts what is secret in the database, so that a copy of the database alone is not enough to use it. */
export interface Sealer {
  seal(text: string): string
  /** Undefined when the text was sealed with another key or is damaged. */
  open(sealed: string): string | undefined
}

/** Our Discord webhooks. A record that cannot be decrypted (another key) is left out: the bridge finds or makes a new one. */
export function webhookRegistry(options: { pool: PgPool; sealer: Sealer; now: () => number; log: Logger }): WebhookRegistry {
  const { pool, sealer, now, log } = options
  return {
    async list(account) {
      const rows = await run<{ channel: string; id: string; token: string }>(pool, LIST, [account])
      return rows.flatMap(({ channel, id, token }) => {
        const text = sealer.open(token)
        if (text === undefined)
          log.warn({ ev: 'webhook-unreadable', account, channel }, 'a stored webhook cannot be decrypted with this key')
        return text === undefined ? [] : [{ account, channel, id, token: new Secret(text) }]
      })
    },
    async save({ account, channel, id, token }) {
      await run(pool, SAVE, [account, channel, id, sealer.seal(token.reveal()), now()])
    },
    async remove(account, id) {
      await run(pool, REMOVE, [account, id])
    },
  }
}
