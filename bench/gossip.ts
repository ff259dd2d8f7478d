import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { Gossip, type TopicHandle } from '../src/core/gossip/index.ts'
import { parseTopicId } from '../src/core/ids.ts'
import { openEndpoint } from '../src/core/net/index.ts'

export interface GossipBench {
  readonly payloadBytes: number
  readonly messages: number
  /** One direction at full speed, until the last message is delivered. */
  readonly framesPerSecond: number
  readonly megabytesPerSecond: number
  /** Messages that did not arrive within two minutes. */
  readonly missed: number
  /** One message at a time, broadcast until delivered, ms. */
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}

export interface GossipBenchOptions {
  readonly messages?: number
  readonly payloadBytes?: number
  readonly pings?: number
}

const TOPIC = parseTopicId('be'.repeat(32))

async function startNode() {
  const endpoint = await openEndpoint({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback' })
  const gossip = new Gossip({ endpoint })
  await gossip.start()
  await endpoint.start()
  return { endpoint, gossip, stop: () => gossip.stop().then(() => endpoint.stop()) }
}

/** Calls back with each message's number. */
async function listen(handle: TopicHandle, onMessage: (n: number) => void): Promise<void> {
  for await (const event of handle.events) {
    if (event.type === 'received') onMessage(new DataView(event.content.buffer, event.content.byteOffset).getUint32(0))
  }
}

function payload(n: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  new DataView(bytes.buffer).setUint32(0, n)
  return bytes
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN

/** Two nodes in this process, connected over QUIC on loopback; both ends share its cores. */
export async function benchGossip(options: GossipBenchOptions = {}): Promise<GossipBench> {
  const { messages = 20_000, payloadBytes = 500, pings = 500 } = options
  const [a, b] = await Promise.all([startNode(), startNode()])
  try {
    const from = a.gossip.subscribe(TOPIC, { bootstrap: [] })
    b.endpoint.learn(a.endpoint.addr(), 'config')
    const to = b.gossip.subscribe(TOPIC, { bootstrap: [a.endpoint.id], buffer: messages + 16 })
    let onMessage = (_: number): void => {}
    const listening = listen(to, (n) => onMessage(n))
    await Promise.all([from.joined(), to.joined()])

    let next = 0
    const latencies: number[] = []
    for (let i = 0; i < pings; i++) {
      const start = performance.now()
      await new Promise<void>((resolve, reject) => {
        onMessage = () => resolve()
        from.broadcast(payload(next++, payloadBytes)).catch(reject)
      })
      if (i >= pings / 10) latencies.push(performance.now() - start)
    }

    let received = 0
    const start = performance.now()
    const arrived = new Promise<void>((resolve) => {
      onMessage = () => {
        received++
        if (received === messages) resolve()
      }
    })
    const giveUp = new Promise<void>((resolve) => setTimeout(resolve, 120_000).unref())
    for (let i = 0; i < messages; i++) await from.broadcast(payload(next++, payloadBytes))
    await Promise.race([arrived, giveUp])
    const seconds = (performance.now() - start) / 1000

    await Promise.all([from.close(), to.close()])
    await listening
    latencies.sort((x, y) => x - y)
    return {
      payloadBytes,
      messages,
      framesPerSecond: Math.round(received / seconds),
      megabytesPerSecond: Number(((received * payloadBytes) / seconds / 1e6).toFixed(2)),
      missed: messages - received,
      latencyMs: { p50: Number(quantile(latencies, 0.5).toFixed(3)), p99: Number(quantile(latencies, 0.99).toFixed(3)) },
    }
  } finally {
    await Promise.all([a.stop(), b.stop()])
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await benchGossip()))
}
