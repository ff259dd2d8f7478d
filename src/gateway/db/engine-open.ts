import { PGlite } from '@electric-sql/pglite'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { EngineModule } from './engine-module.ts'
import { PLANNER_SETTINGS } from './planner.ts'

/** BullMQ never sets a schema itself when it is given a pool; own tables are always named `k2.…`. */
export const SEARCH_PATH = 'bullmq,public'

export interface EngineOptions {
  readonly engine: EngineModule
  readonly pgData: string
  readonly synchronousCommit: boolean
}

export interface OpenedEngine {
  readonly db: PGlite
  /** What the engine said when it gave up (`PANIC`, `FATAL`), if it did. */
  lastWords(): string | undefined
}

/** Opens an existing cluster, recovering it from its log if it was not closed. */
export async function openEngine(options: EngineOptions): Promise<OpenedEngine> {
  const settings = {
    // 128 MB by default; one session with small tables gains nothing from it.
    shared_buffers: '16MB',
    search_path: SEARCH_PATH,
    // There is no WAL writer process that would flush later; off only delays the write to the next commit.
    synchronous_commit: options.synchronousCommit ? 'on' : 'off',
    full_page_writes: 'on',
    // ANALYZE reads 300 rows for each and nothing else runs meanwhile: 100, the default, stops everybody for half a second.
    default_statistics_target: '20',
    ...PLANNER_SETTINGS,
  }
  let lastWords: string | undefined
  const opening = PGlite.create(options.pgData, {
    pgliteWasmModule: options.engine,
    startParams: [...PGlite.defaultStartParams, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    onStderr(line) {
      const said = /\b(?:PANIC|FATAL): +(.*)/.exec(line)?.[1]
      if (said !== undefined) lastWords = said
      return false
    },
  })
  try {
    return { db: await opening, lastWords: () => lastWords }
  } catch (cause) {
    throw lastWords === undefined ? cause : engineFailure(lastWords, cause)
  }
}

/** The engine's own words as an error; a full disk gets the code of the operating system. */
export function engineFailure(words: string | undefined, cause: unknown): Error {
  const message = words ?? errorMessage(cause)
  const code = /No space left on device|Disk quota exceeded/i.test(message) ? 'ENOSPC' : errorCode(cause, 'ENGINE')
  return Object.assign(new Error(message, { cause }), { code })
}

/** Exit status by which the engine leaves a statement that failed in the ordinary way. */
const STATEMENT_ERROR = 100

/**
 * PGlite takes every exception of its WebAssembly code for an ordinary SQL error, also a trap (stack, memory, PANIC after a
 * failed write), and would go on with a broken engine or ask it for ever. `onTrap` must end the thread.
 */
export function guardTraps(db: PGlite, onTrap: (error: unknown) => never): void {
  const engine = db.Module as unknown as { _PostgresMainLoopOnce: () => void }
  const original = engine._PostgresMainLoopOnce
  engine._PostgresMainLoopOnce = () => {
    try {
      original()
    } catch (error) {
      if ((error as { status?: unknown } | null)?.status === STATEMENT_ERROR) throw error
      onTrap(error)
    }
  }
}
