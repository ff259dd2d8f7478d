import type { FileHandle } from 'node:fs/promises'
import { type Hash, hashOf } from '../../ids.ts'
import type { BlobStatus, OpenBlob, PartialBlob } from '../store.ts'
import { blake3, GROUP_BYTES } from '../tree/blake3.ts'
import { memorySource } from '../tree/encode.ts'
import { groupsOf } from '../tree/outboard.ts'
import { ALL } from '../tree/ranges.ts'
import type { BlobEntry, ContentId, StoreBackend } from './backend.ts'
import { changed, missing } from './errors.ts'
import { chunksOfGroups, GroupSet } from './group-set.ts'
import { pairReader } from './pages.ts'
import type { PartialContent } from './partial.ts'
import { openReference, readAt } from './reference.ts'

/** The blob without bytes, which everybody has (blobs.md 9.2). */
export const EMPTY_BLOB: Hash = hashOf(blake3(new Uint8Array(0)))

const EMPTY = new Uint8Array(0)

export function memoryBlob(data: Uint8Array): OpenBlob {
  return { ...memorySource(data, EMPTY), close: async () => {} }
}

/** The empty blob needs no fetching. */
export function emptyHandle(): PartialBlob {
  const done = async (): Promise<void> => {}
  return {
    hash: EMPTY_BLOB,
    state: () => ({ size: 0, sizeVerified: true, ranges: ALL, bytes: 0, complete: true }),
    sink: () => ({ size: done, pair: done, leaf: done }),
    flush: done,
    complete: async () => 0,
    close: done,
  }
}

/** What an entry stands for, opened for reading. Rejects `BLOB_CHANGED` for references, `BLOB_MISSING` for lost content. */
export async function openEntry(backend: StoreBackend, hash: Hash, entry: BlobEntry): Promise<OpenBlob> {
  if (entry.kind === 'inline') return memoryBlob(entry.data)
  if (entry.kind === 'reference') return referenceSource(backend, hash, entry, await openReference(entry.path, entry.stamp))
  const content = await backend.area.open(entry.content, 'read').catch(() => {
    throw missing(hash)
  })
  const groups = new GroupSet(entry.kind === 'partial' ? entry.groups : [0, groupsOf(entry.size)])
  return {
    size: entry.size,
    async read(offset, length) {
      if (!groups.covers(Math.floor(offset / GROUP_BYTES), Math.ceil((offset + length) / GROUP_BYTES))) throw missing(hash)
      return content.read(offset, length)
    },
    pair: pairsOf(backend, hash, entry.content),
    close: () => content.close(),
  }
}

/** An open referenced file as a source; `close` closes it. */
export function referenceSource(
  backend: StoreBackend,
  hash: Hash,
  entry: Extract<BlobEntry, { kind: 'reference' }>,
  file: FileHandle,
): OpenBlob {
  return {
    size: entry.size,
    async read(offset, length) {
      const data = await readAt(file, offset, length)
      if (data.length < length) throw changed('the file of this blob')
      return data
    },
    pair: pairsOf(backend, hash, entry.content),
    close: closer(() => file.close()),
  }
}

/** A blob that is being fetched: readers see what has come so far. */
export function openPartial(content: PartialContent, hash: Hash, handle: PartialBlob): OpenBlob {
  return {
    size: content.size,
    read: (offset, length) => content.read(offset, length),
    async pair(index) {
      const pair = content.pair(index)
      if (pair === undefined) throw missing(hash)
      return pair
    },
    close: () => handle.close(),
  }
}

function pairsOf(backend: StoreBackend, hash: Hash, id: ContentId): (index: number) => Promise<Uint8Array> {
  const read = pairReader(backend.meta, id)
  return async (index) => {
    const pair = read(index)
    if (pair === undefined) throw missing(hash)
    return pair
  }
}

/** Closes once; a file that cannot be closed is of no interest to readers. */
function closer(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined
  return () => {
    closed ??= close().catch(() => {})
    return closed
  }
}

/** What a reader is told of an entry. */
export function statusOf(entry: BlobEntry | undefined): BlobStatus {
  if (entry === undefined) return { kind: 'absent' }
  const { size } = entry
  if (entry.kind !== 'partial') return { kind: 'complete', size }
  return { kind: 'partial', size, ranges: chunksOfGroups(new GroupSet(entry.groups), size, entry.sizeVerified) }
}
