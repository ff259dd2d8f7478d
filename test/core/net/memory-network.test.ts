import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import { peerIdOf } from '../../../src/core/ids.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from '../../../src/core/net/memory-network.ts'
import type { Connection, Transport } from '../../../src/core/net/transport.ts'
import { pass, settle } from './manual-time.ts'
import { ALPN, acceptOne, codeOf, isPending, pattern, readAll } from './support.ts'

function world(options: Omit<MemoryNetworkOptions, 'clock' | 'rng'> = {}, seed = 1) {
  const clock = new ManualClock()
  const rng = seededRng(seed)
  const network = new MemoryNetwork({ clock, rng, ...options })
  const bind = () => network.bind({ id: peerIdOf(rng.bytes(32)), alpns: [ALPN] })
  const connect = async (a: Transport, b: Transport, ms = 0): Promise<[Connection, Connection]> => {
    const pair = Promise.all([a.connect(b.localAddr(), ALPN), acceptOne(b)])
    await pass(clock, ms)
    return pair
  }
  return { clock, network, bind, connect }
}

const byte = (n: number): Uint8Array => Uint8Array.of(n)

describe('time and links', () => {
  test('nothing arrives before the latency of the link has passed', async () => {
    const { clock, bind, connect } = world({ link: { latencyMs: 50 } })
    const [a, b] = [bind(), bind()]
    const [ca, cb] = await connect(a, b, 150)
    expect(ca.rttMs()).toBe(100)
    const send = await ca.openUni()
    await send.write(byte(1))
    const stream = cb.acceptUni()
    await pass(clock, 49)
    expect(await isPending(stream, settle)).toBe(true)
    await pass(clock, 1)
    expect(await (await stream).read(1)).toEqual(byte(1))
  })

  test('links can differ', async () => {
    const { clock, network, bind } = world({ link: { latencyMs: 1 } })
    const [near, far, hub] = [bind(), bind(), bind()]
    network.setLink(far.id, hub.id, { latencyMs: 500 })
    const order: string[] = []
    const dials = [far, near].map(async (node) => {
      await node.connect(hub.localAddr(), ALPN)
      order.push(node === far ? 'far' : 'near')
    })
    for (let i = 0; i < 2; i++) void acceptOne(hub)
    await pass(clock, 1100, 10)
    await Promise.all(dials)
    expect(order).toEqual(['near', 'far'])
  })

  test('bytes stay in order under jitter and fragmentation, and a seed repeats every step', async () => {
    const run = async (seed: number): Promise<string> => {
      const { clock, bind, connect } = world({ link: { latencyMs: 1, jitterMs: 20 }, fragment: true }, seed)
      const [ca, cb] = await connect(bind(), bind(), 100)
      const send = await ca.openUni()
      void send.write(pattern(20_000)).then(() => send.finish())
      const trace: string[] = []
      const got: Uint8Array[] = []
      const reader = (async () => {
        const recv = await cb.acceptUni()
        for (let part = await recv.read(4096); part !== null; part = await recv.read(4096)) {
          trace.push(`${clock.now()}:${part.length}`)
          got.push(part)
        }
      })()
      await pass(clock, 200)
      await reader
      expect(Buffer.concat(got).equals(Buffer.from(pattern(20_000)))).toBe(true)
      return trace.join(' ')
    }
    const first = await run(3)
    expect(await run(3)).toBe(first)
    expect(await run(4)).not.toBe(first)
  })
})

describe('failures', () => {
  test('a cut shorter than 30 s only delays', async () => {
    const { clock, network, bind, connect } = world()
    const [a, b] = [bind(), bind()]
    const [ca, cb] = await connect(a, b)
    const send = await ca.openUni()
    network.cut(a.id, b.id)
    await send.write(byte(1))
    await send.write(byte(2))
    await send.finish()
    const all = cb.acceptUni().then((recv) => readAll(recv))
    await pass(clock, 29_000, 1_000)
    expect(await isPending(all, settle)).toBe(true)
    network.heal()
    expect(await all).toEqual(Uint8Array.of(1, 2))
    await pass(clock, 60_000, 1_000)
    expect([ca.isClosed, cb.isClosed]).toEqual([false, false])
  })

  test('a longer cut loses the connection on both sides, and what was under way with it', async () => {
    const { clock, network, bind, connect } = world()
    const [a, b, c] = [bind(), bind(), bind()]
    const [ca, cb] = await connect(a, b)
    const [cac] = await connect(a, c)
    const send = await ca.openUni()
    network.partition([a.id, c.id], [b.id])
    await send.write(byte(1))
    await pass(clock, 31_000, 1_000)
    expect(await ca.closed).toMatchObject({ by: 'lost', reason: 'timed out' })
    expect(await cb.closed).toMatchObject({ by: 'lost' })
    network.heal()
    await settle()
    expect(await codeOf(cb.acceptUni())).toBe('NET_CLOSED')
    expect(cac.isClosed).toBe(false)
    expect(network.connectionCount).toBe(1)
  })

  test('a close during a cut arrives after it', async () => {
    const { clock, network, bind, connect } = world()
    const [a, b] = [bind(), bind()]
    const [ca, cb] = await connect(a, b)
    network.cut(a.id, b.id)
    ca.close(9n, 'gone')
    await pass(clock, 5_000, 1_000)
    expect(cb.isClosed).toBe(false)
    network.heal()
    expect(await cb.closed).toEqual({ by: 'remote', code: 9n, reason: 'gone' })
  })

  test('a killed peer is noticed after 30 s, its address is free at once, and it may come back', async () => {
    const { clock, network, bind, connect } = world()
    const [a, b] = [bind(), bind()]
    const [ca] = await connect(a, b)
    const other = a.connect(b.localAddr(), ALPN).catch((error) => error.code)
    network.kill(b.id)
    await pass(clock, 29_000, 1_000)
    expect(ca.isClosed).toBe(false)
    network.heal()
    await pass(clock, 1_000, 1_000)
    expect(await ca.closed).toMatchObject({ by: 'lost', reason: 'timed out' })
    expect(await other).toBe('NET_TIMEOUT')
    expect(await b.nextIncoming()).toBeNull()
    const again = network.bind({ id: b.id, alpns: [ALPN], addrs: b.localAddr().direct })
    const [back] = await connect(a, again)
    expect(back.peer).toBe(b.id)
  })

  test('lost connections end both sides at once and leave others alone', async () => {
    const { network, bind, connect } = world()
    const [a, b, c] = [bind(), bind(), bind()]
    const [ca, cb] = await connect(a, b)
    const [cc] = await connect(c, b)
    network.loseConnections(a.id, b.id)
    expect([(await ca.closed).by, (await cb.closed).by, cc.isClosed]).toEqual(['lost', 'lost', false])
  })

  test('a close discards what is still under way', async () => {
    const { clock, bind, connect } = world({ link: { latencyMs: 10 } })
    const [ca, cb] = await connect(bind(), bind(), 40)
    const send = await ca.openUni()
    await send.write(byte(1))
    await send.finish()
    ca.close(0n, '')
    await pass(clock, 30)
    expect((await cb.closed).by).toBe('remote')
    expect(await codeOf(cb.acceptUni())).toBe('NET_CLOSED')
  })
})

describe('addresses', () => {
  test('an attempt nobody takes fails after 30 s on both sides', async () => {
    const { clock, bind } = world()
    const [a, b] = [bind(), bind()]
    const dial = codeOf(a.connect(b.localAddr(), ALPN))
    await pass(clock, 30_000, 1_000)
    expect(await dial).toBe('NET_TIMEOUT')
    expect(await codeOf(acceptOne(b))).toBe('NET_HANDSHAKE_FAILED')
  })

  test('a late accept still works', async () => {
    const { clock, bind } = world()
    const [a, b] = [bind(), bind()]
    const dial = a.connect(b.localAddr(), ALPN)
    await pass(clock, 3_000, 1_000)
    await acceptOne(b)
    expect((await dial).peer).toBe(b.id)
  })

  test('the path to a peer is remembered for a minute after its last connection', async () => {
    const { clock, bind, connect } = world()
    const [a, b] = [bind(), bind()]
    const [first] = await connect(a, b)
    const [second] = await connect(b, a)
    first.close(0n, '')
    await pass(clock, 100_000, 10_000)
    expect(await a.knownAddr(b.id)).toBeDefined()
    second.close(0n, '')
    await pass(clock, 55_000, 5_000)
    expect(await a.knownAddr(b.id)).toEqual(b.localAddr())
    await pass(clock, 10_000, 5_000)
    expect(await a.knownAddr(b.id)).toBeUndefined()
    expect(await codeOf(a.connect({ id: b.id, direct: [] }, ALPN))).toBe('NET_NO_ADDRESS')
  })

  test('bare ids and relays can be resolved where the network says so', async () => {
    const { network, bind } = world({ resolvesIds: true })
    const a = bind()
    const b = network.bind({ id: peerIdOf(new Uint8Array(32).fill(5)), alpns: [ALPN], relayUrl: 'https://relay.example/' })
    const byId = Promise.all([a.connect({ id: b.id, direct: [] }, ALPN), acceptOne(b)])
    expect((await byId)[0].peer).toBe(b.id)
    const plain = world().network
    const c = plain.bind({ id: a.id, alpns: [ALPN] })
    const d = plain.bind({ id: b.id, alpns: [ALPN], relayUrl: 'https://relay.example/' })
    const byRelay = Promise.all([c.connect({ id: d.id, direct: [], relayUrl: 'https://relay.example/' }, ALPN), acceptOne(d)])
    expect((await byRelay)[0].peer).toBe(d.id)
  })

  test('a moved endpoint answers at its new address and keeps its connections', async () => {
    const { bind, connect } = world()
    const [a, b, c] = [bind(), bind(), bind()]
    const [ca] = await connect(a, b)
    b.moveTo(['10.9.9.9:1'])
    expect(b.localAddr().direct).toEqual(['10.9.9.9:1'])
    expect(ca.isClosed).toBe(false)
    const [cc] = await connect(c, b)
    expect(cc.peer).toBe(b.id)
  })

  test('an id or an address is bound once', () => {
    const { network, bind } = world()
    const a = bind()
    expect(() => network.bind({ id: a.id })).toThrow(expect.objectContaining({ code: 'NET_BIND_FAILED' }))
    const id = peerIdOf(new Uint8Array(32))
    expect(() => network.bind({ id, addrs: a.localAddr().direct })).toThrow(expect.objectContaining({ code: 'NET_BIND_FAILED' }))
  })
})
