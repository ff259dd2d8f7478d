import type { MessagePort } from 'node:worker_threads'
import { abortedError, type Deferred, deferred } from '../../base/async.ts'
import { BATCH_BYTES, BATCH_MS, type FetchReport, WINDOW_BYTES } from './fetch-wire.ts'
import type { BlobSink } from './store.ts'
import { GROUP_BYTES, PAIR_BYTES } from './tree/blake3.ts'

/**
 * Gathers the verified pieces of one fetch in memory that both threads see, tells the main thread of each batch, and waits while
 * all batches are full.
 */
export class FetchOutbox implements BlobSink {
  readonly #id: number
  readonly #port: MessagePort
  readonly #window: Uint8Array<SharedArrayBuffer>
  /** Where batches begin that the main thread does not read. */
  readonly #free: number[] = []
  /** Not sent yet; those behind `#proven` have no leaf below them so far. */
  #pairs: { readonly index: number; readonly pair: Uint8Array }[] = []
  #proven = 0
  /** Of the batch that is being filled. */
  #at: number | undefined
  #filled = 0
  #offset = 0
  #room: Deferred<void> | undefined
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(id: number, port: MessagePort, memory: SharedArrayBuffer) {
    this.#id = id
    this.#port = port
    this.#window = new Uint8Array(memory)
    for (let at = WINDOW_BYTES - BATCH_BYTES; at >= 0; at -= BATCH_BYTES) this.#free.push(at)
    port.postMessage({ op: 'window', id, memory } satisfies FetchReport)
  }

  async size(size: number): Promise<void> {
    this.#port.postMessage({ op: 'size', id: this.#id, size } satisfies FetchReport)
  }

  async pair(index: number, pair: Uint8Array): Promise<void> {
    this.#pairs.push({ index, pair })
  }

  async leaf(offset: number, data: Uint8Array): Promise<void> {
    const follows = offset === this.#offset + this.#filled && this.#filled % GROUP_BYTES === 0
    if (!follows || this.#filled + data.length > BATCH_BYTES) this.flush()
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
    this.#proven = this.#pairs.length
    if (this.#filled === BATCH_BYTES) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS)
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
    const [at, length] = [this.#at, this.#filled]
    if (at === undefined) return
    const proven = this.#pairs.splice(0, this.#proven)
    const pairs = new Uint8Array(proven.length * PAIR_BYTES)
    for (const [i, { pair }] of proven.entries()) pairs.set(pair, i * PAIR_BYTES)
    const batch = { indices: proven.map(({ index }) => index), pairs, offset: this.#offset, at, length }
    this.#at = undefined
    this.#filled = 0
    this.#proven = 0
    this.#port.postMessage({ op: 'batch', id: this.#id, batch } satisfies FetchReport)
  }
}
