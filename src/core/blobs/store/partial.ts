import type { Clock } from '../../../base/clock.ts'
import { K2Error } from '../../../base/errors.ts'
import type { Hash } from '../../ids.ts'
import type { BlobSink, PartialState } from '../store.ts'
import { GROUP_BYTES } from '../tree/blake3.ts'
import { groupsOf } from '../tree/outboard.ts'
import { ALL } from '../tree/ranges.ts'
import type { BlobEntry, Change, Content, ContentId, StoreBackend } from './backend.ts'
import { MAX_INLINE_BYTES } from './backend.ts'
import { badOrder, incomplete, missing, storageError } from './errors.ts'
import { bytesOfGroups, chunksOfGroups, GroupSet } from './group-set.ts'
import { mergedPages, pairReader } from './pages.ts'
import type { Reservation } from './quota.ts'

/** What was taken begins to be made durable after this time at the latest, ms. */
const FLUSH_MS = 250
/** So does this much content, bytes: it bounds what a crash can cost, which is fetched again. */
const FLUSH_BYTES = 1024 * 1024
/** Writers wait while this much is taken and neither durable nor on its way there, bytes. */
const MAX_DIRTY_BYTES = 2 * 1024 * 1024
/** Verified pairs of one sink that wait for a leaf below them. */
const MAX_PENDING_PAIRS = 65_536

export interface PartialDeps {
  readonly hash: Hash
  readonly backend: StoreBackend
  readonly clock: Clock
  readonly newId: () => ContentId
  /** Room for what is written. */
  readonly reservation: Reservation
  /** Runs the last step alone on this blob. */
  readonly exclusive: <T>(task: () => Promise<T>) => Promise<T>
  /** Rejects when the disk has no room. */
  readonly beforeWrite: (bytes: number) => Promise<void>
  readonly onChange: () => void
  /** Removes content that no blob uses; never rejects. */
  readonly drop: (id: ContentId) => Promise<void>
}

interface Dirty {
  pairs: Map<number, Uint8Array>
  bytes: number
}

/**
 * A blob while parts of it arrive. Order of writes: data, sync of the data, then one transaction with pairs and groups; so
 * whatever the metadata claims is on disk, wherever a crash falls. A pair counts only once a leaf below it is verified:
 * a wrong claim about the size can make pairs of another place of the tree look right (blobs.md 4.6), but no leaf.
 */
export class PartialContent {
  readonly #deps: PartialDeps
  #id: ContentId | undefined
  #file: Promise<Content> | undefined
  #size = 0
  #sizeVerified = false
  #groups: GroupSet
  /** Data of a blob that fits the metadata. */
  #inline: Uint8Array | undefined
  #dirty: Dirty = { pairs: new Map(), bytes: 0 }
  /** Pairs on their way to disk. */
  #flushing: Dirty | undefined
  #flush: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #durable = false
  #ended = false

  constructor(deps: PartialDeps, known?: Extract<BlobEntry, { kind: 'partial' }>) {
    this.#deps = deps
    this.#id = known?.content
    this.#size = known?.size ?? 0
    this.#sizeVerified = known?.sizeVerified ?? false
    this.#groups = new GroupSet(known?.groups)
  }

  /** Everything is here and on disk. */
  get isComplete(): boolean {
    return this.#durable
  }

  get size(): number {
    return this.#size
  }

  /** The blob came to be complete in another way, e.g. by an import. */
  becameComplete(size: number): void {
    this.#size = size
    this.#sizeVerified = true
    this.#durable = true
    this.#dirty = { pairs: new Map(), bytes: 0 }
  }

  /** Whether this content is its own. */
  owns(id: ContentId): boolean {
    return this.#id === id
  }

  state(): PartialState {
    if (this.#durable) return { size: this.#size, sizeVerified: true, ranges: ALL, bytes: this.#size, complete: true }
    return {
      size: this.#size,
      sizeVerified: this.#sizeVerified,
      ranges: chunksOfGroups(this.#groups, this.#size, this.#sizeVerified),
      bytes: this.#sizeVerified ? bytesOfGroups(this.#groups, this.#size) : this.#groups.count * GROUP_BYTES,
      complete: this.#isWhole(),
    }
  }

  sink(): BlobSink {
    let claimed = this.#size
    let pending: [number, Uint8Array][] = []
    return {
      size: async (size) => {
        if (this.#sizeVerified && size !== this.#size) throw wrongSize(this.#deps.hash)
        claimed = size
        // Once something is here, only what comes with a verified leaf replaces the claim it came with.
        if (this.#groups.count > 0 || this.#size === size) return
        this.#size = size
        this.#deps.onChange()
      },
      pair: async (index, pair) => {
        if (pending.length >= MAX_PENDING_PAIRS) throw badOrder()
        pending.push([index, pair.slice()])
      },
      leaf: async (offset, data) => {
        // While a wrong size is claimed, a verified leaf still proves the pairs above it.
        const proven = pending
        pending = []
        await this.#leaf(offset, data, claimed, proven)
      },
    }
  }

  async #leaf(offset: number, data: Uint8Array, claimed: number, pairs: readonly [number, Uint8Array][]): Promise<void> {
    if (this.#durable) return
    const end = offset + data.length
    const last = end === claimed
    if (last && this.#sizeVerified && claimed !== this.#size) throw wrongSize(this.#deps.hash)
    if (last) {
      this.#size = claimed
      this.#sizeVerified = true
    }
    for (const [index, pair] of pairs) this.#dirty.pairs.set(index, pair)
    const whole = offset % GROUP_BYTES === 0 && (end % GROUP_BYTES === 0 || last)
    if (whole) {
      const from = offset / GROUP_BYTES
      const to = Math.ceil(end / GROUP_BYTES) || 1
      if (!this.#groups.covers(from, to))
        await this.#store(offset, data, from, Math.max(from + 1, to), last && claimed <= MAX_INLINE_BYTES)
    }
    this.#deps.onChange()
    await this.#settle()
  }

  async #store(offset: number, data: Uint8Array, from: number, to: number, inline: boolean): Promise<void> {
    this.#deps.reservation.grow(data.length)
    try {
      await this.#deps.beforeWrite(data.length)
      if (inline && offset === 0) this.#inline = data.slice()
      else await (await this.#content()).write(offset, data)
      this.#groups.add(from, to)
      this.#dirty.bytes += data.length
    } catch (error) {
      this.#deps.reservation.shrink(data.length)
      throw storageError('content cannot be written', error)
    }
  }

  /** Has the data on disk soon; waits only while too much of it is not. */
  async #settle(): Promise<void> {
    if (this.#dirty.bytes > MAX_DIRTY_BYTES || this.#isWhole()) return this.flush()
    if (this.#ended) return
    if (this.#dirty.bytes >= FLUSH_BYTES && !this.#flush) return this.#flushSoon()
    this.#cancelTimer ??= this.#deps.clock.after(FLUSH_MS, () => this.#flushSoon())
  }

  #flushSoon(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    // A failure leaves everything dirty; the next flush tries again and its caller is told.
    this.flush().catch(() => {})
  }

  /** One flush at a time; a caller during one waits for the next, which has its data. */
  async flush(): Promise<void> {
    while (this.#flush) await this.#flush.catch(() => {})
    // Pairs alone are worth nothing: they come again with the data below them.
    if (this.#durable || this.#groups.count === 0 || (this.#dirty.bytes === 0 && this.#dirty.pairs.size === 0)) return
    this.#flush = this.#flushNow().finally(() => {
      this.#flush = undefined
    })
    return this.#flush
  }

  async #flushNow(): Promise<void> {
    const { backend, hash, exclusive } = this.#deps
    const dirty = this.#dirty
    this.#dirty = { pairs: new Map(), bytes: 0 }
    this.#flushing = dirty
    // Groups are taken together with the pairs above them, which were noted before.
    const groups = this.#groups.copy()
    const size = this.#size
    const sizeVerified = this.#sizeVerified
    const whole = sizeVerified && groups.covers(0, groupsOf(size))
    try {
      if (this.#file) await (await this.#file).sync()
      await exclusive(async () => {
        // An import may have completed it meanwhile.
        if (this.#durable) return
        const entry = this.#entry(size, sizeVerified, groups, whole)
        const changes: Change[] = mergedPages(backend.meta, this.#contentId(), dirty.pairs)
        changes.push({ kind: 'blob', hash, entry })
        const before = backend.meta.storedBytes()
        await backend.meta.commit(changes)
        this.#deps.reservation.stored(Math.max(dirty.bytes, backend.meta.storedBytes() - before))
        if (whole) this.#durable = true
      })
    } catch (error) {
      for (const [index, pair] of this.#dirty.pairs) dirty.pairs.set(index, pair)
      this.#dirty = { pairs: dirty.pairs, bytes: this.#dirty.bytes + dirty.bytes }
      throw storageError('a partial blob cannot be written', error)
    } finally {
      this.#flushing = undefined
    }
    this.#deps.onChange()
  }

  #entry(size: number, sizeVerified: boolean, groups: GroupSet, whole: boolean): BlobEntry {
    if (whole && this.#inline) return { kind: 'inline', size, data: this.#inline }
    if (whole) return { kind: 'file', size, content: this.#contentId() }
    return { kind: 'partial', size, sizeVerified, content: this.#contentId(), groups: groups.bounds }
  }

  #isWhole(): boolean {
    return this.#sizeVerified && this.#groups.covers(0, groupsOf(this.#size))
  }

  #contentId(): ContentId {
    this.#id ??= this.#deps.newId()
    return this.#id
  }

  /** Opened at the first write, then kept. */
  #content(): Promise<Content> {
    if (this.#file) return this.#file
    const { area } = this.#deps.backend
    const opened = this.#id === undefined ? area.create(this.#contentId()) : area.open(this.#id, 'write')
    opened.catch(() => {
      this.#file = undefined
    })
    this.#file = opened
    return opened
  }

  /** Reads what is there, also what is not on disk yet. Rejects `BLOB_MISSING`. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const to = Math.max(1, Math.ceil((offset + length) / GROUP_BYTES))
    if (!this.#groups.covers(Math.floor(offset / GROUP_BYTES), to)) throw missing(this.#deps.hash)
    if (this.#inline) return this.#inline.subarray(offset, offset + length)
    return (await this.#content()).read(offset, length)
  }

  pair(index: number): Uint8Array | undefined {
    const fresh = this.#dirty.pairs.get(index) ?? this.#flushing?.pairs.get(index)
    return fresh ?? (this.#id === undefined ? undefined : pairReader(this.#deps.backend.meta, this.#id)(index))
  }

  async complete(): Promise<number> {
    await this.flush()
    if (!this.#durable) throw incomplete(this.#deps.hash)
    return this.#size
  }

  /** The last handle is gone: flushes, frees file and room. Never rejects. */
  async end(): Promise<void> {
    this.#ended = true
    this.#cancelTimer?.()
    // What could not be written is fetched again; the caller was told by `flush` or `leaf`.
    await this.flush().catch(() => {})
    this.#deps.reservation.release()
    const file = await this.#file?.catch(() => undefined)
    await file?.close().catch(() => {})
    const entry = this.#deps.backend.meta.blob(this.#deps.hash)
    const kept = entry !== undefined && 'content' in entry && entry.content === this.#id
    if (this.#id !== undefined && !kept) await this.#deps.drop(this.#id)
  }
}

function wrongSize(hash: Hash): K2Error {
  return new K2Error({
    code: 'BLOB_MISMATCH',
    kind: 'protocol',
    message: `another size of blob ${hash.slice(0, 10)} is already proven`,
  })
}
