import { compareBytes, concatBytes } from '../../../base/bytes.ts'
import { blake3 } from '../../blobs/tree/blake3.ts'
import { wireError } from '../../wire/errors.ts'
import type { WireReader } from '../../wire/reader.ts'
import type { WireWriter } from '../../wire/writer.ts'
import { type AuthorId, authorIdOf } from '../ids.ts'

export const ID_PREFIX_BYTES = 64
const SIGNATURE_BYTES = 64
/** BLAKE3 of nothing: content of deletions, fingerprint of empty ranges. */
export const EMPTY_HASH: Uint8Array = blake3(new Uint8Array(0))
/** A signed entry without its key: signatures, shortest id, record. */
export const MIN_SIGNED_ENTRY_BYTES = 2 * SIGNATURE_BYTES + 1 + ID_PREFIX_BYTES + 1 + 32 + 1

/** What a slot holds (docs 3.2). */
export interface EntryRecord {
  /** Bytes of the content; 0 only for deletions. */
  readonly len: bigint
  /** BLAKE3 of the content. */
  readonly hash: Uint8Array
  /** Microseconds since 1970. */
  readonly timestamp: bigint
}

/** One entry as peers exchange it. `id` = namespace (32) ‖ author (32) ‖ key (docs 3.1). */
export interface SignedEntry extends EntryRecord {
  readonly id: Uint8Array
  readonly authorSignature: Uint8Array
  readonly namespaceSignature: Uint8Array
}

export function entryId(namespace: Uint8Array, author: Uint8Array, key: Uint8Array): Uint8Array {
  return concatBytes([namespace, author, key])
}

export const authorOf = (id: Uint8Array): AuthorId => authorIdOf(id.subarray(32, ID_PREFIX_BYTES))
export const keyOf = (id: Uint8Array): Uint8Array => id.subarray(ID_PREFIX_BYTES)

/** Which of two values of a slot wins: negative when `a` is older (docs 5.3). The length takes no part. */
export function compareValues(a: Pick<EntryRecord, 'timestamp' | 'hash'>, b: Pick<EntryRecord, 'timestamp' | 'hash'>): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1
  return compareBytes(a.hash, b.hash)
}

/** A deletion says with both members that nothing is there; anything else with one of them is inconsistent (docs 5.2). */
export const isEmptyHash = (hash: Uint8Array): boolean => compareBytes(hash, EMPTY_HASH) === 0

/** The bytes both keys sign (docs 3.6): id, length and time as 8 bytes big-endian. */
export function signingPreimage(id: Uint8Array, record: EntryRecord): Uint8Array {
  const out = new Uint8Array(id.length + 48)
  const view = new DataView(out.buffer)
  out.set(id, 0)
  view.setBigUint64(id.length, record.len)
  out.set(record.hash, id.length + 8)
  view.setBigUint64(id.length + 40, record.timestamp)
  return out
}

/** BLAKE3 of id ‖ time ‖ hash (docs 6.2); ranges are the XOR of these and of `EMPTY_HASH`. */
export function fingerprintOf(id: Uint8Array, record: Pick<EntryRecord, 'timestamp' | 'hash'>): Uint8Array {
  const input = new Uint8Array(id.length + 40)
  input.set(id, 0)
  new DataView(input.buffer).setBigUint64(id.length, record.timestamp)
  input.set(record.hash, id.length + 8)
  return blake3(input)
}

/** Author signature first (docs 3.5). */
export function writeSignedEntry(writer: WireWriter, entry: SignedEntry): void {
  writer.fixed(entry.authorSignature).fixed(entry.namespaceSignature)
  writer.bytes(entry.id).u64(entry.len).fixed(entry.hash).u64(entry.timestamp)
}

/** Throws `WIRE_*`; an id without namespace and author is `WIRE_TRUNCATED`. Views into the input. */
export function readSignedEntry(reader: WireReader): SignedEntry {
  const authorSignature = reader.fixed(SIGNATURE_BYTES)
  const namespaceSignature = reader.fixed(SIGNATURE_BYTES)
  const id = readEntryId(reader)
  return { authorSignature, namespaceSignature, id, len: reader.u64(), hash: reader.fixed(32), timestamp: reader.u64() }
}

/** Rust nodes crash on shorter ones (docs 16, trap 5). */
export function readEntryId(reader: WireReader): Uint8Array {
  const id = reader.bytes()
  if (id.length < ID_PREFIX_BYTES) {
    throw wireError('WIRE_TRUNCATED', `an entry id has at least ${ID_PREFIX_BYTES} bytes`, { size: id.length })
  }
  return id
}
