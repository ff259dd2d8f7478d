import { stat } from 'node:fs/promises'
import { Semaphore } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import type { BlobStore, Protection } from '../../core/blobs/index.ts'
import type { Hash } from '../../core/index.ts'
import { EMPTY_FILE_HASH, type KeyFault, type NameRules, TOMBSTONE_HASH } from '../../core/sync/index.ts'
import { syncError } from './errors.ts'
import type { FolderState } from './folder-state.ts'
import { placeOf, sameStamp } from './paths.ts'
import type { RootState, SeenFile, SyncStore } from './store.ts'
import { type FoundFile, walk } from './walk.ts'

/** Files read at once. */
const READ_AT_ONCE = 4
/** A file that never rests is read after this long, ms. */
const MAX_RESTLESS_MS = 10_000
/** Names remembered per reason, to be shown. */
const MAX_SHOWN = 20

export interface ScannerParts {
  readonly root: string
  readonly folder: Parameters<SyncStore['root']>[0]
  readonly state: FolderState
  readonly store: Pick<SyncStore, 'root' | 'putRoot'>
  readonly blobs: Pick<BlobStore, 'importFile'>
  /** Keeps what was read until the document names it. */
  readonly protection: Protection
  readonly rules: NameRules
  readonly quietMs: number
  readonly clock: Clock
  readonly onFolder: (path: string) => void
}

export interface ScanResult {
  readonly files: number
  readonly hashed: number
  readonly changed: number
  /** Files that were being written to: look again. */
  readonly restless: readonly string[]
}

export interface ScanOptions {
  readonly signal: AbortSignal
  /** Files read of those that have to be. */
  readonly progress: (done: number, total: number) => void
  /** A person has said that this is the right folder. */
  readonly isRootConfirmed: boolean
}

/** Finds out what is in a folder, reading only files whose size, time or inode has changed. */
export class Scanner {
  readonly #parts: ScannerParts
  /** Paths of which nothing is known, and why; with everything below them. */
  readonly #unknown = new Map<string, 'unreadable' | 'link' | 'special' | 'restless' | 'tombstone'>()
  readonly #refused = new Map<string, KeyFault>()
  /** When a file was first found restless, ms monotonic. */
  readonly #restless = new Map<string, number>()
  #completedAt: number | undefined
  #version = 0

  constructor(parts: ScannerParts) {
    this.#parts = parts
  }

  /** Everything was looked at once since this process began: before, absence means nothing. */
  get isComplete(): boolean {
    return this.#completedAt !== undefined
  }

  /** When a look at everything ended last, ms since 1970. */
  get completedAt(): number | undefined {
    return this.#completedAt
  }

  /** Grows with every change of what is answered here. */
  get version(): number {
    return this.#version
  }

  get refused(): ReadonlyMap<string, KeyFault> {
    return this.#refused
  }

  get unknown(): ReadonlyMap<string, string> {
    return this.#unknown
  }

  isUnknown(path: string): boolean {
    if (this.#unknown.size === 0) return false
    if (this.#unknown.has('')) return true
    for (let at = path; ; ) {
      if (this.#unknown.has(at)) return true
      const slash = at.lastIndexOf('/')
      if (slash < 0) return false
      at = at.slice(0, slash)
    }
  }

  /** Looks at these paths, with everything below them; at all when undefined. Rejects `SYNC_ROOT_CHANGED` or `ABORTED`. */
  async scan(paths: readonly string[] | undefined, how: ScanOptions): Promise<ScanResult> {
    const { state, root } = this.#parts
    const { signal, progress } = how
    const rootState = await this.checkRoot(how.isRootConfirmed)
    const starts = paths === undefined ? [''] : withoutNested(paths)
    for (const start of starts) this.#forget(start)
    const found = new Map<string, FoundFile>()
    for (const start of starts) {
      await walk(
        root,
        start,
        {
          file: (file) => found.set(file.path, file),
          unknown: (path, why) => this.#note(path, why),
          refused: (path, fault) => {
            if (this.#refused.size >= MAX_SHOWN * 10) return
            this.#refused.set(path, fault)
            this.#version++
          },
          folder: (path) => this.#parts.onFolder(path),
        },
        { rules: this.#parts.rules, ownDrafts: paths === undefined && !this.isComplete, signal },
      )
    }
    let changed = this.#dropAbsent(starts, found)
    const fresh = [...found.values()].filter((file) => {
      const seen = state.seen.get(file.path)
      return seen === undefined || !sameStamp(seen, file)
    })
    let hashed = 0
    const slots = new Semaphore(READ_AT_ONCE)
    progress(0, fresh.length)
    const reads = await Promise.allSettled(
      fresh.map((file) =>
        slots.run(async () => {
          signal.throwIfAborted()
          if (!this.#isRestless(file) && (await this.#read(file, signal))) changed++
          hashed++
          await state.flush(false)
          if (hashed % 64 === 0) progress(hashed, fresh.length)
        }),
      ),
    )
    await state.flush()
    signal.throwIfAborted()
    for (const read of reads) if (read.status === 'rejected') throw read.reason
    if (paths === undefined) {
      this.#completedAt = this.#parts.clock.now()
      this.#version++
      await this.#parts.store.putRoot(this.#parts.folder, { ...rootState, scannedAt: this.#completedAt })
    }
    progress(fresh.length, fresh.length)
    const restless = [...this.#unknown].flatMap(([path, why]) => (why === 'restless' ? [path] : []))
    return { files: found.size, hashed, changed, restless }
  }

  /** Nothing may be concluded, or written, while another folder lies in the place of ours. Rejects `SYNC_ROOT_CHANGED`. */
  async checkRoot(isConfirmed: boolean): Promise<RootState> {
    const { root, store, folder, state } = this.#parts
    const info = await stat(root, { bigint: true }).catch((error: unknown) => {
      throw syncError('SYNC_ROOT_CHANGED', 'storage', 'the folder is not there: is its disk connected?', error)
    })
    if (!info.isDirectory()) throw syncError('SYNC_ROOT_CHANGED', 'storage', 'a file lies where the folder was')
    const now: RootState = { device: String(info.dev), inode: String(info.ino), scannedAt: undefined }
    const before = await store.root(folder)
    if (before === undefined || state.base.size === 0 || isConfirmed) return now
    // Device numbers of disks may change with every start; a folder that was made anew has both changed.
    if (before.inode !== now.inode && before.device !== now.device)
      throw syncError('SYNC_ROOT_CHANGED', 'storage', 'another folder lies in the place of the one that was synchronised')
    return now
  }

  /** Reads a file again whose content was kept under another path that is gone. */
  async refresh(path: string, mode: 'reference' | 'copy' = 'reference'): Promise<void> {
    const { blobs, protection, root } = this.#parts
    await blobs.importFile(placeOf(root, path), { mode, protection })
  }

  /** What was below `start` is found out anew. */
  #forget(start: string): void {
    this.#version++
    for (const table of [this.#unknown, this.#refused])
      for (const path of [...table.keys()]) if (start === '' || path === start || path.startsWith(`${start}/`)) table.delete(path)
  }

  #note(path: string, why: 'unreadable' | 'link' | 'special' | 'restless' | 'tombstone'): void {
    this.#unknown.set(path, why)
    this.#version++
  }

  #dropAbsent(starts: readonly string[], found: ReadonlyMap<string, FoundFile>): number {
    const { state } = this.#parts
    let dropped = 0
    const known = new Set(starts)
    const isCovered = (path: string): boolean => {
      if (known.has('')) return true
      for (let at = path; ; ) {
        if (known.has(at)) return true
        const slash = at.lastIndexOf('/')
        if (slash < 0) return false
        at = at.slice(0, slash)
      }
    }
    for (const path of [...state.seen.keys()]) {
      if (found.has(path) || !isCovered(path) || this.isUnknown(path)) continue
      state.setLocal(path, undefined)
      dropped++
    }
    return dropped
  }

  /** Written to a moment ago, and not for too long already. */
  #isRestless(file: FoundFile): boolean {
    const { quietMs, clock } = this.#parts
    const age = clock.now() - Number(file.mtimeNs / 1_000_000n)
    if (age < 0 || age >= quietMs) {
      this.#restless.delete(file.path)
      return false
    }
    const since = this.#restless.get(file.path) ?? clock.monotonic()
    this.#restless.set(file.path, since)
    if (clock.monotonic() - since >= MAX_RESTLESS_MS) return false
    this.#note(file.path, 'restless')
    return true
  }

  /** Answers whether the content is another one than before. */
  async #read(file: FoundFile, signal: AbortSignal): Promise<boolean> {
    const { blobs, protection, root, state } = this.#parts
    const before = state.seen.get(file.path)
    let hash: Hash = EMPTY_FILE_HASH
    if (file.size > 0) {
      try {
        const imported = await blobs.importFile(placeOf(root, file.path), { mode: 'reference', protection, signal })
        hash = imported.hash
        if (imported.size !== file.size) return this.#later(file.path, 'restless')
      } catch (error) {
        if (errorCode(error) === 'ABORTED' || !isK2Error(error)) throw error
        // Written to while it was read, or not readable at all: neither is absence.
        if (!error.code.startsWith('BLOB_STORE'))
          return this.#later(file.path, error.code === 'BLOB_CHANGED' ? 'restless' : 'unreadable')
        throw error
      }
    }
    this.#restless.delete(file.path)
    // What a reference peer left of a file that was deleted.
    if (hash === TOMBSTONE_HASH) return this.#later(file.path, 'tombstone')
    const { size, mtimeNs, inode } = file
    state.setLocal(file.path, { hash, size, mtimeNs, inode } satisfies SeenFile)
    return before?.hash !== hash
  }

  #later(path: string, why: 'unreadable' | 'restless' | 'tombstone'): false {
    this.#note(path, why)
    return false
  }
}

/** Of paths in one another the outer ones. */
function withoutNested(paths: readonly string[]): string[] {
  const sorted = [...new Set(paths)].sort()
  const kept: string[] = []
  for (const path of sorted) {
    const last = kept.at(-1)
    if (last === undefined || (last !== '' && !path.startsWith(`${last}/`))) kept.push(path)
  }
  return kept
}
