import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { seededRng } from '../../../src/base/random.ts'
import { peerIdOf } from '../../../src/core/ids.ts'
import { AlpnRouter, type RouterLimits } from '../../../src/core/net/alpn-router.ts'
import { MemoryNetwork } from '../../../src/core/net/memory-network.ts'
import type { Connection, Incoming, Transport } from '../../../src/core/net/transport.ts'
import { pass, settle } from './manual-time.ts'
import { ALPN, codeOf } from './support.ts'

const routers: { router: AlpnRouter; node: Transport }[] = []

function world(limits: Partial<RouterLimits> = {}) {
  const clock = new ManualClock()
  const rng = seededRng(5)
  const network = new MemoryNetwork({ clock, rng })
  const bind = (alpns: string[] = []) => network.bind({ id: peerIdOf(rng.bytes(32)), alpns })
  const node = bind()
  const router = new AlpnRouter({ transport: node, clock, log: nullLogger, limits })
  routers.push({ router, node })
  const dial = (alpn = ALPN, from = bind()) => from.connect(node.localAddr(), alpn)
  return { clock, network, bind, node, router, dial }
}

afterEach(async () => {
  for (const { router, node } of routers.splice(0)) {
    await node.close()
    await router.stop()
    await router.ended()
  }
})

describe('AlpnRouter', () => {
  test('hands connections to the handler of their protocol', async () => {
    const { router, dial } = world()
    const seen: string[] = []
    router.handle('a/1', (connection) => void seen.push(connection.alpn))
    await router.start()
    router.handle('b/1', async (connection) => void seen.push(connection.alpn))
    await dial('b/1')
    await dial('a/1')
    await settle()
    expect(seen).toEqual(['b/1', 'a/1'])
    expect(router.stats()).toMatchObject({ accepted: 2, connections: 2, handshakes: 0 })
  })

  test('a protocol can be taken back; its connections stay', async () => {
    const { router, dial } = world()
    const remove = router.handle(ALPN, () => {})
    await router.start()
    const connection = await dial()
    remove()
    expect(await codeOf(dial())).toBe('NET_ALPN')
    expect(connection.isClosed).toBe(false)
    router.handle(ALPN, () => {})
    remove() // an old handle does not take the new handler away
    expect((await dial()).alpn).toBe(ALPN)
  })

  test('strangers with wrong protocols or no patience neither end nor delay it', async () => {
    const { router, dial, clock, bind, node } = world()
    router.handle(ALPN, () => {})
    await router.start()
    const wrong = await Promise.all(Array.from({ length: 50 }, () => codeOf(dial('nonsense/1'))))
    expect(new Set(wrong)).toEqual(new Set(['NET_ALPN']))
    const impatient = Array.from({ length: 20 }, () => {
      const stop = new AbortController()
      const work = codeOf(bind().connect(node.localAddr(), ALPN, { signal: stop.signal }))
      stop.abort()
      return work
    })
    await Promise.all(impatient)
    expect((await dial()).alpn).toBe(ALPN)
    await pass(clock, 30_000, 1_000)
    expect(router.stats()).toMatchObject({ handshakes: 0, connections: 1 })
    expect(router.stats().failedHandshakes).toBeGreaterThanOrEqual(50)
  })

  test('a handler that throws or rejects costs its connection only', async () => {
    const { router, dial } = world()
    router.handle('sync/1', () => {
      throw new Error('broken')
    })
    router.handle('async/1', () => Promise.reject(new Error('broken too')))
    router.handle(ALPN, () => {})
    await router.start()
    for (const alpn of ['sync/1', 'async/1']) expect(await (await dial(alpn)).closed).toMatchObject({ by: 'remote', code: 1n })
    const good = await dial()
    await settle()
    expect(good.isClosed).toBe(false)
    expect(router.stats()).toMatchObject({ failedHandlers: 2, connections: 1 })
  })

  test('a full house refuses newcomers until someone leaves', async () => {
    const { router, dial } = world({ maxConnections: 3 })
    router.handle(ALPN, () => {})
    await router.start()
    const guests = [await dial(), await dial(), await dial()]
    await settle()
    expect(await codeOf(dial())).toBe('NET_REFUSED')
    guests[1]?.close(0n, '')
    await settle()
    await dial()
    await settle()
    expect(router.stats()).toMatchObject({ connections: 3, refused: 1 })
  })

  test('one peer cannot take all places', async () => {
    const { router, dial, bind } = world({ maxPerPeer: 2 })
    router.handle(ALPN, () => {})
    await router.start()
    const greedy = bind()
    const kept = [await dial(ALPN, greedy), await dial(ALPN, greedy)]
    expect(await (await dial(ALPN, greedy)).closed).toMatchObject({ by: 'remote', code: 2n, reason: 'too many connections' })
    await dial(ALPN)
    await settle()
    expect(router.stats()).toMatchObject({ overPeerLimit: 1, connections: 3 })
    kept[0]?.close(0n, '')
    await settle()
    expect((await dial(ALPN, greedy)).isClosed).toBe(false)
  })

  test('handshakes are bounded in number and time', async () => {
    const clock = new ManualClock()
    let give: ((incoming: Incoming | null) => void) | undefined
    let refused = 0
    const asked: number[] = []
    const stuck: Incoming = {
      accept: (options) => {
        const ms = options?.deadlineMs ?? 0
        asked.push(ms)
        return new Promise<Connection>((_, reject) => clock.after(ms, () => reject(new Error('too slow'))))
      },
      refuse: async () => {
        refused++
      },
    }
    const transport = {
      setAlpns: () => {},
      nextIncoming: () => new Promise<Incoming | null>((resolve) => (give = resolve)),
    } as unknown as Transport
    const router = new AlpnRouter({ transport, clock, log: nullLogger, limits: { maxHandshakes: 2, handshakeMs: 700 } })
    await router.start()
    for (let i = 0; i < 5; i++) {
      give?.(stuck)
      await settle()
    }
    expect([asked, refused, router.stats().handshakes]).toEqual([[700, 700], 3, 2])
    await pass(clock, 700, 100)
    expect(router.stats()).toMatchObject({ handshakes: 0, failedHandshakes: 2, refused: 3 })
    give?.(null)
    await router.ended()
  })

  test('an accept call that fails is tried again', async () => {
    const { node, clock, bind } = world()
    let failures = 2
    const flaky = Object.create(node) as Transport
    flaky.setAlpns = (alpns) => node.setAlpns(alpns)
    flaky.nextIncoming = () => (failures-- > 0 ? Promise.reject(new Error('odd')) : node.nextIncoming())
    const router = new AlpnRouter({ transport: flaky, clock, log: nullLogger })
    router.handle(ALPN, () => {})
    await router.start()
    await pass(clock, 300, 100)
    expect((await bind().connect(node.localAddr(), ALPN)).alpn).toBe(ALPN)
    await node.close()
    await router.ended()
  })

  test('draining refuses newcomers and keeps connections; stopping closes them', async () => {
    const { router, dial } = world()
    router.handle(ALPN, () => {})
    await router.start()
    const guest = await dial()
    await settle()
    await router.drain()
    expect(await codeOf(dial())).toBe('NET_REFUSED')
    expect(guest.isClosed).toBe(false)
    await router.stop()
    expect(await guest.closed).toMatchObject({ by: 'remote', code: 0n })
  })
})
