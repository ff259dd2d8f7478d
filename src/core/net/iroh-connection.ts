import type { BiStream as RawBi, Connection as RawConnection, RecvStream, SendStream } from '@number0/iroh/index.js'
import { deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { type PeerId, parsePeerId } from '../ids.ts'
import { SharedPull, waitFor } from './call-wait.ts'
import { closeFrame } from './close-frame.ts'
import { fromNumbers, toNumbers } from './iroh-bytes.ts'
import { irohText, isPanic, parseCloseText, streamErrorOf } from './iroh-errors.ts'
import { type CallGuard, irohRecv, irohSend } from './iroh-streams.ts'
import type { ConnectionGlance } from './lost-path.ts'
import { netClosed, netError } from './net-errors.ts'
import { Receiver, Sender } from './stream-halves.ts'
import type { BiStream, CallOptions, CloseInfo, Connection, RecvHalf, SendHalf } from './transport.ts'

export interface IrohConnectionInit {
  readonly raw: RawConnection
  readonly side: 'dialer' | 'acceptor'
  readonly origin?: string | undefined
  readonly serial: number
  readonly clock: Clock
  readonly onClosed: (connection: IrohConnection) => void
}

/**
 * A connection of the binding behind the port. It holds every stream half until that half has ended: the binding would
 * finish, stop or close whatever the garbage collector finds unreferenced (discovery 17.4).
 */
export class IrohConnection implements Connection {
  readonly serial: number
  readonly peer: PeerId
  readonly alpn: string
  readonly side: 'dialer' | 'acceptor'
  readonly origin: string | undefined
  readonly closed: Promise<CloseInfo>
  readonly #raw: RawConnection
  readonly #clock: Clock
  readonly #closing = deferred<CloseInfo>()
  readonly #halves = new Set<RawBi | SendStream | RecvStream>()
  readonly #uni: SharedPull<RecvHalf>
  readonly #bi: SharedPull<BiStream>
  readonly #onClosed: (connection: IrohConnection) => void
  #info: CloseInfo | undefined
  #poisoned = false

  constructor(init: IrohConnectionInit) {
    const { raw } = init
    this.#raw = raw
    this.#clock = init.clock
    this.#onClosed = init.onClosed
    this.serial = init.serial
    this.side = init.side
    this.origin = init.origin
    this.peer = parsePeerId(raw.remoteId().toString())
    this.alpn = new TextDecoder().decode(fromNumbers(raw.alpn()))
    this.closed = this.#closing.promise
    this.#uni = new SharedPull(() => this.#guard.taking(() => raw.acceptUni()).then((stream) => this.#receiver(stream)))
    this.#bi = new SharedPull(() => this.#guard.taking(() => raw.acceptBi()).then((stream) => this.#both(stream)))
    raw.closed().then(
      (text) => this.#end(parseCloseText(text)),
      (error) => this.#end({ by: 'lost', reason: irohText(error) }),
    )
  }

  get isClosed(): boolean {
    return this.#info !== undefined
  }

  openUni(options?: CallOptions): Promise<SendHalf> {
    const work = this.#guard.live(() => this.#raw.openUni()).then((stream) => this.#sender(stream))
    return waitFor(work, options, {
      clock: this.#clock,
      what: 'opening a stream',
      onGiveUp: () => work.then((late) => late.reset(0n)).catch(() => {}),
    })
  }

  openBi(options?: CallOptions): Promise<BiStream> {
    const work = this.#guard.live(() => this.#raw.openBi()).then((stream) => this.#both(stream))
    return waitFor(work, options, {
      clock: this.#clock,
      what: 'opening a stream',
      onGiveUp: () => work.then((late) => Promise.all([late.send.reset(0n), late.recv.stop(0n)])).catch(() => {}),
    })
  }

  acceptUni(options?: CallOptions): Promise<RecvHalf> {
    return this.#uni.next(options, { clock: this.#clock, what: 'waiting for a stream' })
  }

  acceptBi(options?: CallOptions): Promise<BiStream> {
    return this.#bi.next(options, { clock: this.#clock, what: 'waiting for a stream' })
  }

  setMaxStreams(limits: { uni?: number; bi?: number }): void {
    if (this.#info !== undefined) return
    if (limits.uni !== undefined) this.#raw.setMaxConcurrentUniStreams(BigInt(limits.uni))
    if (limits.bi !== undefined) this.#raw.setMaxConcurrentBiStreams(BigInt(limits.bi))
  }

  close(code: bigint, reason: string): void {
    if (this.#info !== undefined) return
    const frame = closeFrame(code, reason)
    this.#end({ by: 'local', code: frame.code, reason })
    this.#raw.close(frame.code, toNumbers(frame.reason))
  }

  /** Ends it although the peer is there; to its owner it is a connection that broke. */
  lose(reason: string): void {
    if (this.#info !== undefined) return
    this.#end({ by: 'lost', reason })
    const frame = closeFrame(0n, reason)
    this.#raw.close(frame.code, toNumbers(frame.reason))
  }

  /** Undefined once it is closed, or before it has a path. */
  glance(): ConnectionGlance | undefined {
    if (this.#info !== undefined) return undefined
    try {
      const paths = this.#raw.paths()
      if (paths.length === 0) return undefined
      const chosen = paths.some((path) => path.isSelected)
      return { serial: this.serial, chosen, received: this.#raw.stats().udpRxDatagrams }
    } catch {
      return undefined // it ends at this moment
    }
  }

  rttMs(): number | undefined {
    return this.#info === undefined ? (this.#raw.rtt() ?? undefined) : undefined
  }

  readonly #guard: CallGuard = {
    live: async (call) => {
      if (this.#info !== undefined) throw netClosed(this.#info)
      return await this.#run(call)
    },
    taking: async (call) => {
      if (this.#info?.by === 'local' || (this.#info !== undefined && this.#poisoned)) throw netClosed(this.#info)
      return await this.#run(call)
    },
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw this.#mapped(irohText(error))
    }
  }

  #mapped(text: string): unknown {
    const concernsStream = streamErrorOf(text)
    if (concernsStream !== undefined) return concernsStream
    if (isPanic(text)) {
      this.#poisoned = true
      this.#end({ by: 'lost', reason: 'the binding failed internally' })
    }
    if (this.#info === undefined) {
      const reason = this.#poisoned ? null : this.#raw.closeReason()
      if (reason === null) return netError('FAILED', text)
      this.#end(parseCloseText(reason))
    }
    return netClosed(this.#info as CloseInfo)
  }

  #end(info: CloseInfo): void {
    if (this.#info !== undefined) return
    this.#info = info
    this.#halves.clear()
    this.#closing.resolve(info)
    this.#onClosed(this)
  }

  #sender(stream: SendStream): Sender {
    this.#halves.add(stream)
    return new Sender(irohSend(stream, this.#guard), { clock: this.#clock, onEnd: () => this.#halves.delete(stream) })
  }

  #receiver(stream: RecvStream): Receiver {
    this.#halves.add(stream)
    return new Receiver(irohRecv(stream, this.#guard), { clock: this.#clock, onEnd: () => this.#halves.delete(stream) })
  }

  #both(stream: RawBi): BiStream {
    return { send: this.#sender(stream.send), recv: this.#receiver(stream.recv) }
  }
}
