import { BoundedMap } from '../../base/bounded-map.ts'
import { equalBytes } from '../../base/bytes.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { isK2Error, K2Error } from '../../base/errors.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { type Hash, hashOf, idBytes, type PeerId } from '../ids.ts'
import type { BiStream, Connection, SendHalf } from '../net/transport.ts'
import { ByteReader } from './byte-reader.ts'
import { decodeHashSeq, MAX_HASH_SEQ_BYTES } from './proto/collection.ts'
import { encodeBitfield, UNKNOWN_BLOB } from './proto/observe.ts'
import { type RangesSeq, selectedRuns } from './proto/ranges-seq.ts'
import { BLOB_CODES, type BlobRequest, decodeRequest, MAX_REQUEST_BYTES } from './proto/requests.ts'
import type { BlobReader } from './store.ts'
import { blake3 } from './tree/blake3.ts'
import { encodeRanges, encodeSize } from './tree/encode.ts'
import { ALL, type ChunkRanges } from './tree/ranges.ts'

export interface ProviderLimits {
  /** A request must be complete within this time, ms. */
  readonly requestMs: number
  /** A requester that takes no bytes for this long is cut off, ms. */
  readonly stallMs: number
  /** Requests served at once, for one peer and for all. */
  readonly perPeer: number
  readonly total: number
  /** Requests per second of one peer, and how many it may save up. */
  readonly ratePerPeer: number
  readonly burstPerPeer: number
  /** Payload bytes per second of one peer; 0 = no limit. */
  readonly bytesPerSecond: number
  /** Open observers of one peer. */
  readonly observersPerPeer: number
}

export const DEFAULT_PROVIDER_LIMITS: ProviderLimits = {
  requestMs: 10_000,
  stallMs: 45_000,
  perPeer: 16,
  total: 64,
  ratePerPeer: 50,
  burstPerPeer: 200,
  bytesPerSecond: 0,
  observersPerPeer: 8,
}

export interface ProviderStats {
  requests: number
  served: number
  refused: number
  malformed: number
  notFound: number
  failed: number
  bytes: number
}

export interface ProviderOptions {
  readonly store: BlobReader
  /** Whether this peer may have this blob; the default is yes: who knows a hash may have its content. */
  readonly permit?: (peer: PeerId, request: BlobRequest) => boolean
  readonly limits?: Partial<ProviderLimits>
  readonly clock?: Clock
  readonly log?: Logger
}

/** Peers whose budgets are remembered. */
const MAX_PEERS = 4096

const missing = (): K2Error => new K2Error({ code: 'BLOB_MISSING', kind: 'input', message: 'this blob is not here' })

/** Serves blobs to whoever connects with the blobs ALPN (blobs.md 9). Never sends a byte that is not proven by the hash. */
export class BlobProvider {
  readonly stats: ProviderStats = { requests: 0, served: 0, refused: 0, malformed: 0, notFound: 0, failed: 0, bytes: 0 }
  readonly #options: ProviderOptions
  readonly #limits: ProviderLimits
  readonly #clock: Clock
  readonly #log: Logger
  readonly #budgets = new BoundedMap<PeerId, { requests: TokenBucket; bytes: TokenBucket | undefined }>({ max: MAX_PEERS })
  readonly #active = new Map<PeerId, number>()
  readonly #observers = new Map<PeerId, number>()
  #total = 0

  constructor(options: ProviderOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_PROVIDER_LIMITS, ...options.limits }
    this.#clock = options.clock ?? systemClock
    this.#log = options.log ?? nullLogger
  }

  /** Serves one accepted connection until it ends. Never rejects. A connection without a stream is an ordinary ping. */
  async serve(connection: Connection): Promise<void> {
    for (;;) {
      let stream: BiStream
      try {
        stream = await connection.acceptBi()
      } catch {
        return // the connection has ended, which is how every visit ends
      }
      void this.#handle(connection, stream).catch((err) => {
        this.stats.failed++
        this.#log.debug({ ev: 'blob-request', peer: connection.peer, err }, 'a blob request failed')
      })
    }
  }

  async #handle(connection: Connection, stream: BiStream): Promise<void> {
    const { peer } = connection
    const { send, recv } = stream
    this.stats.requests++
    if (!this.#admit(peer)) {
      this.stats.refused++
      await Promise.all([send.reset(BLOB_CODES.limit), recv.stop(0n)])
      return
    }
    try {
      const request = await this.#request(stream)
      if (request === undefined) {
        this.stats.malformed++
        await Promise.all([send.finish(), recv.stop(0n)])
        return
      }
      if (request.kind === 'push' || !(this.#options.permit?.(peer, request) ?? true)) {
        this.stats.refused++
        await Promise.all([send.reset(BLOB_CODES.permission), recv.stop(0n)])
        return
      }
      await this.#answer(peer, request, send)
      this.stats.served++
    } catch (error) {
      if (isK2Error(error) && error.code === 'BLOB_MISSING') this.stats.notFound++
      else this.stats.failed++
      await send.reset(BLOB_CODES.internal)
    } finally {
      this.#release(peer)
    }
  }

  /** Undefined: malformed. Push is recognised before its body: nothing of it is read. */
  async #request({ recv }: BiStream): Promise<BlobRequest | undefined> {
    const reader = new ByteReader(recv, { deadlineMs: this.#limits.requestMs })
    const bytes = await reader.all(MAX_REQUEST_BYTES + 1)
    if (bytes === undefined) return undefined
    try {
      return decodeRequest(bytes)
    } catch {
      return undefined // answered and counted as malformed by the caller
    }
  }

  async #answer(peer: PeerId, request: Exclude<BlobRequest, { kind: 'push' }>, send: SendHalf): Promise<void> {
    if (request.kind === 'observe') return this.#observe(peer, request.hash, send)
    if (request.kind === 'get-many') await this.#many(peer, request.hashes, request.ranges, send)
    else await this.#get(peer, request.hash, request.ranges, send)
    await send.finish()
  }

  async #get(peer: PeerId, root: Hash, seq: RangesSeq, send: SendHalf): Promise<void> {
    let children: readonly Hash[] | undefined
    for (const { from, to, ranges } of selectedRuns(seq)) {
      if (from === 0n) await this.#blob(peer, root, ranges, send)
      if (to === 1n) continue
      children ??= await this.#children(root)
      // Runs are walked only as far as there are children, whatever index they name.
      const end = to === undefined || to > BigInt(children.length) + 1n ? children.length + 1 : Number(to)
      for (let i = from === 0n ? 1 : Number(from < BigInt(end) ? from : BigInt(end)); i < end; i++) {
        await this.#blob(peer, children[i - 1] as Hash, ranges, send)
      }
    }
  }

  async #many(peer: PeerId, hashes: readonly Hash[], seq: RangesSeq, send: SendHalf): Promise<void> {
    for (const { from, to, ranges } of selectedRuns(seq)) {
      const end = to === undefined || to > BigInt(hashes.length) ? hashes.length : Number(to)
      for (let i = Number(from < BigInt(end) ? from : BigInt(end)); i < end; i++) {
        await this.#blob(peer, hashes[i] as Hash, ranges, send)
      }
    }
  }

  async #children(root: Hash): Promise<readonly Hash[]> {
    const source = await this.#options.store.open(root)
    if (source === undefined) throw missing()
    try {
      if (source.size > MAX_HASH_SEQ_BYTES) throw missing()
      const bytes = await source.read(0, source.size)
      if (!equalBytes(blake3(bytes), idBytes(root))) throw missing()
      return decodeHashSeq(bytes)
    } finally {
      await source.close()
    }
  }

  async #blob(peer: PeerId, hash: Hash, ranges: ChunkRanges, send: SendHalf): Promise<void> {
    const empty = equalBytes(idBytes(hash), EMPTY_HASH)
    if (empty) return this.#write(peer, encodeSize(0), send)
    const source = await this.#options.store.open(hash)
    if (source === undefined) throw missing()
    try {
      await this.#write(peer, encodeSize(source.size), send)
      for await (const piece of encodeRanges(source, idBytes(hash), ranges)) await this.#write(peer, piece, send)
    } finally {
      await source.close()
    }
  }

  async #write(peer: PeerId, piece: Uint8Array, send: SendHalf): Promise<void> {
    const bucket = this.#budget(peer).bytes
    if (bucket) {
      const wait = bucket.waitMs(this.#clock.now(), piece.length)
      if (wait > 0) await new Promise<void>((go) => this.#clock.after(wait, go))
      bucket.take(this.#clock.now(), piece.length)
    }
    await send.write(piece, { deadlineMs: this.#limits.stallMs })
    this.stats.bytes += piece.length
  }

  /** Answers the present state and keeps the stream open until the observer or the connection ends it (blobs.md 7.3). */
  async #observe(peer: PeerId, hash: Hash, send: SendHalf): Promise<void> {
    const open = this.#observers.get(peer) ?? 0
    if (open >= this.#limits.observersPerPeer) {
      this.stats.refused++
      return send.reset(BLOB_CODES.limit)
    }
    const status = await this.#options.store.status(hash)
    const field =
      status.kind === 'absent'
        ? UNKNOWN_BLOB
        : { size: BigInt(status.size), ranges: status.kind === 'complete' ? ALL : status.ranges }
    await send.write(encodeBitfield(field), { deadlineMs: this.#limits.stallMs })
    // Complete blobs never change again; for partial ones the observer asks anew. Either way this side has said all it will.
    await send.finish()
  }

  #admit(peer: PeerId): boolean {
    const active = this.#active.get(peer) ?? 0
    if (this.#total >= this.#limits.total || active >= this.#limits.perPeer) return false
    if (!this.#budget(peer).requests.take(this.#clock.now())) return false
    this.#active.set(peer, active + 1)
    this.#total++
    return true
  }

  #release(peer: PeerId): void {
    this.#total--
    const active = (this.#active.get(peer) ?? 1) - 1
    if (active === 0) this.#active.delete(peer)
    else this.#active.set(peer, active)
  }

  #budget(peer: PeerId): { requests: TokenBucket; bytes: TokenBucket | undefined } {
    const now = this.#clock.now()
    const known = this.#budgets.get(peer, now)
    if (known) return known
    const { ratePerPeer, burstPerPeer, bytesPerSecond } = this.#limits
    const made = {
      requests: new TokenBucket(ratePerPeer, burstPerPeer, now),
      bytes: bytesPerSecond > 0 ? new TokenBucket(bytesPerSecond, Math.max(bytesPerSecond, 65_536), now) : undefined,
    }
    this.#budgets.set(peer, made, now)
    return made
  }
}

const EMPTY_HASH = blake3(new Uint8Array(0))
export const EMPTY_BLOB: Hash = hashOf(EMPTY_HASH)
