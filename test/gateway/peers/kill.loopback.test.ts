import { beforeEach, expect, test } from 'vitest'
import { sleep } from '../../../src/base/async.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import type { Body, Envelope } from '../../../src/bridges/model/message.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { P2pBridge } from '../../../src/bridges/p2p/index.ts'
import type { SendOutcome, SendRequest } from '../../../src/bridges/port.ts'
import { type Identity, K2Node, MemoryJournal, newIdentity } from '../../../src/core/index.ts'
import { K2Endpoint, type MemoryNetwork } from '../../../src/core/net/index.ts'
import { NodePeerPort } from '../../../src/gateway/peers/index.ts'
import { memoryNetwork } from '../../support/k2-nodes.ts'

let network: MemoryNetwork
beforeEach(() => {
  network = memoryNetwork()
})

/** What a gateway has on disk: its key, its journal, and an inbox that takes each event once. */
class Disk {
  readonly identity: Identity = newIdentity(cryptoRng)
  readonly journal = new MemoryJournal()
  readonly inbox = new Map<string, Envelope>()

  texts(): string[] {
    return [...this.inbox.values()].map((e) => (e.event as { body: Body }).body.rich.text)
  }
}

interface Running {
  readonly bridge: P2pBridge
  /** As a kill does it: nothing is flushed, nobody is told. */
  readonly kill: () => Promise<void>
  readonly stop: () => Promise<void>
}

async function run(disk: Disk, peers: readonly Disk[]): Promise<Running> {
  const dead = { now: false }
  const node = new K2Node({
    identity: disk.identity,
    config: { mode: 'loopback', topics: ['Goods'], peers: peers.map((peer) => peer.identity.id) },
    journal: disk.journal,
    openEndpoint: async () => new K2Endpoint({ transport: network.bind({ id: disk.identity.id }), bareIds: true }),
  })
  const bridge = new P2pBridge({
    port: new NodePeerPort(node, nullLogger),
    clock: systemClock,
    log: nullLogger,
    sink: {
      ingest: async (envelopes) => {
        await sleep(3)
        if (dead.now) return new Promise(() => {})
        for (const envelope of envelopes) if (!disk.inbox.has(envelope.eventId)) disk.inbox.set(envelope.eventId, envelope)
      },
    },
  })
  await bridge.start()
  await node.start()
  return {
    bridge,
    kill: async () => {
      dead.now = true
      network.kill(disk.identity.id)
      // The objects of a killed process vanish; here they are stopped without a word on the network.
      await node.stop()
    },
    stop: async () => {
      await bridge.drain()
      await node.stop()
      await bridge.stop()
    },
  }
}

const request = (i: number): SendRequest => ({
  op: 'create',
  deliveryId: `d${i}`,
  idemKey: `key${i}`,
  attempt: 0,
  place: { network: 'p2p', account: 'self', channel: 'Goods' },
  author: { key: 'telegram:1', displayName: 'Tèo', isBot: false, kind: 'user' },
  identity: 'bot',
  body: { rich: plain(`line ${i}`), attachments: [] },
  parts: [],
  occurredAt: 0,
  onPart: async () => {},
})

/** Delivers lines one after the other as a lane does: the next only after the one before is done, whatever happens. */
async function lane(
  count: number,
  bridge: () => Pick<P2pBridge, 'send'>,
  afterEach: (i: number) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (;;) {
      const outcome = await bridge().send(request(i), new AbortController().signal)
      if (outcome.kind === 'done') break
      expect(['ambiguous', 'rate-limited', 'not-sent']).toContain(outcome.kind)
      await sleep(outcome.kind === 'rate-limited' ? outcome.afterMs : 50)
    }
    await afterEach(i)
  }
}

const expected = (count: number): string[] => Array.from({ length: count }, (_, i) => `line ${i}`)

test('kills of the receiving gateway lose, double and reorder nothing', async () => {
  const [a, b] = [new Disk(), new Disk()]
  const sender = await run(a, [b])
  let receiver = await run(b, [a])
  let killing: Promise<void> | undefined
  await lane(
    60,
    () => sender.bridge,
    async (i) => {
      await killing
      if (i % 12 !== 5) return
      killing = sleep(4).then(async () => {
        await receiver.kill()
        receiver = await run(b, [a])
      })
    },
  )
  await killing
  expect(b.texts()).toEqual(expected(60))
  await Promise.all([sender.stop(), receiver.stop()])
})

test('orderly restarts of the receiving gateway lose, double and reorder nothing', async () => {
  const [a, b] = [new Disk(), new Disk()]
  const sender = await run(a, [b])
  let receiver = await run(b, [a])
  let restarting: Promise<void> | undefined
  await lane(
    60,
    () => sender.bridge,
    async (i) => {
      if (i % 20 !== 5) return
      await restarting
      restarting = sleep(4).then(async () => {
        await receiver.stop()
        receiver = await run(b, [a])
      })
    },
  )
  await restarting
  expect(b.texts()).toEqual(expected(60))
  await Promise.all([sender.stop(), receiver.stop()])
})

test('kills of the sending gateway lose, double and reorder nothing', async () => {
  const [a, b] = [new Disk(), new Disk()]
  let sender = await run(a, [b])
  const receiver = await run(b, [a])
  const killed = new Set<number>()
  const send = async (req: SendRequest, signal: AbortSignal): Promise<SendOutcome> => {
    const i = Number(req.idemKey.slice(3))
    const sending = sender.bridge.send(req, signal)
    if (i % 12 !== 7 || killed.has(i)) return sending
    killed.add(i)
    // Killed somewhere between sending and knowing: the lane will send the same line again.
    await sleep(i % 5)
    await sender.kill()
    sender = await run(a, [b])
    return { kind: 'ambiguous', code: 'KILLED', message: '' }
  }
  await lane(
    60,
    () => ({ send }),
    async () => {},
  )
  await expect.poll(() => b.texts()).toEqual(expected(60))
  await Promise.all([sender.stop(), receiver.stop()])
})

test('kills of both gateways at the same moment lose, double and reorder nothing', async () => {
  const [a, b] = [new Disk(), new Disk()]
  let sender = await run(a, [b])
  let receiver = await run(b, [a])
  const killed = new Set<number>()
  const send = async (req: SendRequest, signal: AbortSignal): Promise<SendOutcome> => {
    const i = Number(req.idemKey.slice(3))
    const sending = sender.bridge.send(req, signal)
    if (i % 15 !== 9 || killed.has(i)) return sending
    killed.add(i)
    await sleep(i % 7)
    await Promise.all([sender.kill(), receiver.kill()])
    ;[receiver, sender] = await Promise.all([run(b, [a]), run(a, [b])])
    return { kind: 'ambiguous', code: 'KILLED', message: '' }
  }
  await lane(
    60,
    () => ({ send }),
    async () => {},
  )
  await expect.poll(() => b.texts()).toEqual(expected(60))
  await Promise.all([sender.stop(), receiver.stop()])
})
