import type { MessagePort } from 'node:worker_threads'
import { abortedError, type Deferred, deferred } from '../../base/async.ts'
import { BATCH_BYTES, BATCH_MS, BATCH_PAIRS, type FetchReport, PENDING_AT, SLOT_BYTES } from './fetch-wire.ts'
import { badOrder } from './store/errors.ts'
import type { BlobSink } from './store.ts'
import { GROUP_BYTES, PAIR_BYTES } from './tree/blake3.ts'

/** What it needs of a port. */
type ReportPort = Pick<MessagePort, 'postMessage'>

/**
 * Gathers the verified pieces of one fetch in memory that both threads see, tells the main thread of each batch, and waits while
 * all batches are full.
 */
export class FetchOutbox implements BlobSink {
  readonly #id: number
  readonly #port: ReportPort
  readonly #window: Uint8Array<SharedArrayBuffer>
  /** Where batches begin that the main thread does not read. */
  readonly #free: number[] = []
  /** Pairs that have no leaf below them so far. */
  readonly #pending: Uint8Array<SharedArrayBuffer>
  #pendingIndices: number[] = []
  /** Of the batch that is being filled. */
  #at: number | undefined
  #indices: number[] = []
  #filled = 0
  #offset = 0
  #room: Deferred<void> | undefined
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(id: number, port: ReportPort, memory: SharedArrayBuffer) {
    this.#id = id
    this.#port = port
    this.#window = new Uint8Array(memory)
    this.#pending = this.#window.subarray(PENDING_AT)
    for (let at = PENDING_AT - SLOT_BYTES; at >= 0; at -= SLOT_BYTES) this.#free.push(at)
    port.postMessage({ op: 'window', id, memory } satisfies FetchReport)
  }

  async size(size: number): Promise<void> {
    this.#port.postMessage({ op: 'size', id: this.#id, size } satisfies FetchReport)
  }

  async pair(index: number, pair: Uint8Array): Promise<void> {
    // No tree is that deep.
    if (this.#pendingIndices.length === BATCH_PAIRS) throw badOrder()
    this.#pending.set(pair, this.#pendingIndices.length * PAIR_BYTES)
    this.#pendingIndices.push(index)
  }

  async leaf(offset: number, data: Uint8Array): Promise<void> {
    const follows = offset === this.#offset + this.#filled && this.#filled % GROUP_BYTES === 0
    const fits = this.#filled + data.length <= BATCH_BYTES && this.#indices.length + this.#pendingIndices.length <= BATCH_PAIRS
    if (!follows || !fits) this.flush()
    while (this.#at === undefined) {
      if (this.#stopped) throw abortedError()
      this.#at = this.#free.pop()
      if (this.#at !== undefined) break
      this.#room = deferred()
      await this.#room.promise
    }
    if (this.#filled === 0) this.#offset = offset
    this.#window.set(data, this.#at + this.#filled)
    this.#filled += data.length
    this.#takePairs(this.#at + BATCH_BYTES)
    if (this.#filled === BATCH_BYTES) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS)
  }

  /** A leaf below them has come: they go with it. */
  #takePairs(to: number): void {
    const count = this.#pendingIndices.length
    if (count === 0) return
    this.#window.set(this.#pending.subarray(0, count * PAIR_BYTES), to + this.#indices.length * PAIR_BYTES)
    this.#indices.push(...this.#pendingIndices)
    this.#pendingIndices = []
  }

  /** The main thread has read the batch that begins at `at`. */
  credit(at: number): void {
    this.#free.push(at)
    this.#room?.resolve()
  }

  /** Nobody wants more: whoever waits for room rejects `ABORTED`. */
  stop(): void {
    this.#stopped = true
    this.#room?.resolve()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const at = this.#at
    if (at === undefined) return
    const batch = { indices: this.#indices, offset: this.#offset, at, length: this.#filled }
    this.#at = undefined
    this.#indices = []
    this.#filled = 0
    this.#port.postMessage({ op: 'batch', id: this.#id, batch } satisfies FetchReport)
  }
}
