import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { openSealed, sealBytes } from '../../base/sealed.ts'
import type { Identity } from '../../core/index.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import { createSealer } from '../db/sealer.ts'
import { inTransaction } from '../db/sql/statement.ts'
import { documentKey } from '../docs/secret-box.ts'

export interface Change {
  readonly from: Identity
  readonly to: Identity
}

export interface Resealed {
  /** Secrets now sealed under the new key. */
  readonly secrets: number
  /** Rows that now belong to the new id. */
  readonly rows: number
}

/** Sealed columns of the database, with the columns that name a row. */
const SEALED = [
  { table: 'k2.webhook', column: 'token', key: ['account', 'channel'] },
  { table: 'k2.sync_invite', column: 'ticket', key: ['gateway', 'folder'] },
] as const

/**
 * Seals what the database keeps sealed under the new key and gives the node's rows to its new id, in one transaction. What the
 * old key does not open is left alone: it belongs to another gateway of this database, or was done before an interruption.
 */
export async function resealDatabase(pool: PgPool, { from, to }: Change): Promise<Resealed> {
  const [old, fresh] = [createSealer(from.seed()), createSealer(to.seed())]
  return inTransaction(pool, async (tx) => {
    let secrets = 0
    for (const { table, column, key } of SEALED) {
      const { rows } = await tx.query<Record<string, string>>(`select ${[column, ...key].join(', ')} from ${table} for update`)
      for (const row of rows) {
        const text = old.open(row[column] as string)
        if (text === undefined) continue
        const where = key.map((name, i) => `${name} = $${i + 2}`).join(' and ')
        await tx.query(`update ${table} set ${column} = $1 where ${where}`, [fresh.seal(text), ...key.map((name) => row[name])])
        secrets++
      }
    }
    return { secrets, rows: await giveRows(tx, from.id, to.id) }
  })
}

/** Several gateways may share a database: each table with a column `gateway` names the node its rows belong to. */
async function giveRows(tx: Queryable, from: string, to: string): Promise<number> {
  const { rows: tables } = await tx.query<{ name: string }>(
    `select table_name as name from information_schema.columns where table_schema = 'k2' and column_name = 'gateway'
     and table_name in (select table_name from information_schema.tables where table_schema = 'k2' and table_type = 'BASE TABLE')
     order by 1`,
  )
  let rows = 0
  for (const { name } of tables) {
    const result = await tx.query(`update k2."${name.replaceAll('"', '""')}" set gateway = $2 where gateway = $1`, [from, to])
    rows += result.rowCount ?? 0
  }
  return rows
}

/** Seals the secrets of documents and authors under the new key, in one transaction; 0 where there are no documents. */
export async function resealDocuments(dir: string, { from, to }: Change): Promise<number> {
  const isThere = await access(join(dir, 'data.mdb')).then(
    () => true,
    () => false,
  )
  if (!isThere) return 0
  const [old, fresh] = [documentKey(from.seed()), documentKey(to.seed())]
  const { lmdbMap, resealSecrets } = await import('../../core/docs/index.ts')
  const map = await lmdbMap(dir)
  try {
    return await resealSecrets(map, (sealed) => {
      const secret = openSealed(old, sealed)
      return secret && sealBytes(fresh, secret)
    })
  } finally {
    await map.close()
  }
}
