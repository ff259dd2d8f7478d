import { fromUtf8, utf8 } from '../../base/bytes.ts'
import type { BlobStore, Protection } from '../../core/blobs/index.ts'
import {
  type AuthorId,
  authorOf,
  type Docs,
  type EntryWrite,
  keyOf,
  type NamespaceId,
  type SignedEntry,
} from '../../core/docs/index.ts'
import { idBytes } from '../../core/ids.ts'
import { metaKeyOf, printMtime, type RemoteFile, type SyncAction, TOMBSTONE_TEXT } from '../../core/sync/index.ts'
import type { FolderState } from './folder-state.ts'
import { placeOf, sameStamp, stampAt } from './paths.ts'

export type PublishAction = Extract<SyncAction, { kind: 'publish' | 'bury' }>

export interface PublisherParts {
  readonly root: string
  readonly folder: NamespaceId
  readonly docs: Pick<Docs, 'setHashes' | 'query' | 'defaultAuthor'>
  readonly blobs: Pick<BlobStore, 'importBytes'>
  readonly protection: Protection
  readonly state: FolderState
  /** Whether times of files are written, too. */
  readonly fileTimes: boolean
}

/** Writes what has changed in the folder into its document, many entries in one transaction. */
export class Publisher {
  readonly #parts: PublisherParts

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /**
   * Publishes files and deletions; answers those whose place on disk was not as planned. Safe to repeat: what was written before a
   * crash agrees with the folder and is only recorded.
   */
  async publish(actions: readonly PublishAction[], view: ReadonlyMap<string, RemoteFile>): Promise<readonly string[]> {
    const { docs, folder, state } = this.#parts
    const stale: string[] = []
    const writes = new Map<string, EntryWrite>()
    const done: PublishAction[] = []
    for (const action of actions) {
      if (!(await this.#isStillSo(action))) {
        stale.push(action.path)
        continue
      }
      done.push(action)
      await this.#write(action, writes)
    }
    for (const key of [...writes.keys()]) await this.#keepExtensions(key, view, writes)
    // Beginnings first: what extends them is newer and stays.
    const ordered = [...writes.values()].sort((a, b) => Buffer.compare(a.key, b.key))
    if (ordered.length > 0) await docs.setHashes(folder, ordered)
    for (const { kind, path, hash } of done) state.setBase(path, { kind: kind === 'bury' ? 'gone' : 'live', hash })
    await state.flush()
    return stale
  }

  async #isStillSo({ kind, path }: PublishAction): Promise<boolean> {
    const { root, state } = this.#parts
    const now = await stampAt(placeOf(root, path))
    const seen = state.seen.get(path)
    if (kind === 'bury') return now === undefined && seen === undefined
    return seen !== undefined && now !== undefined && now !== 'other' && sameStamp(seen, now)
  }

  async #write(action: PublishAction, writes: Map<string, EntryWrite>): Promise<void> {
    const { blobs, protection, state, fileTimes } = this.#parts
    const { path, after } = action
    if (action.kind === 'bury') {
      const { hash, size } = await blobs.importBytes(utf8(TOMBSTONE_TEXT), { protection })
      put(writes, { key: utf8(path), hash: idBytes(hash), len: size, after })
      return
    }
    put(writes, { key: utf8(path), hash: idBytes(action.hash), len: action.size, after })
    const seen = state.seen.get(path)
    if (!fileTimes || seen === undefined) return
    const text = utf8(printMtime(Number(seen.mtimeNs / 1_000_000_000n)))
    const { hash, size } = await blobs.importBytes(text, { protection })
    put(writes, { key: metaKeyOf(path), hash: idBytes(hash), len: size })
  }

  /**
   * An entry prunes the same author's older ones whose keys begin with its own (k2-application 5.2). Those that still count are
   * written again behind it, in the same transaction.
   */
  async #keepExtensions(key: string, view: ReadonlyMap<string, RemoteFile>, writes: Map<string, EntryWrite>): Promise<void> {
    const { docs, folder } = this.#parts
    const own: AuthorId = docs.defaultAuthor
    const entries = await docs.query(folder, { author: own, key: { prefix: utf8(key) }, includeEmpty: true })
    for (const entry of entries) {
      const text = fromUtf8(keyOf(entry.id))
      if (text === undefined || text === key || writes.has(text)) continue
      if (counts(entry, text, view))
        put(writes, { key: keyOf(entry.id), hash: entry.hash, len: Number(entry.len), after: entry.timestamp })
    }
  }
}

const put = (writes: Map<string, EntryWrite>, write: EntryWrite): void => {
  writes.set(fromUtf8(write.key) ?? '', write)
}

/** What is not the newest word on its path need not be said again; times of files are only ever their author's. */
function counts(entry: SignedEntry, key: string, view: ReadonlyMap<string, RemoteFile>): boolean {
  if (key.startsWith('meta:')) return true
  const winner = view.get(key)
  return winner !== undefined && winner.time === entry.timestamp && winner.author === authorOf(entry.id)
}
