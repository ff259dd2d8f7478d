import type { Health } from '../../base/lifecycle.ts'
import type { PgPool } from './pool.ts'

/** What a driver gives to `openDatabase`. */
export interface Backing {
  readonly pool: PgPool
  readonly jobsPool: PgPool
  health(): Health
  close(): Promise<void>
}
