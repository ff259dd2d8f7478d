import type { WebChatRecord } from './store.ts'

export interface LoggedRecord {
  readonly record: WebChatRecord
  readonly version: number
}

export interface Catchup {
  /** True when the page must start anew because its position is from another run or too far back. */
  readonly reset: boolean
  readonly version: number
  /** In message order. */
  readonly entries: readonly LoggedRecord[]
}

/**
 * The youngest messages of a room with a version that grows with every change, so that a page that comes back gets what it
 * missed: new messages, edits and deletions. Pure.
 */
export class RoomLog {
  readonly #epoch: string
  readonly #limit: number
  readonly #entries = new Map<string, LoggedRecord>()
  #version = 0
  /** Highest version among forgotten entries: pages that have not seen it start anew. */
  #forgotten = 0

  /** `epoch` names this run: versions of other runs mean nothing. */
  constructor(epoch: string, limit: number, history: readonly WebChatRecord[]) {
    this.#epoch = epoch
    this.#limit = limit
    for (const record of history) this.apply(record)
  }

  get(id: string): WebChatRecord | undefined {
    return this.#entries.get(id)?.record
  }

  /** Adds a message, or changes one in its place. */
  apply(record: WebChatRecord): LoggedRecord {
    const entry = { record, version: ++this.#version }
    this.#entries.set(record.id, entry)
    if (this.#entries.size > this.#limit) {
      const [id, oldest] = this.#entries.entries().next().value as [string, LoggedRecord]
      this.#entries.delete(id)
      this.#forgotten = Math.max(this.#forgotten, oldest.version)
    }
    return entry
  }

  catchup(since?: { readonly epoch: string; readonly version: number }): Catchup {
    const known = since?.epoch === this.#epoch && since.version >= this.#forgotten && since.version <= this.#version
    const all = [...this.#entries.values()]
    const entries = known ? all.filter((e) => e.version > since.version) : all.filter((e) => e.record.deletedAt === undefined)
    return { reset: !known, version: this.#version, entries }
  }
}
