import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import { type PeerId, peerIdOf } from '../../../src/core/ids.ts'
import { ROUTABLE } from '../../../src/core/net/addr-scope.ts'
import { AddressBook } from '../../../src/core/net/address-book.ts'
import type { AddressLookup } from '../../../src/core/net/dial-race.ts'
import { Dialer, type DialerInit, type DialerLimits } from '../../../src/core/net/dialer.ts'
import { MemoryNetwork } from '../../../src/core/net/memory-network.ts'
import type { MemoryTransport } from '../../../src/core/net/memory-transport.ts'
import type { Connection, PeerAddr } from '../../../src/core/net/transport.ts'
import { pass, settle } from './manual-time.ts'
import { ALPN, codeOf, isPending } from './support.ts'

const DEAD = '10.255.0.1:1'

function world(
  init: Partial<Pick<DialerInit, 'bareIds' | 'lookup'>> & { limits?: Partial<DialerLimits>; resolvesIds?: boolean } = {},
) {
  const clock = new ManualClock()
  const rng = seededRng(11)
  const network = new MemoryNetwork({ clock, rng, resolvesIds: init.resolvesIds ?? false })
  const bind = (): MemoryTransport => network.bind({ id: peerIdOf(rng.bytes(32)), alpns: [ALPN, 'other/1'] })
  const transport = bind()
  const book = new AddressBook(ROUTABLE)
  const made: Connection[] = []
  const dialer = new Dialer({ bareIds: false, ...init, transport, book, clock, onConnection: (c) => made.push(c) })
  /** A peer that accepts everything. */
  const server = (): { node: MemoryTransport; accepted: Connection[] } => {
    const node = bind()
    const accepted: Connection[] = []
    void (async () => {
      for (let next = await node.nextIncoming(); next !== null; next = await node.nextIncoming()) {
        await next.accept().then(
          (connection) => accepted.push(connection),
          () => {},
        ) // strangers come in too
      }
    })()
    return { node, accepted }
  }
  const learn = (addr: PeerAddr, source: Parameters<AddressBook['learn']>[1] = 'gossip') => book.learn(addr, source, clock.now())
  return { clock, network, bind, transport, book, dialer, made, server, learn }
}

describe('one dial per peer and protocol', () => {
  test('callers that ask at the same time share the connection', async () => {
    const { dialer, server, learn, made } = world()
    const { node, accepted } = server()
    learn(node.localAddr())
    const [one, two] = await Promise.all([dialer.dial(node.id, ALPN), dialer.dial(node.id, ALPN)])
    expect(one).toBe(two)
    expect(made).toEqual([one])
    await settle()
    expect(accepted.length).toBe(1)
    const again = await dialer.dial(node.id, ALPN)
    expect(again).not.toBe(one)
    expect(dialer.stats()).toMatchObject({ running: 0, started: 2, succeeded: 2, failed: 0 })
  })

  test('other protocols and other peers are dialed at the same time', async () => {
    const { dialer, server, learn } = world()
    const [a, b] = [server().node, server().node]
    learn(a.localAddr())
    learn(b.localAddr())
    const work = [dialer.dial(a.id, ALPN), dialer.dial(a.id, 'other/1'), dialer.dial(b.id, ALPN)]
    await settle()
    const all = await Promise.all(work)
    expect(new Set(all).size).toBe(3)
  })

  test('an exclusive caller gets a connection of its own, after the running dial', async () => {
    const { dialer, server, learn } = world()
    const { node, accepted } = server()
    learn(node.localAddr())
    const got = await Promise.all([
      dialer.dial(node.id, ALPN),
      dialer.dial(node.id, ALPN, { exclusive: true }),
      dialer.dial(node.id, ALPN, { exclusive: true }),
      dialer.dial(node.id, ALPN),
    ])
    expect(new Set(got).size).toBe(3) // the two ordinary callers share
    expect(got[0]).toBe(got[3])
    await settle()
    expect(accepted.length).toBe(3)
  })

  test('one caller giving up does not disturb the other; the last one leaving ends the dial', async () => {
    const { clock, dialer, bind, learn, made } = world()
    const slow = bind() // accepts nothing until asked below
    learn(slow.localAddr())
    const first = new AbortController()
    const one = codeOf(dialer.dial(slow.id, ALPN, { signal: first.signal }))
    const two = dialer.dial(slow.id, ALPN)
    await settle()
    first.abort()
    expect(await one).toBe('ABORTED')
    await (await slow.nextIncoming())?.accept()
    expect((await two).peer).toBe(slow.id)

    const last = new AbortController()
    const three = codeOf(dialer.dial(slow.id, ALPN, { signal: last.signal }))
    await settle()
    last.abort()
    expect(await three).toBe('ABORTED')
    const late = await (await slow.nextIncoming())?.accept().catch((error) => error.code)
    if (late !== 'NET_HANDSHAKE_FAILED') expect((await (late as Connection).closed).by).toBe('remote')
    await pass(clock, 10, 10)
    expect(dialer.stats().running).toBe(0)
    expect(made.length).toBe(1)
  })
})

describe('deadlines and failures', () => {
  test('the deadline is 10 s unless the caller says otherwise', async () => {
    const { clock, dialer, learn, bind } = world()
    const [a, b] = [bind().id, bind().id]
    learn({ id: a, direct: [DEAD] })
    learn({ id: b, direct: [DEAD] })
    const normal = codeOf(dialer.dial(a, ALPN))
    const short = codeOf(dialer.dial(b, ALPN, { deadlineMs: 500 }))
    await pass(clock, 500, 100)
    expect(await short).toBe('NET_TIMEOUT')
    await pass(clock, 9_400, 100)
    expect(await isPending(normal, settle)).toBe(true)
    await pass(clock, 100, 100)
    expect(await normal).toBe('NET_TIMEOUT')
  })

  test('failures keep their code', async () => {
    const { dialer, transport, server, learn, bind } = world()
    const { node } = server()
    const stranger = bind().id
    expect(await codeOf(dialer.dial(transport.id, ALPN))).toBe('NET_SELF')
    expect(await codeOf(dialer.dial(node.id, ALPN))).toBe('NET_NO_ADDRESS')
    learn(node.localAddr())
    expect(await codeOf(dialer.dial(node.id, 'unknown/1'))).toBe('NET_ALPN')
    learn({ id: stranger, direct: node.localAddr().direct })
    expect(await codeOf(dialer.dial(stranger, ALPN))).toBe('NET_WRONG_PEER')
    const stop = new AbortController()
    stop.abort()
    expect(await codeOf(dialer.dial(node.id, ALPN, { signal: stop.signal }))).toBe('ABORTED')
    expect(dialer.stats().failed).toBe(4)
  })

  test('a silent peer is not dialed again for a while, unless it shows life or someone brings an address', async () => {
    const { clock, dialer, learn, server } = world()
    const { node } = server()
    const silence = async (): Promise<void> => {
      const dial = codeOf(dialer.dial(node.id, ALPN))
      await pass(clock, 10_000, 1_000)
      expect(await dial).toBe('NET_TIMEOUT')
    }
    learn({ id: node.id, direct: [DEAD] })
    await silence()
    const refused = await dialer.dial(node.id, ALPN).catch((error) => error)
    expect(refused).toMatchObject({ code: 'NET_UNREACHABLE', retry: { afterMs: 30_000 } })
    await pass(clock, 30_000, 5_000)
    await silence()
    dialer.noteAlive(node.id)
    await silence()
    const heard = codeOf(dialer.dial(node.id, ALPN, { heard: true }))
    await pass(clock, 10_000, 1_000)
    expect(await heard).toBe('NET_TIMEOUT')
    expect((await dialer.dial(node.id, ALPN, { addr: node.localAddr() })).peer).toBe(node.id)
    expect(dialer.stats().suppressed).toBe(1)
  })

  test('a peer the user chose is tried again sooner, and a short deadline proves nothing', async () => {
    const { clock, dialer, learn, bind } = world()
    const chosen = bind().id
    learn({ id: chosen, direct: [DEAD] }, 'config')
    const short = codeOf(dialer.dial(chosen, ALPN, { deadlineMs: 400 }))
    await pass(clock, 400, 100)
    expect(await short).toBe('NET_TIMEOUT')
    const long = codeOf(dialer.dial(chosen, ALPN))
    await pass(clock, 10_000, 1_000)
    expect(await long).toBe('NET_TIMEOUT')
    expect(await dialer.dial(chosen, ALPN).catch((error) => error)).toMatchObject({ retry: { afterMs: 5_000 } })
  })

  test('dials are bounded in number and rate', async () => {
    const { clock, dialer, learn, bind, transport } = world({ limits: { maxDials: 3, dialsPerSecond: 1, unreachableMs: 0 } })
    const peers = Array.from({ length: 6 }, () => bind().id)
    for (const id of peers) learn({ id, direct: [DEAD] })
    const dials = peers.map((id) => codeOf(dialer.dial(id, ALPN, { deadlineMs: 2_000 })))
    await settle()
    expect(dialer.stats()).toMatchObject({ started: 3, running: 6 })
    await pass(clock, 2_000, 100)
    expect(await Promise.all(dials)).toEqual(Array(6).fill('NET_TIMEOUT'))
    await pass(clock, 5_000, 100)
    expect(dialer.stats()).toMatchObject({ started: 3, running: 0 }) // those nobody waits for any more never start
    await transport.close()
  })

  test('stop ends running dials and refuses new ones', async () => {
    const { dialer, learn, bind } = world()
    const peer = bind().id
    learn({ id: peer, direct: [DEAD] })
    const dials = [codeOf(dialer.dial(peer, ALPN)), codeOf(dialer.dial(peer, ALPN, { exclusive: true }))]
    await settle()
    dialer.stop()
    expect(await Promise.all(dials)).toEqual(['NET_CLOSED', 'NET_CLOSED'])
    expect(await codeOf(dialer.dial(peer, ALPN))).toBe('NET_CLOSED')
  })
})

describe('finding addresses', () => {
  const answering = (addr: () => PeerAddr | undefined): AddressLookup & { asked: PeerId[] } => {
    const asked: PeerId[] = []
    return {
      asked,
      resolve: async (peer) => {
        asked.push(peer)
        return addr()
      },
    }
  }

  test('bare ids are left to a transport that can resolve them, or that remembers the path', async () => {
    const withIds = world({ bareIds: true, resolvesIds: true })
    const one = withIds.server().node
    expect((await withIds.dialer.dial(one.id, ALPN)).peer).toBe(one.id)

    const without = world()
    const two = without.server().node
    await without.dialer.dial(two.id, ALPN, { addr: two.localAddr() })
    expect(without.book.size).toBe(0) // an address brought along is not remembered by the book
    expect((await without.dialer.dial(two.id, ALPN)).peer).toBe(two.id)
  })

  test('an unknown peer is looked up at once, and what was found goes into the book', async () => {
    let node: MemoryTransport
    const lookup = answering(() => node.localAddr())
    const w = world({ lookup })
    node = w.server().node
    expect((await w.dialer.dial(node.id, ALPN)).peer).toBe(node.id)
    expect(w.book.dialable(node.id, w.clock.now())?.direct).toEqual(node.localAddr().direct)
  })

  test('a known address gets a head start of 2 s before the lookup joins in', async () => {
    let node: MemoryTransport
    const lookup = answering(() => node.localAddr())
    const w = world({ lookup })
    node = w.server().node
    w.learn({ id: node.id, direct: [DEAD] })
    const dial = w.dialer.dial(node.id, ALPN)
    await pass(w.clock, 1_900, 100)
    expect(lookup.asked).toEqual([])
    await pass(w.clock, 200, 100)
    expect((await dial).peer).toBe(node.id)
    expect(lookup.asked).toEqual([node.id])
  })

  test('a known address that fails at once ends the head start', async () => {
    let node: MemoryTransport
    const lookup = answering(() => node.localAddr())
    const w = world({ lookup })
    node = w.server().node
    w.learn({ id: node.id, direct: w.server().node.localAddr().direct }) // somebody else answers there
    expect((await w.dialer.dial(node.id, ALPN)).peer).toBe(node.id)
  })

  test('a lookup that fails, finds nothing or never ends does not hide why the dial failed', async () => {
    const failing: AddressLookup[] = [
      { resolve: async () => undefined },
      { resolve: () => Promise.reject(new Error('no network')) },
      {
        resolve: () => {
          throw new Error('broken')
        },
      },
    ]
    for (const lookup of failing) {
      const w = world({ lookup })
      const wrong = w.server().node
      const id = w.bind().id
      w.learn({ id, direct: wrong.localAddr().direct })
      expect(await codeOf(w.dialer.dial(id, ALPN))).toBe('NET_WRONG_PEER')
    }
    const stuck = world({ lookup: { resolve: () => new Promise(() => {}) } })
    const dial = codeOf(stuck.dialer.dial(stuck.bind().id, ALPN))
    await pass(stuck.clock, 10_000, 1_000)
    expect(await dial).toBe('NET_TIMEOUT')
    expect(stuck.dialer.stats().running).toBe(0)
  })

  test('when both attempts succeed the later connection is closed', async () => {
    const w = world({ lookup: { resolve: async () => node.localAddr() } })
    const node = w.bind()
    w.learn(node.localAddr())
    const dial = w.dialer.dial(node.id, ALPN)
    await pass(w.clock, 2_100, 100)
    const accepts = [await node.nextIncoming(), await node.nextIncoming()].map((incoming) =>
      incoming?.accept().catch(() => undefined),
    )
    const winner = await dial
    const ends = await Promise.all(accepts)
    await settle()
    expect(winner.isClosed).toBe(false)
    expect(ends.filter((end) => end !== undefined && !end.isClosed).length).toBe(1)
    expect(w.network.connectionCount).toBe(1)
  })
})
