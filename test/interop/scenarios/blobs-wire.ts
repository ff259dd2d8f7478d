import { strict as assert } from 'node:assert'
import { randomBytes } from 'node:crypto'
import { errorCode } from '../../../src/base/errors.ts'
import { below, seededRng } from '../../../src/base/random.ts'
import { decodeBitfield } from '../../../src/core/blobs/proto/observe.ts'
import { RAW_BLOB, rangesSeqOf, WHOLE_HASH_SEQ } from '../../../src/core/blobs/proto/ranges-seq.ts'
import { BLOBS_ALPN, type BlobRequest, encodeRequest } from '../../../src/core/blobs/proto/requests.ts'
import { encodeRanges, encodeSize, memorySource } from '../../../src/core/blobs/tree/encode.ts'
import { hashBlob } from '../../../src/core/blobs/tree/outboard.ts'
import { ALL, type ChunkRanges, LAST_CHUNK, union } from '../../../src/core/blobs/tree/ranges.ts'
import { hashOf, parsePeerId } from '../../../src/core/ids.ts'
import { bindIrohTransport, type Connection, type RecvHalf } from '../../../src/core/net/index.ts'
import type { LabNode } from '../lab/lab-node.ts'
import type { Scenario } from '../lab/scenario.ts'
import { patternBytes } from '../ts-blobs.ts'

const WAIT_MS = 10_000
/** As many as blobs.md 19 asks for. */
const RANGE_SIZES = [0, 1, 1023, 1024, 1025, 5_000, 16_383, 16_384, 16_385, 32_768, 32_769, 50_000, 65_537, 163_841]
const RANDOM_SETS = 40

/** What a bare client of the blobs protocol does at a node of either kind. */
function atBoth(name: string, what: string, visit: (node: LabNode, connection: Connection) => Promise<void>): Scenario {
  return {
    name: `blobs.${name}`,
    what,
    directions: ['raw→ts', 'raw→rust'],
    awaits: 'blobs',
    async run(lab, direction) {
      const node = await lab.node(direction === 'raw→ts' ? 'ts' : 'rust')
      const transport = await bindIrohTransport({ secretKey: randomBytes(32), mode: 'loopback', alpns: [] })
      lab.defer(() => transport.close())
      const { id, addrs } = node.address
      await visit(node, await transport.connect({ id: parsePeerId(id), direct: addrs }, BLOBS_ALPN, { deadlineMs: WAIT_MS }))
      return undefined
    },
  }
}

async function ask(connection: Connection, request: Uint8Array): Promise<RecvHalf> {
  const { send, recv } = await connection.openBi({ deadlineMs: WAIT_MS })
  await send.write(request)
  await send.finish()
  return recv
}

async function all(recv: RecvHalf): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (;;) {
    const part = await recv.read(65_536, { deadlineMs: WAIT_MS })
    if (part === null) return Buffer.concat(parts)
    parts.push(part)
  }
}

const get = (hash: Uint8Array, ranges: ChunkRanges): Uint8Array =>
  encodeRequest({ kind: 'get', hash: hashOf(hash), ranges: rangesSeqOf([ranges]) })

async function expected(data: Uint8Array, ranges: ChunkRanges): Promise<Buffer> {
  const { hash, outboard } = hashBlob(data)
  const parts: Uint8Array[] = [encodeSize(data.length)]
  for await (const piece of encodeRanges(memorySource(data, outboard), hash, ranges)) parts.push(piece)
  return Buffer.concat(parts)
}

const ranges = atBoth(
  'ranges',
  'size probes and random chunk ranges of blobs around the borders: the answers of both kinds are the same bytes',
  async (node, connection) => {
    const rng = seededRng(7)
    for (const size of RANGE_SIZES) {
      const data = patternBytes(size)
      const { hash } = hashBlob(data)
      await node.peer.call('blobs.add', { content: { pattern: size } })
      const chunks = Math.ceil(size / 1024) + 4
      const random = (): ChunkRanges => {
        let set: ChunkRanges = []
        for (let i = 0; i <= below(rng, 3); i++) {
          const from = below(rng, chunks)
          set = union(set, [BigInt(from), BigInt(from + 1 + below(rng, chunks))])
        }
        return set
      }
      for (const set of [ALL, LAST_CHUNK, [3n], ...Array.from({ length: RANDOM_SETS }, random)]) {
        const got = await all(await ask(connection, get(hash, set)))
        assert.ok(got.equals(await expected(data, set)), `size ${size}, chunks ${set.join(',')}: other bytes`)
      }
    }
  },
)

const requests = atBoth(
  'requests',
  'several hashes in one request, a hash sequence with its children, one child of it, an unknown hash',
  async (node, connection) => {
    const contents = [patternBytes(1), patternBytes(16_385), patternBytes(40_000)]
    const hashes = contents.map((data) => hashOf(hashBlob(data).hash))
    const root = Buffer.from(hashes.join(''), 'hex')
    for (const data of contents) await node.peer.call('blobs.add', { content: { pattern: data.length } })
    await node.peer.call('blobs.add', { content: { hex: root.toString('hex') } })
    const rootHash = hashOf(hashBlob(root).hash)
    const bodies = await Promise.all(contents.map((data) => expected(data, ALL)))
    const answer = async (request: BlobRequest) => all(await ask(connection, encodeRequest(request)))
    const many = await answer({ kind: 'get-many', hashes, ranges: rangesSeqOf([ALL, ALL, ALL]) })
    assert.ok(many.equals(Buffer.concat(bodies)), 'several hashes')
    const whole = await answer({ kind: 'get', hash: rootHash, ranges: WHOLE_HASH_SEQ })
    assert.ok(whole.equals(Buffer.concat([await expected(root, ALL), ...bodies])), 'a sequence with its children')
    const child = await answer({ kind: 'get', hash: rootHash, ranges: rangesSeqOf([[], [], ALL]) })
    assert.ok(child.equals(bodies[1] as Buffer), 'one child')
    const unknown = await answer({ kind: 'get', hash: hashOf(randomBytes(32)), ranges: RAW_BLOB }).catch((error) =>
      errorCode(error),
    )
    assert.ok(unknown === 'NET_STREAM_RESET' || unknown.length === 0, 'an unknown hash')
  },
)

const observe = atBoth(
  'observe',
  'the state of a complete and of an unknown blob, as the first message of an observation',
  async (node, connection) => {
    await node.peer.call('blobs.add', { content: { pattern: 50_000 } })
    const state = async (hash: Uint8Array) => {
      const recv = await ask(connection, encodeRequest({ kind: 'observe', hash: hashOf(hash), ranges: ALL }))
      const message = await recv.read(1024, { deadlineMs: WAIT_MS })
      void recv.stop(0n)
      assert.ok(message !== null && message[0] === message.length - 1, 'one message')
      return decodeBitfield(message.subarray(1))
    }
    assert.deepEqual(await state(hashBlob(patternBytes(50_000)).hash), { size: 50_000n, ranges: [0n] })
    assert.deepEqual(await state(randomBytes(32)), { size: 0n, ranges: [] })
  },
)

const push = atBoth('push', 'a push is refused and stores nothing; the node goes on serving', async (node, connection) => {
  const data = patternBytes(20_000)
  const { hash } = hashBlob(data)
  const { send, recv } = await connection.openBi({ deadlineMs: WAIT_MS })
  const request = encodeRequest({ kind: 'push', hash: hashOf(hash), ranges: RAW_BLOB })
  // Refusing may stop the stream under the data.
  await send.write(Buffer.concat([request, await expected(data, ALL)])).catch(() => {})
  await send.finish().catch(() => {})
  await all(recv).catch(() => {})
  assert.equal((await node.peer.call<{ status: string }>('blobs.status', { hash: hashOf(hash) })).status, 'missing')
  await node.peer.call('blobs.add', { content: { pattern: 20_000 } })
  const got = await all(await ask(connection, get(hash, ALL)))
  assert.ok(got.equals(await expected(data, ALL)))
})

export const blobsWire: readonly Scenario[] = [ranges, requests, observe, push]
