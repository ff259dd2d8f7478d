import { withDeadline } from '../../base/async.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import type { Hash, PeerId } from '../ids.ts'
import type { BiStream, Connection } from '../net/transport.ts'
import { ByteReader } from './byte-reader.ts'
import { BLOB_CODES, type BlobRequest, decodeRequest, MAX_REQUEST_BYTES, PUSH_KIND } from './proto/requests.ts'
import { Admission, limited, type Slot } from './provider-admission.ts'
import { answerGet, answerGetMany } from './provider-answer.ts'
import type { ProviderEvent, ProviderStats } from './provider-events.ts'
import { DEFAULT_PROVIDER_LIMITS, type ProviderLimits } from './provider-limits.ts'
import { Observers } from './provider-observers.ts'
import { ResponseWriter } from './provider-writer.ts'
import type { BlobReader } from './store.ts'

export type { ProviderEvent, ProviderStats } from './provider-events.ts'
export { DEFAULT_PROVIDER_LIMITS, type ProviderLimits } from './provider-limits.ts'
export { EMPTY_BLOB } from './store/sources.ts'

/** `permission`: not for this peer. `limit`: not now. */
export type Verdict = boolean | 'permission' | 'limit'
/** Requests that are served at all. */
export type ServedRequest = Exclude<BlobRequest, { kind: 'push' }>

export interface ProviderOptions {
  readonly store: BlobReader
  /** Whether this peer may connect; the default is yes. */
  readonly admit?: (peer: PeerId) => Verdict
  /**
   * Whether this peer may have this; the default is yes: who knows a hash may have its content. A hook that fails or takes longer
   * than `permitMs` counts as no.
   */
  readonly permit?: (peer: PeerId, request: ServedRequest, signal: AbortSignal) => Verdict | Promise<Verdict>
  readonly onEvent?: (event: ProviderEvent) => void
  readonly limits?: Partial<ProviderLimits>
  readonly clock?: Clock
  readonly log?: Logger
}

/** What is known of one connection while it is served. */
interface Visit {
  readonly connection: Connection
  readonly signal: AbortSignal
  /** Streams being served or waiting for that. */
  busy: number
  /** Counts it out; more than once does nothing. */
  readonly leave: () => void
}

type Read =
  | { readonly kind: 'request'; readonly request: ServedRequest; readonly bytes: number }
  | { readonly kind: 'junk' | 'late' | 'push' }

/** Serves blobs to whoever connects with the blobs ALPN (blobs.md 9). Never sends a byte that is not proven by the hash. */
export class BlobProvider {
  readonly stats: ProviderStats = {
    requests: 0,
    served: 0,
    refused: 0,
    malformed: 0,
    notFound: 0,
    failed: 0,
    stopped: 0,
    bytes: 0,
  }
  readonly #options: ProviderOptions
  readonly #limits: ProviderLimits
  readonly #clock: Clock
  readonly #log: Logger
  readonly #admission: Admission
  /** Connections being served. */
  readonly #visits = new Set<Visit>()
  readonly #observers: Observers
  #numbers = 0

  constructor(options: ProviderOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_PROVIDER_LIMITS, ...options.limits }
    this.#clock = options.clock ?? systemClock
    this.#log = options.log ?? nullLogger
    this.#admission = new Admission(this.#limits, this.#clock)
    this.#observers = new Observers({ store: options.store, limits: this.#limits, clock: this.#clock })
  }

  /** What is going on now. */
  load(): { readonly connections: number; readonly requests: number; readonly observers: number } {
    return { connections: this.#admission.connections, requests: this.#admission.active, observers: this.#observers.size }
  }

  /** Serves one accepted connection until it ends. Never rejects. A connection without a stream is an ordinary ping. */
  async serve(connection: Connection): Promise<void> {
    const { peer } = connection
    const verdict = this.#options.admit?.(peer) ?? true
    const leave = verdict === true ? this.#connect(connection) : undefined
    if (leave === undefined) {
      const denied = verdict === false || verdict === 'permission'
      const code = denied ? BLOB_CODES.permission : BLOB_CODES.limit
      connection.close(code, denied ? 'permission' : 'limit')
      this.#tell({ type: 'turned-away', peer, code })
      return
    }
    const gone = new AbortController()
    void connection.closed.then(() => gone.abort(limited()))
    this.#tell({ type: 'connected', peer, connection: connection.serial })
    const visit: Visit = { connection, signal: gone.signal, busy: 0, leave }
    this.#visits.add(visit)
    try {
      await this.#accept(visit)
    } finally {
      this.#visits.delete(visit)
      leave()
      this.#tell({ type: 'disconnected', peer, connection: connection.serial })
    }
  }

  /**
   * Counts a connection in. A peer that has too many loses the idle one it used longest ago: K2 makes a new connection for every
   * download and leaves it open for five seconds.
   */
  #connect({ peer, origin }: Connection): (() => void) | undefined {
    const leave = this.#admission.connect(peer, origin)
    if (leave !== undefined) return leave
    for (const visit of this.#visits) {
      if (visit.connection.peer !== peer || visit.busy > 0) continue
      visit.leave()
      visit.connection.close(0n, 'idle')
      return this.#admission.connect(peer, origin)
    }
    return undefined
  }

  /** Takes the next stream only when its request may be served: what waits outside costs nothing here. */
  async #accept(visit: Visit): Promise<void> {
    const { connection, signal } = visit
    for (;;) {
      let stream: BiStream
      try {
        stream = await connection.acceptBi()
      } catch {
        return // the connection has ended, which is how every visit ends
      }
      this.stats.requests++
      visit.busy++
      let slot: Slot
      try {
        slot = await this.#admission.enter(connection.peer, signal)
      } catch {
        this.stats.refused++
        this.#idle(visit)
        end(stream, BLOB_CODES.limit)
        continue
      }
      void this.#handle(visit, stream, slot).catch((err) => {
        this.#log.warn({ ev: 'blob-request', peer: connection.peer, err }, 'a blob request failed unexpectedly')
      })
    }
  }

  /** A stream has ended. The order of the set is that of the connections' last use. */
  #idle(visit: Visit): void {
    visit.busy--
    if (this.#visits.delete(visit)) this.#visits.add(visit)
  }

  async #handle(visit: Visit, stream: BiStream, slot: Slot): Promise<void> {
    const { connection } = visit
    try {
      const read = await this.#read(stream, visit)
      if (read.kind === 'request') await this.#serve(visit, stream, slot, read.request, read.bytes)
      else if (read.kind === 'push') this.#refuse(stream, BLOB_CODES.permission)
      else this.#junk(connection, stream, read.kind)
    } finally {
      slot.leave()
      this.#idle(visit)
    }
  }

  /** Reads up to FIN within one deadline. A push is known by its first byte; nothing more of it is read. */
  async #read({ recv }: BiStream, visit: Visit): Promise<Read> {
    const late = new AbortController()
    const cancel = this.#clock.after(this.#limits.requestMs, () => late.abort())
    try {
      const signal = AbortSignal.any([late.signal, visit.signal])
      const reader = new ByteReader(recv, { deadlineMs: this.#limits.requestMs, signal })
      const kind = (await reader.some(1))?.[0]
      if (kind === PUSH_KIND) return { kind: 'push' }
      const rest = kind === undefined ? undefined : await reader.all(MAX_REQUEST_BYTES)
      if (kind === undefined || !rest) return { kind: 'junk' }
      const bytes = new Uint8Array(rest.length + 1)
      bytes[0] = kind
      bytes.set(rest, 1)
      await this.#admission.pay(visit.connection.peer, rest.length, visit.signal)
      const request = decodeRequest(bytes)
      return request.kind === 'push' ? { kind: 'push' } : { kind: 'request', request, bytes: rest.length }
    } catch (error) {
      return { kind: errorCode(error).startsWith('WIRE_') ? 'junk' : 'late' }
    } finally {
      cancel()
    }
  }

  /** Answered with an empty stream (blobs.md 6.2); whoever does nothing else is shown the door. */
  #junk(connection: Connection, stream: BiStream, kind: 'junk' | 'late'): void {
    this.stats.malformed++
    if (!this.#admission.junk(connection.peer, connection.origin)) {
      connection.close(BLOB_CODES.limit, 'limit')
      this.#tell({ type: 'turned-away', peer: connection.peer, code: BLOB_CODES.limit })
      return
    }
    if (kind === 'late') end(stream, BLOB_CODES.limit)
    else {
      stream.send.finish().catch(() => {})
      void stream.recv.stop(0n)
    }
  }

  #refuse(stream: BiStream, code: bigint): void {
    this.stats.refused++
    end(stream, code)
  }

  async #serve(visit: Visit, stream: BiStream, slot: Slot, request: ServedRequest, size: number): Promise<void> {
    const { connection } = visit
    const { peer } = connection
    const verdict = await this.#verdict(peer, request, visit.signal)
    if (verdict !== true) {
      this.#refuse(stream, verdict === 'limit' ? BLOB_CODES.limit : BLOB_CODES.permission)
      return
    }
    const number = ++this.#numbers
    const began = this.#clock.monotonic()
    let bytes = 0
    this.#tell({ type: 'request', peer, request: number, kind: request.kind })
    const done = (type: 'completed' | 'aborted', reason?: string): void => {
      const ms = this.#clock.monotonic() - began
      this.#tell({ type, request: number, peer, bytes, ms, ...(reason === undefined ? {} : { reason }) })
    }
    const onBytes = (written: number): void => {
      bytes += written
      this.stats.bytes += written
      this.#tell({ type: 'progress', request: number, bytes })
    }
    try {
      await this.#answer(visit, stream, slot, request, number, onBytes)
      this.stats.served++
      this.#admission.served(peer)
      done('completed')
    } catch (error) {
      const code = errorCode(error)
      done('aborted', code)
      this.#aborted(connection, stream, code, slot.signal.aborted)
      this.#log.debug({ ev: 'blob-request', peer, kind: request.kind, size, err: error }, 'a blob request was not served')
    }
  }

  async #answer(
    visit: Visit,
    stream: BiStream,
    slot: Slot,
    request: ServedRequest,
    number: number,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    const { connection } = visit
    const { send } = stream
    if (request.kind === 'observe') {
      const follow = await this.#observers.begin(connection, request.hash, send)
      // From here on it is counted as an observer, not as a request.
      slot.leave()
      return follow()
    }
    const writer = new ResponseWriter({
      peer: connection.peer,
      send,
      admission: this.#admission,
      limits: this.#limits,
      clock: this.#clock,
      signal: AbortSignal.any([visit.signal, slot.signal]),
      onBytes,
    })
    const parts = {
      store: this.#options.store,
      writer,
      onBlob: (index: number, hash: Hash, size: number) => this.#tell({ type: 'started', request: number, index, hash, size }),
    }
    try {
      if (request.kind === 'get') await answerGet(parts, request.hash, request.ranges)
      else await answerGetMany(parts, request.hashes, request.ranges)
    } catch (error) {
      // What was proven before goes out, as upstream sends it. Its own failure adds nothing.
      await writer.flush().catch(() => {})
      throw error
    }
    await writer.flush()
    await send.finish()
  }

  #aborted(connection: Connection, stream: BiStream, code: string, preempted: boolean): void {
    if (preempted) {
      this.#refuse(stream, BLOB_CODES.limit)
    } else if (code === 'BLOB_REQUESTER_STALLED') {
      this.stats.failed++
      // A write that waits for the requester keeps its stream busy; only closing the connection frees both.
      connection.close(BLOB_CODES.limit, 'limit')
    } else {
      if (code === 'NET_STREAM_STOPPED' || code === 'NET_CLOSED' || connection.isClosed) this.stats.stopped++
      else if (code === 'BLOB_MISSING' || code === 'BLOB_CHANGED') this.stats.notFound++
      else this.stats.failed++
      end(stream, BLOB_CODES.internal)
    }
  }

  async #verdict(peer: PeerId, request: ServedRequest, signal: AbortSignal): Promise<Verdict> {
    const { permit } = this.#options
    if (permit === undefined) return true
    try {
      const answer = Promise.resolve(permit(peer, request, signal))
      return await withDeadline(answer, { ms: this.#limits.permitMs, what: 'the permission hook', signal, clock: this.#clock })
    } catch (err) {
      this.#log.warn({ ev: 'blob-permit', peer, err }, 'whether a peer may have a blob could not be found out')
      return 'limit'
    }
  }

  #tell(event: ProviderEvent): void {
    try {
      this.#options.onEvent?.(event)
    } catch (err) {
      this.#log.warn({ ev: 'blob-listener', err }, 'a listener of the blob provider failed')
    }
  }
}

/** Ends both directions. Neither call rejects; one that must wait for the peer is not waited for. */
function end(stream: BiStream, code: bigint): void {
  void stream.send.reset(code)
  void stream.recv.stop(0n)
}
