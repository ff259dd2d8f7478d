import { Worker } from 'node:worker_threads'
import type { ClusterInput, WorkerInput } from './worker-input.ts'

/** Stack of a thread. Node's 4 MB end before Postgres notices deep recursion by itself, and that would be a trap. */
const STACK_MB = 16

/** Starts the database thread: the TypeScript file in development and tests, the built one otherwise. */
export function startEngineThread(input: Omit<WorkerInput, 'entry'>): Worker {
  const extension = import.meta.url.endsWith('.js') ? 'js' : 'ts'
  const entry = new URL(`./pglite-worker.${extension}`, import.meta.url).href
  return start('pglite-boot.mjs', { ...input, entry } satisfies WorkerInput)
}

/** Starts the thread that creates a cluster and ends. */
export function startClusterThread(input: ClusterInput): Worker {
  return start('cluster-worker.mjs', input)
}

function start(file: string, input: WorkerInput | ClusterInput): Worker {
  return new Worker(new URL(`./${file}`, import.meta.url), {
    workerData: input,
    // Loaders of the main thread (tsx, a test runner) do not belong in there; the boot file brings its own.
    execArgv: [],
    name: 'k2-database',
    resourceLimits: { stackSizeMb: STACK_MB },
  })
}
