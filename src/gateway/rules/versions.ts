import { z } from 'zod'
import type { language } from '../../rules/index.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'
import { toJsonb } from '../pipeline/json.ts'

const KEPT = 50
const LOAD = statement(
  'rule_sets_load',
  'select version, loaded_at, author, files, difference from k2.rule_set order by loaded_at desc limit $1::int',
)
const SAVE = statement(
  'rule_sets_save',
  `insert into k2.rule_set (version, loaded_at, author, files, difference) values ($1, $2::bigint, $3, $4::jsonb, $5::jsonb)
   on conflict do nothing`,
)
const PRUNE = statement(
  'rule_sets_prune',
  `delete from k2.rule_set where loaded_at < (select min(loaded_at) from (
     select loaded_at from k2.rule_set order by loaded_at desc limit $1::int) as kept)`,
)
const files = z.array(z.object({ path: z.string(), text: z.string() }))
const ids = z.array(z.string())
const difference = z.object({ added: ids, removed: ids, changed: ids })

interface Row {
  readonly version: string
  readonly loaded_at: string
  readonly author: string
  readonly files: unknown
  readonly difference: unknown
}

/** The last versions, oldest first. */
export async function loadVersions(pool: PgPool): Promise<language.RuleVersion[]> {
  const rows = await run<Row>(pool, LOAD, [KEPT])
  return rows.reverse().flatMap((row) => {
    const [texts, changed] = [files.safeParse(row.files), difference.safeParse(row.difference)]
    if (!texts.success || !changed.success) return []
    const { version, author } = row
    return [{ version, author, loaded_at: num(row.loaded_at), files: texts.data, difference: changed.data }]
  })
}

export async function saveVersion(pool: PgPool, version: language.RuleVersion): Promise<void> {
  await run(pool, SAVE, [version.version, version.loaded_at, version.author, toJsonb(version.files), toJsonb(version.difference)])
  await run(pool, PRUNE, [KEPT])
}
