import { type Hash, hashOf, idBytes } from '../../ids.ts'
import { wireError } from '../../wire/errors.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import type { ChunkRanges } from '../tree/ranges.ts'
import { type RangesSeq, readRanges, readRangesSeq, writeRanges, writeRangesSeq } from './ranges-seq.ts'

export const BLOBS_ALPN = '/iroh-bytes/4'
/** Largest request body behind the discriminant, bytes (blobs.md 1). */
export const MAX_REQUEST_BYTES = 1024 * 1024
/** Most hashes one GetMany may name: what fits the body. */
const MAX_MANY = MAX_REQUEST_BYTES / 32

const GET = 0
const OBSERVE = 1
/** First byte of a push, which is recognised before its body is read. */
export const PUSH_KIND = 8
const GET_MANY = 9

export type BlobRequest =
  | { readonly kind: 'get'; readonly hash: Hash; readonly ranges: RangesSeq }
  | { readonly kind: 'observe'; readonly hash: Hash; readonly ranges: ChunkRanges }
  | { readonly kind: 'push'; readonly hash: Hash; readonly ranges: RangesSeq }
  | { readonly kind: 'get-many'; readonly hashes: readonly Hash[]; readonly ranges: RangesSeq }

/** Codes of stream resets and connection closes (blobs.md 8). */
export const BLOB_CODES = { permission: 1n, limit: 2n, internal: 3n } as const

/** Discriminant and body, as written to the stream before FIN (blobs.md 6.1). */
export function encodeRequest(request: BlobRequest): Uint8Array {
  const w = new WireWriter()
  switch (request.kind) {
    case 'get':
      w.u8(GET).fixed(idBytes(request.hash))
      writeRangesSeq(w, request.ranges)
      break
    case 'observe':
      w.u8(OBSERVE).fixed(idBytes(request.hash))
      writeRanges(w, request.ranges)
      break
    case 'push': {
      const body = new WireWriter().fixed(idBytes(request.hash))
      writeRangesSeq(body, request.ranges)
      w.u8(PUSH_KIND).bytes(body.finish())
      break
    }
    case 'get-many':
      w.u8(GET_MANY).seq(request.hashes, (hash) => w.fixed(idBytes(hash)))
      writeRangesSeq(w, request.ranges)
      break
  }
  return w.finish()
}

/** Reads what stood before FIN. Bytes behind a complete body are ignored (blobs.md 6.2). Throws `WIRE_*`. */
export function decodeRequest(bytes: Uint8Array): BlobRequest {
  if (bytes.length > MAX_REQUEST_BYTES + 1)
    throw wireError('WIRE_TOO_LONG', 'a request body has at most 1 MiB', { size: bytes.length })
  const r = new WireReader(bytes)
  const kind = r.u8()
  switch (kind) {
    case GET:
      return { kind: 'get', hash: hashOf(r.fixed(32)), ranges: readRangesSeq(r) }
    case OBSERVE:
      return { kind: 'observe', hash: hashOf(r.fixed(32)), ranges: readRanges(r) }
    case PUSH_KIND: {
      const body = new WireReader(r.bytes(MAX_REQUEST_BYTES))
      return { kind: 'push', hash: hashOf(body.fixed(32)), ranges: readRangesSeq(body) }
    }
    case GET_MANY:
      return {
        kind: 'get-many',
        hashes: r.seq(() => hashOf(r.fixed(32)), { max: MAX_MANY, minItemBytes: 32 }),
        ranges: readRangesSeq(r),
      }
    default:
      throw wireError('WIRE_UNKNOWN_VARIANT', 'an unknown kind of blob request', { value: kind })
  }
}
