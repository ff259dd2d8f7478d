import { toHex, utf8 } from '../../src/base/bytes.ts'
import { seededRng } from '../../src/base/random.ts'
import { decodeContent } from '../../src/core/k2/decode.ts'
import { decodeDirectMessage } from '../../src/core/k2/direct-stream.ts'
import { readJsonObject } from '../../src/core/k2/json-reader.ts'
import { canonicalBytes } from '../../src/core/k2/json-writer.ts'
import { decodeReceipt, encodeReceipt } from '../../src/core/k2/receipt-frame.ts'
import { decodeInviteRequest, encodeInviteRequest } from '../../src/core/k2/sync-invite.ts'
import { topicIdOfName } from '../../src/core/k2/topics.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import { createIdCheck, parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import { decodeHandOver, encodeHandOver } from '../../src/core/keys/hand-over.ts'
import { identityOfSeed } from '../../src/core/keys/identity.ts'
import { decodeIdentityEnc, encodeIdentityEnc } from '../../src/core/keys/identity-enc.ts'
import { parseKeyFile, printKeyFile } from '../../src/core/keys/key-file.ts'
import { sealedId } from '../../src/core/keys/sealed-identity.ts'
import { encodeEndpointTicket, parsePeer } from '../../src/core/keys/ticket.ts'
import { printWrapped, type SecretVault } from '../../src/core/keys/wrapped-key.ts'
import {
  decodeRow,
  decodeTrackerRequest,
  decodeTrackerResponse,
  encodeRow,
  encodeTrackerRequest,
  encodeTrackerResponse,
  signAnnounce,
} from '../../src/core/tracker/messages.ts'
import { readRows } from '../../src/gateway/tracker/row-log.ts'

/** A decoder of something strangers send, and good inputs to start from. */
export interface Target {
  readonly name: string
  readonly seeds: readonly Uint8Array[]
  decode(bytes: Uint8Array): unknown
}

const identity = identityOfSeed(new Uint8Array(32).fill(1))
const WRAPPING = new Uint8Array(32).fill(5)
const vault: SecretVault = { get: () => toHex(WRAPPING), set: () => {}, remove: () => false }
const other = identityOfSeed(new Uint8Array(32).fill(2))
const topic = topicIdOfName('Goods')
const row = signAnnounce(identity, {
  content: { hash: topic as never, format: 'raw' },
  kind: 'complete',
  timestamp: 1_750_000_000_000_000n,
})
const idOf = createIdCheck()
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const hex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const offer = canonicalBytes({
  message_type: 'offer',
  sender_node_id: identity.id,
  topic: 'Goods',
  timestamp: 1_750_464_000,
  form_data: { action: 'sell', title: 'x', priceRange: { min: 1, max: 2, currency: 'USD' }, x_gateway: { intent_id: 'a' } },
  x_gateway: { s: 'A'.repeat(86) },
})
const chat = canonicalBytes({
  type: 'chat_message',
  sender_node_id: identity.id,
  content: 'Hello!',
  timestamp: 1_750_464_000_123,
  x_gateway: { k: 'key', n: 1, via: ['8a88e3dd7409f195'], s: 'A'.repeat(86) },
})

/** Decoders of what K2 and this gateway say. */
export const K2_TARGETS: readonly Target[] = [
  {
    name: 'gossip content',
    seeds: [
      offer,
      chat,
      hex('02044b322d31044b322d32'),
      hex(
        '00044b322d31026162 05476f6f64730473656c6c010746617368696f6e0000034861740352656405ac020355534480e2cfaa06'.replace(
          ' ',
          '',
        ),
      ),
    ],
    decode: (bytes) => {
      decodeContent(bytes, { direct: true, idOf })
      return decodeContent(bytes, { direct: false, idOf })
    },
  },
  { name: 'JSON object', seeds: [offer, chat, utf8('{"a":[1,{"b":"\\u00e9"}]}')], decode: (bytes) => readJsonObject(bytes) },
  { name: 'direct message', seeds: [chat, utf8('no JSON')], decode: (bytes) => decodeDirectMessage(identity.id, bytes) },
  {
    name: 'sync invitation',
    seeds: [encodeInviteRequest({ kind: 'query', folderId: topic })],
    decode: (bytes) => decodeInviteRequest(bytes),
  },
  { name: 'receipt frame', seeds: [encodeReceipt({ topic, keys: ['a', 'b'] })], decode: (bytes) => decodeReceipt(bytes) },
  {
    name: 'tracker request',
    seeds: [
      encodeTrackerRequest({ type: 'announce', announce: row }),
      encodeTrackerRequest({ type: 'query', query: { content: row.content, complete: false, verified: false } }),
    ],
    decode: (bytes) => decodeTrackerRequest(bytes),
  },
  {
    name: 'tracker answer',
    seeds: [encodeTrackerResponse([row, row]), encodeTrackerResponse([row], [endpointAddr(identity.id, [], ['10.0.0.1:1'])])],
    decode: (bytes) => decodeTrackerResponse(bytes),
  },
  { name: 'tracker row', seeds: [encodeRow(row)], decode: (bytes) => decodeRow(bytes) },
  {
    name: 'tracker file',
    seeds: [Uint8Array.of(138, ...encodeRow(row), 138, ...encodeRow(row))],
    decode: (bytes) => [...readRows(bytes)],
  },
  {
    name: 'peer text and endpoint ticket',
    seeds: [
      utf8(encodeEndpointTicket(endpointAddr(identity.id, ['https://relay.example/'], ['127.0.0.1:1024']))),
      utf8(identity.id),
    ],
    decode: (bytes) => parsePeer(text(bytes)),
  },
  { name: 'node id', seeds: [utf8(identity.id)], decode: (bytes) => parseEndpointId(text(bytes)) },
  { name: 'key file', seeds: [utf8(printKeyFile(identity))], decode: (bytes) => parseKeyFile('key', text(bytes)) },
  {
    name: 'sealed key file',
    seeds: [utf8(printWrapped(identity, WRAPPING, seededRng(1)))],
    decode: (bytes) => parseKeyFile('key', text(bytes), vault),
  },
  { name: 'identity.enc', seeds: [encodeIdentityEnc(identity)], decode: (bytes) => decodeIdentityEnc(bytes) },
  {
    name: 'identity backup',
    seeds: [
      utf8(
        JSON.stringify({
          format: 'k2gw-identity',
          version: 1,
          publicKey: identity.id,
          kdf: { name: 'scrypt', n: 131_072, r: 8, p: 1 },
          salt: '00'.repeat(16),
          nonce: '00'.repeat(12),
          sealed: '00'.repeat(48),
        }),
      ),
    ],
    decode: (bytes) => sealedId(text(bytes)),
  },
  { name: 'hand-over', seeds: [utf8(encodeHandOver(identity, other, 1))], decode: (bytes) => decodeHandOver(text(bytes)) },
]
