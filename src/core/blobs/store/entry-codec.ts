import { fromHex, toHex } from '../../../base/bytes.ts'
import { type Hash, hashOf, idBytes } from '../../ids.ts'
import { wireError } from '../../wire/errors.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { type BlobEntry, MAX_INLINE_BYTES, type TagValue } from './backend.ts'

/** Bytes of a content id. */
export const CONTENT_ID_BYTES = 12
/** First byte of every value: the version of this layout. */
const VERSION = 1
const KINDS = ['inline', 'file', 'reference', 'partial'] as const
const FORMATS = ['raw', 'hash-seq'] as const
const MAX_PATH_BYTES = 32 * 1024

export function encodeEntry(entry: BlobEntry): Uint8Array {
  const w = new WireWriter().u8(VERSION).variant(KINDS.indexOf(entry.kind)).u64(entry.size)
  switch (entry.kind) {
    case 'inline':
      w.bytes(entry.data)
      break
    case 'file':
      w.fixed(fromHex(entry.content))
      break
    case 'reference':
      w.fixed(fromHex(entry.content)).string(entry.path)
      w.u64(entry.stamp.size).u64(entry.stamp.mtimeNs).u64(entry.stamp.inode)
      break
    case 'partial':
      w.fixed(fromHex(entry.content)).bool(entry.sizeVerified)
      w.seq(entry.groups, (bound) => w.u64(bound))
      break
  }
  return w.finish()
}

/** Throws `WIRE_*`. */
export function decodeEntry(bytes: Uint8Array): BlobEntry {
  const r = new WireReader(bytes)
  checkVersion(r)
  const kind = KINDS[r.variant(KINDS.length)] as BlobEntry['kind']
  const size = r.safeU64()
  const entry = readRest(r, kind, size)
  r.end()
  return entry
}

function readRest(r: WireReader, kind: BlobEntry['kind'], size: number): BlobEntry {
  if (kind === 'inline') {
    const data = r.bytes(MAX_INLINE_BYTES).slice()
    if (data.length !== size) throw wireError('WIRE_OUT_OF_RANGE', 'a small blob has another size than its entry says')
    return { kind, size, data }
  }
  const content = toHex(r.fixed(CONTENT_ID_BYTES))
  if (kind === 'file') return { kind, size, content }
  if (kind === 'reference') {
    const path = r.string(MAX_PATH_BYTES)
    return { kind, size, content, path, stamp: { size: r.safeU64(), mtimeNs: r.u64(), inode: r.u64() } }
  }
  const sizeVerified = r.bool()
  const groups = r.seq(() => r.safeU64())
  if (groups.length % 2 === 1 || groups.some((bound, i) => i > 0 && bound <= (groups[i - 1] as number))) {
    throw wireError('WIRE_OUT_OF_RANGE', 'the groups of a partial blob are not in order')
  }
  return { kind, size, content, sizeVerified, groups }
}

export function encodeTag({ hash, format }: TagValue): Uint8Array {
  return new WireWriter().u8(VERSION).fixed(idBytes(hash)).variant(FORMATS.indexOf(format)).finish()
}

/** Throws `WIRE_*`. */
export function decodeTag(bytes: Uint8Array): TagValue {
  const r = new WireReader(bytes)
  checkVersion(r)
  const hash: Hash = hashOf(r.fixed(32))
  const format = FORMATS[r.variant(FORMATS.length)] as TagValue['format']
  r.end()
  return { hash, format }
}

function checkVersion(r: WireReader): void {
  const version = r.u8()
  if (version !== VERSION)
    throw wireError('WIRE_UNKNOWN_VARIANT', 'this store was written by a newer version', { value: version })
}
