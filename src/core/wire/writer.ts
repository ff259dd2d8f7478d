import { utf8 } from '../../base/bytes.ts'
import { wireError } from './errors.ts'

const FIRST_CAPACITY = 128

/** Writes postcard 1.x values (gossip 3), always with the shortest varints. Throws `WIRE_OUT_OF_RANGE` on values that do not fit. */
export class WireWriter {
  #buffer: Uint8Array
  #at = 0

  /** @param capacity expected size in bytes; the buffer grows as needed. */
  constructor(capacity = FIRST_CAPACITY) {
    this.#buffer = new Uint8Array(capacity)
  }

  get size(): number {
    return this.#at
  }

  u8(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > 0xff) throw outOfRange('u8')
    this.#room(1)
    this.#buffer[this.#at++] = value
    return this
  }

  bool(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }

  u16(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw outOfRange('u16')
    return this.#varint(value)
  }

  u32(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw outOfRange('u32')
    return this.#varint(value)
  }

  /** Numbers must be safe integers; larger values come as bigint. */
  u64(value: number | bigint): this {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value) || value < 0) throw outOfRange('u64')
      return this.#varint(value)
    }
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw outOfRange('u64')
    let rest = value
    this.#room(10)
    while (rest > 0x7fn) {
      this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#buffer[this.#at++] = Number(rest)
    return this
  }

  /** Discriminant of an enum. */
  variant(index: number): this {
    return this.u32(index)
  }

  /** Raw bytes without a length (fixed arrays). */
  fixed(bytes: Uint8Array): this {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
    return this
  }

  bytes(bytes: Uint8Array): this {
    return this.#varint(bytes.length).fixed(bytes)
  }

  string(text: string): this {
    return this.bytes(utf8(text))
  }

  option<T>(value: T | undefined, write: (value: T) => unknown): this {
    this.bool(value !== undefined)
    if (value !== undefined) write(value)
    return this
  }

  seq<T>(items: readonly T[], write: (item: T) => unknown): this {
    this.#varint(items.length)
    for (const item of items) write(item)
    return this
  }

  /** The bytes written so far, as a copy of their own. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#at)
  }

  #varint(value: number): this {
    this.#room(10)
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#at++] = rest
    return this
  }

  #room(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
    grown.set(this.#buffer.subarray(0, this.#at))
    this.#buffer = grown
  }
}

const outOfRange = (type: string): Error => wireError('WIRE_OUT_OF_RANGE', `a value does not fit ${type}`)
