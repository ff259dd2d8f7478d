import { EMPTY_HASH, type SignedEntry } from './proto/entry.ts'

/** Rows per block before it is split. Larger: inserts move more; smaller: more blocks to walk for a fingerprint. */
const MAX_BLOCK = 512
const WORDS = 8

/**
 * The id as a text of one character per byte: texts compare as their bytes do, and many times faster than byte arrays, which
 * is most of the work of an index.
 */
export function sortText(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')
}

/** An entry with its fingerprint as eight words. */
export interface Row {
  readonly entry: SignedEntry
  /** Of its id. */
  readonly text: string
  readonly fp: Uint32Array
}

interface Block {
  readonly rows: Row[]
  /** XOR over the rows. */
  readonly xor: Uint32Array
}

interface Spot {
  readonly block: number
  readonly at: number
  readonly exact: boolean
}

export const fingerprintWords = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer)
export const fingerprintBytes = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer.slice(words.byteOffset, words.byteOffset + WORDS * 4))

const EMPTY_WORDS = fingerprintWords(EMPTY_HASH)

/**
 * The entries of one document in id order, in blocks that know their size and the XOR of their fingerprints: any position,
 * count or range fingerprint costs one walk over the blocks (docs 14.3).
 */
export class EntryIndex {
  readonly #blocks: Block[] = []
  /** Rows before each block; made anew when asked for after a change. */
  #starts: number[] | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get(text: string): Row | undefined {
    const spot = this.#find(text)
    return spot.exact ? this.#row(spot) : undefined
  }

  /** Rows with smaller ids than the one of this text. */
  position(text: string): number {
    const { block, at } = this.#find(text)
    return this.#startOf(block) + at
  }

  /** The row at a position; undefined outside. */
  at(position: number): Row | undefined {
    if (position < 0 || position >= this.#size) return undefined
    const starts = this.#allStarts()
    let low = 0
    let high = this.#blocks.length - 1
    while (low < high) {
      const mid = (low + high + 1) >> 1
      if ((starts[mid] as number) <= position) low = mid
      else high = mid - 1
    }
    return this.#blocks[low]?.rows[position - (starts[low] as number)]
  }

  /** Rows at `from` to before `to`, in order. Not to be used across changes. */
  *rows(from = 0, to = this.#size): Generator<Row> {
    let start = 0
    for (const { rows } of this.#blocks) {
      if (start >= to) return
      if (start + rows.length > from) {
        for (let i = Math.max(0, from - start); i < Math.min(rows.length, to - start); i++) yield rows[i] as Row
      }
      start += rows.length
    }
  }

  /** XORs the fingerprints at `from` to before `to` into `into`. */
  xor(from: number, to: number, into: Uint32Array): void {
    let start = 0
    for (const { rows, xor } of this.#blocks) {
      if (start >= to) return
      const end = start + rows.length
      if (start >= from && end <= to) mix(into, xor)
      else if (end > from) {
        for (let i = Math.max(0, from - start); i < Math.min(rows.length, to - start); i++) mix(into, (rows[i] as Row).fp)
      }
      start = end
    }
  }

  /** Stores the row in place of one with the same id, which it answers. */
  set(row: Row): Row | undefined {
    const spot = this.#find(row.text)
    const block = this.#blocks[spot.block]
    if (block === undefined) {
      this.#blocks.push({ rows: [row], xor: row.fp.slice() })
      this.#changed(1)
      return undefined
    }
    mix(block.xor, row.fp)
    if (spot.exact) {
      const old = block.rows[spot.at] as Row
      mix(block.xor, old.fp)
      block.rows[spot.at] = row
      return old
    }
    block.rows.splice(spot.at, 0, row)
    this.#changed(1)
    if (block.rows.length > MAX_BLOCK) this.#split(spot.block)
    return undefined
  }

  delete(text: string): boolean {
    const spot = this.#find(text)
    const block = this.#blocks[spot.block]
    if (!spot.exact || block === undefined) return false
    mix(block.xor, (block.rows[spot.at] as Row).fp)
    block.rows.splice(spot.at, 1)
    if (block.rows.length === 0) this.#blocks.splice(spot.block, 1)
    this.#changed(-1)
    return true
  }

  #changed(by: number): void {
    this.#size += by
    this.#starts = undefined
  }

  #split(index: number): void {
    const block = this.#blocks[index] as Block
    const right = block.rows.splice(block.rows.length >> 1)
    const xor = new Uint32Array(WORDS)
    for (const row of right) mix(xor, row.fp)
    mix(block.xor, xor)
    this.#blocks.splice(index + 1, 0, { rows: right, xor })
  }

  #row(spot: Spot): Row {
    return (this.#blocks[spot.block] as Block).rows[spot.at] as Row
  }

  #startOf(block: number): number {
    return this.#allStarts()[block] ?? this.#size
  }

  #allStarts(): readonly number[] {
    if (this.#starts === undefined) {
      this.#starts = []
      let start = 0
      for (const { rows } of this.#blocks) {
        this.#starts.push(start)
        start += rows.length
      }
    }
    return this.#starts
  }

  /** Where the id is, or would be put: a block it belongs to, so that only an empty index answers one that is not there. */
  #find(text: string): Spot {
    let low = 0
    let high = this.#blocks.length - 1
    while (low < high) {
      const mid = (low + high + 1) >> 1
      if (((this.#blocks[mid] as Block).rows[0] as Row).text <= text) low = mid
      else high = mid - 1
    }
    const rows = this.#blocks[low]?.rows ?? []
    let from = 0
    let to = rows.length
    while (from < to) {
      const mid = (from + to) >> 1
      if ((rows[mid] as Row).text < text) from = mid + 1
      else to = mid
    }
    return { block: low, at: from, exact: rows[from]?.text === text }
  }
}

/** Fingerprint of rows as peers compute it: the XOR starts from the hash of nothing (docs 6.2). */
export function rangeFingerprint(spans: readonly (readonly [from: number, to: number])[], index: EntryIndex): Uint8Array {
  const words = EMPTY_WORDS.slice()
  for (const [from, to] of spans) index.xor(from, to, words)
  return fingerprintBytes(words)
}

function mix(into: Uint32Array, from: Uint32Array): void {
  for (let i = 0; i < WORDS; i++) into[i] = (into[i] as number) ^ (from[i] as number)
}
