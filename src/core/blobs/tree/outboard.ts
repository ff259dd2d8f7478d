import { CV_BYTES, GROUP_BYTES, leftBytes, PAIR_BYTES, parentCv, subtreeCv } from './blake3.ts'

/** Bytes whose groups are folded in one turn. */
const TURN_BYTES = 4096 * GROUP_BYTES

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

  /** `finish` for large blobs: `pause` gives others a turn about every 3 ms of work. */
  async finishInTurns(pause: () => Promise<void>): Promise<HashedBlob> {
    const size = this.size
    if (size <= TURN_BYTES) return this.finish()
    this.#flush()
    return outboardInTurns(size, this.#cvs, pause)
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

/** One subtree of a blob: its first group, its bytes, and the index of its pair. */
interface Subtree {
  readonly group: number
  readonly length: number
  readonly index: number
  readonly isRoot: boolean
}

function childrenOf({ group, length, index }: Subtree): [Subtree, Subtree] {
  const left = leftBytes(length)
  const groups = left / GROUP_BYTES
  return [
    { group, length: left, index: index + 1, isRoot: false },
    { group: group + groups, length: length - left, index: index + groups, isRoot: false },
  ]
}

/** Folds group chaining values (32 bytes each) under one subtree into its own; writes the pairs on the way. */
function fold(cvs: Uint8Array, outboard: Uint8Array, tree: Subtree): Uint8Array {
  if (tree.length <= GROUP_BYTES) return cvs.subarray(tree.group * CV_BYTES, (tree.group + 1) * CV_BYTES)
  const [left, right] = childrenOf(tree)
  const at = tree.index * PAIR_BYTES
  outboard.set(fold(cvs, outboard, left), at)
  outboard.set(fold(cvs, outboard, right), at + CV_BYTES)
  return parentCv(outboard, tree.isRoot, at)
}

/** Hash and pre-order outboard of at least two groups. */
function outboardOf(size: number, cvs: Uint8Array): HashedBlob {
  const outboard = new Uint8Array(outboardBytes(size))
  return { hash: fold(cvs, outboard, { group: 0, length: size, index: 0, isRoot: true }), size, outboard }
}

async function outboardInTurns(size: number, cvs: Uint8Array, pause: () => Promise<void>): Promise<HashedBlob> {
  const outboard = new Uint8Array(outboardBytes(size))
  const visit = async (tree: Subtree): Promise<Uint8Array> => {
    if (tree.length <= TURN_BYTES) {
      await pause()
      return fold(cvs, outboard, tree)
    }
    const [left, right] = childrenOf(tree)
    const at = tree.index * PAIR_BYTES
    outboard.set(await visit(left), at)
    outboard.set(await visit(right), at + CV_BYTES)
    return parentCv(outboard, tree.isRoot, at)
  }
  return { hash: await visit({ group: 0, length: size, index: 0, isRoot: true }), size, outboard }
}

/** Hash and outboard of data in memory. */
export function hashBlob(data: Uint8Array): HashedBlob {
  const hasher = new BlobHasher()
  hasher.update(data)
  return hasher.finish()
}
