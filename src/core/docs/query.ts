import { compareBytes } from '../../base/bytes.ts'
import { sortText } from './entry-index.ts'
import { type AuthorId, docIdBytes } from './ids.ts'
import { entryId, ID_PREFIX_BYTES, isEmptyHash, keyOf, type SignedEntry } from './proto/entry.ts'
import type { Replica } from './replica.ts'

export type KeyMatch = { readonly exact: Uint8Array } | { readonly prefix: Uint8Array }

/** Which entries of a document are wanted (docs 11). Deletions are left out unless `includeEmpty`. */
export interface DocQuery {
  /** One per key and author, or per key the newest of all authors. Default `flat`. */
  readonly kind?: 'flat' | 'latest-per-key'
  readonly author?: AuthorId
  readonly key?: KeyMatch
  readonly includeEmpty?: boolean
  /** Order of flat queries; the latest per key come by key. Default `author-key`. */
  readonly sort?: 'author-key' | 'key-author'
  readonly descending?: boolean
  /** Count delivered entries. */
  readonly offset?: number
  readonly limit?: number
}

/** Entries that match, in the asked order. */
export function* runQuery(replica: Replica, query: DocQuery = {}): Generator<SignedEntry> {
  const { offset = 0, limit = Number.POSITIVE_INFINITY } = query
  let skipped = 0
  let given = 0
  for (const entry of ordered(replica, query)) {
    if (given >= limit) return
    if (isEmptyHash(entry.hash) && !query.includeEmpty) continue
    if (skipped < offset) skipped++
    else {
      given++
      yield entry
    }
  }
}

function* ordered(replica: Replica, query: DocQuery): Generator<SignedEntry> {
  const latest = query.kind === 'latest-per-key'
  if (!latest && (query.sort ?? 'author-key') === 'author-key' && !query.descending) {
    yield* matching(replica, query)
    return
  }
  const all = [...matching(replica, query)]
  if (latest || query.sort === 'key-author') all.sort(byKeyThenAuthor)
  if (query.descending) all.reverse()
  yield* latest ? newestOfEachKey(all) : all
}

function* matching(replica: Replica, { author, key }: DocQuery): Generator<SignedEntry> {
  if (author !== undefined) {
    yield* ofAuthor(replica, author, key)
    return
  }
  for (const { entry } of replica.index.rows()) if (key === undefined || keyMatches(keyOf(entry.id), key)) yield entry
}

/** One author's entries lie side by side in the order of their keys: what is asked for is found without looking at the rest. */
function* ofAuthor(replica: Replica, author: AuthorId, key: KeyMatch | undefined): Generator<SignedEntry> {
  const wanted = key === undefined ? new Uint8Array(0) : 'exact' in key ? key.exact : key.prefix
  const start = sortText(entryId(replica.namespace, docIdBytes(author), wanted))
  for (const { entry, text } of replica.index.rows(replica.index.position(start))) {
    if (!text.startsWith(start)) return
    if (key !== undefined && 'exact' in key && text !== start) return
    yield entry
  }
}

function keyMatches(key: Uint8Array, match: KeyMatch): boolean {
  if ('exact' in match) return compareBytes(key, match.exact) === 0
  return key.length >= match.prefix.length && compareBytes(key.subarray(0, match.prefix.length), match.prefix) === 0
}

function byKeyThenAuthor(a: SignedEntry, b: SignedEntry): number {
  return (
    compareBytes(keyOf(a.id), keyOf(b.id)) || compareBytes(a.id.subarray(32, ID_PREFIX_BYTES), b.id.subarray(32, ID_PREFIX_BYTES))
  )
}

/** Of entries grouped by key: per key the one with the greatest time, the first seen of equal ones. */
function* newestOfEachKey(sorted: readonly SignedEntry[]): Generator<SignedEntry> {
  let best: SignedEntry | undefined
  for (const entry of sorted) {
    if (best !== undefined && compareBytes(keyOf(best.id), keyOf(entry.id)) === 0) {
      if (entry.timestamp > best.timestamp) best = entry
      continue
    }
    if (best !== undefined) yield best
    best = entry
  }
  if (best !== undefined) yield best
}
