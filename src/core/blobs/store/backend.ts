import type { Hash } from '../../ids.ts'
import type { BlobFormat } from '../proto/blob-ticket.ts'
import { GROUP_BYTES, PAIR_BYTES } from '../tree/blake3.ts'
import { bytesOfGroups, GroupSet } from './group-set.ts'

/** Blobs up to this size live in the metadata, as in upstream's store (blobs.md 4.1). */
export const MAX_INLINE_BYTES = GROUP_BYTES
/** Pairs kept under one key. With LMDB's 16 bytes of header 63 pairs fill one 4 KiB page. */
export const PAGE_PAIRS = 63
export const PAGE_BYTES = PAGE_PAIRS * PAIR_BYTES

/** 12 random-looking bytes as hex: names the content file and the outboard of one attempt to store a blob. Never used twice. */
export type ContentId = string

/** What identifies the version of a referenced file. */
export interface FileStamp {
  readonly size: number
  readonly mtimeNs: bigint
  readonly inode: bigint
}

/** What is known of one blob. */
export type BlobEntry =
  | { readonly kind: 'inline'; readonly size: number; readonly data: Uint8Array }
  | { readonly kind: 'file'; readonly size: number; readonly content: ContentId }
  | {
      readonly kind: 'reference'
      readonly size: number
      readonly content: ContentId
      readonly path: string
      readonly stamp: FileStamp
    }
  | {
      readonly kind: 'partial'
      readonly size: number
      readonly sizeVerified: boolean
      readonly content: ContentId
      /** Runs of chunk groups, as in `GroupSet`. */
      readonly groups: readonly number[]
    }

export interface TagValue {
  readonly hash: Hash
  readonly format: BlobFormat
}

export type Change =
  | { readonly kind: 'blob'; readonly hash: Hash; readonly entry: BlobEntry | undefined }
  | { readonly kind: 'page'; readonly content: ContentId; readonly page: number; readonly bytes: Uint8Array | undefined }
  | { readonly kind: 'tag'; readonly name: string; readonly value: TagValue | undefined }

/** The metadata of a store: synchronous reads, atomic durable writes. */
export interface BlobMeta {
  blob(hash: Hash): BlobEntry | undefined
  /** At most `limit` blobs behind `after`, in the order of their hashes. */
  blobs(after: Hash | undefined, limit: number): readonly (readonly [Hash, BlobEntry])[]
  page(content: ContentId, page: number): Uint8Array | undefined
  /** Numbers of at most `limit` pages of this content. */
  pagesOf(content: ContentId, limit: number): readonly number[]
  /** The first content behind `after` that has pages. */
  nextPaged(after: ContentId | undefined): ContentId | undefined
  tag(name: string): TagValue | undefined
  /** At most `limit` tags whose names begin with `prefix`, behind `after`, in the order of their bytes. */
  tags(prefix: string, after: string | undefined, limit: number): readonly (readonly [string, TagValue])[]
  blobCount(): number
  /** Content bytes of all entries that the store keeps itself. */
  storedBytes(): number
  /** All changes or none; durable when it resolves. */
  commit(changes: readonly Change[]): Promise<void>
  close(): Promise<void>
}

/** One open content file. */
export interface Content {
  read(offset: number, length: number): Promise<Uint8Array>
  write(offset: number, data: Uint8Array): Promise<void>
  /** What was written is durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Where content lies. */
export interface ContentArea {
  create(id: ContentId): Promise<Content>
  /** Rejects when there is none. */
  open(id: ContentId, mode: 'read' | 'write'): Promise<Content>
  remove(id: ContentId): Promise<void>
  list(): Promise<readonly ContentId[]>
  /** Bytes that can still be written; undefined = unknown. */
  freeBytes(): Promise<number | undefined>
  /** Path of a content file, where it is one. */
  pathOf(id: ContentId): string | undefined
}

/** Everything the engine needs of a place to keep blobs. */
export interface StoreBackend {
  readonly meta: BlobMeta
  readonly area: ContentArea
  /** Whether `importFile` may keep paths. */
  readonly references: boolean
  close(): Promise<void>
}

/** Content bytes the store itself keeps for an entry. */
export function storedBytesOf(entry: BlobEntry): number {
  switch (entry.kind) {
    case 'inline':
    case 'file':
      return entry.size
    case 'reference':
      return 0
    case 'partial': {
      const groups = new GroupSet(entry.groups)
      return entry.sizeVerified ? bytesOfGroups(groups, entry.size) : groups.count * GROUP_BYTES
    }
  }
}
