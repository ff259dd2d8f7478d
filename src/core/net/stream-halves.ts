import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { waitFor } from './call-wait.ts'
import { streamBusy, streamCodeOf, streamEnded } from './net-errors.ts'
import type { CallOptions, ReadOptions, RecvHalf, SendHalf } from './transport.ts'

/** Largest piece given to a transport at once: keeps the event loop responsive (discovery 17.1: 64 KiB block 3-4 ms). */
export const PIECE_BYTES = 64 * 1024

/** What a transport offers below the port: no deadlines, no memory of errors, calls of one half may lock each other out. */
export interface RawSend {
  write(piece: Uint8Array): Promise<void>
  finish(): Promise<void>
  reset(code: bigint): Promise<void>
}

export interface RawRecv {
  /** 1..max bytes, perhaps in `into`, or null at FIN. */
  read(max: number, into?: Uint8Array): Promise<Uint8Array | null>
  stop(code: bigint): Promise<void>
}

export interface HalfOptions {
  readonly clock: Clock
  /** Runs once when the half has ended for good, so that its strong reference can go. */
  readonly onEnd?: () => void
}

const ignore = (): void => {}

/** Port behaviour of a sending half: ordered pieces, remembered first error, deadlines, reset that never waits behind a stuck write. */
export class Sender implements SendHalf {
  readonly #raw: RawSend
  readonly #options: HalfOptions
  #error: unknown
  #failed = false
  #ended = false
  #tail: Promise<void> | undefined

  constructor(raw: RawSend, options: HalfOptions) {
    this.#raw = raw
    this.#options = options
  }

  write(data: Uint8Array, options?: CallOptions): Promise<void> {
    if (this.#failed) return Promise.reject(this.#error)
    if (this.#ended) return Promise.reject(streamEnded('finished'))
    if (data.length === 0) return Promise.resolve()
    const work = this.#inOrder(() => this.#writePieces(data))
    return waitFor(work, options, {
      clock: this.#options.clock,
      what: 'writing to a stream',
      onGiveUp: (error) => this.#fail(error),
    })
  }

  async finish(): Promise<void> {
    if (this.#failed) throw this.#error
    if (this.#ended) return
    this.#ended = true
    await this.#inOrder(async () => {
      if (this.#failed) throw this.#error
      await this.#raw.finish().catch((error) => {
        this.#fail(error)
        throw error
      })
      this.#options.onEnd?.()
    })
  }

  async reset(code: bigint): Promise<void> {
    if (this.#ended && !this.#failed) {
      // Finished, or being finished behind a stuck write: the former cannot be taken back, the latter can.
      if (this.#tail === undefined) return
    }
    this.#ended = true
    this.#fail(streamEnded('reset'))
    const pending = this.#tail
    if (pending === undefined) await this.#resetRaw(code)
    else void pending.then(() => this.#resetRaw(code))
  }

  async #resetRaw(code: bigint): Promise<void> {
    await this.#raw.reset(code).catch(ignore) // the connection or the stream is gone: nothing is left to reset
    this.#options.onEnd?.()
  }

  async #writePieces(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      if (this.#failed) throw this.#error
      try {
        await this.#raw.write(data.subarray(at, at + PIECE_BYTES))
      } catch (error) {
        this.#fail(error)
        if (errorCode(error) === 'NET_STREAM_STOPPED') {
          // QUIC keeps a stopped stream until the writer resets it; unanswered it would hold one of the peer's stream slots.
          void this.#resetRaw(streamCodeOf(error) ?? 0n)
        }
        throw error
      }
    }
  }

  /** Runs calls one after the other; `#tail` is the newest pending one (never rejects), undefined when idle. */
  #inOrder(step: () => Promise<void>): Promise<void> {
    const before = this.#tail
    const work = before === undefined ? step() : before.then(step)
    const tail = work.then(ignore, ignore).then(() => {
      if (this.#tail === tail) this.#tail = undefined
    })
    this.#tail = tail
    return work
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#error = error
  }
}

/** Port behaviour of a receiving half: one read at a time, FIN and first error remembered, stop deferred behind a pending read. */
export class Receiver implements RecvHalf {
  readonly #raw: RawRecv
  readonly #options: HalfOptions
  #error: unknown
  #failed = false
  #fin = false
  #reading = false
  #stopCode: bigint | undefined

  constructor(raw: RawRecv, options: HalfOptions) {
    this.#raw = raw
    this.#options = options
  }

  read(max: number, options?: ReadOptions): Promise<Uint8Array | null> {
    if (this.#failed) return Promise.reject(this.#error)
    if (this.#fin) return Promise.resolve(null)
    if (this.#reading) return Promise.reject(streamBusy())
    this.#reading = true
    const work = this.#readRaw(Math.max(1, Math.min(max, PIECE_BYTES)), options?.into)
    return waitFor(work, options, {
      clock: this.#options.clock,
      what: 'reading from a stream',
      onGiveUp: (error) => this.#fail(error),
    })
  }

  async stop(code: bigint): Promise<void> {
    if (this.#fin || this.#stopCode !== undefined) return
    if (this.#failed && !this.#reading && errorCode(this.#error) === 'NET_STREAM_RESET') return
    this.#stopCode = code
    this.#fail(streamEnded('stopped'))
    if (!this.#reading) await this.#stopRaw(code)
  }

  async #readRaw(max: number, into: Uint8Array | undefined): Promise<Uint8Array | null> {
    try {
      const data = await this.#raw.read(max, into)
      if (data === null) {
        this.#fin = true
        this.#options.onEnd?.()
      }
      return data
    } catch (error) {
      this.#fail(error)
      this.#options.onEnd?.()
      throw error
    } finally {
      this.#reading = false
      if (this.#stopCode !== undefined && !this.#fin) void this.#stopRaw(this.#stopCode)
    }
  }

  async #stopRaw(code: bigint): Promise<void> {
    await this.#raw.stop(code).catch(ignore) // the connection or the stream is gone: nothing is left to stop
    this.#options.onEnd?.()
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#error = error
  }
}
