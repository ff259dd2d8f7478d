import { toHex, utf8 } from '../../base/bytes.ts'
import { printSocketAddr } from '../keys/socket-addr.ts'
import { type Bencode, decodeBencode, encodeBencode } from './bencode.ts'
import { lookupError } from './errors.ts'

/** Nodes and targets of the DHT have 20 bytes. */
export const NODE_ID_BYTES = 20
const COMPACT_BYTES = NODE_ID_BYTES + 6
/** Nodes read of one answer: Kademlia's bucket and some more. */
const MAX_NODES = 32
const MAX_TOKEN_BYTES = 128
const MAX_VALUE_BYTES = 1_000
/** Largest packet read. */
export const MAX_DHT_BYTES = 2_048

export interface DhtNode {
  readonly id: Uint8Array
  /** `ip:port`. */
  readonly addr: string
}

/** A mutable item of BEP-44 without a salt. */
export interface DhtItem {
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly seq: bigint
  /** 64 bytes. */
  readonly signature: Uint8Array
  readonly value: Uint8Array
}

export type DhtQuery =
  | { readonly q: 'find_node'; readonly target: Uint8Array }
  | { readonly q: 'get'; readonly target: Uint8Array }
  | { readonly q: 'put'; readonly item: DhtItem; readonly token: Uint8Array }

export interface DhtAnswer {
  readonly type: 'answer'
  /** As we sent it. */
  readonly transaction: number
  readonly id: Uint8Array
  readonly nodes: readonly DhtNode[]
  readonly token: Uint8Array | undefined
  /** Unchecked. */
  readonly item: DhtItem | undefined
}

export interface DhtRefusal {
  readonly type: 'refusal'
  readonly transaction: number
  readonly code: number
}

/** A query of ours, which says that we answer none ourselves (BEP-43). */
export function encodeDhtQuery(transaction: number, me: Uint8Array, query: DhtQuery): Uint8Array {
  const args = new Map<string, Bencode>([['id', me]])
  if (query.q === 'put') {
    const { key, seq, signature, value } = query.item
    for (const [name, arg] of Object.entries({ k: key, seq, sig: signature, v: value, token: query.token })) args.set(name, arg)
  } else args.set('target', query.target)
  const message = new Map<string, Bencode>([
    ['t', Uint8Array.of(transaction >>> 8, transaction & 0xff)],
    ['y', utf8('q')],
    ['q', utf8(query.q)],
    ['a', args],
    ['ro', 1n],
  ])
  return encodeBencode(message)
}

/** What a node answered; undefined for queries, which we do not answer. Throws `LOOKUP_BAD_BENCODE` or `LOOKUP_BAD_RPC`. */
export function decodeDhtAnswer(bytes: Uint8Array): DhtAnswer | DhtRefusal | undefined {
  if (bytes.length > MAX_DHT_BYTES) throw bad('a packet is too long')
  const message = decodeBencode(bytes)
  if (!(message instanceof Map)) throw bad('a packet is no dictionary')
  const kind = toHex(bytesOf(message.get('y'), 1))
  if (kind === '71') return undefined // q
  const t = bytesOf(message.get('t'), 2)
  const transaction = (t[0] as number) * 256 + (t[1] as number)
  if (kind === '65') return { type: 'refusal', transaction, code: refusalCode(message.get('e')) }
  const answer = message.get('r')
  if (kind !== '72' || !(answer instanceof Map)) throw bad('a packet is neither question nor answer')
  const token = answer.get('token')
  return {
    type: 'answer',
    transaction,
    id: bytesOf(answer.get('id'), NODE_ID_BYTES),
    nodes: readNodes(answer.get('nodes')),
    token: token instanceof Uint8Array && token.length <= MAX_TOKEN_BYTES ? token : undefined,
    item: readItem(answer),
  }
}

function refusalCode(e: Bencode | undefined): number {
  const code = Array.isArray(e) ? (e[0] as Bencode | undefined) : undefined
  return typeof code === 'bigint' ? Number(code) : 0
}

function readNodes(nodes: Bencode | undefined): DhtNode[] {
  if (nodes === undefined) return []
  if (!(nodes instanceof Uint8Array) || nodes.length % COMPACT_BYTES !== 0) throw bad('a list of nodes is malformed')
  const read: DhtNode[] = []
  for (let at = 0; at < nodes.length && read.length < MAX_NODES; at += COMPACT_BYTES) {
    const id = nodes.slice(at, at + NODE_ID_BYTES)
    const ip = nodes.slice(at + NODE_ID_BYTES, at + NODE_ID_BYTES + 4)
    const port = (nodes[at + 24] as number) * 256 + (nodes[at + 25] as number)
    read.push({ id, addr: printSocketAddr({ ip, port }) })
  }
  return read
}

/** Only mutable items concern us; others are left out. */
function readItem(answer: ReadonlyMap<string, Bencode>): DhtItem | undefined {
  const [key, seq, signature, value] = [answer.get('k'), answer.get('seq'), answer.get('sig'), answer.get('v')]
  if (!(key instanceof Uint8Array) || key.length !== 32 || typeof seq !== 'bigint' || seq < 0n) return undefined
  if (!(signature instanceof Uint8Array) || signature.length !== 64) return undefined
  if (!(value instanceof Uint8Array) || value.length > MAX_VALUE_BYTES) return undefined
  return { key, seq, signature, value }
}

function bytesOf(value: Bencode | undefined, size: number): Uint8Array {
  if (value instanceof Uint8Array && value.length === size) return value
  throw bad('a packet lacks a part')
}

const bad = (message: string): Error => lookupError('LOOKUP_BAD_RPC', message)
