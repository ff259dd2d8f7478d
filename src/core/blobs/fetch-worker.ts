import { randomBytes } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Deferred, deferred } from '../../base/async.ts'
import { type K2Endpoint, openEndpoint } from '../net/endpoint.ts'
import { FetchOutbox } from './fetch-outbox.ts'
import { type FetchOrder, type FetchReport, type FetchWorkerInput, toPlain, WINDOW_BYTES } from './fetch-wire.ts'
import { BLOBS_ALPN } from './proto/requests.ts'
import { type FetchTask, StreamFetcher } from './range-fetcher.ts'

// Thread that fetches and verifies beside the main one: the binding turns every byte into an element of an array, which keeps
// one thread busy at about 10 MiB/s (blobs.md 15).

interface Running {
  readonly outbox: FetchOutbox
  readonly stop: AbortController
  /** The main thread reads no batch of it any more. */
  readonly released: Deferred<void>
}

class FetchServer {
  readonly #port: MessagePort
  readonly #endpoint: K2Endpoint
  readonly #fetcher: StreamFetcher
  readonly #running = new Map<number, Running>()
  /** Memory of fetches that have ended, for the next ones. */
  readonly #windows: SharedArrayBuffer[] = []

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
        this.#running.get(order.id)?.outbox.credit(order.at)
        break
      case 'abort':
        this.#stop(order.id)
        break
      case 'release':
        this.#running.get(order.id)?.released.resolve()
        break
      case 'close':
        void this.#close()
        break
    }
  }

  #stop(id: number): void {
    const entry = this.#running.get(id)
    entry?.stop.abort()
    entry?.outbox.stop()
  }

  /** Never rejects. */
  async #fetch(id: number, task: Omit<FetchTask, 'signal'>): Promise<void> {
    const memory = this.#windows.pop() ?? new SharedArrayBuffer(WINDOW_BYTES)
    const entry = { outbox: new FetchOutbox(id, this.#port, memory), stop: new AbortController(), released: deferred<void>() }
    this.#running.set(id, entry)
    let report: FetchReport
    try {
      const result = await this.#fetcher.fetch({ ...task, signal: entry.stop.signal }, entry.outbox)
      report = { op: 'done', id, result }
    } catch (error) {
      report = { op: 'failed', id, error: toPlain(error) }
    }
    entry.outbox.flush()
    this.#port.postMessage(report)
    await entry.released.promise
    this.#running.delete(id)
    this.#windows.push(memory)
  }

  /** The thread ends by itself once nothing keeps it: ending it from outside while the endpoint lives crashes the process. */
  async #close(): Promise<void> {
    for (const id of this.#running.keys()) this.#stop(id)
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
    const { mode, relays = [], bind } = workerData as FetchWorkerInput
    const endpoint = await openEndpoint({ secretKey: new Uint8Array(randomBytes(32)), mode, relays, bind })
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
