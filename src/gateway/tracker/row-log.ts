import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises'
import { concatBytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { decodeRow, encodeRow, type SignedAnnounce, type TrackerStore } from '../../core/tracker/index.ts'

/** Rows are written together this often; a crash loses no more, and their hosts announce again. */
const FLUSH_MS = 1_000
/** The file is rewritten when it holds this many rows more than the store, at least. */
const SLACK_ROWS = 20_000
/** Largest file read at start; 200,000 rows have 28 MB. */
const MAX_FILE_BYTES = 256 * 1024 * 1024
/** A host may not have more rows waiting for the disk than this in all. */
const MAX_WAITING = 100_000

export interface RowLogOptions {
  readonly path: string
  readonly store: TrackerStore
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Keeps a tracker's rows across restarts: an append-only file of length-prefixed rows, rewritten when most of it is old. Rows
 * prove themselves, so a lost one costs nothing but time. A full disk stops writing, not the tracker.
 */
export class RowLog {
  readonly #options: RowLogOptions
  #file: FileHandle | undefined
  #written = 0
  #waiting: SignedAnnounce[] = []
  #cancel: (() => void) | undefined
  #work: Promise<void> = Promise.resolve()
  #failed = false

  constructor(options: RowLogOptions) {
    this.#options = options
  }

  /** True while the disk takes no more rows. */
  get isFailing(): boolean {
    return this.#failed
  }

  /** Reads what is there into the store, up to the first broken row, and starts a fresh file. */
  async open(): Promise<{ readonly rows: number }> {
    const { path, store, clock } = this.#options
    const bytes = await readFile(path).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return new Uint8Array(0)
      throw error
    })
    for (const row of readRows(bytes.subarray(0, MAX_FILE_BYTES))) store.restore(row, clock.now())
    await this.#rewrite()
    return { rows: store.size }
  }

  append(row: SignedAnnounce): void {
    if (this.#waiting.length >= MAX_WAITING) return
    this.#waiting.push(row)
    this.#cancel ??= this.#options.clock.after(FLUSH_MS, () => {
      this.#cancel = undefined
      this.#work = this.#work.then(() => this.#flush())
    })
  }

  async close(): Promise<void> {
    this.#cancel?.()
    await this.#work
    await this.#flush()
    await this.#file?.close()
    this.#file = undefined
  }

  /** Never rejects. */
  async #flush(): Promise<void> {
    const rows = this.#waiting
    this.#waiting = []
    if (rows.length === 0) return
    try {
      if (this.#failed || this.#written > 2 * this.#options.store.size + SLACK_ROWS) await this.#rewrite()
      else {
        await this.#file?.appendFile(concatBytes(rows.map(record)))
        this.#written += rows.length
      }
      this.#failed = false
    } catch (error) {
      if (!this.#failed) {
        const fields = { ev: 'tracker-not-stored', code: errorCode(error) }
        this.#options.log.warn(fields, 'the tracker goes on, but a restart would forget new announcements')
      }
      // A row may have been written in part: the next success starts a fresh file.
      this.#failed = true
    }
  }

  async #rewrite(): Promise<void> {
    const { path, store } = this.#options
    const temporary = `${path}.new`
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', 0o600)
    try {
      const rows = [...store.rows()]
      for (let i = 0; i < rows.length; i += 1000) await file.appendFile(concatBytes(rows.slice(i, i + 1000).map(record)))
      await rename(temporary, path)
      await this.#file?.close()
      this.#file = file
      this.#written = rows.length
    } catch (error) {
      await file.close()
      throw error
    }
  }
}

function record(row: SignedAnnounce): Uint8Array {
  const bytes = encodeRow(row)
  return concatBytes([Uint8Array.of(bytes.length), bytes])
}

/** The rows of a file; a torn end, as a crash leaves it, ends them. */
export function* readRows(bytes: Uint8Array): Generator<SignedAnnounce> {
  let at = 0
  while (at < bytes.length) {
    const end = at + 1 + (bytes[at] as number)
    if (end > bytes.length) return
    try {
      yield decodeRow(bytes.subarray(at + 1, end))
    } catch (error) {
      if (isK2Error(error)) return
      throw error
    }
    at = end
  }
}
