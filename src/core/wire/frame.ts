import { wireError } from './errors.ts'

/** How much one read asks for; larger reads block the event loop for milliseconds. */
const READ_BYTES = 64 * 1024
const PREFIX_BYTES = 4

/** Where frames come from: 1..max bytes, or null at the orderly end. */
export interface ByteSource {
  read(max: number): Promise<Uint8Array | null>
}

/** A body behind its length as unsigned 32-bit big-endian (gossip 2.3). */
export function encodeFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(PREFIX_BYTES + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame.set(body, PREFIX_BYTES)
  return frame
}

/** Cuts length-prefixed bodies out of a byte stream that arrives in arbitrary pieces. Pure; memory grows only with bytes received. */
export class FrameSplitter {
  #maxBytes: number
  #buffer: Uint8Array = new Uint8Array(0)
  #start = 0
  #end = 0

  /** @param maxBytes largest body accepted. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bodies of this length are accepted from now on. */
  allow(maxBytes: number): void {
    this.#maxBytes = maxBytes
  }

  /** Takes ownership of the piece. */
  push(piece: Uint8Array): void {
    if (this.#start === this.#end) {
      this.#buffer = piece
      this.#start = 0
      this.#end = piece.length
      return
    }
    const pending = this.#end - this.#start
    if (this.#end + piece.length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max((pending + piece.length) * 2, PREFIX_BYTES))
      grown.set(this.#buffer.subarray(this.#start, this.#end))
      this.#buffer = grown
      this.#start = 0
      this.#end = pending
    }
    this.#buffer.set(piece, this.#end)
    this.#end += piece.length
  }

  /** The next complete body as bytes of its own, or undefined until more arrives. Throws `WIRE_FRAME_TOO_LONG`. */
  next(): Uint8Array | undefined {
    const size = this.#announced()
    if (size === undefined || this.#end - this.#start - PREFIX_BYTES < size) {
      this.#compact()
      return undefined
    }
    const from = this.#start + PREFIX_BYTES
    this.#start = from + size
    return this.#buffer.slice(from, this.#start)
  }

  /** Call at the end of the stream: an end before or inside a length is clean, inside a body `WIRE_FRAME_TRUNCATED`. */
  end(): void {
    const size = this.#announced()
    if (size === undefined) return
    throw wireError('WIRE_FRAME_TRUNCATED', 'the stream ended inside a frame', {
      expected: size,
      received: this.#end - this.#start - PREFIX_BYTES,
    })
  }

  /** A stream that stalls inside a frame must not keep the large piece alive in which the frame began. */
  #compact(): void {
    const pending = this.#end - this.#start
    if (this.#buffer.length < 4 * pending + PREFIX_BYTES) return
    this.#buffer = this.#buffer.slice(this.#start, this.#end)
    this.#start = 0
    this.#end = pending
  }

  #announced(): number | undefined {
    if (this.#end - this.#start < PREFIX_BYTES) return undefined
    const at = this.#start
    const b = this.#buffer
    const size =
      (((b[at] as number) << 24) | ((b[at + 1] as number) << 16) | ((b[at + 2] as number) << 8) | (b[at + 3] as number)) >>> 0
    if (size > this.#maxBytes) {
      throw wireError('WIRE_FRAME_TOO_LONG', `a frame is longer than ${this.#maxBytes} bytes`, { size, max: this.#maxBytes })
    }
    return size
  }
}

/** Reads frames one after the other from a byte source. One call at a time. */
export class FrameReader {
  readonly #source: ByteSource
  readonly #splitter: FrameSplitter

  constructor(source: ByteSource, maxBytes: number) {
    this.#source = source
    this.#splitter = new FrameSplitter(maxBytes)
  }

  /** Bodies of this length are accepted from now on. */
  allow(maxBytes: number): void {
    this.#splitter.allow(maxBytes)
  }

  /** The next body, or null at a clean end. Rejects `WIRE_FRAME_TOO_LONG`, `WIRE_FRAME_TRUNCATED` and what the source rejects. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const body = this.buffered()
      if (body !== undefined) return body
      if (!(await this.fill())) return null
    }
  }

  /** A body that has already arrived completely, without reading. Throws `WIRE_FRAME_TOO_LONG`. */
  buffered(): Uint8Array | undefined {
    return this.#splitter.next()
  }

  /** Reads once more from the source; take what is `buffered` first. False at a clean end; rejects as `next`. */
  async fill(): Promise<boolean> {
    const piece = await this.#source.read(READ_BYTES)
    if (piece !== null) this.#splitter.push(piece)
    else this.#splitter.end()
    return piece !== null
  }
}
