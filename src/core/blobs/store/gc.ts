import { setImmediate } from 'node:timers/promises'
import type { Hash } from '../../ids.ts'
import type { BlobFormat } from '../proto/blob-ticket.ts'
import type { GcOptions, GcResult, KeptBlob } from '../store.ts'
import type { BlobEntry, BlobMeta } from './backend.ts'
import { storedBytesOf } from './backend.ts'
import { throwIfAborted } from './errors.ts'

/** Tags or blobs looked at between turns of the event loop. */
const BATCH = 256

export interface GcDeps {
  readonly meta: BlobMeta
  /** Protections and open handles at this moment. */
  readonly protectedNow: () => Iterable<readonly [Hash, BlobFormat]>
  /** What lies outside the store and names blobs of it, e.g. documents. When it fails nothing is removed. */
  readonly named: (() => AsyncIterable<KeptBlob>) | undefined
  /** Children of a hash sequence; empty when it is not complete. */
  readonly children: (hash: Hash) => Promise<readonly Hash[]>
  /** Removes one blob unless `isLive` says otherwise by then. Answers whether it did. */
  readonly remove: (hash: Hash, isLive: () => boolean) => Promise<boolean>
}

/** One mark-and-sweep run. What is imported, tagged or protected while it runs is told to `touch`, and stays. */
export class GcRun {
  readonly #deps: GcDeps
  readonly #live = new Set<Hash>()
  readonly #sequences = new Set<Hash>()
  readonly #expanding = new Set<Promise<void>>()

  constructor(deps: GcDeps) {
    this.#deps = deps
  }

  /** Keeps a blob. Resolves once its children are kept too. */
  async touch(hash: Hash, format: BlobFormat): Promise<void> {
    this.#live.add(hash)
    if (format === 'raw' || this.#sequences.has(hash)) return
    this.#sequences.add(hash)
    const expanding = this.#expand(hash).finally(() => this.#expanding.delete(expanding))
    this.#expanding.add(expanding)
    return expanding
  }

  async #expand(hash: Hash): Promise<void> {
    for (const child of await this.#deps.children(hash)) this.#live.add(child)
  }

  async run(options: GcOptions): Promise<GcResult> {
    const { signal } = options
    await this.#mark(options)
    let kept = 0
    let removed = 0
    let freedBytes = 0
    for await (const [hash, entry] of pagedBlobs(this.#deps.meta)) {
      throwIfAborted(signal)
      while (this.#expanding.size > 0) await Promise.all(this.#expanding)
      const isLive = (): boolean => this.#live.has(hash)
      if (!isLive() && (await this.#deps.remove(hash, isLive))) {
        removed++
        freedBytes += storedBytesOf(entry)
      } else kept++
    }
    return { kept, removed, freedBytes }
  }

  /** Removes this blob alone, unless something keeps it. */
  async removeOne(hash: Hash): Promise<boolean> {
    await this.#mark({})
    return !this.#live.has(hash) && this.#deps.remove(hash, () => this.#live.has(hash))
  }

  async #mark({ keep, signal }: GcOptions): Promise<void> {
    // Before the tags: what is being tagged is protected until its tag can be read.
    for (const [hash, format] of [...this.#deps.protectedNow()]) await this.touch(hash, format)
    for await (const [, { hash, format }] of pagedTags(this.#deps.meta, '')) {
      throwIfAborted(signal)
      await this.touch(hash, format)
    }
    for (const kept of [this.#deps.named, keep]) {
      for await (const { hash, format } of kept?.() ?? []) {
        throwIfAborted(signal)
        await this.touch(hash, format)
      }
    }
  }
}

/** All blobs, in slices; those that come or go meanwhile may be missed. */
export async function* pagedBlobs(meta: BlobMeta): AsyncGenerator<readonly [Hash, BlobEntry], void, undefined> {
  let after: Hash | undefined
  for (;;) {
    const page = meta.blobs(after, BATCH)
    yield* page
    if (page.length < BATCH) return
    after = page.at(-1)?.[0]
    await setImmediate()
  }
}

/** All tags with this prefix, in slices. */
export async function* pagedTags(
  meta: BlobMeta,
  prefix: string,
): AsyncGenerator<ReturnType<BlobMeta['tags']>[number], void, undefined> {
  let after: string | undefined
  for (;;) {
    const page = meta.tags(prefix, after, BATCH)
    yield* page
    if (page.length < BATCH) return
    after = page.at(-1)?.[0]
    await setImmediate()
  }
}
