import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../../src/base/bytes.ts'
import { messageId } from '../../../src/core/gossip/proto/messages.ts'
import { encodeFrame } from '../../../src/core/wire/frame.ts'
import { bytes, type Listener, MemorySwarm, type TestNode, TOPIC, topicNumber } from './harness.ts'
import { HELLO_ID } from './proto/vectors.ts'
import { frame, header, hexFrame, RawPeer, say } from './raw-peer.ts'

const OTHER = topicNumber(2)
const gossip = (content: string, round = 0) =>
  ({ type: 'gossip', id: messageId(bytes(content)), content: bytes(content), scope: { type: 'swarm', round } }) as const

async function world(seed = 1): Promise<{ swarm: MemorySwarm; node: TestNode; listener: Listener; raw: RawPeer }> {
  const swarm = new MemorySwarm(seed)
  const node = await swarm.node()
  const listener = swarm.join(node)
  return { swarm, node, listener, raw: new RawPeer(swarm, 500) }
}

/** A raw peer that has become a neighbour on TOPIC through its own connection. */
async function neighbour(seed = 1) {
  const setting = await world(seed)
  const { swarm, node, raw, listener } = setting
  const connection = await raw.dial(node)
  const stream = await say(connection, TOPIC, frame({ type: 'join', data: undefined }))
  await swarm.until(() => raw.messages(TOPIC).some((m) => m.type === 'neighbor'))
  await stream.write(frame({ type: 'neighbor', priority: 'high', data: undefined }))
  await swarm.pass(2)
  expect(listener.handle.neighbors).toEqual([raw.id])
  return { ...setting, connection, stream }
}

describe('what the node writes', () => {
  it('opens a stream with header and first message, byte by byte (gossip 12.4)', async () => {
    const { swarm, node, raw } = await world()
    node.endpoint.learn(raw.transport.localAddr(), 'config')
    node.gossip.subscribe(OTHER, { bootstrap: [raw.id] })
    await swarm.until(() => raw.streams.some((s) => s.messages.length > 0))
    const [first] = raw.streams
    const port = Number(node.endpoint.addr().direct[0]?.split(':')[1])
    const ip = node.endpoint.addr().direct[0]?.split(':')[0]?.split('.').map(Number) as number[]
    const data = `000100${toHex(Uint8Array.from(ip))}${toHex(Uint8Array.of((port & 0x7f) | 0x80, port >> 7))}`
    const join = `000001${toHex(Uint8Array.of(data.length / 2))}${data}`
    expect(toHex(concatBytes(first?.bytes ?? []))).toBe(toHex(concatBytes([header(OTHER), hexFrame(join)])))
    expect(first?.bytes.length).toBe(1)
  })

  it('batches frames that wait into one write', async () => {
    const { swarm, raw, listener } = await neighbour()
    const before = raw.streams.reduce((sum, s) => sum + s.bytes.length, 0)
    await Promise.all(Array.from({ length: 100 }, (_, i) => listener.handle.broadcast(bytes(`message ${i}`))))
    await swarm.until(() => raw.messages(TOPIC).filter((m) => m.type === 'gossip').length === 100)
    expect(raw.streams.reduce((sum, s) => sum + s.bytes.length, 0) - before).toBe(1)
  })

  it('finishes the stream after Disconnect and opens a fresh one later', async () => {
    const { swarm, node, raw, listener, stream } = await neighbour()
    await listener.handle.close()
    await swarm.until(() => raw.streams[0]?.end === 'fin')
    expect(raw.messages(TOPIC).slice(-2)).toEqual([
      { type: 'shuffleReply', nodes: [] },
      { type: 'disconnect', alive: false },
    ])
    swarm.join(node)
    await stream.write(frame({ type: 'join', data: undefined }))
    await swarm.until(() => raw.streams.length === 2 && raw.messages(TOPIC).at(-1)?.type === 'neighbor')
    expect(raw.streams[1]?.topic).toBe(TOPIC)
  })

  it('says goodbye to every neighbour before it closes', async () => {
    const { node, raw, connection } = await neighbour()
    await node.stop()
    expect(raw.messages(TOPIC).at(-1)).toEqual({ type: 'disconnect', alive: false })
    expect((await connection.closed).by).toBe('remote')
  })

  it('opens a stream again that the peer stopped', async () => {
    const { swarm, node, raw, listener, connection } = await neighbour()
    await raw.streams[0]?.recv.stop(0n)
    // The read under way ends with this one; only then does the peer stop the stream.
    await listener.handle.broadcast(bytes('swallowed'))
    await swarm.pass(2)
    await listener.handle.broadcast(bytes('after the stop'))
    await swarm.until(() => raw.streams.length === 2 && raw.streams[1]?.messages.length === 1)
    expect(raw.streams[1]?.messages).toMatchObject([{ type: 'gossip', content: bytes('after the stop') }])
    expect(node.gossip.stats().streamsReopened).toBe(1)
    expect(connection.isClosed).toBe(false)
    expect(listener.downs).toEqual([])
  })
})

describe('malformed input (gossip 11)', () => {
  const accepted = frame(gossip('fine'))
  it.each([
    ['unknown layer', hexFrame('0200')],
    ['no body', hexFrame('')],
    ['bad point', hexFrame(`000102${'00'.repeat(31)}0006`)],
    ['bad option', hexFrame('000002')],
    ['longer than allowed', fromHex('00001001')],
    ['absurdly long', fromHex('ffffffff')],
  ])('%s: that stream is stopped, the others go on', async (_, bad) => {
    const { swarm, node, raw, listener } = await world()
    const connection = await raw.dial(node)
    const good = await say(connection, TOPIC, frame(gossip('before')))
    const hostile = await say(connection, TOPIC, bad, accepted)
    await swarm.pass(5)
    await expect(hostile.write(accepted)).rejects.toMatchObject({ code: 'NET_STREAM_STOPPED', data: { streamCode: 0 } })
    await good.write(frame(gossip('after')))
    await swarm.until(() => listener.texts.length === 2)
    expect(listener.texts).toEqual(['before', 'after'])
    expect(node.gossip.stats()).toMatchObject({ frameFaults: 1, headerFaults: 0 })
    expect(connection.isClosed).toBe(false)
  })

  it('accepts a body of exactly 4096 bytes and passes it to nobody', async () => {
    const { swarm, node, raw, listener, stream } = await neighbour()
    const other = new RawPeer(swarm, 501)
    const link = await other.dial(node)
    await say(link, TOPIC, frame({ type: 'join', data: undefined }))
    await swarm.until(() => listener.handle.neighbors.length === 2)
    const content = new Uint8Array(4058).fill(1)
    await stream.write(frame({ type: 'gossip', id: messageId(content), content, scope: { type: 'swarm', round: 0 } }))
    await swarm.until(() => listener.texts.length === 1)
    await stream.write(frame(gossip('small')))
    await swarm.until(() => other.messages(TOPIC).some((m) => m.type === 'gossip'))
    expect(other.messages(TOPIC).filter((m) => m.type === 'gossip')).toMatchObject([{ content: bytes('small') }])
    expect(node.gossip.stats().unsendable).toBe(1)
    expect(raw.transport.isClosed).toBe(false)
  })

  it('drops messages with a wrong id and counts them', async () => {
    const { swarm, node, raw, listener } = await world()
    const connection = await raw.dial(node)
    await say(connection, TOPIC, frame({ ...gossip('right'), id: HELLO_ID }), frame(gossip('next')))
    await swarm.until(() => listener.texts.length === 1)
    expect(listener.texts).toEqual(['next'])
    expect(node.gossip.stats().badIds).toBe(1)
  })

  it('ignores frames for topics nobody subscribed to, and bidirectional streams', async () => {
    const { swarm, node, raw, listener } = await world()
    const connection = await raw.dial(node)
    const stray = await say(connection, OTHER, frame(gossip('nobody')), frame({ type: 'join', data: undefined }))
    const both = await connection.openBi()
    await both.send.write(bytes('anything'))
    await say(connection, TOPIC, frame(gossip('heard')))
    await swarm.until(() => listener.texts.length === 1)
    await stray.write(frame(gossip('still open')))
    await swarm.pass(5)
    expect(node.gossip.stats()).toMatchObject({ unknownTopic: 3, frameFaults: 0 })
    expect(raw.streams).toEqual([])
  })

  it('an end inside a length is clean, inside a body it is not; neither is a membership event', async () => {
    const { swarm, node, connection, listener } = await neighbour()
    const clean = await say(connection, TOPIC, frame(gossip('one')), fromHex('0000'))
    await clean.finish()
    await swarm.until(() => listener.texts.length === 1)
    expect(node.gossip.stats().frameFaults).toBe(0)
    const broken = await say(connection, TOPIC, frame(gossip('two')), fromHex('000000ff01'))
    await broken.finish()
    await swarm.until(() => node.gossip.stats().frameFaults === 1)
    const reset = await say(connection, TOPIC, frame(gossip('three')))
    await swarm.until(() => listener.texts.length === 3)
    await reset.reset(5n)
    await swarm.pass(5)
    expect(listener.downs).toEqual([])
    expect(connection.isClosed).toBe(false)
  })
})

describe('stream headers (gossip 2.2)', () => {
  it('a stalled header holds up nobody and is given up after 10 s', async () => {
    const { swarm, node, raw, listener } = await world()
    const connection = await raw.dial(node)
    const stalled = await connection.openUni()
    await stalled.write(header(TOPIC).slice(0, 20))
    await say(connection, TOPIC, frame(gossip('overtakes')))
    await swarm.until(() => listener.texts.length === 1)
    await swarm.pass(9_900, 100)
    expect(node.gossip.stats().headerFaults).toBe(0)
    await swarm.pass(200, 100)
    expect(node.gossip.stats().headerFaults).toBe(1)
    // The deadline left a read behind: the stop takes effect with the next byte.
    await stalled.write(Uint8Array.of(1))
    await swarm.pass(5)
    await expect(stalled.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'NET_STREAM_STOPPED' })
    await say(connection, TOPIC, frame(gossip('goes on')))
    await swarm.until(() => listener.texts.length === 2)
  })

  it('reads a header that comes byte by byte', async () => {
    const { swarm, node, raw, listener } = await world()
    const connection = await raw.dial(node)
    const stream = await connection.openUni()
    for (const byte of concatBytes([header(TOPIC), frame(gossip('slowly'))])) {
      await stream.write(Uint8Array.of(byte))
      await swarm.pass(1)
    }
    await swarm.until(() => listener.texts.length === 1)
  })

  it.each([
    ['too short', encodeFrame(new Uint8Array(31))],
    ['too long a length', fromHex('00002000')],
    ['no header at all', new Uint8Array(0)],
  ])('%s: the third fault closes the connection', async (_, head) => {
    const { swarm, node, raw } = await world()
    const connection = await raw.dial(node)
    for (let i = 0; i < 3; i++) {
      expect(connection.isClosed).toBe(false)
      const stream = await connection.openUni()
      await stream.write(head)
      await stream.finish().catch(() => {})
      await swarm.pass(5)
    }
    expect(await connection.closed).toMatchObject({ by: 'remote', code: 0n })
    expect(node.gossip.stats().headerFaults).toBe(3)
  })
})

describe('floods', () => {
  it('a peer may open more than 100 streams, all are read', async () => {
    const { swarm, node, raw, listener } = await world()
    const connection = await raw.dial(node)
    await swarm.pass(2)
    for (let i = 0; i < 500; i++) await say(connection, TOPIC, frame(gossip(`stream ${i}`)))
    await swarm.until(() => listener.texts.length === 500)
  })

  it('a flood of stalled streams ends with the connection', async () => {
    const { swarm, node, raw, listener } = await world()
    const connection = await raw.dial(node)
    await swarm.pass(2)
    for (let i = 0; i < 200; i++) await (await connection.openUni()).write(Uint8Array.of(0))
    await say(connection, TOPIC, frame(gossip('in between')))
    await swarm.until(() => listener.texts.length === 1)
    await swarm.pass(10_100, 100)
    expect(connection.isClosed).toBe(true)
  })

  it('a slow reader is told how much it missed, neighbours aside', async () => {
    const { swarm, node, connection } = await neighbour()
    const handle = node.gossip.subscribe(TOPIC, { buffer: 50 })
    const stream = await say(connection, TOPIC, ...Array.from({ length: 200 }, (_, i) => frame(gossip(`${i}`))))
    await swarm.until(() => node.gossip.stats().msgsDataRecv === 200)
    const seen: string[] = []
    for await (const event of handle.events) {
      seen.push(event.type === 'received' ? new TextDecoder().decode(event.content) : event.type)
      if (event.type === 'lagged') expect(event.lost).toBe(151)
      if (seen.length === 51) break
    }
    expect(seen).toEqual(['lagged', 'neighborUp', ...Array.from({ length: 49 }, (_, i) => `${151 + i}`)])
    expect(node.gossip.stats().lagged).toBe(151)
    await stream.write(frame(gossip('afterwards')))
    const next = await handle.events[Symbol.asyncIterator]().next()
    expect(next.value).toMatchObject({ type: 'received', content: bytes('afterwards') })
  })

  it('a peer that takes nothing is cut off, the others are served', async () => {
    const { swarm, node, raw, listener } = await neighbour()
    const reader = await swarm.node()
    const atReader = swarm.join(reader, [node])
    await swarm.until(() => atReader.ups.includes(node.id))
    raw.paused = true
    // The read under way takes one more piece; then nothing.
    let sent = 0
    const send = async (): Promise<void> => {
      for (; sent < 3_000; sent++)
        await listener.handle.broadcast(
          new Uint8Array(4_000).fill(sent & 0xff).map((v, i) => (i < 4 ? (sent >> (8 * i)) & 0xff : v)),
        )
    }
    const sending = send()
    await swarm.until(() => sent === 3_000, 120_000, 50)
    await sending
    await swarm.until(() => atReader.texts.length === 3_000, 60_000, 50)
    expect(node.gossip.stats().slowPeersCut).toBe(1)
    expect(listener.handle.neighbors).toEqual([reader.id])
  })
})
