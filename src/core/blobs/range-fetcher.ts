import type { PeerId } from '../ids.ts'
import type { CallOptions, Connection, PeerAddr } from '../net/transport.ts'
import { type GetOptions, type GetResult, getRanges } from './getter.ts'
import type { BlobSink } from './store.ts'

export interface FetchTask extends GetOptions {
  readonly provider: PeerAddr
  /** ms until the provider must be connected. */
  readonly connectMs: number
}

/** Carries out attempts: dials, asks, verifies, and hands what was verified to the sink. */
export interface RangeFetcher {
  /** Rejects as `getRanges`, or `NET_*` when the provider cannot be reached. */
  fetch(task: FetchTask, sink: BlobSink): Promise<GetResult>
  /** Closes its connections. Idempotent; never rejects. */
  close(): Promise<void>
}

/** Fetching beside the main thread, for blobs of at least `fromBytes`, with `lanes` attempts at a time. */
export interface ParallelFetch {
  readonly lanes: number
  readonly fromBytes: number
  /** For one download, which closes it. */
  open(): RangeFetcher
  /** Ends the threads; fetches under way fail. Idempotent; never rejects. */
  close(): Promise<void>
}

export type DialBlobs = (provider: PeerAddr, options: CallOptions) => Promise<Connection>

/** Fetches in this thread, with one connection per provider for all streams of a download. */
export class StreamFetcher implements RangeFetcher {
  readonly #dial: DialBlobs
  readonly #connections = new Map<PeerId, Promise<Connection>>()
  #closed = false

  constructor(dial: DialBlobs) {
    this.#dial = dial
  }

  async fetch(task: FetchTask, sink: BlobSink): Promise<GetResult> {
    return await getRanges(await this.#connection(task), task, sink)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const dialing of this.#connections.values()) dialing.then((connection) => connection.close(0n, 'idle')).catch(() => {}) // its callers have heard of the failure
    this.#connections.clear()
  }

  #connection({ provider, connectMs, signal }: FetchTask): Promise<Connection> {
    const known = this.#connections.get(provider.id)
    if (known !== undefined) return known
    const forget = (): void => {
      if (this.#connections.get(provider.id) === dialing) this.#connections.delete(provider.id)
    }
    const dialing = this.#dial(provider, { deadlineMs: connectMs, signal }).then((connection) => {
      void connection.closed.then(forget)
      if (this.#closed) connection.close(0n, 'idle')
      return connection
    })
    this.#connections.set(provider.id, dialing)
    dialing.catch(forget)
    return dialing
  }
}
