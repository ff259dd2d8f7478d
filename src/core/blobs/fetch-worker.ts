import { randomBytes } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Deferred, deferred } from '../../base/async.ts'
import { type K2Endpoint, openEndpoint } from '../net/endpoint.ts'
import {
  BATCH_BYTES,
  BATCH_MS,
  type FetchOrder,
  type FetchReport,
  type FetchWorkerInput,
  toPlain,
  WINDOW_BYTES,
} from './fetch-wire.ts'
import { BLOBS_ALPN } from './proto/requests.ts'
import { type FetchTask, StreamFetcher } from './range-fetcher.ts'
import type { BlobSink } from './store.ts'
import { GROUP_BYTES, PAIR_BYTES } from './tree/blake3.ts'

// Thread that fetches and verifies beside the main one: the binding turns every byte into an element of an array, which keeps
// one thread busy at about 10 MiB/s (blobs.md 15).

/** Gathers the verified pieces of one fetch, sends them to the main thread, and waits while too much is on its way. */
class Outbox implements BlobSink {
  readonly #id: number
  readonly #port: MessagePort
  /** Not sent yet; those behind `#proven` have no leaf below them so far. */
  #pairs: { readonly index: number; readonly pair: Uint8Array }[] = []
  #proven = 0
  #batch: Uint8Array<ArrayBuffer> | undefined
  readonly #spare: ArrayBuffer[] = []
  #filled = 0
  #offset = 0
  #onTheWay = 0
  #room: Deferred<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(id: number, port: MessagePort) {
    this.#id = id
    this.#port = port
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
    if (this.#filled === 0) this.#offset = offset
    this.#batch ??= new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(BATCH_BYTES))
    this.#batch.set(data, this.#filled)
    this.#filled += data.length
    this.#proven = this.#pairs.length
    this.#onTheWay += data.length
    if (this.#filled === BATCH_BYTES) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS)
    while (this.#onTheWay >= WINDOW_BYTES) {
      this.flush()
      this.#room ??= deferred()
      await this.#room.promise
    }
  }

  credit(bytes: number, buffer?: ArrayBuffer): void {
    if (buffer !== undefined) this.#spare.push(buffer)
    this.#onTheWay -= bytes
    this.#room?.resolve()
    this.#room = undefined
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#batch === undefined) return
    const proven = this.#pairs.splice(0, this.#proven)
    const pairs = new Uint8Array(proven.length * PAIR_BYTES)
    for (const [i, { pair }] of proven.entries()) pairs.set(pair, i * PAIR_BYTES)
    const data = this.#batch.subarray(0, this.#filled)
    const batch = { indices: proven.map(({ index }) => index), pairs, offset: this.#offset, data }
    this.#batch = undefined
    this.#filled = 0
    this.#proven = 0
    this.#port.postMessage({ op: 'batch', id: this.#id, batch } satisfies FetchReport, [data.buffer])
  }
}

class FetchServer {
  readonly #port: MessagePort
  readonly #endpoint: K2Endpoint
  readonly #fetcher: StreamFetcher
  readonly #running = new Map<number, { outbox: Outbox; stop: AbortController }>()

  constructor(port: MessagePort, endpoint: K2Endpoint) {
    this.#port = port
    this.#endpoint = endpoint
    this.#fetcher = new StreamFetcher((addr, call) => endpoint.dial(addr.id, BLOBS_ALPN, { ...call, addr }))
  }

  handle(order: FetchOrder): void {
    switch (order.op) {
      case 'fetch':
        void this.#fetch(order.id, order.task)
        break
      case 'credit':
        this.#running.get(order.id)?.outbox.credit(order.bytes, order.buffer)
        break
      case 'abort': {
        const entry = this.#running.get(order.id)
        entry?.stop.abort()
        // A fetch that waits for room would not notice.
        entry?.outbox.credit(WINDOW_BYTES)
        break
      }
      case 'close':
        void this.#close()
        break
    }
  }

  /** Never rejects. */
  async #fetch(id: number, task: Omit<FetchTask, 'signal'>): Promise<void> {
    const entry = { outbox: new Outbox(id, this.#port), stop: new AbortController() }
    this.#running.set(id, entry)
    let report: FetchReport
    try {
      const result = await this.#fetcher.fetch({ ...task, signal: entry.stop.signal }, entry.outbox)
      report = { op: 'done', id, result }
    } catch (error) {
      report = { op: 'failed', id, error: toPlain(error) }
    }
    entry.outbox.flush()
    this.#running.delete(id)
    this.#port.postMessage(report)
  }

  /** The thread ends by itself once nothing keeps it: ending it from outside while the endpoint lives crashes the process. */
  async #close(): Promise<void> {
    for (const { stop } of this.#running.values()) stop.abort()
    await this.#fetcher.close()
    await this.#endpoint.stop()
    this.#port.close()
  }
}

const port = parentPort
if (port !== null) {
  const orders: FetchOrder[] = []
  const queue = (order: FetchOrder): void => void orders.push(order)
  port.on('message', queue)
  try {
    const { mode, bind } = workerData as FetchWorkerInput
    const endpoint = await openEndpoint({ secretKey: new Uint8Array(randomBytes(32)), mode, bind })
    await endpoint.start()
    const server = new FetchServer(port, endpoint)
    port.off('message', queue)
    port.on('message', (order: FetchOrder) => server.handle(order))
    for (const order of orders) server.handle(order)
  } catch (error) {
    port.postMessage({ op: 'broken', error: toPlain(error) } satisfies FetchReport)
    port.close()
  }
}
