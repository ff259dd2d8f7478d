import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { toDbError } from './errors.ts'
import type { PgPool } from './pool.ts'

/**
 * The embedded engine has no background processes: nobody else removes dead rows or makes log files reusable. Too rare:
 * tables and log grow without end; too often: each round costs some 50 ms in which nothing else runs.
 */
export const MAINTENANCE = {
  /** ms between two looks. */
  lookMs: 15_000,
  /** ms after which a database that was written to is maintained. */
  everyMs: 5 * 60_000,
  /** Log written since the last round, bytes, that starts one earlier: about what 5,000 jobs write. */
  logBytes: 13 * 1024 ** 2,
  /** Dead rows that make a table worth a look. */
  deadRows: 200,
  /** Part of a table that must have changed before the planner's numbers are taken anew. */
  changedPart: 0.2,
} as const

export interface TableStats {
  readonly schema: string
  readonly name: string
  readonly live: number
  readonly dead: number
  readonly changed: number
}

/** One statement per table that needs care, so that others get their turn in between. */
export function maintenanceStatements(tables: readonly TableStats[]): readonly string[] {
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
  const statements: string[] = []
  for (const t of tables) {
    const analyze = t.changed > MAINTENANCE.deadRows && t.changed > t.live * MAINTENANCE.changedPart
    if (t.dead < MAINTENANCE.deadRows && !analyze) continue
    statements.push(`vacuum ${analyze ? '(analyze) ' : ''}${quote(t.schema)}.${quote(t.name)}`)
  }
  return [...statements, 'checkpoint']
}

const LOG_POSITION = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes"
const TABLES = `select schemaname as schema, relname as name, n_live_tup::float8 as live, n_dead_tup::float8 as dead,
  n_mod_since_analyze::float8 as changed from pg_stat_user_tables order by 1, 2`

export interface MaintenanceOptions {
  readonly pool: PgPool
  readonly clock: Clock
  readonly log: Logger
}

/** Vacuums and checkpoints the embedded database while it is used. */
export class Maintenance {
  readonly #options: MaintenanceOptions
  #cancel = (): void => {}
  #doneAt: number
  /** Undefined until the first look: what was written before this start is not counted. */
  #doneAtBytes: number | undefined
  #stopped = false
  #running: Promise<void> | undefined
  #rounds = 0

  constructor(options: MaintenanceOptions) {
    this.#options = options
    this.#doneAt = options.clock.monotonic()
  }

  get rounds(): number {
    return this.#rounds
  }

  start(): void {
    if (this.#stopped) return
    this.#cancel = this.#options.clock.after(MAINTENANCE.lookMs, () => {
      this.look().finally(() => this.start())
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#running
  }

  /** Maintains the database if it is time. Never rejects: a failed round is made up for by the next. */
  look(): Promise<void> {
    this.#running ??= this.#look()
      .catch((error) =>
        this.#options.log.warn({ ev: 'db-maintenance', err: toDbError(error) }, 'database maintenance is put off'),
      )
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }

  async #look(): Promise<void> {
    const { pool, clock } = this.#options
    const bytes = await this.#position()
    this.#doneAtBytes ??= bytes
    const written = bytes - this.#doneAtBytes
    const age = clock.monotonic() - this.#doneAt
    if (written <= 0 || (written < MAINTENANCE.logBytes && age < MAINTENANCE.everyMs)) return
    const begun = clock.monotonic()
    // Counters of this session reach the statistics only now and then; this brings them there at once.
    await pool.query('select pg_stat_force_next_flush()')
    const { rows } = await pool.query<TableStats>(TABLES)
    for (const statement of maintenanceStatements(rows)) await pool.query(statement)
    this.#doneAt = clock.monotonic()
    this.#doneAtBytes = await this.#position()
    this.#rounds++
    this.#options.log.debug(
      { ev: 'db-maintained', ms: Math.round(this.#doneAt - begun), logBytes: written },
      'database maintained',
    )
  }

  async #position(): Promise<number> {
    const { rows } = await this.#options.pool.query<{ bytes: number }>(LOG_POSITION)
    return rows[0]?.bytes ?? 0
  }
}
