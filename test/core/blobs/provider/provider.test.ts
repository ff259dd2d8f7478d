import { afterEach, describe, expect, it } from 'vitest'
import { applyUpdate, type Bitfield, decodeBitfield, UNKNOWN_BLOB } from '../../../../src/core/blobs/proto/observe.ts'
import { encodeRequest } from '../../../../src/core/blobs/proto/requests.ts'
import type { ProviderOptions } from '../../../../src/core/blobs/provider.ts'
import { blake3 } from '../../../../src/core/blobs/tree/blake3.ts'
import { ALL } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, hashOf, type PeerId } from '../../../../src/core/ids.ts'
import type { BiStream } from '../../../../src/core/net/transport.ts'
import { WireReader } from '../../../../src/core/wire/reader.ts'
import { pattern } from '../../net/support.ts'
import { deliver } from '../store/support.ts'
import { Scene } from './scene.ts'
import { ask, expectSoon, fetchBlob, getRequest, idle, outcome } from './support.ts'

let scene: Scene
const make = (options?: Partial<ProviderOptions>): Scene => {
  scene = new Scene(options)
  return scene
}
afterEach(() => scene.close())

const observeRequest = (hash: Hash): Uint8Array => encodeRequest({ kind: 'observe', hash, ranges: ALL })

/** Messages of an observe response. */
class ObserverReader {
  readonly #stream: BiStream
  #buffer: Uint8Array = new Uint8Array(0)

  constructor(stream: BiStream) {
    this.#stream = stream
  }

  /** Undefined at FIN. */
  async next(): Promise<Bitfield | undefined> {
    for (;;) {
      const length = this.#buffer[0]
      if (length !== undefined && this.#buffer.length > length) {
        const body = this.#buffer.subarray(1, 1 + length)
        this.#buffer = this.#buffer.subarray(1 + length)
        return decodeBitfield(new WireReader(body).fixed(length))
      }
      const part = await this.#stream.recv.read(65_536)
      if (part === null) return undefined
      this.#buffer = new Uint8Array(Buffer.concat([this.#buffer, part]))
    }
  }
}

describe('who may have what', () => {
  it('is asked for every request; a refusal has its code', async () => {
    const asked: string[] = []
    const answers: Record<string, boolean | 'limit' | 'permission'> = {}
    const { store, provider } = make({
      permit: async (_peer, request) => {
        asked.push(request.kind)
        return request.kind === 'get' ? (answers[request.hash] ?? true) : false
      },
    })
    const [free, closed, later] = [1, 2, 3].map((i) => store.add(pattern(100, i))) as [Hash, Hash, Hash]
    answers[closed] = 'permission'
    answers[later] = 'limit'
    const connection = await scene.visit()
    expect((await outcome(await ask(connection, getRequest(free)))).code).toBe('fin')
    expect((await outcome(await ask(connection, getRequest(closed)))).code).toBe(1)
    expect((await outcome(await ask(connection, getRequest(later)))).code).toBe(2)
    expect((await outcome(await ask(connection, observeRequest(free)))).code).toBe(1)
    expect(asked).toEqual(['get', 'get', 'get', 'observe'])
    expect(provider.stats).toMatchObject({ served: 1, refused: 3 })
  })

  it('a hook that fails or never answers counts as no', async () => {
    let first = true
    const { store } = make({
      limits: { permitMs: 50 },
      permit: () => {
        if (!first) return new Promise(() => {})
        first = false
        throw new Error('the database is gone')
      },
    })
    const hash = store.add(pattern(100))
    const connection = await scene.visit()
    expect((await outcome(await ask(connection, getRequest(hash)))).code).toBe(2)
    expect((await outcome(await ask(connection, getRequest(hash)))).code).toBe(2)
    await idle(scene.provider)
  })

  it('a peer may be turned away at the door', async () => {
    const bad = new Set<PeerId>()
    make({ admit: (peer) => !bad.has(peer) })
    const transport = scene.bind()
    bad.add(transport.id)
    expect(await (await scene.visit(transport)).closed).toMatchObject({ by: 'remote', code: 1n })
    expect(scene.events).toEqual([{ type: 'turned-away', peer: transport.id, code: 1n }])
  })
})

describe('events', () => {
  it('tell of a transfer from beginning to end', async () => {
    const { store, events, provider } = make()
    const hash = store.add(pattern(100_000))
    const connection = await scene.visit()
    await fetchBlob(connection, hash)
    await expectSoon(() => events.at(-1)?.type === 'completed')
    const types = events.map((e) => e.type)
    expect(types.slice(0, 3)).toEqual(['connected', 'request', 'started'])
    expect(types.filter((t) => t === 'progress').length).toBeGreaterThan(2)
    // 8 of header, 6 pairs, the content.
    expect(events.at(-1)).toMatchObject({ type: 'completed', request: 1, bytes: 8 + 6 * 64 + 100_000 })
    await outcome(await ask(connection, getRequest(hashOf(blake3(pattern(3))))))
    expect(events.at(-1)).toMatchObject({ type: 'aborted', request: 2, reason: 'BLOB_MISSING', bytes: 0 })
    connection.close(0n, 'bye')
    await expectSoon(() => events.at(-1)?.type === 'disconnected')
    expect(provider.load()).toEqual({ connections: 0, requests: 0, observers: 0 })
  })

  it('a listener that fails harms nobody', async () => {
    const { store } = make({
      onEvent: () => {
        throw new Error('broken')
      },
    })
    expect(await fetchBlob(await scene.visit(), store.add(pattern(50)))).toHaveLength(50)
  })
})

describe('observers', () => {
  const data = pattern(500_000)
  const hash = hashOf(blake3(data))

  it('hear of what is there, then of what comes, until it is complete; the stream stays open', async () => {
    const { store, provider } = make({ limits: { observeEveryMs: 1 } })
    const stream = await ask(await scene.visit(), observeRequest(hash))
    const reader = new ObserverReader(stream)
    let state = (await reader.next()) as Bitfield
    expect(state).toEqual(UNKNOWN_BLOB)
    const partial = await store.resume(hash)
    await deliver(partial.sink(), data, hash, [16n, 64n])
    while (state.ranges.at(-1) !== 64n) state = applyUpdate(state, (await reader.next()) as Bitfield)
    expect(state).toEqual({ size: 500_000n, ranges: [16n, 64n] })
    await deliver(partial.sink(), data, hash, ALL)
    await partial.complete()
    while (state.ranges.length !== 1 || state.ranges[0] !== 0n) state = applyUpdate(state, (await reader.next()) as Bitfield)
    expect(state).toEqual({ size: 500_000n, ranges: ALL })
    expect(provider.load()).toMatchObject({ observers: 1, requests: 0 })
    await partial.close()
  })

  it('that stop are noticed at the next update', async () => {
    const { store, provider } = make({ limits: { observeEveryMs: 1 } })
    const stream = await ask(await scene.visit(), observeRequest(hash))
    await new ObserverReader(stream).next()
    await expectSoon(() => provider.load().observers === 1)
    await stream.recv.stop(0n)
    const partial = await store.resume(hash)
    await deliver(partial.sink(), data, hash, [0n, 16n])
    await expectSoon(async () => {
      await deliver(partial.sink(), data, hash, [32n, 48n])
      return provider.load().observers === 0
    })
    await partial.close()
    expect(provider.stats).toMatchObject({ stopped: 1, failed: 0 })
  })

  it('make room for new ones when there are too many, and end with their time or connection', async () => {
    const { store, provider } = make({ limits: { observersPerPeer: 2, observeMs: 400 } })
    store.add(data)
    const connection = await scene.visit()
    const readers: ObserverReader[] = []
    for (let i = 0; i < 3; i++) {
      const reader = new ObserverReader(await ask(connection, observeRequest(hash)))
      expect(await reader.next()).toEqual({ size: 500_000n, ranges: ALL })
      readers.push(reader)
      await expectSoon(() => provider.load().observers === Math.min(i + 1, 2))
    }
    expect(await readers[0]?.next()).toBeUndefined()
    expect(await readers[1]?.next()).toBeUndefined()
    const other = await scene.visit()
    await new ObserverReader(await ask(other, observeRequest(hash))).next()
    other.close(0n, 'bye')
    await expectSoon(() => provider.load().observers === 0)
  })
})

describe('partial blobs', () => {
  it('are served as far as they are proven, then reset 3', async () => {
    const { store } = make()
    const data = pattern(500_000)
    const hash = hashOf(blake3(data))
    const partial = await store.resume(hash)
    await deliver(partial.sink(), data, hash, [0n, 64n])
    await partial.flush()
    const connection = await scene.visit()
    expect(await fetchBlob(connection, hash, [16n, 48n])).toHaveLength(32 * 1024)
    expect((await outcome(await ask(connection, getRequest(hash)))).code).toBe(3)
    await partial.close()
    expect(await fetchBlob(connection, hash, [0n, 64n])).toHaveLength(64 * 1024)
  })
})

describe('under load', () => {
  it('an impatient client is slowed down, not refused', async () => {
    const { store, provider } = make({ limits: { ratePerPeer: 200, burstPerPeer: 5 } })
    const hash = store.add(pattern(10))
    const connection = await scene.visit()
    await Promise.all(Array.from({ length: 60 }, () => fetchBlob(connection, hash)))
    expect(provider.stats).toMatchObject({ served: 60, refused: 0 })
  })
})
