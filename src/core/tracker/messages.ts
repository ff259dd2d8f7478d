import { concatBytes, equalBytes, utf8 } from '../../base/bytes.ts'
import { type Hash, hashOf, idBytes, type PeerId, peerIdOf } from '../ids.ts'
import { type EndpointAddr, readEndpointAddr, writeEndpointAddr } from '../keys/address.ts'
import type { Verify } from '../keys/ed25519.ts'
import type { Identity } from '../keys/identity.ts'
import { WireReader } from '../wire/reader.ts'
import { WireWriter } from '../wire/writer.ts'

/** Name of the protocol on the wire (discovery 6). */
export const TRACKER_ALPN = 'n0/tracker/1'
/** The server reads, and Rust clients read, at most this much. */
export const MAX_TRACKER_BYTES = 16_384
/** Rows that fit an answer Rust clients can read (discovery 6.2: 138 bytes each). */
export const MAX_ROWS = 118

const FORMATS = ['raw', 'hash-seq'] as const
const KINDS = ['partial', 'complete'] as const
const SIGNATURE_BYTES = 64
/** Stands before the addresses behind an answer. */
const SEEN_MARK = utf8('k2gw-seen-1')
/** Addresses read of an answer: one for each row a Rust client reads. */
const MAX_SEEN = MAX_ROWS
/** Two ids, two enum indices, the shortest time and a signature. */
const MIN_ROW_BYTES = 32 + 32 + 3 + SIGNATURE_BYTES

export type ContentFormat = (typeof FORMATS)[number]
export type AnnounceKind = (typeof KINDS)[number]

export interface Content {
  readonly hash: Hash
  readonly format: ContentFormat
}

export interface Announce {
  readonly host: PeerId
  readonly content: Content
  readonly kind: AnnounceKind
  /** µs since the epoch, as the host's clock had it. */
  readonly timestamp: bigint
}

export interface SignedAnnounce extends Announce {
  /** 64 bytes over the canonical announce. */
  readonly signature: Uint8Array
}

export interface TrackerQuery {
  readonly content: Content
  /** Only hosts that have all of it. */
  readonly complete: boolean
  /** Only hosts the tracker has probed. */
  readonly verified: boolean
}

export type TrackerRequest =
  | { readonly type: 'announce'; readonly announce: SignedAnnounce }
  | { readonly type: 'query'; readonly query: TrackerQuery }

/** What is signed: always the canonical bytes, whatever padding the announce came in. */
export function announceBytes(announce: Announce): Uint8Array {
  return writeAnnounce(new WireWriter(), announce).finish()
}

export function signAnnounce(
  identity: Pick<Identity, 'id' | 'sign'>,
  fields: Pick<Announce, 'content' | 'kind' | 'timestamp'>,
): SignedAnnounce {
  const announce = { ...fields, host: identity.id }
  return { ...announce, signature: identity.sign(announceBytes(announce)) }
}

export function isGenuine(announce: SignedAnnounce, verify: Verify): boolean {
  return verify(idBytes(announce.host), announceBytes(announce), announce.signature)
}

export function encodeTrackerRequest(request: TrackerRequest): Uint8Array {
  const writer = new WireWriter(160)
  if (request.type === 'announce') return writeSigned(writer.variant(0), request.announce).finish()
  const { content, complete, verified } = request.query
  return writeContent(writer.variant(1), content).bool(complete).bool(verified).finish()
}

/** Nothing may follow the request. Throws `WIRE_*`. */
export function decodeTrackerRequest(bytes: Uint8Array): TrackerRequest {
  const reader = new WireReader(bytes)
  const request = readRequest(reader)
  reader.end()
  return request
}

/**
 * One answer: one row per host and kind, and behind it where some of them were seen, as far as that fits what Rust clients read.
 * They ignore what follows the rows (docs/k2-extensions.md).
 */
export function encodeTrackerResponse(rows: readonly SignedAnnounce[], seen: readonly EndpointAddr[] = []): Uint8Array {
  const writer = new WireWriter(8 + rows.length * 138).variant(0)
  const answer = writer.seq(rows, (row) => writeSigned(writer, row)).finish()
  for (let count = seen.length; count > 0; count--) {
    const tail = new WireWriter(16 + count * 64).fixed(SEEN_MARK)
    tail.seq(seen.slice(0, count), (addr) => writeEndpointAddr(tail, addr))
    const whole = concatBytes([answer, tail.finish()])
    if (whole.length <= MAX_TRACKER_BYTES) return whole
  }
  return answer
}

export interface TrackerAnswer {
  readonly rows: readonly SignedAnnounce[]
  /** Where the tracker saw some of the hosts; hints that anybody may have made up. */
  readonly seen: readonly EndpointAddr[]
}

/** Throws `WIRE_*` or `KEY_*`. Other bytes behind the rows are ignored, as the reference does. */
export function decodeTrackerResponse(bytes: Uint8Array): TrackerAnswer {
  const reader = new WireReader(bytes)
  reader.variant(1)
  const rows = reader.seq(() => readSigned(reader), { minItemBytes: MIN_ROW_BYTES })
  const isMarked = reader.remaining > SEEN_MARK.length && equalBytes(reader.fixed(SEEN_MARK.length), SEEN_MARK)
  if (!isMarked) return { rows, seen: [] }
  const seen = reader.seq(() => readEndpointAddr(reader), { max: MAX_SEEN, minItemBytes: 33 })
  return { rows, seen }
}

/** A row as a tracker keeps it on disk. */
export const encodeRow = (row: SignedAnnounce): Uint8Array => writeSigned(new WireWriter(160), row).finish()

/** Throws `WIRE_*`. */
export function decodeRow(bytes: Uint8Array): SignedAnnounce {
  const reader = new WireReader(bytes)
  const row = readSigned(reader)
  reader.end()
  return row
}

function readRequest(reader: WireReader): TrackerRequest {
  if (reader.variant(2) === 0) return { type: 'announce', announce: readSigned(reader) }
  return { type: 'query', query: { content: readContent(reader), complete: reader.bool(), verified: reader.bool() } }
}

function readContent(reader: WireReader): Content {
  return { hash: hashOf(reader.fixed(32)), format: FORMATS[reader.variant(FORMATS.length)] as ContentFormat }
}

function readSigned(reader: WireReader): SignedAnnounce {
  return {
    host: peerIdOf(reader.fixed(32)),
    content: readContent(reader),
    kind: KINDS[reader.variant(KINDS.length)] as AnnounceKind,
    timestamp: reader.u64(),
    signature: reader.fixed(SIGNATURE_BYTES).slice(),
  }
}

function writeContent(writer: WireWriter, { hash, format }: Content): WireWriter {
  return writer.fixed(idBytes(hash)).variant(FORMATS.indexOf(format))
}

function writeAnnounce(writer: WireWriter, { host, content, kind, timestamp }: Announce): WireWriter {
  return writeContent(writer.fixed(idBytes(host)), content)
    .variant(KINDS.indexOf(kind))
    .u64(timestamp)
}

function writeSigned(writer: WireWriter, signed: SignedAnnounce): WireWriter {
  return writeAnnounce(writer, signed).fixed(signed.signature)
}
