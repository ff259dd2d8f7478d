import type { Hash } from '../ids.ts'
import type { BlobFormat } from './proto/blob-ticket.ts'
import type { BlobSource } from './tree/encode.ts'
import type { ChunkRanges } from './tree/ranges.ts'

/**
 * What a store has of one blob. `ranges` are verified chunks in whole groups of 16; they are open-ended exactly when the last
 * chunk is among them, and only then is `size` proven. Before, it is what a provider claimed last (0: nobody said anything).
 */
export type BlobStatus =
  | { readonly kind: 'absent' }
  | { readonly kind: 'partial'; readonly size: number; readonly ranges: ChunkRanges }
  | { readonly kind: 'complete'; readonly size: number }

/** An open blob. It stays readable after the store has dropped the blob; `close` frees its file. */
export interface OpenBlob extends BlobSource {
  /** Idempotent; never rejects. */
  close(): Promise<void>
}

/**
 * Read access to what a store has. Nothing it answers needs to be believed: providers verify it against the hash on its way
 * out, because a file imported by reference may have changed. `blobBytes` does the same for other readers.
 */
export interface BlobReader {
  status(hash: Hash): Promise<BlobStatus>
  /**
   * Undefined when absent. A partial blob opens too: reading what is not there rejects `BLOB_MISSING`. Rejects `BLOB_CHANGED`
   * when a file imported by reference is gone or has another size or time than at its import.
   */
  open(hash: Hash): Promise<OpenBlob | undefined>
  /** Calls `changed` after the status of this blob has changed, maybe more often; must not throw. The answer ends it. */
  watch(hash: Hash, changed: () => void): () => void
  /**
   * Reports that what `open` gave did not belong to the hash. The store checks the blob again and keeps only what is right.
   */
  reportDamage(hash: Hash): void
}

/** Takes the verified pieces of one response, in the order of the tree. */
export interface BlobSink {
  /** The size the provider claims. Rejects `BLOB_MISMATCH` when another size is already proven. */
  size(size: number): Promise<void>
  /** A verified pair of the outboard. It is kept once a leaf below it has come. `pair` must not change before the promise settles. */
  pair(index: number, pair: Uint8Array): Promise<void>
  /**
   * Verified bytes from `offset`. What does not cover whole groups (from a multiple of 16 KiB, to one or to the end of the blob)
   * is not kept. Waits while too much is not yet on disk. `data` must not change before the promise settles.
   * Rejects `BLOB_STORE_*`.
   */
  leaf(offset: number, data: Uint8Array): Promise<void>
}

export interface PartialState {
  /** As in `BlobStatus`. */
  readonly size: number
  readonly sizeVerified: boolean
  /** Verified chunks in whole groups; `[0]` = everything. Use `subtract(ALL, ranges)` for what to ask. */
  readonly ranges: ChunkRanges
  /** Content bytes present. */
  readonly bytes: number
  readonly complete: boolean
}

/**
 * One blob being fetched. Any number of sinks may write at once, each for one response; several handles of one blob share
 * what is there. Garbage collection leaves it alone while a handle is open.
 */
export interface PartialBlob {
  readonly hash: Hash
  state(): PartialState
  sink(): BlobSink
  /** Everything taken before is on disk and will be there after a crash. Without it that happens soon by itself. */
  flush(): Promise<void>
  /** Flushes and answers the size; from then on the blob is complete. Rejects `BLOB_INCOMPLETE` while something is missing. */
  complete(): Promise<number>
  /** Flushes and keeps what is there for the next `resume`. Idempotent; never rejects. */
  close(): Promise<void>
}

export interface BlobTag {
  readonly name: string
  readonly hash: Hash
  /** `hash-seq` also keeps every blob the sequence lists. */
  readonly format: BlobFormat
}

/** Keeps blobs from garbage collection while work goes on; forgotten when the process ends. */
export interface Protection {
  add(hash: Hash, format?: BlobFormat): void
  /** Idempotent. */
  release(): void
}

/** Whose account pays: all blobs kept by tags that begin with `prefix` may have `maxBytes` together. */
export interface OwnerQuota {
  readonly prefix: string
  readonly maxBytes: number
}

export interface WriteOptions {
  readonly quota?: OwnerQuota | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ImportOptions extends WriteOptions {
  /** Name of the tag that keeps the blob, set together with it. Without it and `protection` a name is made (`auto-…`). */
  readonly tag?: string
  /** Format of that tag. Default `raw`. */
  readonly format?: BlobFormat
  /** Protects the blob in place of a tag. */
  readonly protection?: Protection
  /** `total` is undefined for streams. Called between pieces of work; must not throw. */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

export interface ImportedBlob {
  readonly hash: Hash
  readonly size: number
  /** The tag it got, if any. */
  readonly tag: string | undefined
}

export interface ExportOptions {
  /** `reference`: the file at the target becomes the store's only copy where that is possible. Default `copy`. */
  readonly mode?: 'copy' | 'reference'
  /** Replaces what is at the target. Default: rejects `BLOB_EXPORT_EXISTS`. */
  readonly overwrite?: boolean
  /** Called with the finished file before it gets its name, e.g. to set its time. When it rejects, so does the export. */
  readonly ready?: ((draft: string) => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (done: number, total: number) => void
}

export interface ListedBlob {
  readonly hash: Hash
  readonly kind: 'complete' | 'partial'
  readonly size: number
  /** Content bytes this store keeps itself: what is there of a partial blob, nothing of a referenced file. */
  readonly stored: number
  /** File it was imported from by reference. */
  readonly reference: string | undefined
}

export interface StoreUsage {
  /** Content bytes kept by the store itself, for a prefix also those of referenced files and of blobs not complete yet. */
  readonly bytes: number
  readonly blobs: number
}

/** A blob that is kept, whether it is here yet or not. */
export interface KeptBlob {
  readonly hash: Hash
  readonly format: BlobFormat
}

export interface GcOptions {
  /** More to keep in this run. */
  readonly keep?: () => AsyncIterable<KeptBlob>
  readonly signal?: AbortSignal | undefined
}

export interface GcResult {
  readonly kept: number
  readonly removed: number
  readonly freedBytes: number
}

/**
 * A store of blobs, complete and partial, with the tags that keep them (blobs.md 13). Errors of every write: `BLOB_STORE_FULL`
 * (the whole store), `BLOB_STORE_QUOTA` (one owner), `BLOB_STORE_DISK_FULL`, `BLOB_STORE_CLOSED`, `BLOB_STORE_FAILED`, `ABORTED`;
 * limits are checked before anything is written.
 */
export interface BlobStore extends BlobReader {
  importBytes(data: Uint8Array, options?: ImportOptions): Promise<ImportedBlob>
  importStream(source: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImportedBlob>
  /**
   * `reference` keeps the path instead of a copy; the file must stay as it is (small files are copied). Rejects `BLOB_BAD_FILE`
   * (not a readable regular file) and `BLOB_CHANGED` (written to while it was read).
   */
  importFile(path: string, options?: ImportOptions & { readonly mode?: 'copy' | 'reference' }): Promise<ImportedBlob>

  /** Begins or continues fetching. For a blob that is complete `state().complete` is true at once. */
  resume(hash: Hash, options?: WriteOptions): Promise<PartialBlob>

  /**
   * Writes a complete, verified blob next to `path` and moves it there in one step. Rejects `BLOB_MISSING`, `BLOB_MISMATCH`,
   * `BLOB_EXPORT_EXISTS`, `BLOB_STORE_*`; then nothing is at `path` that was not there before.
   */
  export(hash: Hash, path: string, options?: ExportOptions): Promise<void>

  /** Hashes the blob again and drops what is wrong; answers what is left. */
  verify(hash: Hash, options?: { readonly signal?: AbortSignal | undefined }): Promise<BlobStatus>

  /** The children of a complete hash sequence. Rejects `BLOB_MISSING`, `BLOB_MISMATCH` or `BLOB_BAD_COLLECTION`. */
  hashSeq(hash: Hash): Promise<readonly Hash[]>

  /** Sets or replaces. The blob need not be there yet. Rejects `BLOB_BAD_TAG` for names without characters or over 500 bytes. */
  setTag(tag: BlobTag): Promise<void>
  getTag(name: string): Promise<BlobTag | undefined>
  deleteTag(name: string): Promise<boolean>
  /** In the order of the names' bytes. */
  listTags(prefix?: string): AsyncIterable<BlobTag>
  protect(): Protection

  list(): AsyncIterable<ListedBlob>
  /**
   * Removes all tags that name this blob, and its content unless something else keeps it (a hash sequence, a protection or an
   * open handle). Answers whether the content is gone.
   */
  delete(hash: Hash): Promise<boolean>
  /** Removes every blob that no tag and no protection keeps. One at a time: a second call joins the first. */
  gc(options?: GcOptions): Promise<GcResult>
  /** Of the whole store, or of what tags with this prefix keep. */
  usage(prefix?: string): Promise<StoreUsage>

  /** Waits for writes under way; every later call rejects `BLOB_STORE_CLOSED`. Idempotent; never rejects. */
  close(): Promise<void>
}
