import type { EngineModule } from './engine-module.ts'

/** Slots of the shared array by which the host sees whether a statement runs endlessly. */
export const BUSY_FLAG = 0
/** Counts statements, so that a long one can be told from many short ones. */
export const BUSY_COUNT = 1
export const BUSY_BYTES = 8

/** `workerData` of the thread that creates a cluster. */
export interface ClusterInput {
  readonly engine: EngineModule
  /** Postgres data directory. */
  readonly pgData: string
}

/** `workerData` of the database thread. */
export interface WorkerInput extends ClusterInput {
  /** Module the boot file imports, a file URL. */
  readonly entry: string
  readonly synchronousCommit: boolean
  readonly idleTransactionMs: number
  readonly busy: SharedArrayBuffer
}
