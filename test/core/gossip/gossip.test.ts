import { describe, expect, it } from 'vitest'
import { DEFAULT_CONFIG } from '../../../src/core/gossip/index.ts'
import { bytes, Listener, MemorySwarm, peerNumber, TOPIC, topicNumber } from './harness.ts'

const received = (listener: Listener) => listener.seen.filter((event) => event.type === 'received')

describe('a topic of a few nodes', () => {
  it('meets, talks and tells who delivered', async () => {
    const swarm = new MemorySwarm()
    const [a, b] = await swarm.nodes(2)
    if (a === undefined || b === undefined) throw new Error('two nodes')
    const atA = swarm.join(a)
    const atB = swarm.join(b, [a])
    await Promise.all([atB.handle.joined(), swarm.until(() => atA.ups.length === 1)])
    expect(atA.ups).toEqual([b.id])
    expect(atB.ups).toEqual([a.id])
    expect(atB.handle.neighbors).toEqual([a.id])
    await atA.handle.broadcast(bytes('to all'))
    await atB.handle.broadcastNeighbors(bytes('to you'))
    await swarm.until(() => atA.texts.length + atB.texts.length === 2)
    expect(received(atB)).toMatchObject([{ from: a.id, scope: { type: 'swarm', round: 0 } }])
    expect(received(atA)).toMatchObject([{ from: b.id, scope: { type: 'neighbors' } }])
    await Promise.all([a.stop(), b.stop()])
    await Promise.all([atA.ended(), atB.ended()])
  })

  it('a third node is found through gossip alone', async () => {
    const swarm = new MemorySwarm(2)
    const [a, b, c] = await swarm.nodes(3)
    if (!a || !b || !c) throw new Error('three nodes')
    const listeners = [swarm.join(a), swarm.join(b, [a]), swarm.join(c, [a])]
    await swarm.until(() => listeners.every((l) => l.ups.length === 2))
    expect(b.endpoint.book.dialable(c.id, swarm.clock.now()) ?? c.endpoint.book.dialable(b.id, swarm.clock.now())).toBeDefined()
    await listeners[1]?.handle.broadcast(bytes('hello'))
    await swarm.until(() => listeners[0]?.texts.length === 1 && listeners[2]?.texts.length === 1)
  })

  it('repeats the Join until the other side subscribes', async () => {
    const swarm = new MemorySwarm(3)
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const atB = swarm.join(b, [a])
    await swarm.pass(2_000, 10)
    expect(atB.ups).toEqual([])
    const atA = swarm.join(a)
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1, 4_000, 10)
  })

  it('is heard again after the last neighbour was lost', async () => {
    const swarm = new MemorySwarm(4)
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const [atA, atB] = [swarm.join(a), swarm.join(b, [a])]
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1)
    swarm.network.loseConnections(a.id, b.id)
    await swarm.until(() => atA.downs.length === 1 && atB.downs.length === 1)
    await swarm.until(() => atA.handle.neighbors.length === 1 && atB.handle.neighbors.length === 1, 5_000, 10)
    await atA.handle.broadcast(bytes('back'))
    await swarm.until(() => atB.texts.length === 1)
  })

  it('leaves politely, and comes back', async () => {
    const swarm = new MemorySwarm(5)
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const atA = swarm.join(a)
    const first = swarm.join(b, [a])
    await swarm.until(() => atA.ups.length === 1 && first.ups.length === 1)
    await first.handle.close()
    await first.ended()
    await swarm.until(() => atA.downs.length === 1, 500)
    expect(first.downs).toEqual([])
    const second = swarm.join(b, [a])
    await swarm.until(() => atA.ups.length === 2 && second.ups.length === 1, 500)
    expect(a.gossip.stats().connections).toBe(1)
    await atA.handle.broadcast(bytes('again'))
    await swarm.until(() => second.texts.length === 1)
  })

  it('a node that vanished and restarts with the same key is heard within seconds', async () => {
    const swarm = new MemorySwarm(6)
    const a = await swarm.node()
    const b = await swarm.node({}, 77)
    const atA = swarm.join(a)
    const atB = swarm.join(b, [a])
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1)
    swarm.network.kill(b.id)
    const reborn = await swarm.node({}, 77)
    const again = swarm.join(reborn, [a])
    await swarm.until(() => again.ups.length === 1)
    await again.handle.broadcast(bytes('I am back'))
    await swarm.until(() => atA.texts.length === 1)
    await swarm.pass(40_000, 50)
    expect(atA.handle.neighbors).toEqual([b.id])
    await atA.handle.broadcast(bytes('good'))
    await swarm.until(() => again.texts.length === 1)
  })

  it('notices a silent death after the idle time-out', async () => {
    const swarm = new MemorySwarm(7)
    const [a, b, c] = await swarm.nodes(3)
    if (!a || !b || !c) throw new Error('three nodes')
    const [atA, atB, atC] = [swarm.join(a), swarm.join(b, [a]), swarm.join(c, [a])]
    await swarm.until(() => [atA, atB, atC].every((l) => l.ups.length === 2))
    swarm.network.kill(c.id)
    await swarm.pass(40_000, 20)
    expect([atA.handle.neighbors, atB.handle.neighbors]).toEqual([[b.id], [a.id]])
    await atA.handle.broadcast(bytes('still here'))
    await swarm.until(() => atB.texts.length === 1)
  })

  it('both dial at the same moment and lose nothing', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const swarm = new MemorySwarm(100 + seed, { link: { latencyMs: 5, jitterMs: 5 } })
      const [a, b] = await swarm.nodes(2)
      if (!a || !b) throw new Error('two nodes')
      swarm.introduce(a, b)
      swarm.introduce(b, a)
      const listeners = [
        new Listener(a.gossip.subscribe(TOPIC, { bootstrap: [b.id] })),
        new Listener(b.gossip.subscribe(TOPIC, { bootstrap: [a.id] })),
      ]
      await swarm.until(() => listeners.every((l) => l.ups.length === 1))
      for (const listener of listeners) await listener.handle.broadcast(bytes(`first of ${listener === listeners[0]}`))
      await swarm.until(() => listeners.every((l) => l.texts.length === 1))
      await swarm.pass(2_000, 50)
      expect(listeners.flatMap((l) => l.downs)).toEqual([])
    }
  })
})

describe('subscriptions', () => {
  it('share a topic, which is left with the last of them', async () => {
    const swarm = new MemorySwarm(8)
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const atA = swarm.join(a)
    const one = swarm.join(b, [a])
    await swarm.until(() => one.ups.length === 1)
    const two = swarm.join(b)
    await swarm.pass(5)
    expect(two.ups).toEqual([a.id])
    expect(b.gossip.stats()).toMatchObject({ topics: 1, subscriptions: 2 })
    await one.handle.close()
    await atA.handle.broadcast(bytes('for two'))
    await swarm.until(() => two.texts.length === 1)
    expect(one.texts).toEqual([])
    expect(atA.downs).toEqual([])
    await two.handle.close()
    await swarm.until(() => atA.downs.length === 1)
    expect(b.gossip.stats()).toMatchObject({ topics: 0, subscriptions: 0 })
  })

  it('refuse what is too large and what comes too late', async () => {
    const swarm = new MemorySwarm(9)
    const a = await swarm.node()
    const { handle } = swarm.join(a)
    expect(a.gossip.maxContentBytes).toBe(4057)
    for (const send of [handle.broadcast, handle.broadcastNeighbors]) {
      await expect(send.call(handle, new Uint8Array(4058))).rejects.toMatchObject({
        code: 'GOSSIP_TOO_LARGE',
        data: { size: 4058, max: 4057 },
      })
    }
    const waiting = handle.joined()
    await handle.close()
    await expect(waiting).rejects.toMatchObject({ code: 'GOSSIP_CLOSED' })
    await expect(handle.joined()).rejects.toMatchObject({ code: 'GOSSIP_CLOSED' })
    await expect(handle.broadcast(bytes('x'))).rejects.toMatchObject({ code: 'GOSSIP_CLOSED' })
    await expect(handle.join([])).rejects.toMatchObject({ code: 'GOSSIP_CLOSED' })
    await handle.close()
    await a.stop()
    expect(() => a.gossip.subscribe(TOPIC)).toThrow(expect.objectContaining({ code: 'GOSSIP_CLOSED' }))
  })

  it('a wait for the first neighbour can be given up', async () => {
    const swarm = new MemorySwarm(10)
    const { handle } = swarm.join(await swarm.node())
    const stop = new AbortController()
    const waiting = handle.joined(stop.signal)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(handle.joined(stop.signal)).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('carry every size up to the largest, to the byte', async () => {
    const swarm = new MemorySwarm(11, { fragment: true })
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const [atA, atB] = [swarm.join(a), swarm.join(b, [a])]
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1)
    const sizes = [0, 1, 127, 128, 4055, 4056, 4057]
    for (const size of sizes) await atA.handle.broadcast(new Uint8Array(size).fill(size))
    await swarm.until(() => received(atB).length === sizes.length)
    expect(received(atB).map((event) => event.content)).toEqual(sizes.map((size) => new Uint8Array(size).fill(size)))
  })

  it('do not see later changes of the caller’s buffer', async () => {
    const swarm = new MemorySwarm(12)
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const [atA, atB] = [swarm.join(a), swarm.join(b, [a])]
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1)
    const content = bytes('before')
    const sent = atA.handle.broadcast(content)
    content.fill(0)
    await sent
    await swarm.until(() => atB.texts.length === 1)
    expect(atB.texts).toEqual(['before'])
  })

  it('learn of direct copies of messages that others brought first', async () => {
    const swarm = new MemorySwarm(13)
    const [a, b, c] = await swarm.nodes(3)
    if (!a || !b || !c) throw new Error('three nodes')
    // Slow between author and reader, fast around: the copy of b comes first, that of the author later.
    swarm.network.setLink(a.id, c.id, { latencyMs: 50 })
    const listeners = [swarm.join(a), swarm.join(b, [a]), swarm.join(c, [a])]
    await swarm.until(() => listeners.every((l) => l.ups.length === 2))
    const atC = listeners[2] as Listener
    await listeners[0]?.handle.broadcast(bytes('who wrote this?'))
    await swarm.until(() => atC.seen.some((event) => event.type === 'directCopy'))
    const [message] = received(atC)
    expect(message).toMatchObject({ from: b.id, scope: { type: 'swarm', round: 1 } })
    expect(atC.seen.at(-1)).toEqual({ type: 'directCopy', id: message?.id, from: a.id })
  })
})

describe('many topics', () => {
  it('200 topics share one connection', async () => {
    const swarm = new MemorySwarm(14)
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const topics = Array.from({ length: 200 }, (_, i) => topicNumber(i))
    const atA = topics.map((topic) => swarm.join(a, [], topic))
    const atB = topics.map((topic) => swarm.join(b, [a], topic))
    await swarm.until(() => [...atA, ...atB].every((l) => l.ups.length === 1))
    await Promise.all(atB.map((l, i) => l.handle.broadcast(bytes(`topic ${i}`))))
    await swarm.until(() => atA.every((l) => l.texts.length === 1))
    expect(atA.map((l) => l.texts)).toEqual(topics.map((_, i) => [`topic ${i}`]))
    expect([a.gossip.stats().connections, b.gossip.stats().connections]).toEqual([1, 1])
    await atB[0]?.handle.close()
    await swarm.until(() => atA[0]?.downs.length === 1)
    await atA[1]?.handle.broadcast(bytes('the others go on'))
    await swarm.until(() => atB[1]?.texts.length === 1)
    expect(atA.slice(1).flatMap((l) => l.downs)).toEqual([])
  })
})

describe('options', () => {
  it('refuse a contradictory configuration', async () => {
    const swarm = new MemorySwarm(15)
    await expect(swarm.node({ config: { ...DEFAULT_CONFIG, maxMessageBytes: 100 } })).rejects.toMatchObject({
      code: 'GOSSIP_BAD_CONFIG',
    })
  })

  it('drop a peer nobody can reach', async () => {
    const swarm = new MemorySwarm(16)
    const a = await swarm.node()
    const listener = new Listener(a.gossip.subscribe(TOPIC, { bootstrap: [peerNumber(9999), a.id] }))
    await swarm.pass(40_000, 100)
    expect(listener.seen).toEqual([])
    expect(a.gossip.stats().actorTickDialerFailure).toBeGreaterThan(0)
    expect(a.gossip.stats().peers).toBeLessThanOrEqual(1)
  })
})
