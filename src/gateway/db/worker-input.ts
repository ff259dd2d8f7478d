/** Slots of the shared array by which the host sees whether a statement runs endlessly. */
export const BUSY_FLAG = 0
/** Counts statements, so that a long one can be told from many short ones. */
export const BUSY_COUNT = 1
export const BUSY_BYTES = 8

/** `workerData` of the database worker. */
export interface WorkerInput {
  /** Module the boot file imports, a file URL. */
  readonly entry: string
  /** Postgres data directory. */
  readonly pgData: string
  readonly synchronousCommit: boolean
  readonly idleTransactionMs: number
  readonly busy: SharedArrayBuffer
}
