import { describe } from 'vitest'
import { findPostgres } from './postgres.ts'
import { findRedis } from './redis.ts'

const CI = process.env.CI === 'true'

/** Which servers are installed on this machine. */
export function serversAvailable(): { readonly redis: boolean; readonly postgres: boolean } {
  return { redis: findRedis() !== undefined, postgres: findPostgres() !== undefined }
}

/** `describe` for tests that need a server: skipped with a clear line where it is not installed, never when CI=true. */
export function describeWith(server: 'redis' | 'postgres', name: string, tests: () => void): void {
  if (serversAvailable()[server] || CI) {
    describe(name, tests)
    return
  }
  console.warn(`skipped: ${name} (${server} is not installed; CI=true makes this a failure)`)
  describe.skip(`${name} (${server} is not installed)`, tests)
}
