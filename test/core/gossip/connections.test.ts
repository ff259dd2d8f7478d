import { describe, expect, it } from 'vitest'
import { messageId } from '../../../src/core/gossip/proto/messages.ts'
import type { Connection } from '../../../src/core/net/transport.ts'
import { bytes, MemorySwarm, peerNumber, TOPIC, topicNumber } from './harness.ts'
import { frame, RawPeer, say } from './raw-peer.ts'

const JOIN = frame({ type: 'join', data: undefined })
const NEIGHBOR = frame({ type: 'neighbor', priority: 'high', data: undefined })
const GOODBYE = frame({ type: 'disconnect', alive: true })
const gossip = (content: string) =>
  frame({ type: 'gossip', id: messageId(bytes(content)), content: bytes(content), scope: { type: 'swarm', round: 0 } })

/** A node, and a raw peer that is its neighbour through one connection. */
async function setting(seed: number) {
  const swarm = new MemorySwarm(seed)
  const node = await swarm.node()
  const listener = swarm.join(node)
  const raw = new RawPeer(swarm, 600)
  const first = await raw.dial(node)
  const stream = await say(first, TOPIC, JOIN)
  await swarm.until(() => raw.messages(TOPIC).length === 1)
  await stream.write(NEIGHBOR)
  await swarm.pass(2)
  const heard = async (what: string): Promise<number> => {
    const before = raw.messages(TOPIC).length
    await listener.handle.broadcast(bytes(what))
    await swarm.until(() => raw.messages(TOPIC).length > before)
    return raw.streams.findIndex((s) => s.messages.some((m) => m.type === 'gossip' && m.content.join() === bytes(what).join()))
  }
  return { swarm, node, listener, raw, first, stream, heard }
}

describe('several connections to one peer (gossip 2.1, 10.2)', () => {
  it('sends on the newest, reads all', async () => {
    const { swarm, raw, node, listener, stream, heard } = await setting(1)
    expect(await heard('on the first')).toBe(0)
    const second = await raw.dial(node)
    await swarm.pass(2)
    expect(await heard('on the second')).toBe(1)
    expect(raw.streams[0]?.end).toBe('fin')
    await stream.write(gossip('from the first'))
    await say(second, TOPIC, gossip('from the second'))
    await swarm.until(() => listener.texts.length === 2)
    expect(listener.texts.sort()).toEqual(['from the first', 'from the second'])
    expect(node.gossip.stats().connections).toBe(2)
  })

  it('falls back to an older one and asks whether it still is a neighbour', async () => {
    const { swarm, raw, node, listener, heard } = await setting(2)
    const second = await raw.dial(node)
    await swarm.pass(2)
    second.close(0n, '')
    await swarm.until(() => raw.messages(TOPIC).filter((m) => m.type === 'neighbor').length === 2)
    expect(raw.messages(TOPIC).at(-1)).toMatchObject({ type: 'neighbor', priority: 'high' })
    expect(listener.downs).toEqual([])
    await heard('still connected')
  })

  it('loses the peer with its last connection', async () => {
    const { swarm, raw, first, listener, node } = await setting(3)
    const second = await raw.dial(node)
    await swarm.pass(2)
    first.close(0n, '')
    await swarm.pass(2)
    expect(listener.downs).toEqual([])
    second.close(0n, '')
    await swarm.until(() => listener.downs.length === 1)
    expect(node.gossip.stats()).toMatchObject({ peers: 0, connections: 0 })
  })

  it('closes a superseded one after a minute of silence, when another one carried frames', async () => {
    const { swarm, raw, node, first, stream } = await setting(4)
    const second = await raw.dial(node)
    await stream.write(gossip('the peer still sends here'))
    await swarm.pass(80_000, 500)
    expect(first.isClosed).toBe(false)
    await say(second, TOPIC, gossip('now it sends there'))
    await swarm.pass(10_000, 500)
    expect([first.isClosed, second.isClosed]).toEqual([true, false])
    expect(node.gossip.stats().connections).toBe(1)
  })

  it('keeps four at most, and always the one in use', async () => {
    const { swarm, raw, node, first, stream, listener } = await setting(5)
    const later: Connection[] = []
    for (let i = 0; i < 6; i++) {
      await swarm.pass(10)
      await stream.write(gossip(`alive ${i}`))
      later.push(await raw.dial(node))
    }
    await swarm.pass(10)
    expect(node.gossip.stats().connections).toBe(4)
    expect(first.isClosed).toBe(false)
    expect(later.at(-1)?.isClosed).toBe(false)
    expect(listener.downs).toEqual([])
  })
})

describe('connections that serve nobody', () => {
  it('are closed after half a minute of silence, without a loss being noticed', async () => {
    const { swarm, node, first, stream, listener } = await setting(6)
    // Somebody else stays, or the node would ask this peer again to be joined.
    swarm.join(await swarm.node(), [node])
    await swarm.until(() => listener.ups.length === 2)
    await stream.write(GOODBYE)
    await swarm.until(() => listener.downs.length === 1)
    await swarm.pass(25_000, 500)
    expect(first.isClosed).toBe(false)
    await swarm.pass(15_000, 500)
    expect(await first.closed).toMatchObject({ by: 'remote', code: 0n })
    expect(listener.downs.length).toBe(1)
    expect(node.gossip.stats()).toMatchObject({ peers: 1, connections: 1 })
  })

  it('are kept while frames come or a topic needs them', async () => {
    const { swarm, first, stream, listener, node } = await setting(7)
    await swarm.pass(60_000, 500)
    expect(first.isClosed).toBe(false)
    const other = swarm.join(node, [], topicNumber(9))
    await say(first, topicNumber(9), JOIN)
    await swarm.until(() => other.ups.length === 1)
    await stream.write(GOODBYE)
    await swarm.until(() => listener.downs.length === 1)
    await swarm.pass(60_000, 500)
    expect(first.isClosed).toBe(false)
  })
})

describe('a peer that was of no use and became a neighbour by its own message', () => {
  it('is missed when its connection is lost', async () => {
    const swarm = new MemorySwarm(11)
    const node = await swarm.node()
    const listener = swarm.join(node)
    const raw = new RawPeer(swarm, 604)
    const connection = await raw.dial(node)
    // The node asks the candidate it is told of; the candidate's next ShuffleReply makes it useless for a moment.
    const stream = await say(connection, TOPIC, frame({ type: 'shuffleReply', nodes: [{ id: raw.id, data: undefined }] }))
    await swarm.until(() => raw.messages(TOPIC).some((m) => m.type === 'neighbor'))
    await stream.write(frame({ type: 'shuffleReply', nodes: [] }))
    await stream.write(NEIGHBOR)
    await swarm.until(() => listener.ups.length === 1)
    connection.close(0n, '')
    for (const other of raw.accepted) other.close(0n, '')
    await swarm.until(() => listener.downs.length === 1)
  })
})

describe('dialing', () => {
  it('keeps the order of what waits, and uses a connection from the other side meanwhile', async () => {
    const swarm = new MemorySwarm(8, { link: { latencyMs: 20 } })
    const node = await swarm.node()
    const raw = new RawPeer(swarm, 601)
    node.endpoint.learn(raw.transport.localAddr(), 'config')
    const coming = raw.dial(node)
    await swarm.pass(30)
    for (let i = 0; i < 3; i++) node.gossip.subscribe(topicNumber(i), { bootstrap: [raw.id] })
    await swarm.pass(200)
    await coming
    expect(raw.streams.map((s) => s.topic)).toEqual([topicNumber(0), topicNumber(1), topicNumber(2)])
    expect(raw.streams.every((s) => s.messages[0]?.type === 'join')).toBe(true)
  })

  it('does not dial for ever: a failed dial drops what waited, the next message dials again', async () => {
    const swarm = new MemorySwarm(9)
    const node = await swarm.node()
    const ghost = peerNumber(602)
    const listener = node.gossip.subscribe(TOPIC, { bootstrap: [ghost] })
    await swarm.pass(5)
    expect(node.gossip.stats()).toMatchObject({ peers: 0, framesDropped: 1, actorTickDialerFailure: 1 })
    const raw = new RawPeer(swarm, 602)
    node.endpoint.learn(raw.transport.localAddr(), 'config')
    await listener.join([ghost])
    await swarm.until(() => raw.messages(TOPIC).length === 1)
  })

  it('bounds how many peers are dialed for strangers', async () => {
    const swarm = new MemorySwarm(10)
    const node = await swarm.node({ limits: { dialing: 5 } })
    const raw = new RawPeer(swarm, 603)
    swarm.join(node)
    const connection = await raw.dial(node)
    const invite = (n: number) =>
      frame({ type: 'forwardJoin', peer: { id: peerNumber(1000 + n), data: bytes('\0\x01\0\x0a\x01\x02\x03\x50') }, ttl: 0 })
    await say(connection, TOPIC, ...Array.from({ length: 40 }, (_, n) => invite(n)))
    await swarm.until(() => node.gossip.stats().dialing > 0)
    expect(node.gossip.stats().dialing).toBe(5)
    expect(node.gossip.stats().peers).toBeLessThanOrEqual(6)
  })
})
