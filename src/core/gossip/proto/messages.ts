import { blake3 } from '../../blobs/tree/blake3.ts'
import { type Hash, hashOf, idBytes, type PeerId, peerIdOf } from '../../ids.ts'
import { wireError } from '../../wire/errors.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'

/** Opaque address information of a peer as carried by gossip (gossip 5); see addr-info for its content. */
export type PeerData = Uint8Array

export interface PeerInfo {
  readonly id: PeerId
  readonly data: PeerData | undefined
}

export type Priority = 'high' | 'low'

/** Swarm: travels on, with the number of hops so far. Neighbors: for direct neighbours only. */
export type Scope = { readonly type: 'swarm'; readonly round: number } | { readonly type: 'neighbors' }

export interface Announcement {
  readonly id: Hash
  readonly round: number
}

export type SwarmMessage =
  | { readonly type: 'join'; readonly data: PeerData | undefined }
  | { readonly type: 'forwardJoin'; readonly peer: PeerInfo; readonly ttl: number }
  | { readonly type: 'shuffle'; readonly origin: PeerId; readonly nodes: readonly PeerInfo[]; readonly ttl: number }
  | { readonly type: 'shuffleReply'; readonly nodes: readonly PeerInfo[] }
  | { readonly type: 'neighbor'; readonly priority: Priority; readonly data: PeerData | undefined }
  | { readonly type: 'disconnect'; readonly alive: boolean }

export type GossipPayload = { readonly type: 'gossip'; readonly id: Hash; readonly content: Uint8Array; readonly scope: Scope }

export type GossipMessage =
  | GossipPayload
  | { readonly type: 'prune' }
  | { readonly type: 'graft'; readonly id: Hash | undefined; readonly round: number }
  | { readonly type: 'ihave'; readonly entries: readonly Announcement[] }

/** One frame body (gossip 4). */
export type Message = SwarmMessage | GossipMessage

/** `data` is a Gossip message, `control` everything else (gossip 10.3). */
export const isDataMessage = (message: Message): message is GossipPayload => message.type === 'gossip'

export const isGossipMessage = (message: Message): message is GossipMessage =>
  message.type === 'gossip' || message.type === 'prune' || message.type === 'graft' || message.type === 'ihave'

/** BLAKE3-256 of the content alone (gossip 4.3). */
export const messageId = (content: Uint8Array): Hash => hashOf(blake3(content))

/** Encoded size of a PeerInfo. */
export const peerInfoSize = (peer: PeerInfo): number =>
  33 + (peer.data === undefined ? 0 : peer.data.length + (peer.data.length < 0x80 ? 1 : peer.data.length < 0x4000 ? 2 : 3))

/** The longest prefix of `nodes` whose encoding fits `budget` bytes, the count included (gossip 13-D4). */
export function fitNodes(nodes: readonly PeerInfo[], budget: number): readonly PeerInfo[] {
  let size = 2
  for (const [i, node] of nodes.entries()) {
    size += peerInfoSize(node)
    if (size > budget) return nodes.slice(0, i)
  }
  return nodes
}

/** Positions are the discriminants on the wire (gossip 4). */
const LAYERS = ['swarm', 'gossip'] as const
const SWARM_VARIANTS = ['join', 'forwardJoin', 'shuffle', 'shuffleReply', 'neighbor', 'disconnect'] as const
const GOSSIP_VARIANTS = ['gossip', 'prune', 'graft', 'ihave'] as const
const PRIORITIES = ['high', 'low'] as const
const SCOPES = ['swarm', 'neighbors'] as const

const startMessage = (message: Message): WireWriter => {
  const w = new WireWriter(message.type === 'gossip' ? message.content.length + 48 : 128)
  return isGossipMessage(message)
    ? w.variant(LAYERS.indexOf('gossip')).variant(GOSSIP_VARIANTS.indexOf(message.type))
    : w.variant(LAYERS.indexOf('swarm')).variant(SWARM_VARIANTS.indexOf(message.type))
}

/** One frame body, without the length. Throws `WIRE_OUT_OF_RANGE` when a round or TTL does not fit 16 bits. */
export function encodeMessage(message: Message): Uint8Array {
  const w = startMessage(message)
  const putData = (data: PeerData): unknown => w.bytes(data)
  const putPeer = (peer: PeerInfo): unknown => w.fixed(idBytes(peer.id)).option(peer.data, putData)
  switch (message.type) {
    case 'join':
      w.option(message.data, putData)
      break
    case 'forwardJoin':
      putPeer(message.peer)
      w.u16(message.ttl)
      break
    case 'shuffle':
      w.fixed(idBytes(message.origin)).seq(message.nodes, putPeer).u16(message.ttl)
      break
    case 'shuffleReply':
      w.seq(message.nodes, putPeer)
      break
    case 'neighbor':
      w.variant(PRIORITIES.indexOf(message.priority)).option(message.data, putData)
      break
    case 'disconnect':
      w.bool(message.alive).bool(false)
      break
    case 'gossip':
      w.fixed(idBytes(message.id)).bytes(message.content).variant(SCOPES.indexOf(message.scope.type))
      if (message.scope.type === 'swarm') w.u16(message.scope.round)
      break
    case 'prune':
      break
    case 'graft':
      w.option(message.id, (id) => w.fixed(idBytes(id))).u16(message.round)
      break
    case 'ihave':
      w.seq(message.entries, (entry) => w.fixed(idBytes(entry.id)).u16(entry.round))
      break
  }
  return w.finish()
}

/**
 * What an id is good for. `invalid`: no curve point; Rust receivers drop the whole frame, so we must never pass one on.
 * `unusable`: a point nobody can own a key for; Rust receivers take it, so the frame counts but the id is left out.
 */
export type IdVerdict = 'usable' | 'unusable' | 'invalid'
export type IdCheck = (id: PeerId) => IdVerdict

/** Entries of a node list that are looked at; honest lists have at most 8. A check costs 0.2 ms, a frame could hold 124. */
const NODES_READ_MAX = 32

/**
 * Decodes one frame body; undefined for a valid one that speaks of nobody usable and is to be ignored. Trailing bytes are
 * ignored as upstream does. Throws only `WIRE_*` errors; byte strings are views into `body`.
 */
export function decodeMessage(body: Uint8Array, check: IdCheck): Message | undefined {
  const r = new WireReader(body)
  if (LAYERS[r.variant(LAYERS.length)] === 'gossip') return decodeGossip(r)

  const isUsable = (id: PeerId): boolean => {
    const verdict = check(id)
    if (verdict === 'invalid') throw wireError('WIRE_BAD_POINT', 'a peer id is not a curve point', { offset: r.offset })
    return verdict === 'usable'
  }
  const readPeer = (): PeerInfo => ({ id: peerIdOf(r.fixed(32)), data: r.option(() => r.bytes()) })
  const readPeers = (): PeerInfo[] => r.seq(readPeer, { minItemBytes: 33 }).slice(0, NODES_READ_MAX)

  switch (SWARM_VARIANTS[r.variant(SWARM_VARIANTS.length)] as SwarmMessage['type']) {
    case 'join':
      return { type: 'join', data: r.option(() => r.bytes()) }
    case 'forwardJoin': {
      const peer = readPeer()
      const ttl = r.u16()
      return isUsable(peer.id) ? { type: 'forwardJoin', peer, ttl } : undefined
    }
    case 'shuffle': {
      const origin = peerIdOf(r.fixed(32))
      const nodes = readPeers()
      const ttl = r.u16()
      const usable = nodes.filter((node) => isUsable(node.id))
      return isUsable(origin) ? { type: 'shuffle', origin, nodes: usable, ttl } : undefined
    }
    case 'shuffleReply':
      return { type: 'shuffleReply', nodes: readPeers().filter((node) => isUsable(node.id)) }
    case 'neighbor':
      return { type: 'neighbor', priority: PRIORITIES[r.variant(2)] as Priority, data: r.option(() => r.bytes()) }
    case 'disconnect': {
      const alive = r.bool()
      // The second flag is obsolete: both values decode, neither means anything.
      r.bool()
      return { type: 'disconnect', alive }
    }
  }
}

function decodeGossip(r: WireReader): GossipMessage {
  const hash = (): Hash => hashOf(r.fixed(32))
  switch (GOSSIP_VARIANTS[r.variant(GOSSIP_VARIANTS.length)] as GossipMessage['type']) {
    case 'gossip':
      return { type: 'gossip', id: hash(), content: r.bytes(), scope: decodeScope(r) }
    case 'prune':
      return { type: 'prune' }
    case 'graft':
      return { type: 'graft', id: r.option(hash), round: r.u16() }
    case 'ihave':
      return { type: 'ihave', entries: r.seq(() => ({ id: hash(), round: r.u16() }), { minItemBytes: 33 }) }
  }
}

const decodeScope = (r: WireReader): Scope =>
  SCOPES[r.variant(SCOPES.length)] === 'swarm' ? { type: 'swarm', round: r.u16() } : { type: 'neighbors' }
