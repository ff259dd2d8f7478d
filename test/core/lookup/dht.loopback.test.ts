import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { idBytes } from '../../../src/core/ids.ts'
import { createVerifier } from '../../../src/core/keys/ed25519.ts'
import { type Identity, newIdentity } from '../../../src/core/keys/identity.ts'
import { DhtClient, dhtTarget } from '../../../src/core/lookup/dht-client.ts'
import type { DhtItem } from '../../../src/core/lookup/dht-messages.ts'
import { DhtRecords } from '../../../src/core/lookup/dht-records.ts'
import { signRecord } from '../../../src/core/lookup/signed-record.ts'
import { UdpSocket } from '../../../src/core/lookup/udp-socket.ts'
import { LOOPBACK_ONLY } from '../../../src/core/net/index.ts'
import { DhtNode } from '../../support/dht-node.ts'
import { startTestNode } from '../../support/k2-nodes.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function dht(count: number): Promise<DhtNode[]> {
  const nodes = await DhtNode.network(count)
  ends.push(async () => void (await Promise.all(nodes.map((node) => node.close()))))
  return nodes
}

async function clientOf(nodes: readonly DhtNode[]): Promise<DhtClient> {
  const port = await UdpSocket.open('127.0.0.1', nullLogger)
  const bootstrap = [(nodes[0] as DhtNode).addr]
  return new DhtClient({ port, clock: systemClock, rng: cryptoRng, bootstrap, scopes: LOOPBACK_ONLY })
}

async function recordsOf(nodes: readonly DhtNode[], identity: Identity, direct: readonly string[]) {
  const own = { direct: [...direct] }
  const records = new DhtRecords({
    client: await clientOf(nodes),
    identity,
    verify: createVerifier(),
    clock: systemClock,
    rng: cryptoRng,
    log: nullLogger,
    own: () => ({ id: identity.id, direct: own.direct }),
    scopes: LOOPBACK_ONLY,
  })
  ends.push(() => records.stop())
  return { records, own }
}

const holders = (nodes: readonly DhtNode[], identity: Identity): number =>
  nodes.filter((node) => node.items.has(Buffer.from(dhtTarget(idBytes(identity.id))).toString('hex'))).length
const never = new AbortController().signal

describe('a DHT on loopback', () => {
  test('a record is kept by the nearest nodes, found by its id, and replaced when the address changes', async () => {
    const nodes = await dht(20)
    const [identity, me] = [newIdentity(cryptoRng), newIdentity(cryptoRng)]
    const { records, own } = await recordsOf(nodes, identity, ['127.0.0.1:1', '10.0.0.1:1', '5.5.5.5:1'])
    const { records: reader } = await recordsOf(nodes, me, [])
    expect(await reader.resolve(identity.id, { signal: never })).toBeUndefined()
    records.start()
    await expect.poll(() => records.stats().published, { timeout: 30_000 }).toBe(1)
    expect(holders(nodes, identity)).toBe(8)
    // Only what the network of this DHT may know.
    expect(await reader.resolve(identity.id, { signal: never })).toEqual({ id: identity.id, direct: ['127.0.0.1:1'] })
    own.direct = ['127.0.0.1:2']
    records.addrChanged()
    await expect.poll(() => records.stats().published, { timeout: 30_000 }).toBe(2)
    expect((await reader.resolve(identity.id, { signal: never }))?.direct).toEqual(['127.0.0.1:2'])
  })

  test('forged, older and unreadable items lose against the newest genuine one', async () => {
    const nodes = await dht(8)
    const identity = newIdentity(cryptoRng)
    const now = BigInt(Date.now()) * 1000n
    const itemOf = (stamp: bigint, port: number): DhtItem => {
      const { signature, dns } = signRecord(identity, { direct: [`127.0.0.1:${port}`] }, stamp)
      return { key: idBytes(identity.id), seq: stamp, signature, value: dns }
    }
    const hold = (node: DhtNode, { key, seq, signature, value }: DhtItem): void => {
      const args = new Map<string, Uint8Array | bigint>([
        ['k', key],
        ['seq', seq],
        ['sig', signature],
        ['v', value],
      ])
      node.items.set(Buffer.from(dhtTarget(key)).toString('hex'), args)
    }
    hold(nodes[0] as DhtNode, itemOf(now - 1_000_000n, 1))
    hold(nodes[1] as DhtNode, itemOf(now, 2))
    hold(nodes[2] as DhtNode, { ...itemOf(now - 5n, 3), seq: now + 5n })
    hold(nodes[3] as DhtNode, { ...itemOf(now, 4), value: new Uint8Array(50) })
    const { records } = await recordsOf(nodes, newIdentity(cryptoRng), [])
    expect((await records.resolve(identity.id, { signal: never }))?.direct).toEqual(['127.0.0.1:2'])
    // Whoever comes back with a slow clock still gets past its own newer record.
    const { records: own } = await recordsOf(nodes, identity, ['127.0.0.1:9'])
    for (const node of nodes) hold(node, itemOf(now + 3_600_000_000n, 5))
    own.start()
    await expect.poll(() => own.stats().published, { timeout: 30_000 }).toBe(1)
    expect((await records.resolve(identity.id, { signal: never }))?.direct).toEqual(['127.0.0.1:9'])
  })

  test('nothing but silence ends in time, and stopping ends a search', async () => {
    const nodes = await dht(3)
    const { records } = await recordsOf(nodes, newIdentity(cryptoRng), [])
    await Promise.all(ends.splice(0, 1).map((end) => end()))
    expect(await records.resolve(newIdentity(cryptoRng).id, { signal: never })).toBeUndefined()
    const stop = new AbortController()
    const search = records.resolve(newIdentity(cryptoRng).id, { signal: stop.signal })
    stop.abort()
    await expect(search).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('two nodes that know nothing but each other’s id meet through it', async () => {
    const nodes = await dht(10)
    const discovery = { dht: { bootstrap: [(nodes[0] as DhtNode).addr] } }
    const identity = newIdentity(cryptoRng)
    await using a = await startTestNode({ topics: ['Goods'], discovery, identity })
    await expect.poll(() => holders(nodes, identity), { timeout: 30_000 }).toBe(8)
    await using b = await startTestNode({ topics: ['Goods'], discovery, peers: [a.id] })
    await Promise.all([a.neighbor('Goods', b.id), b.neighbor('Goods', a.id)])
    expect(b.node.stats().services.dht).toMatchObject({ resolved: expect.any(Number), malformed: 0 })
  })
})
