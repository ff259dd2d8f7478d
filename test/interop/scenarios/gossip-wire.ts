import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromHex } from '../../../src/base/bytes.ts'
import { encodeAddrInfo } from '../../../src/core/gossip/proto/addr-info.ts'
import { decodeMessage } from '../../../src/core/gossip/proto/messages.ts'
import { parsePeerId } from '../../../src/core/ids.ts'
import { signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import { encodeFrame, FrameSplitter } from '../../../src/core/wire/frame.ts'
import { gossipFrame, headerFrame, isStopped, messageFrame, RawClient } from '../lab/raw-client.ts'
import { ALL_PAIRS, type Scenario, sides } from '../lab/scenario.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
const VECTORS = join(import.meta.dirname, '../../vectors/gossip.json')

const firstStream: Scenario = {
  name: 'gossip.first-stream',
  what: 'the first bytes a joining node writes: header, then Join with its addresses, byte for byte',
  directions: ['raw→rust', 'raw→ts'],
  async run(lab, direction) {
    const node = await lab.node(sides(direction)[1])
    const raw = await RawClient.open(lab)
    await raw.introduceTo(node)
    const topic = lab.topic()
    await node.peer.call('gossip.subscribe', { topic, bootstrap: [raw.transport.id] })
    const connection = await raw.accept()
    const { addrs, advertised = addrs } = await node.peer.call<{ addrs: string[]; advertised?: string[] }>('node.addr')
    const data = encodeAddrInfo({ relayUrl: undefined, direct: advertised })
    const expected = Buffer.concat([headerFrame(topic), messageFrame({ type: 'join', data })])
    const written = await RawClient.firstBytes(connection, expected.length)
    assert.equal(written.toString('hex'), expected.toString('hex'))
    return undefined
  },
}

const thirdNode: Scenario = {
  name: 'gossip.address-by-gossip',
  what: 'a third node known through gossip alone: three pairs of neighbours within 3 s (addresses read both ways)',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, hub, c] = await Promise.all([lab.node(first), lab.node(second), lab.node(second)])
    await a.knows(hub)
    await c.knows(hub)
    const topic = lab.topic()
    const th = await hub.subscribe(topic)
    const ta = await a.subscribe(topic, [hub])
    await ta.up(hub)
    const tc = await c.subscribe(topic, [hub])
    await Promise.all([tc.up(hub, 3_000), th.up(a, 3_000), th.up(c, 3_000), ta.up(c, 3_000), tc.up(a, 3_000)])
    return undefined
  },
}

const frameLimits: Scenario = {
  name: 'gossip.frame-limits',
  what: 'a body of 4,096 bytes is taken, one of 4,097 costs its stream and nothing else',
  directions: ['raw→rust', 'raw→ts'],
  async run(lab, direction) {
    lab.expectBadFrames()
    const node = await lab.node(sides(direction)[1])
    const topic = lab.topic()
    const seen = await node.subscribe(topic)
    const connection = await (await RawClient.open(lab)).dial(node)
    const largest = new Uint8Array(4058).fill(7)
    const frame = gossipFrame(largest)
    assert.equal(frame.length, 4 + 4096)
    await RawClient.write(connection, topic, frame)
    await seen.received(Buffer.from(largest).toString('hex'))
    const tooLong = await RawClient.write(connection, topic, encodeFrame(new Uint8Array(4097)))
    assert.ok(await isStopped(tooLong), 'the stream with the long frame is stopped')
    await RawClient.write(connection, topic, gossipFrame(Buffer.from('on another stream')))
    await seen.received(hex('on another stream'))
    return undefined
  },
}

const malformed: Scenario = {
  name: 'gossip.malformed',
  what: 'every malformed body of the specification, then a bad header: the node goes on serving others',
  directions: ['raw→rust', 'raw→ts'],
  async run(lab, direction) {
    lab.expectBadFrames()
    const kind = sides(direction)[1]
    const [node, friend] = await Promise.all([lab.node(kind), lab.node('rust')])
    await friend.knows(node)
    const topic = lab.topic()
    const seen = await node.subscribe(topic)
    const friends = await friend.subscribe(topic, [node])
    await Promise.all([seen.up(friend), friends.up(node)])
    const raw = await RawClient.open(lab)
    const connection = await raw.dial(node)
    const { vectors } = JSON.parse(await readFile(VECTORS, 'utf8'))
    const bodies: { what: string; hex: string; accepted: boolean }[] = vectors.judged_bodies.bodies
    for (const body of bodies.filter((b) => !b.accepted)) {
      const stream = await RawClient.write(connection, topic, encodeFrame(fromHex(body.hex)))
      assert.ok(await isStopped(stream), `a stream with ${body.what} is stopped`)
    }
    await RawClient.write(connection, topic, gossipFrame(Buffer.from('a good one')))
    await seen.received(hex('a good one'))
    const other = await raw.dial(node)
    const header = await other.openUni()
    await header.write(encodeFrame(new Uint8Array(5000)))
    assert.ok(await isStopped(header), 'a stream with a bad header is stopped')
    await friends.broadcast({ text: 'business as usual' })
    await seen.received(hex('business as usual'))
    await seen.broadcast({ text: 'and back' })
    await friends.received(hex('and back'))
    return undefined
  },
}

const bigShuffle: Scenario = {
  name: 'gossip.big-shuffle',
  what: 'a Shuffle that names 60 peers is answered within the frame limit (13-D10: upstream answers as many as claimed)',
  directions: ['raw→ts'],
  async run(lab, direction) {
    lab.expectBadFrames()
    const node = await lab.node(sides(direction)[1])
    const topic = lab.topic()
    await node.subscribe(topic)
    const raw = await RawClient.open(lab)
    await raw.introduceTo(node)
    const connection = await raw.dial(node)
    const strangers = Array.from({ length: 60 }, (_, i) => ({
      id: parsePeerId(Buffer.from(signerOfSeed(new Uint8Array(32).fill(i + 1)).publicKey).toString('hex')),
      data: undefined,
    }))
    const shuffle = messageFrame({ type: 'shuffle', origin: raw.transport.id, nodes: strangers, ttl: 0 })
    await RawClient.write(connection, topic, messageFrame({ type: 'neighbor', priority: 'high', data: undefined }), shuffle)
    const stream = await connection.acceptUni({ deadlineMs: 10_000 })
    const frames = new FrameSplitter(4095)
    for (;;) {
      const piece = await stream.read(65_536, { deadlineMs: 10_000 })
      assert.ok(piece !== null, 'an answer comes before the end of the stream')
      frames.push(piece)
      for (let body = frames.next(); body !== undefined; body = frames.next()) {
        if (body.length === 32 && Buffer.from(body).toString('hex') === topic) continue
        const message = decodeMessage(body, () => 'usable')
        if (message?.type === 'shuffleReply') {
          assert.ok(message.nodes.length <= 8, `the answer names ${message.nodes.length} peers`)
          return undefined
        }
      }
    }
  },
}

export const gossipWire: readonly Scenario[] = [firstStream, thirdNode, frameLimits, malformed, bigShuffle]
