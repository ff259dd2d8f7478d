import { utf8 } from '../../../base/bytes.ts'
import type { Hash } from '../../ids.ts'
import type { BlobFormat } from '../proto/blob-ticket.ts'
import type { Protection } from '../store.ts'
import { badTag } from './errors.ts'

/** Longest name of a tag, bytes: within what LMDB takes as a key. */
const MAX_TAG_BYTES = 500

/** Throws `BLOB_BAD_TAG`. */
export function checkTagName(name: string): void {
  if (name.length === 0) throw badTag('a tag needs a name')
  if (utf8(name).length > MAX_TAG_BYTES) throw badTag(`the name of a tag has at most ${MAX_TAG_BYTES} bytes`)
}

/** `auto-2026-01-31T12:00:00.000Z`, with `-1`, `-2`… behind it when that is taken (blobs.md 13). */
export function autoTagName(now: number, taken: (name: string) => boolean): string {
  const base = `auto-${new Date(now).toISOString()}`
  let name = base
  for (let i = 1; taken(name); i++) name = `${base}-${i}`
  return name
}

/** Blobs that work under way needs; kept in memory only. */
export class ProtectionSet {
  readonly #live = new Set<Map<Hash, BlobFormat>>()
  readonly #onAdd: (hash: Hash, format: BlobFormat) => void

  constructor(onAdd: (hash: Hash, format: BlobFormat) => void) {
    this.#onAdd = onAdd
  }

  create(): Protection {
    const mine = new Map<Hash, BlobFormat>()
    this.#live.add(mine)
    return {
      add: (hash, format = 'raw') => {
        if (mine.get(hash) !== 'hash-seq') mine.set(hash, format)
        this.#onAdd(hash, format)
      },
      release: () => {
        this.#live.delete(mine)
      },
    }
  }

  has(hash: Hash): boolean {
    for (const one of this.#live) if (one.has(hash)) return true
    return false
  }

  *entries(): Generator<readonly [Hash, BlobFormat], void, undefined> {
    for (const one of this.#live) yield* one
  }
}
