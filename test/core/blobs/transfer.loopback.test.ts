import { afterEach, describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { getRanges } from '../../../src/core/blobs/getter.ts'
import { MemoryBlobStore } from '../../../src/core/blobs/memory-store.ts'
import { encodeCollectionNames, encodeHashSeq } from '../../../src/core/blobs/proto/collection.ts'
import { WHOLE_HASH_SEQ } from '../../../src/core/blobs/proto/ranges-seq.ts'
import { BLOBS_ALPN, encodeRequest } from '../../../src/core/blobs/proto/requests.ts'
import { BlobProvider } from '../../../src/core/blobs/provider.ts'
import { blake3 } from '../../../src/core/blobs/tree/blake3.ts'
import { ALL, type ChunkRanges } from '../../../src/core/blobs/tree/ranges.ts'
import { parseHash } from '../../../src/core/ids.ts'
import type { Connection, Transport } from '../../../src/core/net/transport.ts'
import { bindLoopback, codeOf, connectPair, readAll } from '../net/support.ts'

const open: Transport[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((t) => t.close()))
})

/** Byte i = i mod 251, as in blobs.md 16. */
const blob = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i % 251)

async function visit(provider: BlobProvider): Promise<Connection> {
  const [a, b] = await Promise.all([bindLoopback([BLOBS_ALPN]), bindLoopback([BLOBS_ALPN])])
  open.push(a, b)
  const [connection, accepted] = await connectPair(a, b, BLOBS_ALPN)
  void provider.serve(accepted)
  return connection
}

/** Collects what was verified. */
function collector(): { got: Map<number, Uint8Array>; sink: Parameters<typeof getRanges>[2] } {
  const got = new Map<number, Uint8Array>()
  return {
    got,
    sink: { size: async () => {}, pair: async () => {}, leaf: async (offset, data) => void got.set(offset, data.slice()) },
  }
}

async function raw(connection: Connection, request: Uint8Array): Promise<Uint8Array> {
  const { send, recv } = await connection.openBi()
  await send.write(request)
  await send.finish()
  return readAll(recv)
}

const options = (hash: string, ranges: ChunkRanges = ALL) => ({ hash: parseHash(hash), ranges, maxSize: 1e9, stallMs: 10_000 })

describe('over real streams', () => {
  it.each([0, 1, 1024, 16_385, 50_000, 1_000_000])('a blob of %i bytes arrives verified', async (size) => {
    const store = new MemoryBlobStore(1e8)
    const data = blob(size)
    const hash = store.add(data)
    const connection = await visit(new BlobProvider({ store }))
    const { got, sink } = collector()
    expect(await getRanges(connection, options(hash), sink)).toEqual({ size, sizeVerified: true, bytes: size })
    expect(toHex(blake3(Buffer.concat([...got.values()])))).toBe(hash)
  })

  it('only the asked groups are sent', async () => {
    const store = new MemoryBlobStore(1e8)
    const hash = store.add(blob(50_000))
    const { got, sink } = collector()
    const result = await getRanges(await visit(new BlobProvider({ store })), options(hash, [16n, 32n]), sink)
    expect(result).toEqual({ size: 50_000, sizeVerified: false, bytes: 16_384 })
    expect([...got.keys()]).toEqual([16_384])
  })

  it('a collection is answered with root and children in one stream', async () => {
    const store = new MemoryBlobStore(1e8)
    const files = [store.add(blob(1)), store.add(blob(16_385))]
    const root = store.add(encodeHashSeq([store.add(encodeCollectionNames(['a.txt', 'dir/b.bin'])), ...files]))
    const answer = await raw(
      await visit(new BlobProvider({ store })),
      encodeRequest({ kind: 'get', hash: root, ranges: WHOLE_HASH_SEQ }),
    )
    // blobs.md 16.5
    expect(answer.length).toBe(16_608)
    expect(toHex(blake3(answer))).toBe('ca72b6e12143cde2da7183359079d679a534c6a5cb6465cf57336bd8f2c5e001')
  })

  it('a child number of 2^60 costs nothing and sends nothing', async () => {
    const store = new MemoryBlobStore(1e8)
    const root = store.add(encodeHashSeq([store.add(blob(5))]))
    const ranges = [{ index: 2n ** 60n, ranges: ALL }]
    expect(await raw(await visit(new BlobProvider({ store })), encodeRequest({ kind: 'get', hash: root, ranges }))).toHaveLength(
      0,
    )
  })

  it('an unknown blob is not found', async () => {
    const connection = await visit(new BlobProvider({ store: new MemoryBlobStore(1) }))
    expect(await codeOf(getRanges(connection, options('ab'.repeat(32)), collector().sink))).toBe('BLOB_NOT_FOUND')
  })

  it('a malformed request is answered with an empty stream', async () => {
    const provider = new BlobProvider({ store: new MemoryBlobStore(1) })
    const connection = await visit(provider)
    expect(await raw(connection, fromHex('07ff'))).toHaveLength(0)
    expect(provider.stats.malformed).toBe(1)
  })

  it('a push is refused', async () => {
    const provider = new BlobProvider({ store: new MemoryBlobStore(1) })
    const connection = await visit(provider)
    const request = encodeRequest({ kind: 'push', hash: parseHash('ab'.repeat(32)), ranges: WHOLE_HASH_SEQ })
    expect(await codeOf(raw(connection, request))).toBe('NET_STREAM_RESET')
    expect(provider.stats.refused).toBe(1)
  })

  it('a peer that asks too often is told so, others are served', async () => {
    const store = new MemoryBlobStore(1e6)
    const hash = store.add(blob(100))
    const provider = new BlobProvider({ store, limits: { ratePerPeer: 0.001, burstPerPeer: 2 } })
    const greedy = await visit(provider)
    const ask = (connection: Connection) => codeOf(getRanges(connection, options(hash), collector().sink))
    expect([await ask(greedy), await ask(greedy), await ask(greedy)]).toEqual(['resolved', 'resolved', 'NET_STREAM_RESET'])
    expect(await ask(await visit(provider))).toBe('resolved')
  })
})
