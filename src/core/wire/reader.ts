import { fromUtf8 } from '../../base/bytes.ts'
import { wireError } from './errors.ts'

/** Largest number of elements or bytes a length may announce when the caller names no smaller one. */
const MAX_LENGTH = 0xffff_ffff

export interface SeqLimits {
  /** Most elements accepted; more is `WIRE_TOO_LONG`. */
  readonly max?: number
  /** Fewest bytes one element can take (default 1); a count that the rest of the input cannot hold is `WIRE_TRUNCATED`. */
  readonly minItemBytes?: number
}

/**
 * Reads postcard 1.x values (gossip 3) from one complete input. Every method throws a `K2Error` with a `WIRE_*` code on
 * malformed input and never allocates from a claimed length. Byte strings are views into the input, not copies.
 * Trailing bytes are the caller's business: tolerate them, or call `end`.
 */
export class WireReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get offset(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw wireError('WIRE_TRUNCATED', 'the input ends inside a value', { offset: this.#at })
    this.#at++
    return byte
  }

  bool(): boolean {
    const byte = this.u8()
    if (byte > 1) throw wireError('WIRE_BAD_BOOL', 'a boolean is 0 or 1', { offset: this.#at - 1, value: byte })
    return byte === 1
  }

  u16(): number {
    return this.#varint32(3, 0x03)
  }

  u32(): number {
    return this.#varint32(5, 0x0f)
  }

  u64(): bigint {
    let value = 0
    for (let i = 0; i < 4; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return BigInt(value)
    }
    let big = BigInt(value)
    for (let i = 4; i < 10; i++) {
      const byte = this.u8()
      if (i === 9 && byte > 1) throw this.#badVarint(10)
      big |= BigInt(byte & 0x7f) << BigInt(7 * i)
      if (byte < 0x80) return big
    }
    throw this.#badVarint(10)
  }

  /** A u64 that must fit a JavaScript number exactly; larger values are `WIRE_OUT_OF_RANGE`. */
  safeU64(): number {
    const value = this.u64()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw wireError('WIRE_OUT_OF_RANGE', 'an integer is larger than 2^53 - 1', { offset: this.#at })
    }
    return Number(value)
  }

  /** Discriminant of an enum with `count` variants. */
  variant(count: number): number {
    const index = this.u32()
    if (index >= count) {
      throw wireError('WIRE_UNKNOWN_VARIANT', 'an enum has an unknown variant', { offset: this.#at, value: index })
    }
    return index
  }

  /** Exactly `size` raw bytes without a length (fixed arrays). */
  fixed(size: number): Uint8Array {
    if (size > this.remaining) throw wireError('WIRE_TRUNCATED', 'the input ends inside a value', { offset: this.#at })
    const view = this.#bytes.subarray(this.#at, this.#at + size)
    this.#at += size
    return view
  }

  bytes(max = MAX_LENGTH): Uint8Array {
    return this.fixed(this.#length(max, 1))
  }

  string(maxBytes = MAX_LENGTH): string {
    const start = this.#at
    const text = fromUtf8(this.bytes(maxBytes))
    if (text === undefined) throw wireError('WIRE_BAD_UTF8', 'a string is not valid UTF-8', { offset: start })
    return text
  }

  option<T>(read: () => T): T | undefined {
    const tag = this.u8()
    if (tag > 1) throw wireError('WIRE_BAD_OPTION', 'an option tag is 0 or 1', { offset: this.#at - 1, value: tag })
    return tag === 1 ? read() : undefined
  }

  seq<T>(read: () => T, limits: SeqLimits = {}): T[] {
    const count = this.#length(limits.max ?? MAX_LENGTH, limits.minItemBytes ?? 1)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read())
    return items
  }

  /** Refuses left-over bytes, for formats that do not tolerate them. */
  end(): void {
    if (this.remaining > 0) {
      throw wireError('WIRE_TRAILING_BYTES', 'bytes follow the value', { offset: this.#at, size: this.remaining })
    }
  }

  #length(max: number, minItemBytes: number): number {
    const start = this.#at
    const length = this.u64()
    if (length > BigInt(max)) throw wireError('WIRE_TOO_LONG', `a length is larger than ${max}`, { offset: start, max })
    if (Number(length) * minItemBytes > this.remaining) {
      throw wireError('WIRE_TRUNCATED', 'a length is larger than the rest of the input', { offset: start })
    }
    return Number(length)
  }

  #varint32(maxBytes: number, lastByteMax: number): number {
    let value = 0
    for (let i = 0; i < maxBytes; i++) {
      const byte = this.u8()
      if (i === maxBytes - 1 && byte > lastByteMax) break
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    throw this.#badVarint(maxBytes)
  }

  #badVarint(maxBytes: number): Error {
    return wireError('WIRE_BAD_VARINT', `an integer does not fit ${maxBytes} varint bytes`, { offset: this.#at })
  }
}
