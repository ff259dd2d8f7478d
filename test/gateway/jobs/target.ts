import { type DatabaseOptions, openDatabase } from '../../../src/gateway/db/database.ts'
import { createJobBackend, type JobBackend } from '../../../src/gateway/jobs/backend.ts'

/** A job store that tests can open, leave, and open again, also from another process. */
export type Target =
  | { readonly kind: 'embedded'; readonly dir: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'redis'; readonly url: string }

export interface OpenTarget {
  readonly backend: JobBackend
  close(): Promise<void>
}

export async function openTarget(target: Target, options: DatabaseOptions = {}): Promise<OpenTarget> {
  const start = async (backend: JobBackend): Promise<JobBackend> => {
    await backend.start(new AbortController().signal)
    return backend
  }
  if (target.kind === 'redis') {
    const backend = await start(createJobBackend({ driver: 'redis', url: target.url }, options))
    return { backend, close: () => backend.stop() }
  }
  const config =
    target.kind === 'embedded'
      ? { driver: 'embedded' as const, dir: target.dir }
      : { driver: 'postgres' as const, url: target.url }
  const db = await openDatabase<unknown>(config, { migrations: [], ...options })
  const backend = await start(createJobBackend({ driver: 'database', pool: db.jobsPool }, options))
  return {
    backend,
    async close() {
      await backend.stop()
      await db.close()
    },
  }
}
