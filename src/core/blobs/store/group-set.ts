import { CHUNK_BYTES, GROUP_BYTES } from '../tree/blake3.ts'
import { groupsOf } from '../tree/outboard.ts'
import type { ChunkRanges } from '../tree/ranges.ts'

const GROUP_CHUNKS = BigInt(GROUP_BYTES / CHUNK_BYTES)

/** A set of chunk groups as strictly increasing boundaries of half-open runs: `[from, to, from, to, …]`. */
export class GroupSet {
  readonly #bounds: number[]
  #count = 0

  constructor(bounds: readonly number[] = []) {
    this.#bounds = [...bounds]
    for (let i = 0; i < bounds.length; i += 2) this.#count += (bounds[i + 1] as number) - (bounds[i] as number)
  }

  /** Groups in the set. */
  get count(): number {
    return this.#count
  }

  get bounds(): readonly number[] {
    return this.#bounds
  }

  /** Adds groups `from` to `to` (exclusive); answers how many of them are new. */
  add(from: number, to: number): number {
    if (to <= from) return 0
    const bounds = this.#bounds
    // Runs that touch or overlap the new one are joined with it.
    let first = this.#firstAtLeast(from)
    if (first % 2 === 1) first--
    let last = this.#firstAtLeast(to + 1)
    if (last % 2 === 1) last++
    let covered = 0
    for (let i = first; i < last; i += 2) covered += (bounds[i + 1] as number) - (bounds[i] as number)
    const start = first < last ? Math.min(from, bounds[first] as number) : from
    const end = first < last ? Math.max(to, bounds[last - 1] as number) : to
    bounds.splice(first, last - first, start, end)
    const added = end - start - covered
    this.#count += added
    return added
  }

  /** True when all groups `from` to `to` (exclusive) are in the set. */
  covers(from: number, to: number): boolean {
    if (to <= from) return true
    const i = this.#firstAtLeast(from + 1)
    return i % 2 === 1 && (this.#bounds[i] as number) >= to
  }

  copy(): GroupSet {
    return new GroupSet(this.#bounds)
  }

  /** Index of the first boundary ≥ `value`. */
  #firstAtLeast(value: number): number {
    let low = 0
    let high = this.#bounds.length
    while (low < high) {
      const mid = (low + high) >>> 1
      if ((this.#bounds[mid] as number) < value) low = mid + 1
      else high = mid
    }
    return low
  }
}

/** Bytes of a blob of `size` bytes that its groups in `set` hold. */
export function bytesOfGroups(set: GroupSet, size: number): number {
  const last = groupsOf(size) - 1
  const whole = set.count * GROUP_BYTES
  return set.covers(last, last + 1) ? whole - ((last + 1) * GROUP_BYTES - size) : whole
}

/** The chunks of these groups; open-ended when the last group of the proven size is among them, so `[0]` is everything. */
export function chunksOfGroups(set: GroupSet, size: number, sizeVerified: boolean): ChunkRanges {
  const out = set.bounds.map((bound) => BigInt(bound) * GROUP_CHUNKS)
  if (sizeVerified && set.bounds.at(-1) === groupsOf(size)) out.pop()
  return out
}
