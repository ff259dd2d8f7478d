import type { AccessStore, Grant } from '../../commands/access.ts'
import type { PgPool } from '../pool.ts'
import { inTransaction, num, run, statement } from '../sql/statement.ts'

const PERSON = statement('person_of', 'select person from k2.account_link where account = $1')
const ACCOUNTS = statement('accounts_of', 'select account from k2.account_link where person = $1 order by at, account')
const JOIN = statement('account_join', 'update k2.account_link set person = $2 where person = $1')
const ADD = statement(
  'account_add',
  'insert into k2.account_link (account, person, at) values ($1, $2, $3) on conflict (account) do update set person = $2',
)
const UNLINK = statement('account_unlink', 'delete from k2.account_link where account = $1 returning person')
const HEIR = statement(
  'account_heir',
  `update k2.account_link set person = (select account from k2.account_link where person = $1 order by at, account limit 1)
   where person = $1`,
)
const GRANTS = statement('grants', 'select account, role, granted_by, at from k2.access_grant order by role, at, account')
const GRANTED = statement('granted', 'select role from k2.access_grant where account = any($1::text[])')
const GRANT = statement(
  'grant',
  'insert into k2.access_grant (account, role, granted_by, at) values ($1, $2, $3, $4) on conflict (account, role) do nothing',
)
const REVOKE = statement('revoke', 'delete from k2.access_grant where account = $1 and role = $2 returning account')

interface GrantRow {
  readonly account: string
  readonly role: Grant['role']
  readonly granted_by: string
  readonly at: string
}

export function accessStore(pool: PgPool): AccessStore {
  const personOf = async (account: string): Promise<string> =>
    (await run<{ person: string }>(pool, PERSON, [account]))[0]?.person ?? account
  return {
    personOf,
    async accountsOf(person) {
      const rows = await run<{ account: string }>(pool, ACCOUNTS, [person])
      return rows.length === 0 ? [person] : rows.map((row) => row.account)
    },
    async link(account, other, now) {
      const [person, joining] = [await personOf(account), await personOf(other)]
      return inTransaction(pool, async (tx) => {
        await run(tx, ADD, [account, person, now])
        await run(tx, JOIN, [joining, person])
        await run(tx, ADD, [other, person, now])
        return person
      })
    },
    unlink: (account) =>
      inTransaction(pool, async (tx) => {
        const [row] = await run<{ person: string }>(tx, UNLINK, [account])
        // Whoever the person was named by has left: the next oldest account names them from now on.
        if (row?.person === account) await run(tx, HEIR, [account])
        return row !== undefined
      }),
    async grants() {
      const rows = await run<GrantRow>(pool, GRANTS, [])
      return rows.map(({ account, role, granted_by, at }) => ({ account, role, by: granted_by, at: num(at) }))
    },
    async granted(accounts) {
      const roles = (await run<{ role: Grant['role'] }>(pool, GRANTED, [accounts])).map((row) => row.role)
      return (['admin', 'moderator', 'trader'] as const).find((role) => roles.includes(role))
    },
    async grant({ account, role, by, at }) {
      await run(pool, GRANT, [account, role, by, at])
    },
    revoke: async (account, role) => (await run(pool, REVOKE, [account, role])).length > 0,
  }
}
