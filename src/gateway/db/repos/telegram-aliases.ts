import type { PgPool } from '../pool.ts'
import { run, statement } from '../sql/statement.ts'

const LIST = statement('alias_list', 'select chat, moved_to from k2.telegram_alias where account = $1')
const ALL = statement('alias_all', 'select account, chat, moved_to from k2.telegram_alias')
const SAVE = statement(
  'alias_save',
  `insert into k2.telegram_alias (account, chat, moved_to) values ($1, $2, $3)
   on conflict (account, chat) do update set moved_to = excluded.moved_to`,
)

export interface AliasStore {
  /** Known moves of groups: old chat id to new one. */
  list(account: string): Promise<ReadonlyMap<string, string>>
  /** The same for all accounts: `account/old chat id` to the new one. */
  moved(): Promise<ReadonlyMap<string, string>>
  save(account: string, from: string, to: string): Promise<void>
}

/** Telegram groups that became supergroups and so changed their id. */
export function aliasStore(pool: PgPool): AliasStore {
  return {
    async list(account) {
      const rows = await run<{ chat: string; moved_to: string }>(pool, LIST, [account])
      return new Map(rows.map((row) => [row.chat, row.moved_to]))
    },
    async moved() {
      const rows = await run<{ account: string; chat: string; moved_to: string }>(pool, ALL, [])
      return new Map(rows.map((row) => [`${row.account}/${row.chat}`, row.moved_to]))
    },
    async save(account, from, to) {
      await run(pool, SAVE, [account, from, to])
    },
  }
}
