import { hashId } from '../../../base/ids.ts'
import type { PgPool, Queryable } from '../pool.ts'

/** One SQL text, prepared once per connection under its name. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** The name carries a hash of the text, so that a new version never meets an old prepared statement. */
export function statement(name: string, text: string): Statement {
  return { name: `k2_${name}_${hashId([text], 8)}`, text }
}

/** Runs a prepared statement; answers its rows. */
export async function run<R>(db: Queryable, { name, text }: Statement, values: readonly unknown[]): Promise<R[]> {
  // `name` makes `pg` keep the plan; the embedded driver prepares by text anyway.
  const config = { name, text, values }
  return (await db.query<R>(config)).rows
}

/** Runs `work` in one transaction on a connection of its own. Inside, only `tx` may be used. */
export async function inTransaction<T>(pool: PgPool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((failed: unknown) => {
      broken = failed instanceof Error ? failed : new Error(String(failed))
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** `bigint` columns arrive as text. */
export const num = (value: string | number): number => Number(value)
export const numOrNull = (value: string | number | null): number | null => (value === null ? null : Number(value))
