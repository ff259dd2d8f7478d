import { deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../ids.ts'
import { SharedPull, waitFor } from './call-wait.ts'
import { closeFrame } from './close-frame.ts'
import { type Lane, MemoryPipe } from './memory-pipe.ts'
import { StreamGrant, StreamInbox, StreamSlots } from './memory-slots.ts'
import { cutPeerText, netClosed } from './net-errors.ts'
import { Receiver, Sender } from './stream-halves.ts'
import type { BiStream, CallOptions, CloseInfo, Connection, RecvHalf, SendHalf } from './transport.ts'

type Kind = 'uni' | 'bi'

/** What a connection needs of the network it lives in. */
export interface ConnectionWorld {
  readonly clock: Clock
  /** A fresh ordered way between the two ends. */
  lane(from: MemoryConnection, to: MemoryConnection): Lane
  pieceBytes: (() => number) | undefined
  latencyMs(from: PeerId, to: PeerId): number
  onClosed(end: MemoryConnection): void
}

export interface MemoryConnectionInit {
  readonly serial: number
  readonly me: PeerId
  readonly peer: PeerId
  readonly alpn: string
  readonly side: 'dialer' | 'acceptor'
  readonly origin?: string | undefined
  readonly world: ConnectionWorld
}

/** One end of a connection in memory. */
export class MemoryConnection implements Connection {
  readonly serial: number
  readonly me: PeerId
  readonly peer: PeerId
  readonly alpn: string
  readonly side: 'dialer' | 'acceptor'
  readonly origin: string | undefined
  readonly closed: Promise<CloseInfo>
  readonly #world: ConnectionWorld
  readonly #closing = deferred<CloseInfo>()
  readonly #inboxes = { uni: new StreamInbox<RecvHalf>(), bi: new StreamInbox<BiStream>() }
  readonly #slots = { uni: new StreamSlots(), bi: new StreamSlots() }
  /** Streams the peer has ended towards us, and how many it may have open. */
  readonly #grants = { uni: new StreamGrant(), bi: new StreamGrant() }
  readonly #pipesOut = new Set<MemoryPipe>()
  readonly #pipesIn = new Set<MemoryPipe>()
  readonly #accepts: { uni: SharedPull<RecvHalf>; bi: SharedPull<BiStream> }
  readonly #lanesOut = new Set<Lane>()
  #control: Lane | undefined
  #other: MemoryConnection | undefined
  #info: CloseInfo | undefined
  #killed = false

  constructor(init: MemoryConnectionInit) {
    this.serial = init.serial
    this.me = init.me
    this.peer = init.peer
    this.alpn = init.alpn
    this.side = init.side
    this.origin = init.origin
    this.#world = init.world
    this.closed = this.#closing.promise
    this.#accepts = {
      uni: new SharedPull(() => this.#inboxes.uni.take()),
      bi: new SharedPull(() => this.#inboxes.bi.take()),
    }
  }

  /** Joins two ends; called once for each pair. */
  static join(a: MemoryConnection, b: MemoryConnection): void {
    a.#other = b
    b.#other = a
    a.#control = a.#world.lane(a, b)
    b.#control = b.#world.lane(b, a)
  }

  get other(): MemoryConnection {
    return this.#other as MemoryConnection
  }

  /** Ended without telling the other side. */
  get wasKilled(): boolean {
    return this.#killed
  }

  kill(): void {
    this.#killed = true
    this.end({ by: 'lost', reason: 'killed' })
  }

  get isClosed(): boolean {
    return this.#info !== undefined
  }

  async openUni(options?: CallOptions): Promise<SendHalf> {
    await this.#slot('uni', options)
    const other = this.other
    let index = -1
    const pipe = this.#pipe(this, other, {
      onArrival: () => other.#inboxes.uni.surface(index),
      onReaderDone: () => other.#streamEnded('uni'),
    })
    index = other.#inboxes.uni.add(new Receiver(pipe.reader, { clock: this.#world.clock }))
    return new Sender(pipe.writer, { clock: this.#world.clock })
  }

  async openBi(options?: CallOptions): Promise<BiStream> {
    await this.#slot('bi', options)
    const other = this.other
    let index = -1
    let open = 2
    const half = (): void => {
      if (--open === 0) other.#streamEnded('bi')
    }
    const forth = this.#pipe(this, other, { onArrival: () => other.#inboxes.bi.surface(index), onReaderDone: half })
    const back = this.#pipe(other, this, { onWriterDone: half })
    const { clock } = this.#world
    index = other.#inboxes.bi.add({ send: new Sender(back.writer, { clock }), recv: new Receiver(forth.reader, { clock }) })
    return { send: new Sender(forth.writer, { clock }), recv: new Receiver(back.reader, { clock }) }
  }

  acceptUni(options?: CallOptions): Promise<RecvHalf> {
    return this.#accepts.uni.next(options, { clock: this.#world.clock, what: 'waiting for a stream' })
  }

  acceptBi(options?: CallOptions): Promise<BiStream> {
    return this.#accepts.bi.next(options, { clock: this.#world.clock, what: 'waiting for a stream' })
  }

  setMaxStreams(limits: { uni?: number; bi?: number }): void {
    for (const kind of ['uni', 'bi'] as const) {
      const limit = limits[kind]
      if (limit === undefined) continue
      this.#tell(kind, this.#grants[kind].setLimit(limit))
    }
  }

  close(code: bigint, reason: string): void {
    if (this.#info !== undefined) return
    const other = this.other
    const frame = closeFrame(code, reason)
    this.end({ by: 'local', code: frame.code, reason })
    const heard = cutPeerText(new TextDecoder().decode(frame.reason))
    this.#control?.send(() => other.end({ by: 'remote', code: frame.code, reason: heard }))
  }

  rttMs(): number | undefined {
    return this.#world.latencyMs(this.me, this.peer) + this.#world.latencyMs(this.peer, this.me)
  }

  /** This end is over: everything that waits fails, what was on its way out is lost. */
  end(info: CloseInfo): void {
    if (this.#info !== undefined) return
    this.#info = info
    const error = netClosed(info)
    for (const pipe of this.#pipesOut) pipe.failWriter(error)
    for (const pipe of this.#pipesIn) pipe.failReader(error, info.by === 'local')
    this.#pipesOut.clear()
    this.#pipesIn.clear()
    for (const kind of ['uni', 'bi'] as const) {
      this.#inboxes[kind].fail(error, info.by === 'local')
      this.#slots[kind].fail(error)
    }
    for (const lane of this.#lanesOut) lane.discard()
    this.#lanesOut.clear()
    this.#closing.resolve(info)
    this.#world.onClosed(this)
  }

  async #slot(kind: Kind, options: CallOptions | undefined): Promise<void> {
    if (this.#info !== undefined) throw netClosed(this.#info)
    const slots = this.#slots[kind]
    const turn = slots.take()
    let late = false
    await waitFor(turn, options, {
      clock: this.#world.clock,
      what: 'opening a stream',
      onGiveUp: () => {
        late = true
      },
    }).catch((error) => {
      // A slot that comes after its caller has gone is used up by an empty, reset stream, as on the real transport.
      if (late) turn.then(() => this.#discardSlot(kind)).catch(() => {})
      throw error
    })
    if (this.#info !== undefined) throw netClosed(this.#info)
  }

  #discardSlot(kind: Kind): void {
    const other = this.other
    this.#control?.send(() => other.#streamEnded(kind))
  }

  #streamEnded(kind: Kind): void {
    this.#tell(kind, this.#grants[kind].streamEnded())
  }

  #tell(kind: Kind, allowed: number | undefined): void {
    if (this.#info !== undefined || allowed === undefined) return
    const other = this.other
    this.#control?.send(() => other.#slots[kind].raise(allowed))
  }

  #pipe(
    from: MemoryConnection,
    to: MemoryConnection,
    hooks: { onArrival?: () => void; onReaderDone?: () => void; onWriterDone?: () => void },
  ): MemoryPipe {
    const forth = from.#world.lane(from, to)
    const back = to.#world.lane(to, from)
    from.#lanesOut.add(forth)
    to.#lanesOut.add(back)
    const pipe: MemoryPipe = new MemoryPipe({
      forth,
      back,
      onArrival: hooks.onArrival ?? (() => {}),
      onReaderDone: () => {
        to.#pipesIn.delete(pipe)
        from.#lanesOut.delete(forth)
        to.#lanesOut.delete(back)
        hooks.onReaderDone?.()
      },
      onWriterDone: () => {
        from.#pipesOut.delete(pipe)
        hooks.onWriterDone?.()
      },
      pieceBytes: this.#world.pieceBytes,
    })
    from.#pipesOut.add(pipe)
    to.#pipesIn.add(pipe)
    return pipe
  }
}
