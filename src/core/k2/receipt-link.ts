import { TaskGroup } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { Connection, K2Endpoint, RecvHalf, SendHalf } from '../net/index.ts'
import { encodeFrame, FrameReader } from '../wire/frame.ts'
import type { ReceiptHabit } from './neighbor-check.ts'
import { decodeReceipt, encodeReceipt, RECEIPT_ALPN, RECEIPT_FRAME_BYTES, RECEIPT_KEYS, type Receipt } from './receipt-frame.ts'

/** Peers receipts are sent to at once; a gateway rarely has more than a handful of others on its topics. */
const MAX_PEERS = 256
/** Receipts waiting for one peer; a lost one only makes it send the line again. */
const MAX_WAITING = 1000
const DIAL_MS = 5_000
const WRITE_MS = 5_000
/** A connection without receipts is given back after this. */
const IDLE_MS = 120_000
/** Streams one peer may use; ours uses one. */
const MAX_STREAMS = 4
/** Peers whose habit is remembered, and for how long: programs are updated. */
const HABITS = 4096
const HABIT_MS = 3_600_000
/** Close codes: nothing special, a goodbye, a protocol violation. */
const CODE_IDLE = 0n
const CODE_GOODBYE = 7n
const CODE_BAD_FRAME = 2n

export interface ReceiptLinkOptions {
  readonly endpoint: Pick<K2Endpoint, 'dial' | 'handle'>
  readonly clock: Clock
  readonly log: Logger
  readonly onReceipt: (peer: PeerId, receipt: Receipt) => void
  /** The peer stops and will not confirm anything for now. */
  readonly onGoodbye: (peer: PeerId) => void
}

interface Outgoing {
  /** Keys written on this connection lately. */
  readonly written: RecentKeys
  readonly waiting: { readonly topic: TopicId; readonly key: string }[]
  connection: Connection | undefined
  stream: SendHalf | undefined
  writing: boolean
  cancelIdle: (() => void) | undefined
}

/** Carries receipts between gateways, one connection per direction and pair (see `receipt-frame.ts`). */
export class ReceiptLink {
  readonly #options: ReceiptLinkOptions
  readonly #peers = new Map<PeerId, Outgoing>()
  readonly #habits = new BoundedMap<PeerId, ReceiptHabit>({ max: HABITS, ttlMs: HABIT_MS })
  readonly #asking = new Map<PeerId, Promise<ReceiptHabit>>()
  readonly #tasks: TaskGroup
  readonly #counts = { sent: 0, received: 0, dropped: 0 }
  #unhandle: (() => void) | undefined
  #stopped = false

  constructor(options: ReceiptLinkOptions) {
    this.#options = options
    this.#tasks = new TaskGroup((err) => options.log.error({ ev: 'receipt-bug', err }, 'unexpected failure of the receipt link'))
  }

  start(): void {
    this.#unhandle = this.#options.endpoint.handle(RECEIPT_ALPN, (connection) => this.#serve(connection))
  }

  stats(): { readonly sent: number; readonly received: number; readonly dropped: number } {
    return { ...this.#counts }
  }

  /** Tells a peer that one of its lines is stored. Never fails: a receipt that cannot be sent is asked for again. */
  send(peer: PeerId, topic: TopicId, key: string): void {
    if (this.#stopped) return
    const out = this.#outgoing(peer, key)
    if (out === undefined || out.waiting.length >= MAX_WAITING) {
      this.#counts.dropped++
      return
    }
    out.waiting.push({ topic, key })
    if (!out.writing) this.#tasks.add(this.#write(peer, out))
  }

  /** Whether a peer is a gateway, by whether it speaks this protocol. Never rejects; what has become known is not asked again. */
  ask(peer: PeerId): Promise<ReceiptHabit> {
    const known = this.#habits.get(peer, this.#options.clock.now())
    if (known !== undefined) return Promise.resolve(known)
    const running = this.#asking.get(peer)
    if (running !== undefined) return running
    const asking = this.#ask(peer).finally(() => this.#asking.delete(peer))
    this.#asking.set(peer, asking)
    return asking
  }

  async #ask(peer: PeerId): Promise<ReceiptHabit> {
    const { endpoint, clock } = this.#options
    try {
      const connection = await endpoint.dial(peer, RECEIPT_ALPN, { deadlineMs: DIAL_MS, exclusive: true, heard: true })
      connection.close(CODE_IDLE, '')
    } catch (error) {
      if (errorCode(error) !== 'NET_ALPN') return 'unknown'
      this.#habits.set(peer, 'application', clock.now())
      return 'application'
    }
    this.#noteGateway(peer)
    return 'gateway'
  }

  #noteGateway(peer: PeerId): void {
    this.#habits.set(peer, 'gateway', this.#options.clock.now())
  }

  /** Says goodbye, so that nobody waits for us, and closes. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unhandle?.()
    for (const [peer, out] of [...this.#peers]) this.#drop(peer, out, CODE_GOODBYE)
    await this.#tasks.settled()
  }

  #outgoing(peer: PeerId, key: string): Outgoing | undefined {
    const known = this.#peers.get(peer)
    if (known === undefined && this.#peers.size >= MAX_PEERS) return undefined
    if (known !== undefined && !known.written.has(key)) return known
    const fresh: Outgoing = {
      waiting: [],
      written: new RecentKeys(),
      connection: undefined,
      stream: undefined,
      writing: false,
      cancelIdle: undefined,
    }
    if (known !== undefined) {
      // Asked for a second time: the peer was restarted, and its old connection takes our bytes to nowhere.
      fresh.waiting.push(...known.waiting)
      this.#drop(peer, known, CODE_IDLE)
    }
    this.#peers.set(peer, fresh)
    return fresh
  }

  async #write(peer: PeerId, out: Outgoing): Promise<void> {
    out.writing = true
    out.cancelIdle?.()
    try {
      // What came in during this turn goes into one frame.
      await Promise.resolve()
      while (out.waiting.length > 0 && !this.#stopped) {
        const stream = out.stream ?? (await this.#open(peer, out))
        const receipt = takeReceipt(out.waiting)
        await stream.write(encodeFrame(encodeReceipt(receipt)), { deadlineMs: WRITE_MS })
        this.#counts.sent += receipt.keys.length
        for (const key of receipt.keys) out.written.add(key)
      }
      out.cancelIdle = this.#options.clock.after(IDLE_MS, () => this.#drop(peer, out, CODE_IDLE))
    } catch (error) {
      const fields = { ev: 'receipts-lost', peer, code: errorCode(error), reason: errorMessage(error) }
      this.#options.log.debug(fields, 'a gateway could not be told that its lines arrived; it will send them again')
      this.#counts.dropped += out.waiting.length
      this.#drop(peer, out, CODE_IDLE)
    } finally {
      out.writing = false
    }
  }

  async #open(peer: PeerId, out: Outgoing): Promise<SendHalf> {
    // Its line has just come.
    const call = { deadlineMs: DIAL_MS, exclusive: true, heard: true }
    const connection = await this.#options.endpoint.dial(peer, RECEIPT_ALPN, call)
    out.connection = connection
    if (this.#stopped) connection.close(CODE_GOODBYE, 'goodbye')
    connection.closed
      .then(() => this.#drop(peer, out, CODE_IDLE))
      .catch((err) => this.#options.log.error({ ev: 'receipt-bug', err }, 'a closed connection could not be forgotten'))
    out.stream = await connection.openUni({ deadlineMs: DIAL_MS })
    return out.stream
  }

  #drop(peer: PeerId, out: Outgoing, code: bigint): void {
    out.cancelIdle?.()
    out.waiting.length = 0
    out.stream = undefined
    out.connection?.close(code, code === CODE_GOODBYE ? 'goodbye' : '')
    if (this.#peers.get(peer) === out) this.#peers.delete(peer)
  }

  async #serve(connection: Connection): Promise<void> {
    connection.setMaxStreams({ uni: MAX_STREAMS, bi: 0 })
    this.#noteGateway(connection.peer)
    const reading = new TaskGroup((error) => {
      if (errorCode(error).startsWith('NET_')) return
      this.#options.log.debug(
        { ev: 'bad-receipt', peer: connection.peer, code: errorCode(error) },
        'a peer broke the receipt protocol',
      )
      connection.close(CODE_BAD_FRAME, 'bad frame')
    })
    try {
      for (;;) reading.add(this.#read(connection.peer, await connection.acceptUni()))
    } catch {
      // The only end there is: the connection closed, and `closed` says how.
      const { by, code } = await connection.closed
      if (by === 'remote' && code === CODE_GOODBYE) this.#options.onGoodbye(connection.peer)
    }
    await reading.settled()
  }

  async #read(peer: PeerId, stream: RecvHalf): Promise<void> {
    const frames = new FrameReader(stream, RECEIPT_FRAME_BYTES)
    for (;;) {
      const body = await frames.next()
      if (body === null) return
      const receipt = decodeReceipt(body)
      this.#counts.received += receipt.keys.length
      this.#options.onReceipt(peer, receipt)
    }
  }
}

/** The oldest waiting receipts that fit one frame: of one topic, at most 32. */
function takeReceipt(waiting: { readonly topic: TopicId; readonly key: string }[]): Receipt {
  const topic = (waiting[0] as { topic: TopicId }).topic
  const next = waiting.findIndex((one) => one.topic !== topic)
  const count = Math.min(RECEIPT_KEYS, next < 0 ? waiting.length : next)
  return { topic, keys: waiting.splice(0, count).map((one) => one.key) }
}

/** The last keys written, oldest forgotten first. */
class RecentKeys {
  readonly #keys = new Set<string>()

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  add(key: string): void {
    this.#keys.add(key)
    if (this.#keys.size > MAX_WAITING) this.#keys.delete(this.#keys.values().next().value as string)
  }
}
