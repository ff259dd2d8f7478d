import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { Gossip, type GossipOptions } from '../../../src/core/gossip/index.ts'
import { type K2Endpoint, openEndpoint } from '../../../src/core/net/index.ts'
import { bytes, Listener, TOPIC, topicNumber } from './harness.ts'

interface RealNode {
  readonly endpoint: K2Endpoint
  readonly gossip: Gossip
}

const running: RealNode[] = []

async function startNode(options: Partial<GossipOptions> = {}, secretKey = new Uint8Array(randomBytes(32))): Promise<RealNode> {
  const endpoint = await openEndpoint({ secretKey, mode: 'loopback' })
  const gossip = new Gossip({ endpoint, ...options })
  await gossip.start()
  await endpoint.start()
  const node = { endpoint, gossip }
  running.push(node)
  return node
}

async function stopNode(node: RealNode): Promise<void> {
  await node.gossip.stop()
  await node.endpoint.stop()
}

function join(who: RealNode, bootstrap: readonly RealNode[] = [], topic = TOPIC): Listener {
  for (const { endpoint } of bootstrap) who.endpoint.learn(endpoint.addr(), 'config')
  return new Listener(who.gossip.subscribe(topic, { bootstrap: bootstrap.map((node) => node.endpoint.id) }))
}

/** Polls until something holds; real sockets give no event for most of what is awaited here. */
async function until(holds: () => boolean, ms = 20_000): Promise<void> {
  const end = performance.now() + ms
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not so after ${ms} ms: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(stopNode))
})

describe('real QUIC on loopback', () => {
  it('two nodes meet and carry every size', async () => {
    const [a, b] = [await startNode(), await startNode()]
    const [atA, atB] = [join(a), join(b, [a])]
    await Promise.all([atA.handle.joined(), atB.handle.joined()])
    const sizes = [0, 1, 127, 128, 4055, 4056, 4057]
    for (const [i, size] of sizes.entries()) await (i % 2 === 0 ? atA : atB).handle.broadcast(new Uint8Array(size).fill(i))
    await until(() => atA.texts.length + atB.texts.length === sizes.length)
    const lengths = [atA, atB].map((l) => l.seen.flatMap((e) => (e.type === 'received' ? [e.content.length] : [])))
    expect(lengths).toEqual([
      [1, 128, 4056],
      [0, 127, 4055, 4057],
    ])
    await expect(atA.handle.broadcast(new Uint8Array(4058))).rejects.toMatchObject({ code: 'GOSSIP_TOO_LARGE' })
  })

  it('six nodes find each other through one and miss nothing', async () => {
    const nodes = [await startNode()]
    const [first] = nodes as [RealNode]
    while (nodes.length < 6) nodes.push(await startNode())
    const listeners = nodes.map((node, i) => join(node, i === 0 ? [] : [first]))
    await until(() => listeners.every((l) => l.handle.neighbors.length >= 2))
    const rounds = 50
    for (let round = 0; round < rounds; round++) {
      await Promise.all(listeners.map((l, i) => l.handle.broadcast(bytes(`${i}/${round}`))))
    }
    await until(() => listeners.every((l) => l.texts.length === 5 * rounds))
    for (const [i, l] of listeners.entries()) {
      const expected = nodes.flatMap((_, from) => (from === i ? [] : Array.from({ length: rounds }, (_, r) => `${from}/${r}`)))
      expect([...l.texts].sort()).toEqual(expected.sort())
    }
  })

  it('200 topics share one connection, and one can be left', async () => {
    const [a, b] = [await startNode(), await startNode()]
    const topics = Array.from({ length: 200 }, (_, i) => topicNumber(i))
    const atA = topics.map((topic) => join(a, [], topic))
    const atB = topics.map((topic) => join(b, [a], topic))
    await Promise.all([...atA, ...atB].map((l) => l.handle.joined()))
    await Promise.all(atA.map((l, i) => l.handle.broadcast(bytes(`topic ${i}`))))
    await until(() => atB.every((l) => l.texts.length === 1))
    await atB[7]?.handle.close()
    await until(() => atA[7]?.downs.length === 1)
    await atB[8]?.handle.broadcast(bytes('next door'))
    await until(() => atA[8]?.texts.length === 1)
    expect([a.gossip.stats().connections, b.gossip.stats().connections]).toEqual([1, 1])
  })

  it('leaves, comes back, and comes back after its endpoint was closed', async () => {
    const secretKey = new Uint8Array(randomBytes(32))
    const a = await startNode()
    const b = await startNode({}, secretKey)
    const atA = join(a)
    const first = join(b, [a])
    await Promise.all([atA.handle.joined(), first.handle.joined()])
    await first.handle.close()
    await until(() => atA.downs.length === 1)
    const second = join(b, [a])
    await until(() => atA.ups.length === 2)
    await second.handle.joined()
    await stopNode(b)
    await until(() => atA.downs.length === 2)
    const reborn = await startNode({}, secretKey)
    const third = join(reborn, [a])
    await third.handle.joined()
    await third.handle.broadcast(bytes('me again'))
    await until(() => atA.texts.length === 1)
  })

  it('both sides dial at once and lose nothing', async () => {
    for (let round = 0; round < 10; round++) {
      const [a, b] = [await startNode(), await startNode()]
      a.endpoint.learn(b.endpoint.addr(), 'config')
      b.endpoint.learn(a.endpoint.addr(), 'config')
      const listeners = [
        new Listener(a.gossip.subscribe(TOPIC, { bootstrap: [b.endpoint.id] })),
        new Listener(b.gossip.subscribe(TOPIC, { bootstrap: [a.endpoint.id] })),
      ]
      await Promise.all(listeners.map((l) => l.handle.joined()))
      await Promise.all(listeners.map((l, i) => l.handle.broadcast(bytes(`first of ${i}`))))
      await until(() => listeners.every((l) => l.texts.length === 1))
      expect(listeners.flatMap((l) => l.downs)).toEqual([])
      await Promise.all([stopNode(a), stopNode(b)])
    }
  })

  it('a burst from both sides arrives completely', async () => {
    const [a, b] = [await startNode(), await startNode()]
    const [atA, atB] = [join(a), join(b, [a])]
    await Promise.all([atA.handle.joined(), atB.handle.joined()])
    const count = 2_000
    const payload = (who: string, i: number): Uint8Array => bytes(`${who}${i}`.padEnd(500, '.'))
    for (let i = 0; i < count; i++) {
      await atA.handle.broadcast(payload('a', i))
      await atB.handle.broadcast(payload('b', i))
    }
    await until(() => atA.texts.length === count && atB.texts.length === count)
    expect(atB.texts.map((t) => Number.parseInt(t.slice(1), 10))).toEqual(Array.from({ length: count }, (_, i) => i))
    expect(a.gossip.stats().framesDropped + b.gossip.stats().framesDropped).toBe(0)
  })
})
