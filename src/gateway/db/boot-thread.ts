import { Worker } from 'node:worker_threads'
import type { BootInput } from './worker-input.ts'

/** Stack of a thread. Node's 4 MB end before Postgres notices deep recursion by itself, and that would be a trap. */
const STACK_MB = 16

/** Starts `name` of this folder in a thread: the TypeScript file in development and tests, the built one otherwise. */
export function bootThread<I extends BootInput>(name: string, input: Omit<I, 'entry'>): Worker {
  const extension = import.meta.url.endsWith('.js') ? 'js' : 'ts'
  const entry = new URL(`./${name}.${extension}`, import.meta.url).href
  return new Worker(new URL('./pglite-boot.mjs', import.meta.url), {
    workerData: { ...input, entry },
    // Loaders of the main thread (tsx, a test runner) do not belong in there; the boot file brings its own.
    execArgv: [],
    name: 'k2-database',
    resourceLimits: { stackSizeMb: STACK_MB },
  })
}
