/** How far a source stream was ingested, e.g. the last message id of one channel (bridging 17). */
export interface Cursor {
  readonly account: string
  /** Unique per account over all networks: `discord/<channel id>`, `telegram/updates`. */
  readonly stream: string
  readonly value: string
}

/** Persisted cursors. A cursor never moves before the events up to it were committed. */
export interface CursorStore {
  get(account: string, stream: string): Promise<string | undefined>
  set(cursor: Cursor): Promise<void>
}
