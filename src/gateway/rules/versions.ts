import { z } from 'zod'
import { hashId } from '../../base/ids.ts'
import type { language } from '../../rules/index.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'
import { toJsonb } from '../pipeline/json.ts'

const KEPT = 50
const LOAD = statement(
  'rule_sets_load',
  'select version, loaded_at, author, files, difference, chosen_over from k2.rule_set order by loaded_at desc limit $1::int',
)
const SAVE = statement(
  'rule_sets_save',
  `insert into k2.rule_set (version, loaded_at, author, files, difference, chosen_over)
   values ($1, $2::bigint, $3, $4::jsonb, $5::jsonb, $6) on conflict do nothing`,
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
  readonly chosen_over: string | null
}

/** A version as it is stored: one gone back to by hand says over which files. */
export interface StoredVersion extends language.RuleVersion {
  /** `filesDigest` of the files that were there; null for versions that were loaded from files. */
  readonly chosenOver: string | null
}

/** Tells rule files apart, comments included. */
export const filesDigest = (files: readonly language.RuleFile[]): string =>
  hashId(files.flatMap(({ path, text }) => [path, text]))

/** The last versions, oldest first. */
export async function loadVersions(pool: PgPool): Promise<StoredVersion[]> {
  const rows = await run<Row>(pool, LOAD, [KEPT])
  return rows.reverse().flatMap((row) => {
    const [texts, changed] = [files.safeParse(row.files), difference.safeParse(row.difference)]
    if (!texts.success || !changed.success) return []
    const { version, author, chosen_over: chosenOver } = row
    return [{ version, author, loaded_at: num(row.loaded_at), files: texts.data, difference: changed.data, chosenOver }]
  })
}

export async function saveVersion(pool: PgPool, version: language.RuleVersion, chosenOver: string | null): Promise<void> {
  const { version: name, loaded_at, author, files: texts, difference: changed } = version
  await run(pool, SAVE, [name, loaded_at, author, toJsonb(texts), toJsonb(changed), chosenOver])
  await run(pool, PRUNE, [KEPT])
}
