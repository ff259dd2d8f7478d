import { hashOf, type IdPool } from './id-pool.ts'

const FIRST_SLOTS = 2_048
/** Slots that stay empty: of four at least two. */
const SPARE = 2

/**
 * Numbers of ids that are kept elsewhere, by number: an open table of numbers alone, a seventh of what a map with a million
 * strings takes and nothing the collector of garbage has to look at.
 */
export class IdTable {
  readonly #ids: IdPool
  /** A number plus one; 0 is empty. Whoever finds his slot taken takes the next one. */
  #slots = new Uint32Array(FIRST_SLOTS)
  #size = 0

  constructor(ids: IdPool) {
    this.#ids = ids
  }

  get size(): number {
    return this.#size
  }
  get bytes(): number {
    return this.#slots.byteLength
  }

  get(id: string): number | undefined {
    const at = (this.#slots[this.#find(id)] as number) - 1
    return at < 0 ? undefined : at
  }

  /** The id must stand under its number already, and under no other. */
  set(id: string, number: number): void {
    const at = this.#find(id)
    if (this.#slots[at] === 0) this.#size++
    this.#slots[at] = number + 1
    if (this.#size * SPARE > this.#slots.length) this.#grow()
  }

  /** While the id still stands under its number. */
  delete(id: string): boolean {
    let gap = this.#find(id)
    if (this.#slots[gap] === 0) return false
    this.#size--
    const mask = this.#slots.length - 1
    // What stands behind a gap moves into it unless it stands where it belongs.
    for (let at = (gap + 1) & mask; this.#slots[at] !== 0; at = (at + 1) & mask) {
      const home = this.#ids.hash((this.#slots[at] as number) - 1) & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      this.#slots[gap] = this.#slots[at] as number
      gap = at
    }
    this.#slots[gap] = 0
    return true
  }

  /** The slot of an id, or the empty one it would take. */
  #find(id: string): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let at = hashOf(id) & mask
    while (slots[at] !== 0 && !this.#ids.is((slots[at] as number) - 1, id)) at = (at + 1) & mask
    return at
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Uint32Array(before.length * 2)
    const mask = this.#slots.length - 1
    for (let k = 0; k < before.length; k++) {
      const entry = before[k] as number
      if (entry === 0) continue
      let at = this.#ids.hash(entry - 1) & mask
      while (this.#slots[at] !== 0) at = (at + 1) & mask
      this.#slots[at] = entry
    }
  }
}
