const LARGE = 65_536

/** Places to make room for when `size` are needed: half as many again, of large arrays an eighth, so that little of them stays empty. */
export const roomFor = (size: number, capacity: number): number =>
  Math.max(size, Math.ceil(capacity * (capacity < LARGE ? 1.5 : 1.125)))

/** Places a large array keeps beyond those in use when it is trimmed, as a share of them. */
const SPARE = 1 / 64

/** Places to keep of `capacity` when `size` are in use; all of them where trimming would bring little. */
export function roomToKeep(size: number, capacity: number): number {
  const kept = Math.ceil(size * (1 + SPARE))
  return capacity < LARGE || capacity - kept < capacity / 32 ? capacity : kept
}

/** Typed arrays that grow; values are read and written by index. */
export class GrowingU32 {
  data: Uint32Array
  length = 0
  constructor(capacity = 1_024) {
    this.data = new Uint32Array(capacity)
  }
  push(value: number): number {
    this.ensure(this.length + 1)
    this.data[this.length] = value
    return this.length++
  }
  ensure(size: number): void {
    if (size <= this.data.length) return
    const grown = new Uint32Array(roomFor(size, this.data.length))
    grown.set(this.data)
    this.data = grown
  }
  /** Gives back what lies beyond the first `size` places, but for a few. */
  trim(size: number): void {
    const room = roomToKeep(size, this.data.length)
    if (room < this.data.length) this.data = this.data.slice(0, room)
  }
}

export class GrowingF64 {
  data: Float64Array
  constructor(capacity = 1_024) {
    this.data = new Float64Array(capacity)
  }
  set(index: number, value: number): void {
    if (index >= this.data.length) {
      const grown = new Float64Array(roomFor(index + 1, this.data.length))
      grown.set(this.data)
      this.data = grown
    }
    this.data[index] = value
  }
  trim(size: number): void {
    const room = roomToKeep(size, this.data.length)
    if (room < this.data.length) this.data = this.data.slice(0, room)
  }
  add(index: number, value: number): void {
    this.set(index, (this.data[index] ?? 0) + value)
  }
}

const buffer = new ArrayBuffer(4)
const asFloat = new Float32Array(buffer)
const asBits = new Uint32Array(buffer)

/** Bits of the float32 next to `value`, at or below it (`down`) or at or above it. */
export function floatBits(value: number, down: boolean): number {
  asFloat[0] = value
  const rounded = asFloat[0] as number
  if (Number.isFinite(rounded) && (down ? rounded > value : rounded < value)) {
    // Values here are never negative: neighbours are neighbours in bits.
    if (down) asBits[0] = Math.max(0, (asBits[0] as number) - 1)
    else asBits[0] = (asBits[0] as number) + 1
  }
  return asBits[0] as number
}
