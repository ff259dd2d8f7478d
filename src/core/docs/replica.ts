import { compareBytes } from '../../base/bytes.ts'
import type { Verify } from '../keys/ed25519.ts'
import { EntryIndex, fingerprintWords, type Row, sortText } from './entry-index.ts'
import type { AuthorId } from './ids.ts'
import {
  authorOf,
  compareValues,
  fingerprintOf,
  ID_PREFIX_BYTES,
  isEmptyHash,
  type SignedEntry,
  signingPreimage,
} from './proto/entry.ts'

/** How far ahead of our clock an entry may be, µs (docs 5.1). */
export const MAX_FUTURE_US = 600_000_000n

export type Fault = 'foreign-namespace' | 'bad-signature' | 'future' | 'inconsistent-empty'

export type PutOutcome =
  | { readonly kind: 'inserted'; readonly removed: readonly Row[] }
  /** An entry for the same key or a prefix of it is at least as new. */
  | { readonly kind: 'refused'; readonly by: Row }

/** What a validity check needs from outside. */
export interface Judge {
  /** Wall clock, µs. */
  readonly now: bigint
  readonly verify: Verify
}

/**
 * The entries of one document and the rules by which they replace each other (docs 5.4, in the strict form of 5.6). Pure: no
 * clock, no storage; what changed is in the answers.
 */
export class Replica {
  /** 32 bytes. */
  readonly namespace: Uint8Array
  readonly index = new EntryIndex()
  /** Newest time per author, also of entries that are gone (docs 8.6). */
  readonly heads = new Map<AuthorId, bigint>()

  constructor(namespace: Uint8Array) {
    this.namespace = namespace
  }

  /** The cheap checks of 5.2; signatures apart. */
  shapeFault(entry: SignedEntry, now: bigint): Fault | undefined {
    if (compareBytes(entry.id.subarray(0, 32), this.namespace) !== 0) return 'foreign-namespace'
    if (entry.timestamp > now + MAX_FUTURE_US) return 'future'
    if (isEmptyHash(entry.hash) !== (entry.len === 0n)) return 'inconsistent-empty'
    return undefined
  }

  /** Takes an entry of somebody else. What would be refused anyway is not checked for its signatures. */
  offer(entry: SignedEntry, judge: Judge): PutOutcome | { readonly kind: 'invalid'; readonly fault: Fault } {
    const fault = this.shapeFault(entry, judge.now)
    if (fault !== undefined) return { kind: 'invalid', fault }
    const by = this.#newerThan(entry)
    if (by !== undefined) return { kind: 'refused', by }
    if (!isSigned(entry, judge.verify)) return { kind: 'invalid', fault: 'bad-signature' }
    return this.#store(entry)
  }

  /** Stores an entry that is known to be valid: made here, or read from our own store. */
  put(entry: SignedEntry): PutOutcome {
    const by = this.#newerThan(entry)
    return by === undefined ? this.#store(entry) : { kind: 'refused', by }
  }

  /** Takes an entry as it was stored: its rivals were judged when it came. */
  load(entry: SignedEntry): void {
    this.index.set(rowOf(entry))
    this.#noteHead(entry)
  }

  /** The same author's entry for the same key or a prefix of it that is not older. */
  #newerThan(entry: SignedEntry): Row | undefined {
    let prefix = sortText(entry.id)
    while (prefix.length >= ID_PREFIX_BYTES) {
      const at = this.index.position(prefix)
      const here = this.index.at(at)
      if (here?.text === prefix) {
        if (compareValues(entry, here.entry) <= 0) return here
        prefix = prefix.slice(0, -1)
        continue
      }
      // Whatever is a prefix lies at or before the neighbour below, and shares no more with us than that one does.
      const below = this.index.at(at - 1)
      if (below === undefined) return undefined
      prefix = prefix.slice(0, commonLength(below.text, prefix))
    }
    return undefined
  }

  #store(entry: SignedEntry): PutOutcome {
    const removed: Row[] = []
    const added = rowOf(entry)
    const from = this.index.position(added.text)
    for (const row of this.index.rows(from)) {
      if (!row.text.startsWith(added.text)) break
      if (compareValues(entry, row.entry) >= 0) removed.push(row)
    }
    for (const row of removed) this.index.delete(row.text)
    this.index.set(added)
    this.#noteHead(entry)
    return { kind: 'inserted', removed }
  }

  #noteHead(entry: SignedEntry): void {
    const author = authorOf(entry.id)
    const known = this.heads.get(author)
    if (known === undefined || known < entry.timestamp) this.heads.set(author, entry.timestamp)
  }
}

/** Both keys signed it (docs 3.7). */
export function isSigned(entry: SignedEntry, verify: Verify): boolean {
  const preimage = signingPreimage(entry.id, entry)
  return (
    verify(entry.id.subarray(0, 32), preimage, entry.namespaceSignature) &&
    verify(entry.id.subarray(32, ID_PREFIX_BYTES), preimage, entry.authorSignature)
  )
}

function rowOf(entry: SignedEntry): Row {
  return { entry, text: sortText(entry.id), fp: fingerprintWords(fingerprintOf(entry.id, entry)) }
}

function commonLength(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  let i = 0
  while (i < n && a.charCodeAt(i) === b.charCodeAt(i)) i++
  return i
}
