import { utf8 } from '../../src/base/bytes.ts'
import { decodeBlobTicket } from '../../src/core/blobs/proto/blob-ticket.ts'
import { decodeCollectionNames, decodeHashSeq } from '../../src/core/blobs/proto/collection.ts'
import { decodeBitfield } from '../../src/core/blobs/proto/observe.ts'
import { decodeRequest } from '../../src/core/blobs/proto/requests.ts'
import { decodeDocTicket } from '../../src/core/docs/proto/doc-ticket.ts'
import { decodeGossipOp } from '../../src/core/docs/proto/gossip-op.ts'
import { decodeHeads } from '../../src/core/docs/proto/heads.ts'
import { decodeSyncFrame } from '../../src/core/docs/proto/message.ts'
import { decodeAddrInfo } from '../../src/core/gossip/proto/addr-info.ts'
import { decodeMessage } from '../../src/core/gossip/proto/messages.ts'
import { createVerifier } from '../../src/core/keys/ed25519.ts'
import { identityOfSeed } from '../../src/core/keys/identity.ts'
import { decodeEndpointTicket } from '../../src/core/keys/ticket.ts'
import { decodeBencode } from '../../src/core/lookup/bencode.ts'
import { decodeDhtAnswer, encodeDhtQuery } from '../../src/core/lookup/dht-messages.ts'
import { decodeDns } from '../../src/core/lookup/dns-message.ts'
import { decodeEndpointRecord } from '../../src/core/lookup/endpoint-record.ts'
import { decodeMdns, encodeMdnsQuery, encodeMdnsResponse } from '../../src/core/lookup/mdns-records.ts'
import { decodeSignedRecord } from '../../src/core/lookup/signed-record.ts'
import { idOfZ32, z32OfId } from '../../src/core/lookup/z32.ts'
import { Vectors } from '../vectors/vectors.ts'
import type { Target } from './decoders.ts'

const identity = identityOfSeed(new Uint8Array(32).fill(1))
const verify = createVerifier()
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
/** What the Rust peer printed, as good inputs. */
const printed = (area: string, names: readonly string[]): Uint8Array[] => names.map((name) => new Vectors(area).bytes(name))
const ticket = (name: string): Uint8Array => utf8(new Vectors('keys').get(name).text as string)
const record = printed('keys', ['pkarr_message'])
const mdns = encodeMdnsResponse({
  id: identity.id,
  direct: ['10.0.0.1:4433', '[fd00::1]:4433', '10.0.0.2:5000'],
  relayUrl: 'https://relay.example/',
}) as Uint8Array
const dhtAnswer = utf8(
  `d1:rd2:id20:${'a'.repeat(20)}1:k32:${'k'.repeat(32)}5:nodes26:${'n'.repeat(26)}3:seqi5e3:sig64:${'s'.repeat(64)}5:token2:tt1:v3:abce1:t2:ab1:y1:re`,
)

/** Decoders of the iroh protocols and of discovery. */
export const WIRE_TARGETS: readonly Target[] = [
  {
    name: 'gossip frame',
    seeds: printed('gossip', [
      'join_full',
      'forward_join',
      'shuffle',
      'shuffle_reply',
      'neighbor_high',
      'gossip_swarm300',
      'ihave_two',
      'graft_id',
    ]),
    decode: (bytes) => decodeMessage(bytes, () => 'usable'),
  },
  { name: 'gossip addresses', seeds: printed('gossip', ['addr_full', 'addr_v4']), decode: (bytes) => decodeAddrInfo(bytes) },
  {
    name: 'blobs request',
    seeds: printed('blobs', ['get whole raw blob', 'get rest of child 1 and all later', 'get_many complete', 'observe']),
    decode: (bytes) => decodeRequest(bytes),
  },
  {
    name: 'blobs observation',
    seeds: printed('blobs', ['observe complete', 'observe first 32 chunks']).map((bytes) => bytes.subarray(1)),
    decode: (bytes) => decodeBitfield(bytes),
  },
  { name: 'hash sequence', seeds: printed('blobs', ['collection hash seq']), decode: (bytes) => decodeHashSeq(bytes) },
  { name: 'collection', seeds: printed('blobs', ['collection metadata']), decode: (bytes) => decodeCollectionNames(bytes) },
  {
    name: 'docs frame',
    seeds: printed('docs', ['abort not found', 'session B1 step 2', 'session T step 2']),
    decode: (bytes) => decodeSyncFrame(bytes),
  },
  {
    name: 'docs gossip',
    seeds: printed('docs', ['op put E1', 'op content ready', 'op sync report']),
    decode: (bytes) => decodeGossipOp(bytes),
  },
  { name: 'docs heads', seeds: printed('docs', ['heads one', 'heads two']), decode: (bytes) => decodeHeads(bytes) },
  {
    name: 'blob ticket',
    seeds: [ticket('blob_ticket_full'), ticket('blob_ticket_raw')],
    decode: (bytes) => decodeBlobTicket(text(bytes)),
  },
  {
    name: 'document ticket',
    seeds: [ticket('doc_ticket_read_full'), ticket('doc_ticket_write')],
    decode: (bytes) => decodeDocTicket(text(bytes)),
  },
  { name: 'endpoint ticket', seeds: [ticket('endpoint_ticket_full')], decode: (bytes) => decodeEndpointTicket(text(bytes)) },
  { name: 'DNS message', seeds: [...record, mdns, encodeMdnsQuery()], decode: (bytes) => decodeDns(bytes) },
  { name: 'mDNS packet', seeds: [mdns, encodeMdnsQuery()], decode: (bytes) => decodeMdns(bytes) },
  { name: 'endpoint record', seeds: record, decode: (bytes) => decodeEndpointRecord(identity.id, bytes) },
  {
    name: 'pkarr packet',
    seeds: printed('keys', ['pkarr_payload']),
    decode: (bytes) => decodeSignedRecord(identity.id, bytes, verify),
  },
  { name: 'z-base-32 id', seeds: [utf8(z32OfId(identity.id))], decode: (bytes) => idOfZ32(text(bytes)) },
  { name: 'bencode', seeds: [dhtAnswer], decode: (bytes) => decodeBencode(bytes) },
  {
    name: 'DHT answer',
    seeds: [dhtAnswer, encodeDhtQuery(1, new Uint8Array(20), { q: 'get', target: new Uint8Array(20) })],
    decode: (bytes) => decodeDhtAnswer(bytes),
  },
]
