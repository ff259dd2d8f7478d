import { deferred } from '../../base/async.ts'
import { concatBytes } from '../../base/bytes.ts'
import { streamEnded, streamReset, streamStopped } from './net-errors.ts'
import type { RawRecv, RawSend } from './stream-halves.ts'

/** Bytes a peer may have sent on one stream without the reader taking them (discovery 16, the QUIC default). */
const STREAM_WINDOW_BYTES = 1_250_000

/** Ordered, delayed way to the other end; `discard` forgets what is still under way. */
export interface Lane {
  send(deliver: () => void): void
  discard(): void
}

export interface PipeLinks {
  /** Writer to reader. */
  readonly forth: Lane
  /** Reader to writer: credit and stop. */
  readonly back: Lane
  /** Something of this stream reached the reader's side for the first time or again. */
  readonly onArrival: () => void
  /** The reader's side is done with the stream: its slot is free again. */
  readonly onReaderDone: () => void
  /** The writer's side is done with the stream. */
  readonly onWriterDone: () => void
  /** Cuts arriving data into pieces; undefined leaves it as written. */
  readonly pieceBytes: (() => number) | undefined
}

/** One direction of a stream in memory: the state of both ends and what travels between them. */
export class MemoryPipe {
  readonly #links: PipeLinks
  // writer's end
  #credit = STREAM_WINDOW_BYTES
  #stopped: bigint | undefined
  #writerEnded = false
  #writerError: unknown
  #wakeWriter: (() => void) | undefined
  // reader's end
  #chunks: Uint8Array[] = []
  #consumed = 0
  #fin = false
  #reset: bigint | undefined
  #readerStopped = false
  #readerDone = false
  #readerError: unknown
  #wakeReader: (() => void) | undefined

  constructor(links: PipeLinks) {
    this.#links = links
  }

  readonly writer: RawSend = {
    write: (piece) => this.#write(piece.slice()),
    finish: async () => {
      this.#mustBeOpen()
      this.#endWriter()
      this.#links.forth.send(() => this.#arrive(() => this.#onFin()))
    },
    reset: async (code) => {
      this.#mustBeOpen()
      this.#endWriter()
      this.#links.forth.discard()
      this.#links.forth.send(() => this.#arrive(() => this.#onReset(code)))
    },
  }

  readonly reader: RawRecv = {
    read: (max) => this.#read(max),
    stop: async (code) => {
      if (this.#readerError !== undefined) throw this.#readerError
      this.#readerStopped = true
      this.#chunks = []
      this.#links.back.send(() => {
        this.#stopped ??= code
        this.#wakeWriter?.()
      })
      if (this.#fin || this.#reset !== undefined) this.#finishReader()
    },
  }

  /** The writer's connection end is gone. */
  failWriter(error: unknown): void {
    this.#writerError ??= error
    this.#wakeWriter?.()
  }

  /** The reader's connection end is gone; what arrived before can still be read, unless `drop` is set. */
  failReader(error: unknown, drop: boolean): void {
    this.#readerError ??= error
    if (drop) {
      this.#chunks = []
      this.#fin = false
    }
    this.#wakeReader?.()
  }

  async #write(piece: Uint8Array): Promise<void> {
    let at = 0
    while (at < piece.length) {
      this.#mustBeOpen()
      if (this.#stopped !== undefined) throw streamStopped(this.#stopped)
      if (this.#credit === 0) {
        const woken = deferred<void>()
        this.#wakeWriter = woken.resolve
        await woken.promise
        continue
      }
      const limit = Math.max(1, this.#links.pieceBytes?.() ?? piece.length)
      const part = piece.subarray(at, at + Math.min(limit, this.#credit))
      this.#credit -= part.length
      at += part.length
      this.#links.forth.send(() => this.#arrive(() => this.#onData(part)))
    }
  }

  #mustBeOpen(): void {
    if (this.#writerError !== undefined) throw this.#writerError
    if (this.#writerEnded) throw streamEnded('finished')
  }

  #endWriter(): void {
    this.#writerEnded = true
    this.#links.onWriterDone()
  }

  #arrive(apply: () => void): void {
    if (this.#readerError !== undefined) return
    this.#links.onArrival()
    apply()
    this.#wakeReader?.()
  }

  #onData(part: Uint8Array): void {
    if (this.#readerStopped) this.#giveCredit(part.length)
    else this.#chunks.push(part)
  }

  #onFin(): void {
    this.#fin = true
    if (this.#readerStopped) this.#finishReader()
  }

  #onReset(code: bigint): void {
    this.#reset = code
    this.#chunks = []
    if (this.#readerStopped) this.#finishReader()
  }

  async #read(max: number): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#reset !== undefined) {
        this.#finishReader()
        throw streamReset(this.#reset)
      }
      if (this.#chunks.length > 0) return this.#take(max)
      if (this.#fin) {
        this.#finishReader()
        return null
      }
      if (this.#readerError !== undefined) throw this.#readerError
      const woken = deferred<void>()
      this.#wakeReader = woken.resolve
      await woken.promise
    }
  }

  #take(max: number): Uint8Array {
    const parts: Uint8Array[] = []
    let size = 0
    while (size < max) {
      const first = this.#chunks[0]
      if (first === undefined) break
      const part = first.subarray(0, max - size)
      if (part.length === first.length) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(part.length)
      parts.push(part)
      size += part.length
    }
    this.#giveCredit(size)
    return parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(parts)
  }

  /** As QUIC does it: credit is returned once an eighth of the window has come together. */
  #giveCredit(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed < STREAM_WINDOW_BYTES / 8) return
    const credit = this.#consumed
    this.#consumed = 0
    this.#links.back.send(() => {
      this.#credit += credit
      this.#wakeWriter?.()
    })
  }

  #finishReader(): void {
    if (this.#readerDone) return
    this.#readerDone = true
    this.#links.onReaderDone()
  }
}
