import { z } from 'zod'
import type { IntentStore } from '../../../bridges/p2p/bridge.ts'
import type { PgPool } from '../pool.ts'
import { run, statement } from '../sql/statement.ts'

const LOAD = statement('intents_load', 'select intents from k2.peer_intents where account = $1')
const SAVE = statement(
  'intents_save',
  `insert into k2.peer_intents (account, intents, saved_at) values ($1, $2::jsonb, $3)
   on conflict (account) do update set intents = excluded.intents, saved_at = excluded.saved_at`,
)

const text = z.string()
const stored = z.array(
  z.object({
    nativeId: text,
    state: z.enum(['active', 'expired']),
    heardAt: z.number(),
    message: z.object({
      kind: z.enum(['offer', 'interest', 'request']),
      topic: text,
      senderId: text,
      senderName: text.optional(),
      senderClass: z.enum(['verified', 'hosted', 'claimed']),
      hostId: text.optional(),
      targetId: text.optional(),
      form: z.record(z.string(), z.unknown()),
      sentAt: z.number(),
      intentKey: text,
      messageId: text,
    }),
  }),
)

/** The intents of peers that are shown at the moment, so that a restart does not show them again. */
export function intentStore(pool: PgPool, account: string, now: () => number): IntentStore {
  return {
    async load() {
      const rows = await run<{ intents: unknown }>(pool, LOAD, [account])
      const parsed = stored.safeParse(rows[0]?.intents ?? [])
      // Rows of an older shape are only a convenience: without them an offer may be shown once more.
      return parsed.success ? (parsed.data as Awaited<ReturnType<IntentStore['load']>>) : []
    },
    async save(intents) {
      await run(pool, SAVE, [account, JSON.stringify(intents), now()])
    },
  }
}
