import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { isIgnoredName } from '../../core/sync/index.ts'

/** Folders watched at once; the rest is found by the regular scans. */
const MAX_WATCHED = 50_000
/** Longest time a stream of events holds back what it reports, ms. */
const MAX_WAIT_MS = 10_000
/** Paths named one by one; beyond that everything is looked at. */
const MAX_PATHS = 2_000

export interface WatcherParts {
  readonly root: string
  /** Silence after the last event before anything is reported, ms. */
  readonly quietMs: number
  /** Paths that changed, appeared or vanished; undefined: any. */
  readonly changed: (paths: readonly string[] | undefined) => void
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Notices changes below a folder: one watch per folder inside, added as scans find them. Events are hints, no more: they are
 * collected until it is quiet, and then somebody looks.
 */
export class TreeWatcher {
  readonly #parts: WatcherParts
  readonly #watches = new Map<string, FSWatcher>()
  #pending: Set<string> | 'all' = new Set()
  #since: number | undefined
  #cancel = (): void => {}
  #isClosed = false
  #hasFailed = false

  constructor(parts: WatcherParts) {
    this.#parts = parts
  }

  /** Watches one folder of the tree, '' for the root; again is harmless. */
  add(path: string): void {
    if (this.#isClosed || this.#watches.has(path) || this.#watches.size >= MAX_WATCHED) return
    try {
      const watcher = watch(path === '' ? this.#parts.root : join(this.#parts.root, path), { persistent: false })
      watcher.on('change', (_, name) => this.#event(path, typeof name === 'string' ? name : undefined))
      // The folder is gone, or cannot be watched any more: the one above tells of it.
      watcher.on('error', () => this.#drop(path))
      this.#watches.set(path, watcher)
    } catch (error) {
      const code = errorCode(error)
      if (this.#hasFailed || code === 'ENOENT') return
      this.#hasFailed = true
      this.#parts.log.warn({ ev: 'sync-watch', code }, 'a folder cannot be watched: its changes are found by the regular scans')
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    for (const watcher of this.#watches.values()) watcher.close()
    this.#watches.clear()
  }

  #event(folder: string, name: string | undefined): void {
    if (this.#isClosed || (name !== undefined && isIgnoredName(name))) return
    if (name === undefined) this.#pending = 'all'
    else if (this.#pending !== 'all') {
      const path = folder === '' ? name : `${folder}/${name}`
      this.#pending.add(path)
      if (this.#pending.size > MAX_PATHS) this.#pending = 'all'
      // A folder of this name may be a new one: it is watched again when the scan finds it.
      if (this.#watches.has(path)) this.#drop(path)
    }
    const { clock, quietMs } = this.#parts
    const now = clock.monotonic()
    this.#since ??= now
    this.#cancel()
    const wait = Math.max(0, Math.min(quietMs, this.#since + MAX_WAIT_MS - now))
    this.#cancel = clock.after(wait, () => this.#report())
  }

  #report(): void {
    const paths = this.#pending === 'all' ? undefined : [...this.#pending]
    this.#pending = new Set()
    this.#since = undefined
    this.#parts.changed(paths)
  }

  #drop(path: string): void {
    for (const [known, watcher] of this.#watches) {
      if (known !== path && !known.startsWith(`${path}/`)) continue
      watcher.close()
      this.#watches.delete(known)
    }
  }
}
