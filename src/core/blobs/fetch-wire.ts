import { type ErrorData, type ErrorKind, isK2Error, K2Error, type RetryAdvice } from '../../base/errors.ts'
import type { IrohReach } from '../net/iroh-bind.ts'
import type { GetResult } from './getter.ts'
import type { FetchTask } from './range-fetcher.ts'
import { PAIR_BYTES } from './tree/blake3.ts'

/** What a fetch worker gets at its start. */
export interface FetchWorkerInput extends IrohReach {
  /** URL of the module the boot file loads. */
  readonly entry: string
  readonly bind: readonly string[]
}

/** Content sent in one message: whole groups. Every message wakes the main thread, and every write one of the file system's. */
export const BATCH_BYTES = 512 * 1024
/**
 * Pairs sent with a batch: those above its groups, and at its beginning those from the root on. A batch that has no room for the next
 * one goes out before it is full.
 */
export const BATCH_PAIRS = 128
/** A batch in the window: the content, and behind it the pairs. */
export const SLOT_BYTES = BATCH_BYTES + BATCH_PAIRS * PAIR_BYTES
/**
 * Verified content a fetch may have on its way to the main thread: one batch is filled while the other is written, and then the fetch
 * waits.
 */
const BATCHES = 2
/** Where pairs wait for a leaf below them: nothing the main thread reads. */
export const PENDING_AT = BATCHES * SLOT_BYTES
export const WINDOW_BYTES = PENDING_AT + BATCH_PAIRS * PAIR_BYTES
/** Longest time verified content waits for its batch to fill, ms: a thread's two streams fill theirs in about half of it. */
export const BATCH_MS = 200

export type FetchOrder =
  | { readonly op: 'fetch'; readonly id: number; readonly task: Omit<FetchTask, 'signal'> }
  /** The store has taken the batch that begins here. */
  | { readonly op: 'credit'; readonly id: number; readonly at: number }
  | { readonly op: 'abort'; readonly id: number }
  /** Nothing of this fetch is read here any more. */
  | { readonly op: 'release'; readonly id: number }
  | { readonly op: 'close' }

/** Verified content in one piece, and the pairs above it. Both stand in the window of the fetch: sending them copies nothing. */
export interface FetchBatch {
  /** Which pairs of the outboard. */
  readonly indices: readonly number[]
  readonly offset: number
  /** Where the batch begins in the window. */
  readonly at: number
  readonly length: number
}

export type FetchReport =
  /** The memory in which the content of this fetch is handed over, `WINDOW_BYTES` long; comes first. */
  | { readonly op: 'window'; readonly id: number; readonly memory: SharedArrayBuffer }
  | { readonly op: 'size'; readonly id: number; readonly size: number }
  | { readonly op: 'batch'; readonly id: number; readonly batch: FetchBatch }
  | { readonly op: 'done'; readonly id: number; readonly result: GetResult }
  | { readonly op: 'failed'; readonly id: number; readonly error: PlainError }
  /** The worker itself cannot go on; it ends. */
  | { readonly op: 'broken'; readonly error: PlainError }

/** A `K2Error` without its class: errors lose it between threads. */
export interface PlainError {
  readonly code: string
  readonly kind: ErrorKind
  readonly message: string
  readonly retry: RetryAdvice
  readonly data: ErrorData
}

export function toPlain(error: unknown): PlainError {
  const { code, kind, message, retry, data } = isK2Error(error) ? error : workerFailed(error)
  return { code, kind, message, retry, data }
}

export const fromPlain = (plain: PlainError): K2Error => new K2Error(plain)

export const workerFailed = (cause: unknown): K2Error =>
  new K2Error({ code: 'BLOB_WORKER_FAILED', kind: 'bug', retry: 'now', message: 'a fetch worker failed', cause })
