import { systemClock } from '../../../../src/base/clock.ts'
import { K2Error } from '../../../../src/base/errors.ts'
import { seededRng } from '../../../../src/base/random.ts'
import { DEFAULT_DOWNLOAD_LIMITS, type DownloadLimits } from '../../../../src/core/blobs/download-types.ts'
import { Downloader, type DownloaderOptions } from '../../../../src/core/blobs/downloader.ts'
import { MemoryBlobStore } from '../../../../src/core/blobs/memory-store.ts'
import { decodeHashSeq } from '../../../../src/core/blobs/proto/collection.ts'
import { BLOBS_ALPN, type BlobRequest, decodeRequest } from '../../../../src/core/blobs/proto/requests.ts'
import { BlobProvider, type ProviderLimits } from '../../../../src/core/blobs/provider.ts'
import type { DialBlobs } from '../../../../src/core/blobs/range-fetcher.ts'
import type { BlobReader, BlobSink, PartialBlob } from '../../../../src/core/blobs/store.ts'
import { blake3, chunksOf, GROUP_BYTES } from '../../../../src/core/blobs/tree/blake3.ts'
import { ALL, type ChunkRanges, union } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, hashOf, peerIdOf } from '../../../../src/core/ids.ts'
import { MemoryNetwork } from '../../../../src/core/net/memory-network.ts'
import type { BiStream, Connection, PeerAddr, Transport } from '../../../../src/core/net/transport.ts'
import { readAll } from '../../net/support.ts'

/** Byte i = i mod 251, as in blobs.md 16. */
export function blob(size: number): Uint8Array {
  const out = new Uint8Array(size)
  for (let i = 0; i < size; i++) out[i] = i % 251
  return out
}

interface Entry {
  size: number
  sizeVerified: boolean
  ranges: ChunkRanges
  groups: Map<number, Uint8Array>
  complete: boolean
}

/**
 * The part of a blob store that downloads need, in memory. It checks on its own that what a sink takes can belong to the hash:
 * a finished blob is hashed as a whole.
 */
export class RamStore {
  readonly partials = new Map<Hash, Entry>()
  /** Pairs as the sinks took them, by blob. */
  readonly pairs = new Map<Hash, Map<number, Uint8Array>>()
  writes = 0
  /** Called before every leaf; throws to fail the store. */
  onLeaf: (offset: number) => void = () => {}

  protect(): { add(): void; release(): void } {
    return { add: () => {}, release: () => {} }
  }

  async hashSeq(hash: Hash): Promise<readonly Hash[]> {
    return decodeHashSeq(this.bytes(hash))
  }

  bytes(hash: Hash): Uint8Array {
    const partial = this.partials.get(hash)
    if (partial?.complete !== true) throw new Error('not complete')
    return join(partial)
  }

  async resume(hash: Hash): Promise<PartialBlob> {
    const made: Entry = { size: 0, sizeVerified: false, ranges: [], groups: new Map(), complete: false }
    const partial = this.partials.get(hash) ?? made
    this.partials.set(hash, partial)
    const bytes = (): number => [...partial.groups.values()].reduce((n, g) => n + g.length, 0)
    return {
      hash,
      state: () => ({
        size: partial.size,
        sizeVerified: partial.sizeVerified,
        ranges: partial.complete ? ALL : partial.ranges,
        bytes: bytes(),
        complete: partial.complete,
      }),
      sink: () => this.#sink(hash, partial),
      flush: async () => {},
      complete: async () => {
        const data = join(partial)
        if (data.length !== partial.size || hashOf(blake3(data)) !== hash) {
          throw new K2Error({ code: 'BLOB_INCOMPLETE', kind: 'bug', message: 'what was stored is not the blob' })
        }
        partial.complete = true
        return partial.size
      },
      close: async () => {},
    }
  }

  #sink(hash: Hash, partial: Entry): BlobSink {
    let claimed = 0
    return {
      size: async (size) => {
        claimed = size
        if (!partial.sizeVerified) partial.size = size
      },
      pair: async (index, pair) => {
        const pairs = this.pairs.get(hash) ?? new Map()
        this.pairs.set(hash, pairs.set(index, pair.slice()))
      },
      leaf: async (offset, data) => {
        this.onLeaf(offset)
        this.writes++
        const isLast = offset + data.length === claimed
        if (isLast) Object.assign(partial, { size: claimed, sizeVerified: true })
        if (offset % GROUP_BYTES !== 0 || (data.length % GROUP_BYTES !== 0 && !isLast)) return
        for (let at = 0; at < data.length; at += GROUP_BYTES)
          partial.groups.set((offset + at) / GROUP_BYTES, data.slice(at, at + GROUP_BYTES))
        const first = BigInt(offset / 1024)
        partial.ranges = union(partial.ranges, isLast ? [first] : [first, first + BigInt(chunksOf(data.length))])
      },
    }
  }
}

const join = (partial: Entry): Uint8Array =>
  new Uint8Array(Buffer.concat([...partial.groups.entries()].sort(([a], [b]) => a - b).map(([, group]) => group)))

/** True when no stored group differs from the real content. */
export function onlyTruth(store: RamStore, hash: Hash, data: Uint8Array): boolean {
  const groups = store.partials.get(hash)?.groups ?? new Map<number, Uint8Array>()
  return [...groups].every(
    ([i, group]) => Buffer.compare(group, data.subarray(i * GROUP_BYTES, i * GROUP_BYTES + group.length)) === 0,
  )
}

/** Serves one request its own way. */
export type Script = (request: BlobRequest, stream: BiStream, connection: Connection) => Promise<void>

const QUICK: Partial<DownloadLimits> = {
  stallMs: 150,
  connectMs: 1_000,
  backoffMs: 5,
  maxBackoffMs: 20,
  slowWindowMs: 300,
  deadlineMs: 10_000,
}

/** A downloader with an empty store, and whatever providers a test adds, on a network in memory. */
export class Rig {
  readonly store = new RamStore()
  readonly limits: DownloadLimits = { ...DEFAULT_DOWNLOAD_LIMITS, ...QUICK }
  readonly downloader: Downloader
  readonly dial: DialBlobs = (addr, call) => this.#self.connect(addr, BLOBS_ALPN, call)
  readonly #network: MemoryNetwork
  readonly #self: Transport
  readonly #open: Transport[] = []
  #seed: number

  constructor(seed = 1, options: { fragment?: boolean; parallel?: DownloaderOptions['parallel'] } = {}) {
    this.#seed = seed
    this.#network = new MemoryNetwork({ clock: systemClock, rng: seededRng(seed), fragment: options.fragment ?? false })
    this.#self = this.#bind()
    this.downloader = new Downloader({
      store: this.store,
      dial: this.dial,
      rng: seededRng(seed + 1),
      ...(options.parallel && { parallel: options.parallel }),
    })
  }

  #bind(): Transport {
    const made = this.#network.bind({ id: peerIdOf(blake3(new Uint8Array([this.#seed++]))), alpns: [BLOBS_ALPN] })
    this.#open.push(made)
    return made
  }

  /** Accepts connections and hands them out. */
  serve(each: (connection: Connection) => Promise<void>): PeerAddr {
    const transport = this.#bind()
    const loop = async (): Promise<void> => {
      for (;;) {
        const incoming = await transport.nextIncoming()
        if (incoming === null) return
        void incoming
          .accept()
          .then(each)
          .catch(() => {})
      }
    }
    void loop()
    return transport.localAddr()
  }

  honest(store: BlobReader, limits: Partial<ProviderLimits> = {}): PeerAddr & { provider: BlobProvider } {
    const provider = new BlobProvider({ store, limits })
    return { ...this.serve((connection) => provider.serve(connection)), provider }
  }

  /** A provider of complete blobs. */
  has(...blobs: Uint8Array[]): PeerAddr & { provider: BlobProvider } {
    const store = new MemoryBlobStore(1 << 30)
    for (const data of blobs) store.add(data)
    return this.honest(store)
  }

  scripted(script: Script): PeerAddr & { requests: BlobRequest[] } {
    const requests: BlobRequest[] = []
    const addr = this.serve(async (connection) => {
      for (;;) {
        const stream = await connection.acceptBi()
        void (async () => {
          const request = decodeRequest(await readAll(stream.recv))
          requests.push(request)
          await script(request, stream, connection)
        })().catch(() => {})
      }
    })
    return { ...addr, requests }
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((t) => t.close()))
  }
}

export const hashOfData = (data: Uint8Array): Hash => hashOf(blake3(data))
