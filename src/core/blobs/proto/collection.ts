import { concatBytes, equalBytes, utf8 } from '../../../base/bytes.ts'
import { K2Error } from '../../../base/errors.ts'
import { type Hash, hashOf, idBytes } from '../../ids.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'

/** Largest hash sequence that is read into memory, bytes: a million children. */
export const MAX_HASH_SEQ_BYTES = 32 * 1024 * 1024
const HEADER = utf8('CollectionV0.')
const MAX_NAME_BYTES = 4096

const bad = (message: string): K2Error => new K2Error({ code: 'BLOB_BAD_COLLECTION', kind: 'protocol', message })

export function encodeHashSeq(hashes: readonly Hash[]): Uint8Array {
  return concatBytes(hashes.map(idBytes))
}

/** Throws `BLOB_BAD_COLLECTION` when the length is no multiple of 32 or too large. */
export function decodeHashSeq(bytes: Uint8Array): Hash[] {
  if (bytes.length % 32 !== 0) throw bad('a hash sequence has a multiple of 32 bytes')
  if (bytes.length > MAX_HASH_SEQ_BYTES) throw bad('this hash sequence is too long')
  return Array.from({ length: bytes.length / 32 }, (_, i) => hashOf(bytes.subarray(i * 32, i * 32 + 32)))
}

export interface CollectionFile {
  /** As its author wrote it: arbitrary, possibly hostile. Use `safeFileName` before touching a file system. */
  readonly name: string
  readonly hash: Hash
}

/** The metadata blob of a collection: names in order (blobs.md 11). */
export function encodeCollectionNames(names: readonly string[]): Uint8Array {
  const w = new WireWriter().fixed(HEADER)
  w.seq(names, (name) => w.string(name))
  return w.finish()
}

export function decodeCollectionNames(bytes: Uint8Array): string[] {
  const r = new WireReader(bytes)
  if (bytes.length < HEADER.length || !equalBytes(r.fixed(HEADER.length), HEADER))
    throw bad('this is not the metadata of a collection')
  return r.seq(() => r.string(MAX_NAME_BYTES))
}

/** Joins names and the hashes behind the metadata's own. Throws `BLOB_BAD_COLLECTION` when the counts differ. */
export function collectionFiles(names: readonly string[], hashes: readonly Hash[]): CollectionFile[] {
  if (hashes.length !== names.length + 1)
    throw bad(`a collection of ${names.length} names needs ${names.length + 1} hashes, not ${hashes.length}`)
  return names.map((name, i) => ({ name, hash: hashes[i + 1] as Hash }))
}
