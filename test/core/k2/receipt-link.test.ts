import { afterEach, expect, test } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import { RECEIPT_ALPN, type Receipt } from '../../../src/core/k2/receipt-frame.ts'
import { ReceiptLink } from '../../../src/core/k2/receipt-link.ts'
import { topicIdOfName } from '../../../src/core/k2/topics.ts'
import { K2Endpoint, MemoryNetwork } from '../../../src/core/net/index.ts'
import { A, B, C } from './fixtures.ts'

const goods = topicIdOfName('Goods')
const jobs = topicIdOfName('Freelance Job')
const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Side {
  readonly endpoint: K2Endpoint
  readonly link: ReceiptLink
  readonly receipts: { peer: PeerId; receipt: Receipt }[]
  readonly goodbyes: PeerId[]
  /** Resolves when `count` keys have come in. */
  readonly keys: (count: number) => Promise<string[]>
  readonly goodbye: Promise<void>
}

async function side(network: MemoryNetwork, id: PeerId): Promise<Side> {
  const endpoint = new K2Endpoint({ transport: network.bind({ id }), clock: systemClock, bareIds: true })
  const receipts: { peer: PeerId; receipt: Receipt }[] = []
  const goodbyes: PeerId[] = []
  const left = deferred<void>()
  let check = (): void => {}
  const link = new ReceiptLink({
    endpoint,
    clock: systemClock,
    log: nullLogger,
    onReceipt: (peer, receipt) => {
      receipts.push({ peer, receipt })
      check()
    },
    onGoodbye: (peer) => {
      goodbyes.push(peer)
      left.resolve()
    },
  })
  link.start()
  await endpoint.start()
  ends.push(async () => {
    await link.stop()
    await endpoint.stop()
  })
  const keys = (count: number): Promise<string[]> =>
    new Promise((resolve) => {
      check = () => {
        const all = receipts.flatMap((one) => one.receipt.keys)
        if (all.length >= count) resolve(all)
      }
      check()
    })
  return { endpoint, link, receipts, goodbyes, keys, goodbye: left.promise }
}

const pair = async (): Promise<[Side, Side]> => {
  const network = new MemoryNetwork({ clock: systemClock, rng: seededRng(1), resolvesIds: true, fragment: true })
  return [await side(network, A), await side(network, B)]
}

test('receipts of one turn share a frame, per topic, in order, and name their authenticated sender', async () => {
  const [a, b] = await pair()
  for (let i = 0; i < 40; i++) a.link.send(B, goods, `k${i}`)
  a.link.send(B, jobs, 'j')
  expect(await b.keys(41)).toEqual([...Array.from({ length: 40 }, (_, i) => `k${i}`), 'j'])
  expect(b.receipts.map(({ receipt }) => [receipt.topic === goods ? 'goods' : 'jobs', receipt.keys.length])).toEqual([
    ['goods', 32],
    ['goods', 8],
    ['jobs', 1],
  ])
  expect(new Set(b.receipts.map((one) => one.peer))).toEqual(new Set([A]))
  a.link.send(B, goods, 'later')
  expect(await b.keys(42)).toHaveLength(42)
  expect(a.link.stats().sent).toBe(42)
})

test('stopping says goodbye', async () => {
  const [a, b] = await pair()
  a.link.send(B, goods, 'k')
  await b.keys(1)
  await a.link.stop()
  await b.goodbye
  expect(b.goodbyes).toEqual([A])
})

test('an unreachable gateway costs its receipts and nothing else', async () => {
  const network = new MemoryNetwork({ clock: systemClock, rng: seededRng(1) })
  const a = await side(network, A)
  a.link.send(B, goods, 'k')
  await expect.poll(() => a.link.stats().dropped).toBe(1)
  a.link.send(B, goods, 'k2')
  await expect.poll(() => a.link.stats().dropped).toBe(2)
})

test('after a lost connection the next receipt finds its way', async () => {
  const [a, b] = await pair()
  a.link.send(B, goods, 'k1')
  await b.keys(1)
  for (const connection of b.endpoint.connections()) connection.close(0n, '')
  await expect.poll(() => a.endpoint.connections().length).toBe(0)
  a.link.send(B, goods, 'k2')
  expect(await b.keys(2)).toEqual(['k1', 'k2'])
})

test('a receipt asked for a second time goes over a new connection: the old one may lead to a peer that is gone', async () => {
  const [a, b] = await pair()
  a.link.send(B, goods, 'k1')
  await b.keys(1)
  const [before] = a.endpoint.connections()
  a.link.send(B, goods, 'k1')
  expect(await b.keys(2)).toEqual(['k1', 'k1'])
  expect(before?.isClosed).toBe(true)
  a.link.send(B, goods, 'k2')
  expect(await b.keys(3)).toEqual(['k1', 'k1', 'k2'])
})

test('frames that are no receipts end the connection, not the gateway', async () => {
  const [a, b] = await pair()
  const connection = await b.endpoint.dial(A, RECEIPT_ALPN)
  const stream = await connection.openUni()
  await stream.write(Uint8Array.of(0, 0, 0, 2, 1, 2))
  expect(await connection.closed).toMatchObject({ by: 'remote', code: 2n })
  const again = await b.endpoint.dial(A, RECEIPT_ALPN)
  const huge = await again.openUni()
  await huge.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
  expect(await again.closed).toMatchObject({ by: 'remote', code: 2n })
  b.link.send(A, goods, 'fine')
  expect(await a.keys(1)).toEqual(['fine'])
})

test('a connection without a stream is an ordinary ping', async () => {
  const [a, b] = await pair()
  const connection = await b.endpoint.dial(A, RECEIPT_ALPN)
  connection.close(0n, '')
  b.link.send(A, goods, 'k')
  expect(await a.keys(1)).toEqual(['k'])
  expect(a.goodbyes).toEqual([])
})

test('a peer is known by whether it speaks the protocol, and is asked once', async () => {
  const network = new MemoryNetwork({ clock: systemClock, rng: seededRng(1), resolvesIds: true, fragment: true })
  const [a] = [await side(network, A), await side(network, B)]
  const application = new K2Endpoint({ transport: network.bind({ id: C }), clock: systemClock, bareIds: true })
  application.handle('other/1', () => {})
  await application.start()
  ends.push(() => application.stop())
  expect(await Promise.all([a.link.ask(B), a.link.ask(B)])).toEqual(['gateway', 'gateway'])
  expect(await a.link.ask(C)).toBe('application')
  expect(await a.link.ask(B)).toBe('gateway')
  expect(await a.link.ask(C)).toBe('application')
  expect(a.endpoint.stats().dialer.started).toBe(2)
})

test('a peer that is not there is asked again', async () => {
  const network = new MemoryNetwork({ clock: systemClock, rng: seededRng(1), resolvesIds: true, fragment: true })
  const a = await side(network, A)
  expect(await a.link.ask(B)).toBe('unknown')
  await side(network, B)
  expect(await a.link.ask(B)).toBe('gateway')
})
