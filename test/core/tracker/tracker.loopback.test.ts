import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { hashOf, type PeerId } from '../../../src/core/ids.ts'
import { createVerifier } from '../../../src/core/keys/ed25519.ts'
import { newIdentity } from '../../../src/core/keys/identity.ts'
import { K2Endpoint, type MemoryNetwork, openEndpoint, type PeerAddr } from '../../../src/core/net/index.ts'
import {
  type Content,
  signAnnounce,
  TRACKER_ALPN,
  TrackerClient,
  TrackerServer,
  TrackerStore,
} from '../../../src/core/tracker/index.ts'
import { encodeTrackerRequest } from '../../../src/core/tracker/messages.ts'
import { memoryNetwork, startTestNode } from '../../support/k2-nodes.ts'
import { codeOf, readAll } from '../net/support.ts'

const content: Content = { hash: hashOf(new Uint8Array(32).fill(7)), format: 'raw' }
const query = { content, complete: false, verified: false }

function trackerOn(
  endpoint: K2Endpoint,
  seen?: (peer: PeerId) => PeerAddr | undefined,
): { server: TrackerServer; store: TrackerStore } {
  const store = new TrackerStore({ verify: createVerifier(), rng: cryptoRng })
  const server = new TrackerServer({ store, log: nullLogger, clock: systemClock, ...(seen !== undefined && { seen }) })
  endpoint.handle(TRACKER_ALPN, (connection) => server.serve(connection))
  return { server, store }
}

describe('over QUIC on loopback', () => {
  const identity = newIdentity(cryptoRng)
  let tracker: K2Endpoint
  let peer: K2Endpoint
  let client: TrackerClient
  let rig: ReturnType<typeof trackerOn>

  beforeAll(async () => {
    tracker = await openEndpoint({ secretKey: newIdentity(cryptoRng).seed(), mode: 'loopback' })
    peer = await openEndpoint({ secretKey: identity.seed(), mode: 'loopback' })
    rig = trackerOn(tracker)
    await tracker.start()
    await peer.start()
    peer.learn(tracker.addr(), 'config')
    client = new TrackerClient(peer)
  })
  afterAll(async () => {
    await peer.stop()
    await tracker.stop()
  })

  test('what is announced is found, also when somebody else brings it', async () => {
    expect(await client.query(tracker.id, query)).toEqual({ rows: [], seen: [] })
    const own = signAnnounce(identity, { content, kind: 'complete', timestamp: BigInt(Date.now()) * 1000n })
    const friend = signAnnounce(newIdentity(cryptoRng), { content, kind: 'partial', timestamp: BigInt(Date.now()) * 1000n })
    await client.announce(tracker.id, own)
    await client.announce(tracker.id, friend)
    const { rows } = await client.query(tracker.id, query)
    expect(rows).toEqual(expect.arrayContaining([own, friend]))
    expect((await client.query(tracker.id, { ...query, complete: true })).rows).toEqual([own])
    expect((await client.query(tracker.id, { ...query, verified: true })).rows).toEqual([])
  })

  test('a forged, a future and an unreadable request are refused, and no more than that', async () => {
    const stamp = BigInt(Date.now()) * 1000n
    const own = signAnnounce(identity, { content, kind: 'complete', timestamp: stamp })
    const { size } = rig.store
    const refused = rig.server.stats().refused
    expect(await codeOf(client.announce(tracker.id, { ...own, host: newIdentity(cryptoRng).id }))).toMatch(/^NET_/)
    const ahead = signAnnounce(identity, { content, kind: 'complete', timestamp: stamp + 3_600_000_000n })
    expect(await codeOf(client.announce(tracker.id, ahead))).toMatch(/^NET_/)
    const ask = async (bytes: Uint8Array): Promise<Uint8Array> => {
      const connection = await peer.dial(tracker.id, TRACKER_ALPN, { exclusive: true })
      try {
        const stream = await connection.openBi()
        await stream.send.write(bytes)
        await stream.send.finish()
        return await readAll(stream.recv)
      } finally {
        connection.close(0n, '')
      }
    }
    for (const bytes of [Uint8Array.of(9), new Uint8Array(16_385)]) expect(await codeOf(ask(bytes))).toMatch(/^NET_/)
    expect(await ask(encodeTrackerRequest({ type: 'query', query }))).toHaveLength(2 + 138 * 2)
    expect(rig.store.size).toBe(size)
    await expect.poll(() => rig.server.stats().refused - refused).toBe(4)
  })

  test('more hosts than fit an answer of Rust trackers', async () => {
    const crowd: Content = { ...content, hash: hashOf(new Uint8Array(32).fill(8)) }
    for (let i = 0; i < 130; i++) {
      const row = signAnnounce(newIdentity(cryptoRng), {
        content: crowd,
        kind: 'complete',
        timestamp: BigInt(Date.now()) * 1000n,
      })
      rig.store.announce(row, Date.now())
    }
    expect((await client.query(tracker.id, { ...query, content: crowd })).rows).toHaveLength(118)
  })
})

test('a tracker tells where it saw hosts, and private addresses to those in the same network only', async () => {
  const network = memoryNetwork()
  const open = async (): Promise<K2Endpoint> => {
    const endpoint = new K2Endpoint({ transport: network.bind({ id: newIdentity(cryptoRng).id }), bareIds: true })
    await endpoint.start()
    return endpoint
  }
  const [tracker, inside, outside] = await Promise.all([open(), open(), open()])
  const host = newIdentity(cryptoRng)
  const places = new Map<PeerId, readonly string[]>([
    [host.id, ['10.0.0.9:1', '5.5.5.5:1', '127.0.0.1:1']],
    [inside.id, ['192.168.1.1:1']],
    [outside.id, ['6.6.6.6:1']],
  ])
  const { store } = trackerOn(tracker, (id) => ({ id, direct: places.get(id) ?? [] }))
  store.announce(signAnnounce(host, { content, kind: 'complete', timestamp: BigInt(Date.now()) * 1000n }), Date.now())
  const ask = async (endpoint: K2Endpoint) => (await new TrackerClient(endpoint).query(tracker.id, query)).seen
  expect(await ask(inside)).toEqual([{ id: host.id, relays: [], direct: ['5.5.5.5:1', '10.0.0.9:1'] }])
  expect(await ask(outside)).toEqual([{ id: host.id, relays: [], direct: ['5.5.5.5:1'] }])
  await Promise.all([inside.stop(), outside.stop(), tracker.stop()])
})

test('one peer that asks without end is refused after a hundred questions; others are answered', async () => {
  const network = memoryNetwork()
  const open = async (): Promise<K2Endpoint> => {
    const endpoint = new K2Endpoint({
      transport: network.bind({ id: newIdentity(cryptoRng).id }),
      bareIds: true,
      dialer: { dialsPerSecond: 10_000 },
    })
    await endpoint.start()
    return endpoint
  }
  const [tracker, greedy, modest] = await Promise.all([open(), open(), open()])
  const store = new TrackerStore({ verify: createVerifier(), rng: cryptoRng })
  const stopped = { ...systemClock, now: () => 1_750_000_000_000 }
  const server = new TrackerServer({ store, log: nullLogger, clock: stopped })
  tracker.handle(TRACKER_ALPN, (connection) => server.serve(connection))
  const client = new TrackerClient(greedy)
  for (let i = 0; i < 100; i++) expect((await client.query(tracker.id, query)).rows).toEqual([])
  expect(await codeOf(client.query(tracker.id, query))).toMatch(/^NET_/)
  expect((await new TrackerClient(modest).query(tracker.id, query)).rows).toEqual([])
  expect(server.stats()).toMatchObject({ queries: 101, refused: 1 })
  await Promise.all([greedy.stop(), modest.stop(), tracker.stop()])
})

describe('nodes', () => {
  test('that know nothing but a tracker meet on a topic; direct topics are not told to it', async () => {
    const network: MemoryNetwork = memoryNetwork()
    const endpoint = new K2Endpoint({ transport: network.bind({ id: newIdentity(cryptoRng).id }), bareIds: true })
    const { server, store } = trackerOn(endpoint)
    await endpoint.start()
    const discovery = { trackers: [endpoint.id] }
    const contact = newIdentity(cryptoRng).id
    await using a = await startTestNode({ network, topics: ['Goods'], discovery, contacts: [{ id: contact }] })
    await expect.poll(() => store.size, { timeout: 30_000 }).toBe(1)
    await using b = await startTestNode({ network, topics: ['Goods'], discovery })
    await Promise.all([a.neighbor('Goods', b.id), b.neighbor('Goods', a.id)])
    await b.node.sendText('Goods', { text: 'found you', key: 'k' })
    await a.chat('found you')
    await expect.poll(() => store.size, { timeout: 30_000 }).toBe(2)
    expect(store.contents).toBe(1)
    expect(b.node.stats().trackers).toMatchObject([{ tracker: endpoint.id, failures: 0 }])
    expect(server.stats()).toMatchObject({ refused: 0 })
    await endpoint.stop()
  })

  test('start and talk as ever when the tracker does not exist', async () => {
    const network = memoryNetwork()
    const discovery = { trackers: [newIdentity(cryptoRng).id] }
    await using a = await startTestNode({ network, topics: ['Goods'], discovery })
    await using b = await startTestNode({ network, topics: ['Goods'], discovery, peers: [a.ticket] })
    await Promise.all([a.neighbor('Goods', b.id), b.neighbor('Goods', a.id)])
    await expect.poll(() => a.node.stats().trackers[0]?.failures, { timeout: 30_000 }).toBeGreaterThan(0)
    expect(a.node.health()).toEqual({ status: 'ok' })
  })
})
