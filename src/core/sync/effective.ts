import { toHex } from '../../base/bytes.ts'
import type { AuthorId } from '../docs/ids.ts'
import { authorOf, EMPTY_HASH, isEmptyHash, keyOf, type SignedEntry } from '../docs/proto/entry.ts'
import { type Hash, hashOf } from '../ids.ts'
import { type KeyFault, type NameRules, readKey } from './keys.ts'

/** What K2 writes in place of a file that was deleted, and its BLAKE3 (k2-application 5.8). */
export const TOMBSTONE_TEXT = '__K2_SYNC_TOMBSTONE_DELETED__'
export const TOMBSTONE_HASH = '15473f3e1238d253589bcb2944be6e62511e7c44dce3e4be2a7298ee35b1c1ce' as Hash

/** Of files without content, which documents cannot hold. */
export const EMPTY_FILE_HASH: Hash = hashOf(EMPTY_HASH)

/** What a document says of one path: the newest value of all authors. */
export interface RemoteFile {
  readonly path: string
  /** Key as its author wrote it. */
  readonly key: Uint8Array
  readonly author: AuthorId
  /** Undefined: deleted. */
  readonly hash: Hash | undefined
  /** Bytes, as claimed. */
  readonly size: number
  /** µs since 1970. */
  readonly time: bigint
  /** Entry with the file's time, by the same author: reference peers write one for each file. */
  readonly meta: SignedEntry | undefined
}

export interface FolderView {
  readonly files: ReadonlyMap<string, RemoteFile>
  /** Keys that stand for no file here, by reason. */
  readonly refused: ReadonlyMap<KeyFault, readonly string[]>
}

/** Refused keys remembered per reason, to be shown. */
const MAX_SHOWN = 20
/** Longest text shown of a refused key. */
const SHOWN_CHARACTERS = 100

/**
 * The effective state of a folder's document: per path the entry with the greatest time of all authors, ties by hash
 * (k2-application 5.9). `entries` must contain the empty ones.
 */
export function folderView(entries: Iterable<SignedEntry>, rules: NameRules): FolderView {
  const winners = new Map<string, SignedEntry>()
  const metas = new Map<string, SignedEntry>()
  const refused = new Map<KeyFault, string[]>()
  for (const entry of entries) {
    const key = keyOf(entry.id)
    const read = readKey(key, rules)
    if (read.kind === 'file') {
      const rival = winners.get(read.path)
      if (rival === undefined || isNewer(entry, rival)) winners.set(read.path, entry)
    } else if (read.kind === 'metadata') {
      if (!isEmptyHash(entry.hash)) metas.set(`${authorOf(entry.id)} ${read.of}`, entry)
    } else if (!isEmptyHash(entry.hash)) {
      const list = refused.get(read.fault) ?? []
      if (list.length < MAX_SHOWN) list.push(shownKey(key))
      refused.set(read.fault, list)
    }
  }
  const files = new Map<string, RemoteFile>()
  for (const [path, entry] of winners) {
    const author = authorOf(entry.id)
    const hash = toHex(entry.hash) as Hash
    const isGone = isEmptyHash(entry.hash) || hash === TOMBSTONE_HASH
    files.set(path, {
      path,
      key: keyOf(entry.id),
      author,
      hash: isGone ? undefined : hash,
      size: isGone ? 0 : Number(entry.len),
      time: entry.timestamp,
      meta: metas.get(`${author} ${path}`),
    })
  }
  return { files, refused }
}

function isNewer(a: SignedEntry, b: SignedEntry): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp
  return toHex(a.hash) > toHex(b.hash)
}

function shownKey(key: Uint8Array): string {
  const text = new TextDecoder().decode(key.subarray(0, 4 * SHOWN_CHARACTERS))
  let shown = ''
  for (const character of text.slice(0, SHOWN_CHARACTERS)) {
    const code = character.codePointAt(0) ?? 0
    shown += code < 0x20 || (code >= 0x7f && code < 0xa0) ? '\ufffd' : character
  }
  return shown
}

/** Seconds since 1970 in a metadata value `{"mtime":<seconds>}`; undefined when it is something else. */
export function readMtime(text: string): number | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const mtime = (value as { mtime?: unknown } | null)?.mtime
    return typeof mtime === 'number' && Number.isFinite(mtime) && mtime >= 0 && mtime < 1e11 ? mtime : undefined
  } catch {
    // Somebody else's value: no time is as good as a wrong one.
    return undefined
  }
}

export const printMtime = (seconds: number): string => JSON.stringify({ mtime: Math.floor(seconds) })
