import { describe, expect, it } from 'vitest'
import { type Listener, MemorySwarm } from './harness.ts'

const received = (listener: Listener) => listener.seen.flatMap((event) => (event.type === 'received' ? [event] : []))

describe('an author in a hurry', () => {
  const numbered = (n: number): Uint8Array => {
    const content = new Uint8Array(4_000)
    new DataView(content.buffer).setUint32(0, n)
    return content
  }
  const numbers = (listener: Listener): number[] =>
    received(listener).map(({ content }) => new DataView(content.buffer, content.byteOffset).getUint32(0))

  it('who waits for nothing is slowed down, loses nothing and keeps the order', async () => {
    const swarm = new MemorySwarm(17, { link: { latencyMs: 2 } })
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const [atA, atB] = [swarm.join(a), swarm.join(b, [a])]
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1)
    const count = 5_000
    const sending = Promise.all(Array.from({ length: count }, (_, n) => atA.handle.broadcast(numbered(n))))
    await swarm.until(() => numbers(atB).length + atB.seen.filter((e) => e.type === 'lagged').length >= count, 60_000)
    await sending
    expect(numbers(atB)).toEqual(Array.from({ length: count }, (_, n) => n))
    expect(a.gossip.stats()).toMatchObject({ framesDropped: 0, slowPeersCut: 0 })
  })

  it('is refused when ten thousand messages wait', async () => {
    const swarm = new MemorySwarm(18)
    const [a, b] = await swarm.nodes(2)
    if (!a || !b) throw new Error('two nodes')
    const [atA, atB] = [swarm.join(a), swarm.join(b, [a])]
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1)
    const results = Promise.allSettled(Array.from({ length: 10_300 }, (_, n) => atA.handle.broadcast(numbered(n))))
    await swarm.pass(2_000, 5)
    const refused = (await results).filter((r) => r.status === 'rejected')
    expect(refused.length).toBeGreaterThan(100)
    expect(refused.every((r) => r.reason.code === 'GOSSIP_BUSY')).toBe(true)
  })

  it('is slowed down by a slow neighbour of a neighbour, which gets everything too', async () => {
    const swarm = new MemorySwarm(19)
    const [a, b, c] = await swarm.nodes(3)
    if (!a || !b || !c) throw new Error('three nodes')
    const [atA, atB] = [swarm.join(a), swarm.join(b, [a])]
    await swarm.until(() => atA.ups.length === 1 && atB.ups.length === 1)
    swarm.network.setLink(b.id, c.id, { latencyMs: 300 })
    swarm.network.setLink(a.id, c.id, { latencyMs: 300 })
    const atC = swarm.join(c, [b])
    await swarm.until(() => atC.ups.length > 0, 10_000)
    const count = 2_000
    const sending = (async () => {
      for (let n = 0; n < count; n++) await atA.handle.broadcast(numbered(n))
    })()
    await swarm.until(() => numbers(atC).length === count && numbers(atB).length === count, 120_000, 10)
    await sending
    expect([a, b].map((node) => node.gossip.stats().slowPeersCut)).toEqual([0, 0])
  })
})
