import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import { peerIdOf } from '../../../src/core/ids.ts'
import { K2Endpoint, type K2EndpointOptions } from '../../../src/core/net/endpoint.ts'
import { MemoryNetwork } from '../../../src/core/net/memory-network.ts'
import type { Connection } from '../../../src/core/net/transport.ts'
import { pass, settle } from './manual-time.ts'
import { ALPN, codeOf, isPending } from './support.ts'

function world() {
  const clock = new ManualClock()
  const rng = seededRng(21)
  const network = new MemoryNetwork({ clock, rng })
  const open = async (options: Partial<K2EndpointOptions> = {}) => {
    const transport = network.bind({ id: peerIdOf(rng.bytes(32)) })
    const endpoint = new K2Endpoint({ ...options, transport, clock })
    await endpoint.start()
    return { endpoint, transport }
  }
  return { clock, network, open }
}

describe('K2Endpoint', () => {
  test('two endpoints meet, and the one that was dialed can dial back', async () => {
    const { open } = world()
    const [{ endpoint: a }, { endpoint: b }] = [await open(), await open()]
    const met: Connection[] = []
    for (const endpoint of [a, b]) endpoint.handle(ALPN, (connection) => void met.push(connection))
    a.learn(b.addr(), 'config')
    const there = await a.dial(b.id, ALPN)
    await settle()
    expect([there.peer, met[0]?.peer]).toEqual([b.id, a.id])
    expect(b.book.dialable(a.id, 0)?.direct).toEqual(a.addr().direct) // seen on the incoming connection
    expect((await b.dial(a.id, ALPN)).peer).toBe(a.id)
    expect(a.connections().length).toBe(2)
    expect(a.stats()).toMatchObject({ connections: 2, dialer: { succeeded: 1 }, router: { accepted: 1 } })
    await Promise.all([a.stop(), b.stop()])
    expect(a.stats().connections).toBe(0)
  })

  test('stream limits of a protocol hold on dialed and accepted connections', async () => {
    const { open } = world()
    const [{ endpoint: a }, { endpoint: b }] = [await open(), await open()]
    const accepted: Connection[] = []
    for (const endpoint of [a, b]) {
      endpoint.handle(ALPN, (connection) => void accepted.push(connection), { maxStreams: { uni: 120 } })
      endpoint.handle('plain/1', (connection) => void accepted.push(connection))
    }
    a.learn(b.addr(), 'config')
    for (const [alpn, room] of [
      [ALPN, 120],
      ['plain/1', 100],
    ] as const) {
      const dialed = await a.dial(b.id, alpn)
      await settle()
      for (const end of [dialed, accepted.pop() as Connection]) {
        for (let i = 0; i < room; i++) await end.openUni()
        expect(
          await isPending(
            end.openUni().catch(() => {}),
            settle,
          ),
        ).toBe(true)
      }
    }
    await Promise.all([a.stop(), b.stop()])
  })

  test('own address changes are told, and only the shareable part is offered to others', async () => {
    const { clock, open } = world()
    const { endpoint, transport } = await open()
    const heard: string[][] = []
    const off = endpoint.onAddrChange((addr) => heard.push([...addr.direct]))
    transport.moveTo(['127.0.0.1:9', '192.168.7.7:9'])
    await pass(clock, 1_000, 1_000)
    expect(heard).toEqual([['127.0.0.1:9', '192.168.7.7:9']])
    expect(endpoint.shareableAddr().direct).toEqual(['192.168.7.7:9'])
    off()
    transport.moveTo([])
    await pass(clock, 1_000, 1_000)
    expect(heard.length).toBe(1)
    expect(endpoint.health()).toMatchObject({ status: 'degraded' })
    await endpoint.stop()
    expect(endpoint.health()).toMatchObject({ status: 'failed' })
  })

  test('waiting for a relay ends with its arrival, in time, or with the signal', async () => {
    const { clock, open } = world()
    const { endpoint, transport } = await open()
    const soon = endpoint.waitForRelay()
    await pass(clock, 3_000, 1_000)
    transport.moveTo(['10.0.0.1:1'], 'https://relay.example/')
    await pass(clock, 1_000, 1_000)
    expect([await soon, await endpoint.waitForRelay()]).toEqual([true, true])
    transport.moveTo(['10.0.0.1:1'])
    await pass(clock, 1_000, 1_000)
    const never = endpoint.waitForRelay()
    const stop = new AbortController()
    const stopped = codeOf(endpoint.waitForRelay({ signal: stop.signal }))
    stop.abort()
    await pass(clock, 10_000, 1_000)
    expect([await never, await stopped]).toEqual([false, 'ABORTED'])
    await endpoint.stop()
  })

  test('an endpoint with relays of its own is degraded until one has answered', async () => {
    const { clock, open } = world()
    const { endpoint, transport } = await open({ relays: ['https://relay.example/'] })
    expect(endpoint.health()).toEqual({ status: 'degraded', reason: expect.stringContaining('node.relays') })
    transport.moveTo(['10.0.0.1:1'], 'https://relay.example/')
    await pass(clock, 1_000, 1_000)
    expect(endpoint.health()).toEqual({ status: 'ok' })
    await endpoint.stop()
  })

  test('a new address lifts the pause of a silent peer, and its own address is no news', async () => {
    const { clock, open } = world()
    const [{ endpoint: a }, { endpoint: b }] = [await open(), await open()]
    b.handle(ALPN, () => {})
    a.learn({ id: b.id, direct: ['10.255.0.1:1'] }, 'gossip')
    const silent = codeOf(a.dial(b.id, ALPN))
    await pass(clock, 10_000, 1_000)
    expect(await silent).toBe('NET_TIMEOUT')
    expect(await codeOf(a.dial(b.id, ALPN))).toBe('NET_UNREACHABLE')
    a.learn(b.addr(), 'gossip')
    expect((await a.dial(b.id, ALPN)).peer).toBe(b.id)
    const before = a.book.size
    a.learn({ id: a.id, direct: ['9.9.9.9:9'] }, 'gossip')
    expect(a.book.size).toBe(before)
    await pass(clock, 330_000, 30_000)
    expect(a.book.size).toBe(0) // swept
    await Promise.all([a.stop(), b.stop()])
  })

  test('drain stops newcomers both ways and leaves open connections; stop closes them with code 0', async () => {
    const { open } = world()
    const [{ endpoint: a }, { endpoint: b }] = [await open(), await open()]
    let served: Connection | undefined
    b.handle(ALPN, async (connection) => {
      served = connection
      await connection.closed
    })
    a.learn(b.addr(), 'config')
    const connection = await a.dial(b.id, ALPN)
    await settle()
    await b.drain()
    expect(await codeOf(a.dial(b.id, ALPN))).toBe('NET_REFUSED')
    expect(await codeOf(b.dial(a.id, ALPN))).toBe('NET_CLOSED')
    expect([connection.isClosed, served?.isClosed]).toEqual([false, false])
    await Promise.all([b.stop(), b.stop()])
    expect(await connection.closed).toEqual({ by: 'remote', code: 0n, reason: 'shutting down' })
    await a.stop()
  })

  test('a handler that never returns does not hold up the end', async () => {
    const { clock, open } = world()
    const [{ endpoint: a }, { endpoint: b }] = [await open(), await open()]
    b.handle(ALPN, () => new Promise(() => {}))
    a.learn(b.addr(), 'config')
    await a.dial(b.id, ALPN)
    await settle()
    const stopped = b.stop()
    await pass(clock, 4_000, 1_000)
    await stopped
    await a.stop()
  })
})
