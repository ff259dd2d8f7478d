import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { equalBytes } from '../../../../src/base/bytes.ts'
import { FsBlobStore } from '../../../../src/core/blobs/fs-store.ts'
import { encodeHashSeq } from '../../../../src/core/blobs/proto/collection.ts'
import { WHOLE_HASH_SEQ } from '../../../../src/core/blobs/proto/ranges-seq.ts'
import { BLOBS_ALPN, encodeRequest } from '../../../../src/core/blobs/proto/requests.ts'
import { BlobProvider, type ProviderLimits, type ProviderOptions } from '../../../../src/core/blobs/provider.ts'
import { ALL } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, idBytes } from '../../../../src/core/ids.ts'
import type { Connection, Transport } from '../../../../src/core/net/transport.ts'
import { WireWriter } from '../../../../src/core/wire/writer.ts'
import { TsChild } from '../../../support/ts-child.ts'
import { bindLoopback, pattern } from '../../net/support.ts'
import { ask, decode, expectSoon, fetchBlob, getRequest, idle, openFilesUnder, outcome } from './support.ts'

let dir: string
let store: FsBlobStore
let door: Transport
const open_: Transport[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-provider-'))
  store = new FsBlobStore({ dir: join(dir, 'blobs'), maxBytes: 1e9 })
})
afterEach(async () => {
  await Promise.all(open_.splice(0).map((t) => t.close()))
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** A provider over QUIC on loopback. */
async function serve(limits: Partial<ProviderLimits> = {}, options: Partial<ProviderOptions> = {}): Promise<BlobProvider> {
  const provider = new BlobProvider({ store, limits, ...options })
  door = await bindLoopback([BLOBS_ALPN])
  open_.push(door)
  const accept = async (): Promise<void> => {
    for (let incoming = await door.nextIncoming(); incoming !== null; incoming = await door.nextIncoming()) {
      incoming.accept().then(
        (connection) => provider.serve(connection),
        () => {},
      )
    }
  }
  void accept()
  return provider
}

/** A new peer's connection to it. */
async function visit(from?: string): Promise<Connection> {
  const transport = await bindLoopback([BLOBS_ALPN], from === undefined ? undefined : [`${from}:0`])
  open_.push(transport)
  const { id, direct } = door.localAddr()
  const reachable = from === undefined ? direct : direct.filter((addr) => !addr.startsWith('['))
  return transport.connect({ id, direct: reachable }, BLOBS_ALPN)
}

const honest = async (hash: Hash, data: Uint8Array, from?: string): Promise<void> => {
  expect(equalBytes(await fetchBlob(await visit(from), hash), data)).toBe(true)
}

describe('requests that are none', () => {
  it('junk of every kind is answered with an empty stream, and the connection still serves', async () => {
    const provider = await serve()
    const data = pattern(50_000)
    const { hash } = await store.importBytes(data)
    const connection = await visit()
    const bodies = [2, 3, 4, 5, 6, 7, 10, 255].map((kind) => new Uint8Array([kind, 1, 2, 3]))
    const cut = getRequest(hash).subarray(0, 20)
    const overflow = new WireWriter().u8(0).fixed(idBytes(hash)).u64(1).u64(0).u64(2)
    overflow.u64(2n ** 64n - 1n).u64(2n ** 64n - 1n)
    for (const body of [...bodies, new Uint8Array(0), new Uint8Array([0]), cut, overflow.finish()]) {
      expect(await outcome(await ask(connection, body))).toEqual({ bytes: new Uint8Array(0), code: 'fin' })
    }
    expect(provider.stats.malformed).toBe(12)
    expect(equalBytes(await fetchBlob(connection, hash), data)).toBe(true)
    await idle(provider)
  })

  it('more than 1 MiB is not read', async () => {
    const provider = await serve()
    const connection = await visit()
    const stream = await connection.openBi()
    await stream.send.write(new Uint8Array(2 * 1024 * 1024)).catch(() => {})
    stream.send.finish().catch(() => {})
    expect((await outcome(stream)).bytes).toHaveLength(0)
    await idle(provider)
    expect(provider.stats.malformed).toBe(1)
  })

  it('without an end, or a byte at a time: cut at the deadline', async () => {
    const provider = await serve({ requestMs: 300 })
    const { hash } = await store.importBytes(pattern(100))
    const connection = await visit()
    const silent = await ask(connection, getRequest(hash), false)
    const slow = await connection.openBi()
    const drip = (async () => {
      for (const byte of getRequest(hash)) {
        await slow.send.write(new Uint8Array([byte]))
        await sleep(50)
      }
    })().catch(() => {})
    expect((await outcome(silent)).code).toBe(2)
    expect((await outcome(slow)).code).toBe(2)
    await drip
    await idle(provider)
    expect(await fetchBlob(connection, hash)).toHaveLength(100)
  })

  it('half-open streams in masses end the connection; others are served meanwhile', async () => {
    const provider = await serve({ requestMs: 200, junkBurst: 20 })
    const data = pattern(300_000)
    const { hash } = await store.importBytes(data)
    const transport = await bindLoopback([BLOBS_ALPN])
    open_.push(transport)
    const connection = await transport.connect(door.localAddr(), BLOBS_ALPN)
    const opened = Promise.all(Array.from({ length: 100 }, () => ask(connection, new Uint8Array([0]), false))).catch(() => {})
    await honest(hash, data)
    const { by, code } = await connection.closed
    expect({ by, code }).toEqual({ by: 'remote', code: 2n })
    await opened
    await idle(provider)
    // Turned away for a while, whoever comes from there.
    const again = await transport.connect(door.localAddr(), BLOBS_ALPN)
    expect((await again.closed).code).toBe(2n)
    await honest(hash, data)
  })

  it('an honest peer is served while another process floods with junk from ever new identities', async () => {
    const provider = await serve()
    const data = pattern(300_000)
    const { hash } = await store.importBytes(data)
    const flood = new TsChild(fileURLToPath(new URL('./junk-child.ts', import.meta.url)), [JSON.stringify(door.localAddr())])
    try {
      await expectSoon(() => provider.stats.malformed > 0)
      const connection = await visit('127.0.0.2')
      for (let i = 0; i < 20; i++) expect(equalBytes(await fetchBlob(connection, hash), data)).toBe(true)
      await honest(hash, data, '127.0.0.2')
      expect(Number(flood.lines.at(-1))).toBeGreaterThan(provider.stats.malformed)
      // In the end strangers from the flood's address are turned away at the door.
      const isTurnedAway = async (): Promise<boolean> => {
        const stranger = await visit()
        const served = fetchBlob(stranger, hash).then(
          () => false,
          () => stranger.isClosed,
        )
        return Promise.race([served, stranger.closed.then(({ code }) => code === 2n)])
      }
      await expectSoon(isTurnedAway)
      await honest(hash, data, '127.0.0.2')
    } finally {
      await flood.end('SIGKILL')
    }
  })

  it('a push is refused at its first byte and nothing is stored', async () => {
    const provider = await serve()
    const connection = await visit()
    const { hash } = await store.importBytes(pattern(10))
    const request = encodeRequest({ kind: 'push', hash, ranges: WHOLE_HASH_SEQ })
    const stream = await connection.openBi()
    await stream.send.write(request)
    expect((await outcome(stream)).code).toBe(1)
    await stream.send.write(pattern(3_000_000)).catch(() => {})
    expect(await store.usage()).toEqual({ bytes: 10, blobs: 1 })
    expect(provider.stats).toMatchObject({ refused: 1, served: 0 })
  })
})

describe('requests that are too much', () => {
  it('children of number 2^60 and a million of nothing cost nothing', async () => {
    await serve()
    const child = await store.importBytes(pattern(20))
    const { hash } = await store.importBytes(encodeHashSeq([child.hash]))
    const connection = await visit()
    const far = [{ index: 2n ** 60n, ranges: ALL }]
    expect(await outcome(await ask(connection, getRequest(hash, far)))).toEqual({ bytes: new Uint8Array(0), code: 'fin' })
    const many = await store.importBytes(encodeHashSeq(Array.from({ length: 100_000 }, () => child.hash)))
    const beyond = [{ index: 100_001n, ranges: ALL }]
    expect((await outcome(await ask(connection, getRequest(many.hash, beyond)))).code).toBe('fin')
  })

  it('1 MiB of boundaries is refused, as many as fit are answered', async () => {
    const provider = await serve()
    const data = pattern(3_000_000)
    const { hash } = await store.importBytes(data)
    const connection = await visit()
    const body = (tuples: number, each: number): Uint8Array => {
      const w = new WireWriter().u8(0).fixed(idBytes(hash)).u64(tuples)
      for (let i = 0; i < tuples; i++) {
        w.u64(i === 0 ? 0 : 1).u64(each)
        for (let j = 0; j < each; j++) w.u64(1)
      }
      return w.finish()
    }
    expect((await outcome(await ask(connection, body(1, 1_000_000)))).bytes).toHaveLength(0)
    expect((await outcome(await ask(connection, body(16, 60_000)))).bytes).toHaveLength(0)
    expect(provider.stats.malformed).toBe(2)
    // Every second chunk of 2930: each group is opened down to its chunks.
    const odd = Array.from({ length: 2930 }, (_, i) => BigInt(i))
    const got = await fetchBlob(connection, hash, odd)
    expect(got.length).toBe(1465 * 1024)
    expect(equalBytes(got.subarray(0, 1024), data.subarray(0, 1024))).toBe(true)
    expect(equalBytes(got.subarray(1024, 2048), data.subarray(2048, 3072))).toBe(true)
  })

  it('500 streams at once wait their turn and are all answered', async () => {
    const provider = await serve({ perPeer: 4 })
    const data = pattern(20_000)
    const { hash } = await store.importBytes(data)
    const connections = await Promise.all([1, 2, 3, 4, 5].map(() => visit()))
    let most = 0
    const timer = setInterval(() => (most = Math.max(most, provider.load().requests)), 1)
    const all = connections.flatMap((c) => Array.from({ length: 100 }, () => fetchBlob(c, hash)))
    for (const got of await Promise.all(all)) expect(got).toHaveLength(20_000)
    clearInterval(timer)
    expect(most).toBeLessThanOrEqual(20)
    await expectSoon(() => provider.stats.served === 500)
  })

  it('of the idle connections of a peer only as many as its limit stay open, others get in', async () => {
    const provider = await serve({ connectionsPerPeer: 8 })
    const data = pattern(5_000)
    const { hash } = await store.importBytes(data)
    const transport = await bindLoopback([BLOBS_ALPN])
    open_.push(transport)
    const all: Connection[] = []
    for (let i = 0; i < 200; i += 20) {
      all.push(...(await Promise.all(Array.from({ length: 20 }, () => transport.connect(door.localAddr(), BLOBS_ALPN)))))
      await expectSoon(() => all.filter((c) => !c.isClosed).length <= 8)
    }
    expect(provider.load().connections).toBeLessThanOrEqual(8)
    await honest(hash, data)
    for (const c of all) c.close(0n, 'done')
    await expectSoon(() => provider.load().connections <= 1)
  })

  it('an open-ended request for a large raw blob: the blob, then reset 3', async () => {
    await serve()
    const data = pattern(2_000_000)
    const { hash } = await store.importBytes(data)
    const { code } = await outcome(await ask(await visit(), getRequest(hash, WHOLE_HASH_SEQ)))
    expect(code).toBe(3)
  })
})

describe('requesters that do not take what they asked for', () => {
  it('one that stops reading is cut off with its connection, and the file is closed', async () => {
    const provider = await serve({ stallMs: 500 })
    const { hash } = await store.importBytes(pattern(20_000_000))
    const connection = await visit()
    const stream = await ask(connection, getRequest(hash))
    await stream.recv.read(10_000)
    expect((await connection.closed).code).toBe(2n)
    await idle(provider)
    await expectSoon(async () => (await openFilesUnder(join(dir, 'blobs', 'content'))) === 0)
  })

  it('one that takes a few bytes now and then is cut off too', async () => {
    const provider = await serve({ slowWindowMs: 800, minBytesPerSecond: 10_000_000, stallMs: 20_000 })
    const { hash } = await store.importBytes(pattern(20_000_000))
    const connection = await visit()
    const stream = await ask(connection, getRequest(hash))
    const drip = (async () => {
      for (;;) {
        await stream.recv.read(16_384)
        await sleep(20)
      }
    })().catch(() => {})
    expect((await connection.closed).code).toBe(2n)
    await drip
    await idle(provider)
  })

  it('stopping and vanishing are no failures and free everything', async () => {
    const provider = await serve()
    const { hash } = await store.importBytes(pattern(20_000_000))
    const connection = await visit()
    const stopped = await ask(connection, getRequest(hash))
    await stopped.recv.read(1000)
    await stopped.recv.stop(0n)
    await expectSoon(() => provider.stats.stopped === 1)
    const left = await ask(connection, getRequest(hash))
    await left.recv.read(1000)
    connection.close(0n, 'drop')
    await expectSoon(() => provider.stats.stopped === 2)
    await idle(provider)
    expect(provider.stats.failed).toBe(0)
    await expectSoon(async () => (await openFilesUnder(join(dir, 'blobs', 'content'))) === 0)
  })

  it('when all places are taken, a newcomer gets one of those who have many', async () => {
    await serve({ total: 4, perPeer: 4, stallMs: 60_000 })
    const big = await store.importBytes(pattern(20_000_000))
    const data = pattern(30_000, 5)
    const { hash } = await store.importBytes(data)
    const greedy = await visit()
    const streams = await Promise.all([1, 2, 3, 4].map(() => ask(greedy, getRequest(big.hash))))
    await Promise.all(streams.map((s) => s.recv.read(1000)))
    await honest(hash, data)
  })
})

describe('files that change while they are served', () => {
  const changes: Record<string, (path: string) => Promise<void>> = {
    'written to': async (path) => {
      const file = await open(path, 'r+')
      await file.write(new Uint8Array(16_384).fill(7), 0, 16_384, 3_500_000)
      await file.close()
    },
    shortened: async (path) => {
      const file = await open(path, 'r+')
      await file.truncate(3_500_000)
      await file.close()
    },
    replaced: (path) => writeFile(path, pattern(4_000_000, 99)),
  }
  for (const [name, change] of Object.entries(changes)) {
    it(`${name}: reset 3, and not a wrong byte before it`, async () => {
      const provider = await serve()
      const data = pattern(4_000_000)
      const path = join(dir, 'file.bin')
      await writeFile(path, data)
      const { hash } = await store.importFile(path, { mode: 'reference' })
      const connection = await visit()
      const stream = await ask(connection, getRequest(hash))
      const first = await stream.recv.read(1000)
      await change(path)
      const { bytes, code } = await outcome(stream)
      expect(code).toBe(3)
      const got = decode(new Uint8Array(Buffer.concat([first ?? new Uint8Array(0), bytes])), hash)
      expect(equalBytes(got, data.subarray(0, got.length))).toBe(true)
      await expectSoon(async () => (await store.status(hash)).kind === 'absent')
      expect((await outcome(await ask(connection, getRequest(hash)))).code).toBe(3)
      await idle(provider)
    })
  }

  it('removed: served to the end, then not found', async () => {
    await serve()
    const data = pattern(4_000_000)
    const path = join(dir, 'file.bin')
    await writeFile(path, data)
    const { hash } = await store.importFile(path, { mode: 'reference' })
    const connection = await visit()
    const stream = await ask(connection, getRequest(hash))
    const first = await stream.recv.read(1000)
    await rm(path)
    const { bytes, code } = await outcome(stream)
    expect(code).toBe('fin')
    expect(equalBytes(decode(new Uint8Array(Buffer.concat([first ?? new Uint8Array(0), bytes])), hash), data)).toBe(true)
    expect((await outcome(await ask(connection, getRequest(hash)))).code).toBe(3)
  })
})
