import { type Hash, hashOf, idBytes } from '../../ids.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { docIdBytes, type NamespaceId, namespaceIdOf } from '../ids.ts'
import { readSignedEntry, type SignedEntry, writeSignedEntry } from './entry.ts'
import { type AuthorHeads, decodeHeads, encodeHeads } from './heads.ts'

/** Longest operation for the whole swarm and for neighbours: larger ones end the link on Rust nodes (docs 8.5). Bytes. */
export const MAX_SWARM_OP_BYTES = 4057
export const MAX_NEIGHBOR_OP_BYTES = 4058
/** Room for heads in a report. */
export const MAX_HEADS_BYTES = 4023

/** Notices on the gossip topic of a document (docs 8.2). */
export type GossipOp =
  | { readonly kind: 'put'; readonly entry: SignedEntry }
  | { readonly kind: 'content-ready'; readonly hash: Hash }
  | { readonly kind: 'sync-report'; readonly namespace: NamespaceId; readonly heads: AuthorHeads }

export function encodeGossipOp(op: GossipOp): Uint8Array {
  const writer = new WireWriter(512)
  switch (op.kind) {
    case 'put':
      writeSignedEntry(writer.variant(0), op.entry)
      break
    case 'content-ready':
      writer.variant(1).fixed(idBytes(op.hash))
      break
    case 'sync-report':
      writer.variant(2).fixed(docIdBytes(op.namespace)).bytes(encodeHeads(op.heads, MAX_HEADS_BYTES))
  }
  return writer.finish()
}

/** Throws `WIRE_*`. */
export function decodeGossipOp(bytes: Uint8Array): GossipOp {
  const reader = new WireReader(bytes)
  switch (reader.variant(3)) {
    case 0:
      return { kind: 'put', entry: readSignedEntry(reader) }
    case 1:
      return { kind: 'content-ready', hash: hashOf(reader.fixed(32)) }
    default:
      return { kind: 'sync-report', namespace: namespaceIdOf(reader.fixed(32)), heads: decodeHeads(reader.bytes()) }
  }
}
