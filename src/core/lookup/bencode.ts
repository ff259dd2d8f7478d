import { concatBytes, utf8 } from '../../base/bytes.ts'
import { lookupError } from './errors.ts'

/** Keys are byte strings; ours and those of the DHT are short ASCII words, so a text stands for one (a character per byte). */
export type Bencode = bigint | Uint8Array | readonly Bencode[] | ReadonlyMap<string, Bencode>

const MAX_DEPTH = 8
/** Values in one message; a real one has fewer than 40. */
const MAX_VALUES = 1_000
/** Digits of an integer; a time in µs has 16. */
const MAX_DIGITS = 20

const code = (char: string): number => char.charCodeAt(0)
const [ZERO, NINE, MINUS, COLON] = [code('0'), code('9'), code('-'), code(':')]
const [INTEGER, LIST, DICTIONARY, END] = [code('i'), code('l'), code('d'), code('e')]

/** Reads one whole value. Throws `LOOKUP_BAD_BENCODE`. Order of keys is not checked: DHT nodes are sloppy. */
export function decodeBencode(bytes: Uint8Array): Bencode {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (reader.at !== bytes.length) throw bad('bytes follow a value')
  return value
}

class Reader {
  readonly #bytes: Uint8Array
  #values = 0
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  value(depth: number): Bencode {
    if (depth > MAX_DEPTH || ++this.#values > MAX_VALUES) throw bad('a value is too deep or too large')
    const first = this.#bytes[this.at]
    if (first === INTEGER) return this.#integer()
    if (first === LIST) return this.#list(depth)
    if (first === DICTIONARY) return this.#dictionary(depth)
    return this.#string()
  }

  #integer(): bigint {
    this.at++
    const negative = this.#bytes[this.at] === MINUS
    if (negative) this.at++
    const digits = this.#digits(END)
    const value = BigInt(digits)
    if (negative && value === 0n) throw bad('an integer is minus zero')
    return negative ? -value : value
  }

  #list(depth: number): Bencode[] {
    this.at++
    const items: Bencode[] = []
    while (!this.#ended()) items.push(this.value(depth + 1))
    return items
  }

  #dictionary(depth: number): Map<string, Bencode> {
    this.at++
    const items = new Map<string, Bencode>()
    while (!this.#ended()) {
      const key = Buffer.from(this.#string()).toString('latin1')
      if (items.has(key)) throw bad('a key appears twice')
      items.set(key, this.value(depth + 1))
    }
    return items
  }

  #string(): Uint8Array {
    const size = Number(this.#digits(COLON))
    if (this.at + size > this.#bytes.length) throw bad('a string is longer than the message')
    const copy = this.#bytes.slice(this.at, this.at + size)
    this.at += size
    return copy
  }

  #ended(): boolean {
    if (this.#bytes[this.at] !== END) return false
    this.at++
    return true
  }

  /** Digits without a needless zero up to `end`, which is taken as well. */
  #digits(end: number): string {
    let text = ''
    for (;;) {
      const byte = this.#bytes[this.at++]
      if (byte === end) break
      if (byte === undefined || byte < ZERO || byte > NINE || text.length >= MAX_DIGITS) throw bad('a number is malformed')
      text += String.fromCharCode(byte)
    }
    if (text === '' || (text.length > 1 && text.startsWith('0'))) throw bad('a number is malformed')
    return text
  }
}

/** Keys in order of their bytes, as everybody must write them. */
export function encodeBencode(value: Bencode): Uint8Array {
  if (typeof value === 'bigint') return utf8(`i${value}e`)
  if (value instanceof Uint8Array) return concatBytes([utf8(`${value.length}:`), value])
  if (value instanceof Map) {
    const keys = [...value.keys()].sort((a, b) => Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')))
    const items = keys.flatMap((key) => [
      encodeBencode(new Uint8Array(Buffer.from(key, 'latin1'))),
      encodeBencode(value.get(key) as Bencode),
    ])
    return concatBytes([utf8('d'), ...items, utf8('e')])
  }
  return concatBytes([utf8('l'), ...(value as readonly Bencode[]).map(encodeBencode), utf8('e')])
}

const bad = (message: string): Error => lookupError('LOOKUP_BAD_BENCODE', `not bencode: ${message}`)
