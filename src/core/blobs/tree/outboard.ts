import { CV_BYTES, GROUP_BYTES, leftBytes, PAIR_BYTES, parentCv, subtreeCv } from './blake3.ts'

/** Chunk groups of a blob of `size` bytes: at least one. */
export function groupsOf(size: number): number {
  return Math.max(1, Math.ceil(size / GROUP_BYTES))
}

/** Bytes of the pre-order outboard of a blob of `size` bytes; 0 up to one group. */
export function outboardBytes(size: number): number {
  return (groupsOf(size) - 1) * PAIR_BYTES
}

export interface HashedBlob {
  /** 32 bytes. */
  readonly hash: Uint8Array
  readonly size: number
  /** Pairs in pre-order (blobs.md 4.1). */
  readonly outboard: Uint8Array
}

/**
 * Hashes a blob as it streams by and collects its outboard (blobs.md 3.6). Keeps one group of data and 32 bytes per
 * finished group: 2 MiB for 1 GiB.
 */
export class BlobHasher {
  #group = new Uint8Array(GROUP_BYTES)
  #filled = 0
  #groups = 0
  #cvs = new Uint8Array(64 * CV_BYTES)

  get size(): number {
    return this.#groups * GROUP_BYTES + this.#filled
  }

  update(data: Uint8Array): void {
    let at = 0
    while (at < data.length) {
      // A full group is hashed only when more follows: the last one may be the root.
      if (this.#filled === GROUP_BYTES) this.#flush()
      if (this.#filled === 0 && data.length - at > GROUP_BYTES) {
        this.#push(subtreeCv(data.subarray(at, at + GROUP_BYTES), this.#groups * 16, false))
        at += GROUP_BYTES
        continue
      }
      const n = Math.min(GROUP_BYTES - this.#filled, data.length - at)
      this.#group.set(data.subarray(at, at + n), this.#filled)
      this.#filled += n
      at += n
    }
  }

  finish(): HashedBlob {
    const size = this.size
    if (this.#groups === 0)
      return { hash: subtreeCv(this.#group.subarray(0, this.#filled), 0, true), size, outboard: new Uint8Array(0) }
    this.#flush()
    return outboardOf(size, this.#cvs)
  }

  #flush(): void {
    this.#push(subtreeCv(this.#group.subarray(0, this.#filled), this.#groups * 16, false))
    this.#filled = 0
  }

  #push(cv: Uint8Array): void {
    if ((this.#groups + 1) * CV_BYTES > this.#cvs.length) {
      const grown = new Uint8Array(this.#cvs.length * 2)
      grown.set(this.#cvs)
      this.#cvs = grown
    }
    this.#cvs.set(cv, this.#groups * CV_BYTES)
    this.#groups++
  }
}

/** Folds group chaining values (32 bytes each, at least two) into hash and pre-order outboard. */
function outboardOf(size: number, cvs: Uint8Array): HashedBlob {
  const outboard = new Uint8Array(outboardBytes(size))
  const fold = (group: number, length: number, index: number, isRoot: boolean): Uint8Array => {
    if (length <= GROUP_BYTES) return cvs.subarray(group * CV_BYTES, (group + 1) * CV_BYTES)
    const left = leftBytes(length)
    const leftGroups = left / GROUP_BYTES
    const at = index * PAIR_BYTES
    outboard.set(fold(group, left, index + 1, false), at)
    outboard.set(fold(group + leftGroups, length - left, index + leftGroups, false), at + CV_BYTES)
    return parentCv(outboard, isRoot, at)
  }
  return { hash: fold(0, size, 0, true), size, outboard }
}

/** Hash and outboard of data in memory. */
export function hashBlob(data: Uint8Array): HashedBlob {
  const hasher = new BlobHasher()
  hasher.update(data)
  return hasher.finish()
}
