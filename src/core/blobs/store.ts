import type { Hash } from '../ids.ts'
import type { BlobSource } from './tree/encode.ts'
import type { ChunkRanges } from './tree/ranges.ts'

/** What a store has of one blob. `ranges` are verified chunks in whole groups; `size` is verified only when complete. */
export type BlobStatus =
  | { readonly kind: 'absent' }
  | { readonly kind: 'partial'; readonly size: number; readonly ranges: ChunkRanges }
  | { readonly kind: 'complete'; readonly size: number }

/**
 * Read access to what a store has. Nothing it answers needs to be believed: providers verify it against the hash on its way
 * out, because a file imported by reference may have changed.
 */
export interface BlobReader {
  status(hash: Hash): Promise<BlobStatus>
  /** Undefined when absent. Reads of what is not there reject `BLOB_MISSING`. */
  open(hash: Hash): Promise<(BlobSource & { close(): Promise<void> }) | undefined>
}

/** Takes the verified pieces of one download. Every call is durable enough to resume from when it resolves in order. */
export interface BlobSink {
  /** The size the provider claims; true only once `complete` was called. */
  size(size: number): Promise<void>
  pair(index: number, pair: Uint8Array): Promise<void>
  leaf(offset: number, data: Uint8Array): Promise<void>
}
