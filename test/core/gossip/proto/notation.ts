import { toHex } from '../../../../src/base/bytes.ts'
import { type Rng, seededRng } from '../../../../src/base/random.ts'
import { DEFAULT_CONFIG, type GossipConfig } from '../../../../src/core/gossip/proto/config.ts'
import type { InEvent, OutEvent, TimerKind, TopicTimer } from '../../../../src/core/gossip/proto/events.ts'
import { type Message, messageId, type PeerInfo, type Scope } from '../../../../src/core/gossip/proto/messages.ts'
import { GossipState } from '../../../../src/core/gossip/proto/state.ts'
import type { TopicView } from '../../../../src/core/gossip/proto/topic.ts'
import { type Hash, type PeerId, parsePeerId, parseTopicId } from '../../../../src/core/ids.ts'

/** The notation of gossip 16: small integers as ids, own data = the id as one byte. */
export const peer = (n: number): PeerId => parsePeerId(n.toString(16).padStart(64, '0'))
export const num = (id: PeerId): number => Number.parseInt(id, 16)
export const TOPIC = parseTopicId('7e'.repeat(32))
export const dataOf = (n: number): Uint8Array => Uint8Array.of(n)
export const info = (n: number, withData = true): PeerInfo => ({ id: peer(n), data: withData ? dataOf(n) : undefined })
export const content = (text: string): Uint8Array => new TextEncoder().encode(text)

export const gossip = (text: string, scope: number | 'neighbors'): Message => ({
  type: 'gossip',
  id: messageId(content(text)),
  content: content(text),
  scope: scope === 'neighbors' ? { type: 'neighbors' } : { type: 'swarm', round: scope },
})

const showScope = (scope: Scope): string => (scope.type === 'swarm' ? `Swarm ${scope.round}` : 'Neighbors')
const showInfo = (p: PeerInfo): string => (p.data === undefined ? `${num(p.id)}` : `${num(p.id)}:${toHex(p.data)}`)
const showData = (data: Uint8Array | undefined): string => (data === undefined ? '-' : toHex(data))

function showMessage(m: Message): string {
  switch (m.type) {
    case 'join':
      return `Join(${showData(m.data)})`
    case 'forwardJoin':
      return `ForwardJoin(${showInfo(m.peer)}, ttl ${m.ttl})`
    case 'shuffle':
      return `Shuffle(origin ${num(m.origin)}, [${m.nodes.map(showInfo).join(', ')}], ttl ${m.ttl})`
    case 'shuffleReply':
      return `ShuffleReply [${m.nodes.map(showInfo).join(', ')}]`
    case 'neighbor':
      return `Neighbor ${m.priority === 'high' ? 'High' : 'Low'} ${showData(m.data)}`
    case 'disconnect':
      return `Disconnect ${m.alive ? 'alive' : 'not alive'}`
    case 'gossip':
      return `Gossip ${m.scope.type === 'swarm' ? `r${m.scope.round}` : 'nb'}`
    case 'prune':
      return 'Prune'
    case 'graft':
      return `Graft(${m.id === undefined ? 'none' : 'id'}, round ${m.round})`
    case 'ihave':
      return `IHave [${m.entries.map((e) => e.round).join(', ')}]`
  }
}

function showTimer(kind: TimerKind): string {
  return kind.type === 'pendingNeighbor' ? `pending ${num(kind.peer)}` : kind.type
}

function show(out: OutEvent): string {
  switch (out.type) {
    case 'send':
      return `S(${num(out.to)}, ${showMessage(out.message)})`
    case 'schedule':
      return `T(${out.afterMs}, ${showTimer(out.timer.kind)})`
    case 'disconnect':
      return `D(${num(out.peer)})`
    case 'peerData':
      return `P(${num(out.peer)})`
    case 'emit':
      switch (out.event.type) {
        case 'neighborUp':
          return `E(Up ${num(out.event.peer)})`
        case 'neighborDown':
          return `E(Down ${num(out.event.peer)})`
        case 'received':
          return `E(Received from ${num(out.event.from)}, ${showScope(out.event.scope)})`
        case 'directCopy':
          return `E(DirectCopy from ${num(out.event.from)})`
      }
  }
}

export type ConfigPatch = {
  maxMessageBytes?: number
  membership?: Partial<GossipConfig['membership']>
  broadcast?: Partial<GossipConfig['broadcast']>
}

export const configWith = (patch: ConfigPatch): GossipConfig => ({
  ...DEFAULT_CONFIG,
  ...(patch.maxMessageBytes === undefined ? {} : { maxMessageBytes: patch.maxMessageBytes }),
  membership: { ...DEFAULT_CONFIG.membership, ...patch.membership },
  broadcast: { ...DEFAULT_CONFIG.broadcast, ...patch.broadcast },
})

/** One machine on one topic, driven by hand; remembers the timers it asked for. */
export class Node {
  readonly n: number
  readonly state: GossipState
  readonly timers: { afterMs: number; timer: TopicTimer }[] = []
  now = 0

  constructor(n: number, patch: ConfigPatch = {}, rng: Rng = seededRng(n)) {
    this.n = n
    this.state = new GossipState({ me: peer(n), config: configWith(patch), rng, ownData: dataOf(n) })
  }

  /** Handles an event and answers the raw outputs. */
  raw(event: InEvent): OutEvent[] {
    const outputs = this.state.handle(event, this.now)
    for (const out of outputs) if (out.type === 'schedule') this.timers.push({ afterMs: out.afterMs, timer: out.timer })
    return outputs
  }

  handle(event: InEvent): string[] {
    return this.raw(event).map(show)
  }

  recv(from: number, message: Message): string[] {
    return this.handle({ type: 'message', from: peer(from), topic: TOPIC, message })
  }

  join(...peers: number[]): string[] {
    return this.handle({ type: 'join', topic: TOPIC, peers: peers.map(peer) })
  }

  broadcast(text: string, scope: Scope['type'] = 'swarm'): string[] {
    return this.handle({ type: 'broadcast', topic: TOPIC, content: content(text), scope })
  }

  lost(n: number): string[] {
    return this.handle({ type: 'peerDisconnected', peer: peer(n) })
  }

  quit(): string[] {
    return this.handle({ type: 'quit', topic: TOPIC })
  }

  /** Fires the oldest remembered timer of a kind. */
  fire(type: TimerKind['type'], n?: number): string[] {
    const at = this.timers.findIndex(
      ({ timer: { kind } }) =>
        kind.type === type && (n === undefined || (kind.type === 'pendingNeighbor' && kind.peer === peer(n))),
    )
    const [found] = this.timers.splice(at, 1)
    if (at < 0 || found === undefined) throw new Error(`no ${type} timer was scheduled`)
    return this.handle({ type: 'timer', timer: found.timer })
  }

  get view(): TopicView {
    const view = this.state.topic(TOPIC)
    if (view === undefined) throw new Error('the topic does not exist')
    return view
  }

  get neighbors(): number[] {
    return this.view.neighbors().map(num)
  }
}

/** A node that has become a neighbour of each of `others` (they joined it) and whose timers are all armed. */
export function nodeWithNeighbors(n: number, others: readonly number[], patch: ConfigPatch = {}, rng?: Rng): Node {
  const node = new Node(n, patch, rng)
  node.join()
  for (const other of others) {
    node.recv(other, { type: 'join', data: dataOf(other) })
    node.recv(other, { type: 'neighbor', priority: 'high', data: dataOf(other) })
  }
  return node
}

export const hash = (text: string): Hash => messageId(content(text))
