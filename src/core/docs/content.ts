import { Semaphore } from '../../base/async.ts'
import type { Hash, PeerId } from '../ids.ts'
import type { NamespaceId } from './ids.ts'
import type { ContentStatus } from './proto/message.ts'

/** Where the contents of entries lie: implemented on top of blobs. */
export interface ContentStore {
  status(hash: Hash): Promise<ContentStatus>
  /** Keeps the bytes until `release`, and from then on as long as an entry names them (`Docs.contents`). */
  add(bytes: Uint8Array): Promise<{ readonly hash: Hash; readonly size: number; release(): void }>
  /** The whole content, at most `maxBytes` of it; undefined while it is not complete here. */
  read(hash: Hash, maxBytes: number): Promise<Uint8Array | undefined>
  /** Fetches from any of the peers; resolves when it is complete here. Rejects when nobody could give it. */
  download(hash: Hash, peers: readonly PeerId[], signal: AbortSignal): Promise<void>
}

/** Contents fetched at once, hashes remembered as missing, and peers remembered per hash. */
const MAX_AT_ONCE = 8
const MAX_MISSING = 100_000
const MAX_PROVIDERS = 8

export interface ContentEvents {
  /** A content has arrived that this document waited for. */
  ready(namespace: NamespaceId, hash: Hash): void
  /** Nothing of this document is being fetched any more. */
  idle(namespace: NamespaceId): void
}

/** Fetches what documents refer to, each content once for all of them (docs 9.5). */
export class ContentFetcher {
  readonly #store: ContentStore
  readonly #events: ContentEvents
  readonly #signal: AbortSignal
  readonly #slots = new Semaphore(MAX_AT_ONCE)
  readonly #run: (work: Promise<void>) => void
  /** Waiting for somebody who has it. */
  readonly #missing = new Map<Hash, Set<NamespaceId>>()
  readonly #queued = new Map<Hash, Set<NamespaceId>>()
  readonly #providers = new Map<Hash, Set<PeerId>>()

  /** @param run takes background work; failures are handled before. */
  constructor(store: ContentStore, events: ContentEvents, signal: AbortSignal, run: (work: Promise<void>) => void) {
    this.#store = store
    this.#events = events
    this.#signal = signal
    this.#run = run
  }

  isBusy(namespace: NamespaceId): boolean {
    for (const waiting of this.#queued.values()) if (waiting.has(namespace)) return true
    return false
  }

  /** An entry arrived. `hasIt`: its sender says that it has the content. */
  async wanted(namespace: NamespaceId, hash: Hash, from: PeerId, hasIt: boolean): Promise<void> {
    if ((await this.#store.status(hash)) === 'complete') return
    if (hasIt) this.#fetch(namespace, hash, from)
    else this.#miss(namespace, hash)
  }

  /** A peer says that it has a content now. */
  async offered(namespace: NamespaceId, hash: Hash, from: PeerId): Promise<void> {
    if (!this.#missing.has(hash) && !this.#queued.has(hash)) return
    if ((await this.#store.status(hash)) === 'complete') this.#missing.delete(hash)
    else this.#fetch(namespace, hash, from)
  }

  /** A session with a peer succeeded: it may have what others could not give. */
  retry(namespace: NamespaceId, from: PeerId): void {
    for (const [hash, waiting] of [...this.#missing]) if (waiting.has(namespace)) this.#fetch(namespace, hash, from)
  }

  forget(namespace: NamespaceId): void {
    for (const table of [this.#missing, this.#queued]) for (const waiting of table.values()) waiting.delete(namespace)
  }

  #miss(namespace: NamespaceId, hash: Hash): void {
    const waiting = this.#missing.get(hash) ?? new Set()
    waiting.add(namespace)
    this.#missing.set(hash, waiting)
    const oldest = this.#missing.keys().next().value
    if (this.#missing.size > MAX_MISSING && oldest !== undefined) this.#missing.delete(oldest)
  }

  #fetch(namespace: NamespaceId, hash: Hash, from: PeerId): void {
    const providers = this.#providers.get(hash) ?? new Set()
    if (providers.size < MAX_PROVIDERS) providers.add(from)
    this.#providers.set(hash, providers)
    const waiting = new Set([...(this.#missing.get(hash) ?? []), namespace])
    this.#missing.delete(hash)
    const queued = this.#queued.get(hash)
    if (queued !== undefined) {
      for (const ns of waiting) queued.add(ns)
      return
    }
    this.#queued.set(hash, waiting)
    this.#run(this.#slots.run(() => this.#download(hash)))
  }

  async #download(hash: Hash): Promise<void> {
    const peers = [...(this.#providers.get(hash) ?? [])]
    let done = true
    try {
      await this.#store.download(hash, peers, this.#signal)
    } catch {
      // Whoever announces it later is asked again; the reason is in the blobs' own statistics.
      done = false
    }
    const waiting = this.#queued.get(hash) ?? new Set<NamespaceId>()
    this.#queued.delete(hash)
    this.#providers.delete(hash)
    for (const namespace of waiting) {
      if (done) this.#events.ready(namespace, hash)
      else if (!this.#signal.aborted) this.#miss(namespace, hash)
    }
    for (const namespace of waiting) if (!this.isBusy(namespace)) this.#events.idle(namespace)
  }
}
