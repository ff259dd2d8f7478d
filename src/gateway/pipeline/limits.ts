import type { AuthorRate } from './pace.ts'

/** Bounds and times of the pipeline, each with what a smaller or larger value does. Times in ms. */
export interface PipelineLimits {
  /** Events stored in one transaction. Smaller: more commits per event. Larger: one source's burst delays the others. */
  readonly ingestBatch: number
  /** Events that may wait to be stored; beyond it `ingest` rejects. Smaller: sources are held up earlier. Larger: memory. */
  readonly ingestQueue: number
  /** Lanes that send at once. */
  readonly deliveries: number
  /**
   * Deliveries of one lane that may be sent before the first of their results is on disk, while the destination answers
   * faster than the database commits; otherwise it is 2. 1: after a crash at most one delivery per lane is in doubt, but each
   * send waits for the commit of the one before.
   */
  readonly window: number
  /**
   * The same where each send is noted beside the database (`SentLog`), so that a crash leaves one delivery per lane in doubt
   * whatever the window is. Smaller: more commits. Larger: one of many lanes' statements delays the events to be stored.
   */
  readonly notedWindow: number
  /** Life of a lane's lease; a crashed holder's lane is free after this. */
  readonly leaseMs: number
  readonly renewMs: number
  /** How often due lanes without a wake-up are looked for. */
  readonly sweepMs: number
  /** A head that fails this long is parked and its lane goes on (bridging 14). */
  readonly headTimeoutMs: number
  /** One attempt may take this long; then it is aborted. */
  readonly sendTimeoutMs: number
  /** How long an edit or delete waits for its message (10.2). */
  readonly holdMs: number
  /** An edit of an unknown message that is not older than this is bridged as new (10.2). */
  readonly lateEditAsNewMs: number
  /** Edits of messages older than this are ignored (10.2). */
  readonly editMaxAgeMs: number
  /** Messages older than this when they are first sent show their original time (17). */
  readonly showTimeAfterMs: number
  /** How fast one author may write on a route that does not say otherwise; undefined: no limit (16). */
  readonly authorRate?: AuthorRate | undefined
  /** How long copies stay linked for edits, deletes and replies (3). */
  readonly retentionMs: number
  /** How long events are remembered for deduplication, and finished deliveries for questions (13). */
  readonly inboxMs: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const DEFAULT_LIMITS: PipelineLimits = {
  ingestBatch: 50,
  ingestQueue: 10_000,
  deliveries: 32,
  window: 16,
  notedWindow: 64,
  leaseMs: 30_000,
  renewMs: 10_000,
  sweepMs: 5_000,
  headTimeoutMs: 15 * MINUTE,
  sendTimeoutMs: MINUTE,
  holdMs: MINUTE,
  lateEditAsNewMs: 10 * MINUTE,
  editMaxAgeMs: 48 * HOUR,
  showTimeAfterMs: 5 * MINUTE,
  retentionMs: 90 * DAY,
  inboxMs: 7 * DAY,
}
