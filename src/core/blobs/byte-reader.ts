import type { RecvHalf } from '../net/transport.ts'
import { SpareMemory } from './spare-memory.ts'

/**
 * Bytes asked of a stream at once. The binding hands out arrays of numbers, eight bytes of memory each: above 128 KiB such an
 * array is a large object of its own, which costs a fifth more time and some 40 MiB of resident memory.
 */
export const READ_BYTES = 15 * 1024

/** After a piece of this length more of them are expected, bytes. */
const KEPT_FROM = 4096

/** As many as a thread has streams. */
const spare = new SpareMemory(READ_BYTES, 4)

/** Buffers a stream so that exact numbers of bytes can be taken; every wait has the same deadline. */
export class ByteReader {
  readonly #recv: RecvHalf
  readonly #deadlineMs: number
  readonly #signal: AbortSignal | undefined
  /** Where reads go: a new piece of memory for each would be there until the engine's next collection of garbage. */
  #memory: Uint8Array | undefined
  #chunk: Uint8Array = new Uint8Array(0)

  constructor(recv: RecvHalf, options: { deadlineMs: number; signal?: AbortSignal | undefined }) {
    this.#recv = recv
    this.#deadlineMs = options.deadlineMs
    this.#signal = options.signal
  }

  /** 1..max bytes, or null at the end. They are overwritten by the next call. */
  async some(max: number): Promise<Uint8Array | null> {
    if (this.#chunk.length === 0) {
      const options = { deadlineMs: this.#deadlineMs, signal: this.#signal, into: this.#memory }
      const read = await this.#recv.read(READ_BYTES, options)
      if (read === null) return null
      // Requests and other short messages do without.
      if (read.length >= KEPT_FROM) this.#memory ??= spare.take()
      this.#chunk = read
    }
    const out = this.#chunk.subarray(0, max)
    this.#chunk = this.#chunk.subarray(out.length)
    return out
  }

  /** To be called when all that was wanted has come, and nothing of what `some` answered is in use: others may have the memory. */
  release(): void {
    spare.giveBack(this.#memory)
    this.#memory = undefined
  }

  /** Everything up to the end, at most `limit` bytes; undefined when there is more. */
  async all(limit: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = []
    let size = 0
    for (;;) {
      const part = await this.some(READ_BYTES)
      if (part === null) break
      size += part.length
      if (size > limit) return undefined
      parts.push(part.slice())
    }
    const out = new Uint8Array(size)
    let at = 0
    for (const part of parts) {
      out.set(part, at)
      at += part.length
    }
    return out
  }
}
