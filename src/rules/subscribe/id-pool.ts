import { GrowingU32, roomFor, roomToKeep } from '../match/growing.ts'

const FIRST_BYTES = 16_384
/** Seven bits of a length in a byte, the eighth says that more follow. */
const MORE = 0x80

/**
 * Texts by number, as bytes in one array: a million short ids take ten megabytes that the collector of garbage never looks at,
 * as strings of their own they take forty-two that it does. Any text comes back as it went in.
 */
export class IdPool {
  #bytes = new Uint8Array(FIRST_BYTES)
  #end = 0
  /** Places plus one; 0 where a number has no text. */
  readonly #starts = new GrowingU32()
  #waste = 0
  #length = 0
  /** Where the units of the text found last begin, how many they are and of how many bytes each. */
  #at = 0
  #units = 0
  #wide = 0

  /** One more than the highest number. */
  get length(): number {
    return this.#length
  }
  get bytes(): number {
    return this.#bytes.byteLength + this.#starts.data.byteLength
  }

  set(number: number, text: string): void {
    this.clear(number)
    let wide = 0
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) wide = 1
    this.#reserve(text.length * (1 + wide) + 5)
    this.#starts.ensure(number + 1)
    this.#starts.data[number] = this.#end + 1
    this.#length = Math.max(this.#length, number + 1)
    let head = text.length * 2 + wide
    for (; head >= MORE; head >>>= 7) this.#bytes[this.#end++] = (head & 0x7f) | MORE
    this.#bytes[this.#end++] = head
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      this.#bytes[this.#end++] = unit & 0xff
      if (wide === 1) this.#bytes[this.#end++] = unit >>> 8
    }
  }

  /** The text of a number; empty where there is none. */
  get(number: number): string {
    if (!this.#find(number)) return ''
    let text = ''
    for (let i = 0; i < this.#units; i++) text += String.fromCharCode(this.#unit(i))
    return text
  }

  is(number: number, text: string): boolean {
    if (!this.#find(number) || this.#units !== text.length) return false
    for (let i = 0; i < text.length; i++) if (this.#unit(i) !== text.charCodeAt(i)) return false
    return true
  }

  /** `hashOf` its text. */
  hash(number: number): number {
    let hash = SEED
    if (this.#find(number)) for (let i = 0; i < this.#units; i++) hash = mixed(hash, this.#unit(i))
    return finished(hash)
  }

  clear(number: number): void {
    if (!this.#find(number)) return
    this.#waste += this.#at + (this.#units << this.#wide) - (this.#starts.data[number] as number) + 1
    this.#starts.data[number] = 0
  }

  /** Moves the texts together when more than half of the bytes belong to none. */
  tidy(): void {
    if (this.#waste * 2 <= this.#end) return
    const bytes = new Uint8Array(Math.max(FIRST_BYTES, this.#end - this.#waste))
    let end = 0
    for (let number = 0; number < this.#length; number++) {
      if (!this.#find(number)) continue
      const start = (this.#starts.data[number] as number) - 1
      const text = this.#bytes.subarray(start, this.#at + (this.#units << this.#wide))
      bytes.set(text, end)
      this.#starts.data[number] = end + 1
      end += text.length
    }
    this.#bytes = bytes
    this.#end = end
    this.#waste = 0
  }

  /** Gives back what no text stands in, but for a little. */
  trim(): void {
    this.#starts.trim(this.#length)
    const room = roomToKeep(this.#end, this.#bytes.length)
    if (room < this.#bytes.length) this.#bytes = this.#bytes.slice(0, room)
  }

  #find(number: number): boolean {
    const start = number < this.#length ? (this.#starts.data[number] as number) : 0
    if (start === 0) return false
    let at = start - 1
    let head = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[at++] as number
      head |= (byte & 0x7f) << shift
      if (byte < MORE) break
    }
    this.#at = at
    this.#units = head >>> 1
    this.#wide = head & 1
    return true
  }

  #unit(i: number): number {
    const bytes = this.#bytes
    if (this.#wide === 0) return bytes[this.#at + i] as number
    return (bytes[this.#at + i * 2] as number) | ((bytes[this.#at + i * 2 + 1] as number) << 8)
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(roomFor(this.#end + bytes, this.#bytes.length))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

const SEED = 0x811c9dc5
const mixed = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193)
function finished(sum: number): number {
  const hash = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

export function hashOf(text: string): number {
  let hash = SEED
  for (let i = 0; i < text.length; i++) hash = mixed(hash, text.charCodeAt(i))
  return finished(hash)
}
