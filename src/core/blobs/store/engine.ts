import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { TaskGroup } from '../../../base/async.ts'
import { type Clock, systemClock } from '../../../base/clock.ts'
import { errorCode } from '../../../base/errors.ts'
import { type Logger, nullLogger } from '../../../base/logger.ts'
import type { Hash } from '../../ids.ts'
import { readBlob } from '../blob-bytes.ts'
import type { BlobFormat } from '../proto/blob-ticket.ts'
import { decodeHashSeq, MAX_HASH_SEQ_BYTES } from '../proto/collection.ts'
import type * as port from '../store.ts'
import { type StoreBackend, storedBytesOf } from './backend.ts'
import { StoreContext, type StoreLimits } from './context.ts'
import { missing, storeClosed } from './errors.ts'
import { exportCopy, exportOwnFile } from './export-blob.ts'
import { GcRun, pagedBlobs, pagedTags } from './gc.ts'
import { Importer } from './importer.ts'
import { PartialBook } from './partials.ts'
import type { Reservation } from './quota.ts'
import { removeOrphans } from './recovery.ts'
import { isUnchanged } from './reference.ts'
import { EMPTY_BLOB, emptyHandle, memoryBlob, openEntry, openPartial, statusOf } from './sources.ts'
import { checkTagName, ProtectionSet } from './tags.ts'
import { verifyBlob } from './verify.ts'
import { Watchers } from './watchers.ts'

/** Bytes of a hash sequence turned into hashes between turns of the event loop. */
const SEQ_SLICE_BYTES = 32 * 1024

export interface EngineOptions {
  readonly limits: StoreLimits
  /** What outside the store names blobs of it, e.g. documents: those stay without a tag. */
  readonly named?: (() => AsyncIterable<port.KeptBlob>) | undefined
  readonly clock?: Clock
  readonly log?: Logger
}

interface Parts {
  readonly context: StoreContext
  readonly partials: PartialBook
  readonly importer: Importer
}

/** The store of blobs over any backend, which is opened at the first use. */
export class BlobEngine implements port.BlobStore {
  readonly #openBackend: () => Promise<StoreBackend>
  readonly #options: EngineOptions
  readonly #log: Logger
  readonly #watchers = new Watchers()
  readonly #protections = new ProtectionSet((hash, format) => this.#background.add(this.#touch(hash, format)))
  /** Runs of garbage collection under way. */
  readonly #runs = new Set<GcRun>()
  readonly #background: TaskGroup
  readonly #suspects = new Set<Hash>()
  readonly #stopping = new AbortController()
  #parts: Promise<Parts> | undefined
  #gc: Promise<port.GcResult> | undefined
  #running = 0
  #idle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(openBackend: () => Promise<StoreBackend>, options: EngineOptions) {
    this.#openBackend = openBackend
    this.#options = options
    this.#log = options.log ?? nullLogger
    this.#background = new TaskGroup((err) => {
      if (!this.#closed) this.#log.warn({ ev: 'blob-store', err }, 'background work of the blob store failed')
    })
  }

  // ── reading ──

  status(hash: Hash): Promise<port.BlobStatus> {
    return this.#use(async ({ context, partials }) => {
      if (hash === EMPTY_BLOB) return { kind: 'complete', size: 0 }
      const open = partials.get(hash)
      if (open && !open.isComplete) {
        const { size, ranges } = open.state()
        return size === 0 && ranges.length === 0 ? { kind: 'absent' } : { kind: 'partial', size, ranges }
      }
      const entry = context.backend.meta.blob(hash)
      if (entry?.kind === 'reference' && !(await isUnchanged(entry))) {
        this.reportDamage(hash)
        return { kind: 'absent' }
      }
      return statusOf(entry)
    })
  }

  open(hash: Hash): Promise<port.OpenBlob | undefined> {
    return this.#use(async ({ context, partials }) => {
      if (hash === EMPTY_BLOB) return memoryBlob(new Uint8Array(0))
      const live = partials.get(hash)
      const handle = live && !live.isComplete ? partials.join(hash) : undefined
      if (live && handle) return openPartial(live, hash, handle)
      const entry = context.backend.meta.blob(hash)
      if (entry === undefined) return undefined
      try {
        return await openEntry(context.backend, hash, entry)
      } catch (error) {
        this.reportDamage(hash)
        throw error
      }
    })
  }

  watch(hash: Hash, changed: () => void): () => void {
    return this.#watchers.add(hash, changed)
  }

  reportDamage(hash: Hash): void {
    if (this.#suspects.has(hash) || this.#closed) return
    this.#suspects.add(hash)
    this.#log.warn({ ev: 'blob-damaged', hash: hash.slice(0, 10) }, 'a stored blob is checked again')
    this.#background.add(this.verify(hash, { signal: this.#stopping.signal }).finally(() => this.#suspects.delete(hash)))
  }

  verify(hash: Hash, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<port.BlobStatus> {
    return this.#use(async ({ context, partials }) => {
      const entry = await context.lock.run(hash, () => verifyBlob(context, partials, hash, options.signal))
      this.#watchers.notify(hash)
      return hash === EMPTY_BLOB ? { kind: 'complete', size: 0 } : statusOf(entry)
    })
  }

  hashSeq(hash: Hash): Promise<readonly Hash[]> {
    return this.#use(async () => {
      const bytes = await readBlob(this, hash, MAX_HASH_SEQ_BYTES)
      const hashes: Hash[] = []
      for (let at = 0; at < bytes.length; at += SEQ_SLICE_BYTES) {
        for (const child of decodeHashSeq(bytes.subarray(at, at + SEQ_SLICE_BYTES))) hashes.push(child)
        if (at > 0) await setImmediate()
      }
      return hashes
    })
  }

  async export(hash: Hash, path: string, options: port.ExportOptions = {}): Promise<void> {
    const { mode = 'copy', overwrite = false } = options
    return this.#use(async ({ context }) => {
      const target = resolve(path)
      // Nothing reads the content on its way when the file itself is moved.
      const wanted = mode === 'reference' && (await this.verify(hash, options)).kind === 'complete'
      if (wanted && (await exportOwnFile(context, hash, target, { ...options, overwrite }))) return
      const source = (await this.status(hash)).kind === 'complete' ? await this.open(hash) : undefined
      if (source === undefined) throw missing(hash)
      try {
        await exportCopy(source, hash, target, { ...options, overwrite })
      } catch (error) {
        if (errorCode(error) === 'BLOB_MISMATCH') this.reportDamage(hash)
        throw error
      } finally {
        await source.close()
      }
    })
  }

  // ── writing ──

  importBytes(data: Uint8Array, options: port.ImportOptions = {}): Promise<port.ImportedBlob> {
    return this.#use(({ importer }) => importer.bytes(data, this.#ending(options)))
  }

  importStream(source: AsyncIterable<Uint8Array>, options: port.ImportOptions = {}): Promise<port.ImportedBlob> {
    return this.#use(({ importer }) => importer.stream(source, this.#ending(options)))
  }

  importFile(
    path: string,
    options: port.ImportOptions & { readonly mode?: 'copy' | 'reference' } = {},
  ): Promise<port.ImportedBlob> {
    return this.#use(({ context, importer }) =>
      importer.file(path, this.#ending(options), options.mode === 'reference' && context.backend.references),
    )
  }

  resume(hash: Hash, options: port.WriteOptions = {}): Promise<port.PartialBlob> {
    return this.#use(({ partials }) =>
      hash === EMPTY_BLOB ? emptyHandle() : partials.resume(hash, () => this.#reserve(0, options)),
    )
  }

  /** Ends long work when the store closes. */
  #ending<T extends { readonly signal?: AbortSignal | undefined }>(options: T): T & { readonly signal: AbortSignal } {
    const stop = this.#stopping.signal
    return { ...options, signal: options.signal ? AbortSignal.any([options.signal, stop]) : stop }
  }

  async #reserve(bytes: number, { quota }: port.WriteOptions, owned = bytes): Promise<Reservation> {
    const { context } = await this.#ready()
    const owner = quota && { quota, used: (await this.usage(quota.prefix)).bytes }
    return context.quota.reserve(bytes, owner, owned)
  }

  // ── what is kept ──

  setTag(tag: port.BlobTag): Promise<void> {
    const { name, hash, format } = tag
    return this.#use(async ({ context }) => {
      checkTagName(name)
      const guard = this.#guard(hash, format)
      try {
        await context.backend.meta.commit([{ kind: 'tag', name, value: { hash, format } }])
      } finally {
        guard.release()
      }
    })
  }

  getTag(name: string): Promise<port.BlobTag | undefined> {
    return this.#use(async ({ context }) => {
      checkTagName(name)
      const value = context.backend.meta.tag(name)
      return value && { name, ...value }
    })
  }

  deleteTag(name: string): Promise<boolean> {
    return this.#use(async ({ context }) => {
      checkTagName(name)
      if (context.backend.meta.tag(name) === undefined) return false
      await context.backend.meta.commit([{ kind: 'tag', name, value: undefined }])
      return true
    })
  }

  async *listTags(prefix = ''): AsyncGenerator<port.BlobTag, void, undefined> {
    const { context } = await this.#ready()
    for await (const [name, value] of pagedTags(context.backend.meta, prefix)) yield { name, ...value }
  }

  protect(): port.Protection {
    return this.#protections.create()
  }

  async *list(): AsyncGenerator<port.ListedBlob, void, undefined> {
    const { context } = await this.#ready()
    for await (const [hash, entry] of pagedBlobs(context.backend.meta)) {
      yield {
        hash,
        kind: entry.kind === 'partial' ? 'partial' : 'complete',
        size: entry.size,
        stored: storedBytesOf(entry),
        reference: entry.kind === 'reference' ? entry.path : undefined,
      }
    }
  }

  delete(hash: Hash): Promise<boolean> {
    return this.#use(async ({ context }) => {
      const { meta } = context.backend
      for await (const [name, value] of pagedTags(meta, '')) {
        if (value.hash === hash) await meta.commit([{ kind: 'tag', name, value: undefined }])
      }
      return this.#gcRun((run) => run.removeOne(hash))
    })
  }

  gc(options: port.GcOptions = {}): Promise<port.GcResult> {
    const collect = async ({ context }: Parts): Promise<port.GcResult> => {
      await removeOrphans(context, this.#stopping.signal)
      return this.#gcRun((run) => run.run(this.#ending(options)))
    }
    this.#gc ??= this.#use(collect).finally(() => {
      this.#gc = undefined
    })
    return this.#gc
  }

  async #gcRun<T>(task: (run: GcRun) => Promise<T>): Promise<T> {
    const { context, partials } = await this.#ready()
    const run = new GcRun({
      meta: context.backend.meta,
      protectedNow: () => [...this.#protections.entries(), ...Array.from(partials.hashes(), (hash) => [hash, 'raw'] as const)],
      named: this.#options.named,
      children: (hash) => this.#childrenToKeep(hash),
      remove: (hash, isLive) =>
        context.lock.run(hash, async () => {
          const entry = context.backend.meta.blob(hash)
          if (isLive() || this.#protections.has(hash) || partials.has(hash)) return false
          if (entry === undefined) return true
          await context.backend.meta.commit([{ kind: 'blob', hash, entry: undefined }])
          if ('content' in entry) await context.drop(entry.content)
          this.#watchers.notify(hash)
          return true
        }),
    })
    this.#runs.add(run)
    try {
      return await task(run)
    } finally {
      this.#runs.delete(run)
    }
  }

  /** Protects a blob while its tag is written. */
  #guard(hash: Hash, format: BlobFormat): port.Protection {
    const guard = this.#protections.create()
    guard.add(hash, format)
    return guard
  }

  /** What a run under way must not remove. */
  async #touch(hash: Hash, format: BlobFormat): Promise<void> {
    await Promise.all(Array.from(this.#runs, (run) => run.touch(hash, format)))
  }

  /** Only what proves that there are no children counts as none; a failing disk must not have blobs removed. */
  async #childrenToKeep(hash: Hash): Promise<readonly Hash[]> {
    try {
      return await this.hashSeq(hash)
    } catch (error) {
      if (['BLOB_MISSING', 'BLOB_BAD_COLLECTION', 'BLOB_MISMATCH', 'BLOB_CHANGED'].includes(errorCode(error))) return []
      throw error
    }
  }

  usage(prefix?: string): Promise<port.StoreUsage> {
    return this.#use(async ({ context }) => {
      const { meta } = context.backend
      if (prefix === undefined) return { bytes: meta.storedBytes(), blobs: meta.blobCount() }
      const seen = new Set<Hash>()
      let bytes = 0
      const count = (hash: Hash): void => {
        if (seen.has(hash)) return
        const entry = meta.blob(hash)
        if (entry === undefined) return
        seen.add(hash)
        bytes += entry.kind === 'partial' ? storedBytesOf(entry) : entry.size
      }
      for await (const [, { hash, format }] of pagedTags(meta, prefix)) {
        count(hash)
        if (format === 'hash-seq') for (const child of await this.#childrenToKeep(hash)) count(child)
      }
      return { bytes, blobs: seen.size }
    })
  }

  // ── beginning and end ──

  #ready(): Promise<Parts> {
    if (this.#closed) return Promise.reject(storeClosed())
    this.#parts ??= this.#start().catch((error) => {
      // The next caller tries again: a lock may be gone, a disk may be back.
      this.#parts = undefined
      throw error
    })
    return this.#parts
  }

  async #start(): Promise<Parts> {
    const { clock = systemClock, limits } = this.#options
    const backend = await this.#openBackend()
    const context = new StoreContext({ backend, clock, log: this.#log, limits, watchers: this.#watchers })
    const partials = new PartialBook(context)
    const importer = new Importer({
      context,
      partials,
      reserve: (bytes, options, owned) => this.#reserve(bytes, options, owned),
      guard: (hash, format) => this.#guard(hash, format),
    })
    this.#background.add(removeOrphans(context, this.#stopping.signal))
    return { context, partials, importer }
  }

  /** Runs one operation; `close` waits for it. */
  async #use<T>(task: (parts: Parts) => Promise<T> | T): Promise<T> {
    const parts = await this.#ready()
    this.#running++
    try {
      return await task(parts)
    } finally {
      if (--this.#running === 0) this.#idle?.()
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown()
    return this.#closed
  }

  async #shutDown(): Promise<void> {
    this.#stopping.abort()
    const parts = await this.#parts?.catch(() => undefined)
    if (!parts) return
    if (this.#running > 0) {
      await new Promise<void>((done) => {
        this.#idle = done
      })
    }
    await parts.partials.close()
    await this.#background.settled()
    await parts.context.backend.close().catch((err) => {
      this.#log.warn({ ev: 'blob-store', err }, 'the blob store could not be closed properly')
    })
  }
}
