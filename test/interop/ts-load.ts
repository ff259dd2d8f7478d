import { concatBytes } from '../../src/base/bytes.ts'
import type { TopicHandle } from '../../src/core/gossip/index.ts'

/**
 * Measured traffic, the same as the Rust peer's (peer/src/load.rs): numbered, time-stamped messages that are counted by
 * the receivers. Big-endian: "K2LD", run u32, sender u16, window u16, number u32, send time u64 (monotonic ns), zeros.
 * Confirmations: "K2LA", run u32, sender u16, count u32, time u64.
 */
const DATA = 0x4b324c44
const ACK = 0x4b324c41
const DATA_HEADER = 24
const ACK_LENGTH = 22
const SIZE_MAX = 4055
const COUNT_MAX = 1_000_000
const ACK_WAIT_MS = 20_000

export interface LoadOrder {
  readonly run: number
  readonly sender: number
  readonly count: number
  readonly size: number
  readonly rate?: number
  readonly window?: number
}

interface Received {
  readonly seen: Set<number>
  duplicates: number
  firstNs: bigint
  lastNs: bigint
  readonly latenciesUs: number[]
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The machine's monotonic clock, which the other peers read too. */
export const monotonicNs = (): bigint => process.hrtime.bigint()

export function isLoad(content: Uint8Array): boolean {
  if (content.length < ACK_LENGTH) return false
  const magic = viewOf(content).getUint32(0)
  return magic === DATA ? content.length >= DATA_HEADER : magic === ACK && content.length === ACK_LENGTH
}

/** What was received, and how far our own windowed runs were confirmed. */
export class LoadBook {
  readonly #received = new Map<string, Map<number, Received>>()
  readonly #acked = new Map<string, number>()
  readonly #waiting = new Set<() => void>()

  /** Counts one message; returns the confirmation to broadcast, if one is due. */
  take(topic: string, content: Uint8Array): Uint8Array | undefined {
    const view = viewOf(content)
    const run = view.getUint32(4)
    const sender = view.getUint16(8)
    if (view.getUint32(0) === ACK) {
      const key = `${run}/${sender}`
      this.#acked.set(key, Math.max(this.#acked.get(key) ?? 0, view.getUint32(10)))
      for (const wake of [...this.#waiting]) wake()
      return undefined
    }
    const now = monotonicNs()
    const window = view.getUint16(10)
    const number = view.getUint32(12)
    if (number >= COUNT_MAX) return undefined
    const book = this.#bookOf(topic, run, sender, now)
    if (book.seen.has(number)) {
      book.duplicates++
      return undefined
    }
    book.seen.add(number)
    book.lastNs = now
    book.latenciesUs.push(Math.max(0, Math.round(Number(now - view.getBigUint64(16)) / 1000)))
    const every = Math.max(1, Math.floor(window / 4))
    return window > 0 && book.seen.size % every === 0 ? confirmation(run, sender, book.seen.size, now) : undefined
  }

  report(topic: string, run: number, withLatencies: boolean): object {
    const senders: Record<string, object> = {}
    for (const [sender, book] of this.#received.get(`${topic}/${run}`) ?? []) {
      senders[sender] = {
        received: book.seen.size,
        duplicates: book.duplicates,
        span_ns: Number(book.lastNs - book.firstNs),
        latencies_us: withLatencies ? book.latenciesUs : null,
      }
    }
    return { senders }
  }

  /** Sends all messages of an order; resolves with the seconds it took when the last one was handed to gossip. */
  async send(handle: TopicHandle, order: LoadOrder): Promise<number> {
    const { count, size, rate = 0, window = 0 } = order
    if (size < DATA_HEADER || size > SIZE_MAX || count > COUNT_MAX || (window === 0 && rate <= 0)) {
      throw new RangeError(`size is ${DATA_HEADER}..${SIZE_MAX}, count at most ${COUNT_MAX}, and a rate or a window is needed`)
    }
    const begun = performance.now()
    for (let number = 0; number < count; number++) {
      if (window > 0) await this.#room(order, number)
      else await sleepUntil(begun + (number / rate) * 1000)
      await handle.broadcast(message(order, number))
    }
    return (performance.now() - begun) / 1000
  }

  #bookOf(topic: string, run: number, sender: number, now: bigint): Received {
    const key = `${topic}/${run}`
    const books = this.#received.get(key) ?? new Map<number, Received>()
    this.#received.set(key, books)
    const book = books.get(sender) ?? { seen: new Set(), duplicates: 0, firstNs: now, lastNs: now, latenciesUs: [] }
    books.set(sender, book)
    return book
  }

  async #room({ run, sender, window = 0 }: LoadOrder, number: number): Promise<void> {
    while (number >= (this.#acked.get(`${run}/${sender}`) ?? 0) + window) {
      await new Promise<void>((done, fail) => {
        const wake = (): void => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          done()
        }
        const timer = setTimeout(() => fail(new Error(`no confirmation after message ${number}`)), ACK_WAIT_MS)
        this.#waiting.add(wake)
      })
    }
  }
}

function sleepUntil(at: number): Promise<void> | undefined {
  const ms = at - performance.now()
  return ms > 0.5 ? new Promise((done) => setTimeout(done, ms)) : undefined
}

function message({ run, sender, size, window = 0 }: LoadOrder, number: number): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = viewOf(bytes)
  view.setUint32(0, DATA)
  view.setUint32(4, run)
  view.setUint16(8, sender)
  view.setUint16(10, window)
  view.setUint32(12, number)
  view.setBigUint64(16, monotonicNs())
  return bytes
}

function confirmation(run: number, sender: number, count: number, now: bigint): Uint8Array {
  const head = new Uint8Array(14)
  const view = viewOf(head)
  view.setUint32(0, ACK)
  view.setUint32(4, run)
  view.setUint16(8, sender)
  view.setUint32(10, count)
  const time = new Uint8Array(8)
  viewOf(time).setBigUint64(0, now)
  return concatBytes([head, time])
}
