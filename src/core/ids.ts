import { fromHex, toHex } from '../base/bytes.ts'
import { K2Error } from '../base/errors.ts'

declare const brand: unique symbol
type Branded<T, B extends string> = T & { readonly [brand]: B }

/** Endpoint id of a node: 32-byte ed25519 public key as 64 lower-case hex characters (k2-application 0.8). */
export type PeerId = Branded<string, 'PeerId'>
/** Gossip topic id: 32 bytes as 64 lower-case hex characters. */
export type TopicId = Branded<string, 'TopicId'>
/** BLAKE3-256 of some content: 32 bytes as 64 lower-case hex characters. */
export type Hash = Branded<string, 'Hash'>

const HEX32 = /^[0-9a-f]{64}$/

function parse32<T extends string>(what: string, text: string): T {
  const lower = text.toLowerCase()
  if (!HEX32.test(lower)) {
    throw new K2Error({ code: 'WIRE_BAD_ID', kind: 'input', message: `a ${what} is 64 hexadecimal characters` })
  }
  return lower as T
}

/** Normalises hex of either case. Does not check that the bytes are a curve point (see keys). Throws `WIRE_BAD_ID`. */
export const parsePeerId = (text: string): PeerId => parse32('node id', text)
export const parseTopicId = (text: string): TopicId => parse32('topic id', text)
export const parseHash = (text: string): Hash => parse32('hash', text)

function of32<T extends string>(bytes: Uint8Array): T {
  if (bytes.length !== 32)
    throw new K2Error({ code: 'WIRE_BAD_ID', kind: 'input', message: `an id has 32 bytes, not ${bytes.length}` })
  return toHex(bytes) as T
}

export const peerIdOf = (bytes: Uint8Array): PeerId => of32(bytes)
export const topicIdOf = (bytes: Uint8Array): TopicId => of32(bytes)
export const hashOf = (bytes: Uint8Array): Hash => of32(bytes)
export const idBytes = (id: PeerId | TopicId | Hash): Uint8Array => fromHex(id)
