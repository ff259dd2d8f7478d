import { mkdir } from 'node:fs/promises'
import { type Deferred, deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { EventStream } from '../../base/event-hub.ts'
import type { Logger } from '../../base/logger.ts'
import type { BlobStore } from '../../core/blobs/index.ts'
import type { DocEvent, Docs, NamespaceId } from '../../core/docs/index.ts'
import type { PeerId } from '../../core/index.ts'
import { endpointAddr } from '../../core/keys/address.ts'
import type { FolderConfig, PlanLimits, SyncBook } from '../../core/sync/index.ts'
import type { Downloads } from '../blobs/downloads.ts'
import type { SyncConfig } from '../config/sync.ts'
import { noSuchFolder, syncError } from './errors.ts'
import { type RunContext, SyncFolder } from './folder.ts'
import { type FolderInfo, type FolderStatus, STEP_PHASE } from './folder-info.ts'
import type { SyncStore } from './store.ts'
import type { Trash } from './trash.ts'
import { TreeWatcher } from './watcher.ts'

/** Entries of others that come together are looked at together, ms. */
const GATHER_MS = 300
/** First and longest pause before contents that nobody could give are asked for again, ms. */
const RETRY_MS = 2_000
const MAX_RETRY_MS = 300_000
/** After its opening a folder first hears what others have, at most this long, ms: who speaks later counts as newer. */
const LISTEN_FIRST_MS = 20_000
/** A folder is compared with its document this often even when nobody says anything, ms. */
const CHECK_MS = 300_000

export type Step = 'scan' | 'publish' | 'fetch' | 'apply'

export interface StepFlags {
  readonly force: boolean
  readonly confirmed: boolean
}
const NORMAL: StepFlags = { force: false, confirmed: false }

export interface EngineParts {
  readonly config: SyncConfig
  readonly docs: Docs
  readonly book: SyncBook
  readonly blobs: BlobStore
  readonly downloads: Pick<Downloads, 'download' | 'downloadMany'>
  readonly store: SyncStore
  readonly trash: Trash
  /** Asks for a step; again before it has begun changes nothing. Never rejects. */
  readonly wake: (step: Step, folder: NamespaceId, flags: StepFlags) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

interface Entry {
  config: FolderConfig
  readonly folder: SyncFolder
  readonly watcher: TreeWatcher
  readonly events: EventStream<DocEvent>
  readonly stop: AbortController
  dirty: Set<string> | 'all'
  /** Something was not as planned: the next scan goes on although it may find nothing new. */
  recheck: boolean
  /** Failures to get contents, in a row. */
  retries: number
  scannedAt: number
  checkedAt: number
  /** Devices that were not heard since the folder was opened; `met` when there are none, or it took too long. */
  readonly unheard: Set<PeerId>
  readonly met: Deferred<void>
  cancelGather: (() => void) | undefined
  cancelRetry: () => void
}

/** The folders of this gateway while it runs: notices changes on both sides and has the steps done in the right order. */
export class SyncEngine {
  readonly #parts: EngineParts
  readonly #entries = new Map<string, Entry>()
  #isStopped = false

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#entries.size
  }

  /** Opens every folder that is configured. One that cannot be opened does not keep the others. */
  async start(): Promise<void> {
    for (const config of await this.#parts.book.folders()) {
      await this.open(config).catch((err: unknown) =>
        this.#parts.log.warn({ ev: 'sync-open', folder: config.id.slice(0, 10), err }, 'a folder could not be opened'),
      )
    }
  }

  stop(): void {
    this.#isStopped = true
    for (const id of [...this.#entries.keys()]) this.close(id)
  }

  /** Begins to keep a folder in step. Its document must be here; the place is made when it is not there. */
  async open(config: FolderConfig, isNew = false): Promise<void> {
    const { docs, log, clock } = this.#parts
    if (this.#entries.has(config.id)) return
    if (isNew) await mkdir(config.path, { recursive: true })
    // Contents come by our own queue, which knows limits and pauses.
    await docs.setDownloadPolicy(config.id, { kind: 'nothing-except', filters: [] })
    const watcher = new TreeWatcher({
      root: config.path,
      quietMs: this.#parts.config.quiet,
      changed: (paths) => this.touched(config.id, paths),
      clock,
      log,
    })
    const folder = await SyncFolder.open(this.#folderParts(config, watcher))
    const events = await docs.subscribe(config.id)
    const entry: Entry = {
      config,
      folder,
      watcher,
      events,
      stop: new AbortController(),
      dirty: 'all',
      recheck: false,
      retries: 0,
      scannedAt: Number.NEGATIVE_INFINITY,
      checkedAt: clock.monotonic(),
      unheard: new Set(acceptedOf(config)),
      met: deferred(),
      cancelGather: undefined,
      cancelRetry: () => {},
    }
    if (this.#isStopped) return this.#shut(entry)
    this.#entries.set(config.id, entry)
    this.#listen(entry).catch((err: unknown) =>
      log.warn({ ev: 'sync-events', err }, 'events of a document are not heard any more'),
    )
    if (entry.unheard.size === 0) entry.met.resolve()
    else clock.after(LISTEN_FIRST_MS, () => entry.met.resolve())
    await this.meet(config.id)
    await this.#wake('scan', entry, NORMAL)
  }

  /** Ends what is under way in a folder and forgets it here; nothing on disk changes. */
  close(id: string): void {
    const entry = this.#entries.get(id)
    this.#entries.delete(id)
    if (entry !== undefined) this.#shut(entry)
  }

  /** Takes a changed configuration over. */
  async update(config: FolderConfig): Promise<void> {
    const entry = this.#entries.get(config.id)
    if (entry === undefined) return
    const wasActive = isActive(entry, NORMAL)
    entry.config = config
    await this.meet(config.id)
    if (!wasActive && isActive(entry, NORMAL)) {
      entry.dirty = 'all'
      await this.#wake('scan', entry, NORMAL)
    }
  }

  /** Reconciles with everybody who has accepted (k2-application 5.8). */
  async meet(id: NamespaceId): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    await this.#parts.docs.startSync(
      id,
      acceptedOf(entry.config).map((peer) => endpointAddr(peer)),
    )
  }

  /** Something may have changed below the folder; everything when no paths are named. */
  touched(id: string, paths: readonly string[] | undefined): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    if (paths === undefined) entry.dirty = 'all'
    else if (entry.dirty !== 'all') for (const path of paths) entry.dirty.add(path)
    if (isActive(entry, NORMAL)) this.#inBackground(this.#wake('scan', entry, NORMAL))
  }

  /** A complete round now, also of a folder that waits to be asked. Rejects `SYNC_UNKNOWN_FOLDER` or `SYNC_OFF` when it is paused. */
  async syncNow(id: NamespaceId, confirmed: boolean): Promise<void> {
    const entry = this.#entry(id)
    if (!entry.config.syncEnabled) throw syncError('SYNC_OFF', 'conflict', 'this folder is paused: resume it first')
    entry.dirty = 'all'
    await this.meet(id)
    await this.#wake('scan', entry, { force: true, confirmed })
  }

  /** One job of a queue. Unknown folders have been left meanwhile. */
  async run(step: Step, id: string, flags: StepFlags, context: Omit<RunContext, 'confirmed'>): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined || !entry.config.syncEnabled) return
    const signal = AbortSignal.any([context.signal, entry.stop.signal])
    const run: RunContext = { signal, confirmed: flags.confirmed, progress: (percent) => context.progress(percent) }
    try {
      await this[STEPS[step]](entry, flags, run)
    } catch (error) {
      if (signal.aborted) return
      this.#parts.log.warn(
        { ev: 'sync-step', step, folder: id.slice(0, 10), code: errorCode(error), reason: errorMessage(error) },
        'a step of a folder failed and is tried again later',
      )
      if (step === 'scan') entry.dirty = 'all'
      throw error
    }
  }

  /** Looks whether folders are due. */
  async round(): Promise<void> {
    const now = this.#parts.clock.monotonic()
    for (const entry of this.#entries.values()) {
      if (!entry.config.syncEnabled) continue
      if (now - entry.scannedAt >= entry.config.syncInterval * 60_000) {
        entry.dirty = 'all'
        if (entry.config.syncMode === 'proactive') await this.meet(entry.config.id)
        await this.#wake('scan', entry, NORMAL)
      } else if (isActive(entry, NORMAL) && now - entry.checkedAt >= CHECK_MS) {
        entry.checkedAt = now
        await this.#wake(entry.dirty === 'all' || entry.dirty.size > 0 ? 'scan' : 'publish', entry, NORMAL)
        await this.#wake('fetch', entry, NORMAL)
      }
    }
  }

  async info(id: NamespaceId): Promise<FolderInfo | undefined> {
    const entry = this.#entries.get(id)
    return entry && this.#info(entry)
  }

  async list(): Promise<readonly FolderInfo[]> {
    return Promise.all([...this.#entries.values()].map((entry) => this.#info(entry)))
  }

  async scanStep(entry: Entry, flags: StepFlags, run: RunContext): Promise<void> {
    const paths = entry.dirty === 'all' ? undefined : [...entry.dirty]
    entry.dirty = new Set()
    if (paths === undefined || paths.length > 0) {
      const { changed, restless } = await entry.folder.scan(paths, run)
      if (paths === undefined) entry.scannedAt = this.#parts.clock.monotonic()
      this.#later(entry, restless, flags)
      // Most of what a watch reports is our own doing.
      if (paths !== undefined && changed === 0 && !entry.recheck) return
      entry.recheck = false
    }
    if (!isActive(entry, flags)) return
    await this.#wake('publish', entry, flags)
    await this.#wake('fetch', entry, flags)
  }

  async publishStep(entry: Entry, flags: StepFlags, run: RunContext): Promise<void> {
    await entry.met.promise
    if (isActive(entry, flags)) this.#again(entry, await entry.folder.publish(run), flags)
  }

  async fetchStep(entry: Entry, flags: StepFlags, run: RunContext): Promise<void> {
    if (!isActive(entry, flags)) return
    const { docs, clock } = this.#parts
    const useful = (await docs.syncPeers(entry.config.id)).map(({ id }) => id as PeerId)
    const peers = [...new Set([...acceptedOf(entry.config), ...useful])]
    const { failed, toApply } = await entry.folder.fetch(run, peers, () => this.#inBackground(this.#wake('apply', entry, flags)))
    if (toApply) await this.#wake('apply', entry, flags)
    entry.cancelRetry()
    if (failed === 0) {
      entry.retries = 0
      return
    }
    const pause = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(entry.retries++, 20))
    entry.cancelRetry = clock.after(pause, () => this.#inBackground(this.#wake('fetch', entry, flags)))
  }

  async applyStep(entry: Entry, flags: StepFlags, run: RunContext): Promise<void> {
    if (isActive(entry, flags)) this.#again(entry, await entry.folder.apply(run), flags)
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw noSuchFolder()
    return entry
  }

  #again(entry: Entry, stale: readonly string[], flags: StepFlags): void {
    if (stale.length > 0) entry.recheck = true
    this.#later(entry, stale, flags)
  }

  /** Paths that were not as expected, or are still being written to, are looked at when it has been quiet: as part of this round. */
  #later(entry: Entry, paths: readonly string[], flags: StepFlags): void {
    if (paths.length === 0) return
    this.#parts.clock.after(this.#parts.config.quiet, () => {
      if (entry.stop.signal.aborted) return
      if (entry.dirty !== 'all') for (const path of paths) entry.dirty.add(path)
      if (isActive(entry, flags)) this.#inBackground(this.#wake('scan', entry, flags))
    })
  }

  async #listen(entry: Entry): Promise<void> {
    for await (const event of entry.events) {
      if (event.kind === 'sync-finished' && entry.unheard.delete(event.peer) && entry.unheard.size === 0) entry.met.resolve()
      if (event.kind === 'insert-remote') entry.folder.noteSource(event.from)
      else if (event.kind === 'neighbor-up') entry.folder.noteSource(event.peer)
      else if (event.kind === 'sync-finished' && event.error === undefined) entry.folder.noteSource(event.peer)
      else continue
      // Whoever is new may have what others could not give.
      if (event.kind !== 'insert-remote' && entry.retries === 0) continue
      this.#gather(entry)
    }
  }

  #gather(entry: Entry): void {
    if (entry.cancelGather !== undefined || !isActive(entry, NORMAL)) return
    entry.cancelGather = this.#parts.clock.after(GATHER_MS, () => {
      entry.cancelGather = undefined
      this.#inBackground(this.#wake('fetch', entry, NORMAL))
    })
  }

  async #wake(step: Step, entry: Entry, flags: StepFlags): Promise<void> {
    if (entry.stop.signal.aborted) return
    await this.#parts.wake(step, entry.config.id, flags)
  }

  #inBackground(work: Promise<void>): void {
    work.catch((err: unknown) => this.#parts.log.debug({ ev: 'sync-wake', err }, 'a step is asked for again by the next round'))
  }

  async #info(entry: Entry): Promise<FolderInfo> {
    const { folder, config } = entry
    const { refusedKeys, ...counts } = await folder.counts()
    const { phase, error, progress } = folder
    const waits = counts.toPublish + counts.toTake + counts.toRemove > 0
    const status: FolderStatus = !config.syncEnabled
      ? 'paused'
      : error !== undefined
        ? 'error'
        : phase !== 'idle'
          ? STEP_PHASE[phase]
          : waits
            ? 'pending'
            : 'idle'
    const refused = [
      ...[...folder.refused].map(([path, reason]) => ({ path, reason })),
      ...[...refusedKeys].flatMap(([reason, keys]) => keys.map((path) => ({ path, reason }))),
    ]
    return { ...config, ...counts, status, progress, error, refused }
  }

  #folderParts(config: FolderConfig, watcher: TreeWatcher): Parameters<typeof SyncFolder.open>[0] {
    const { docs, blobs, downloads, store, trash, clock, log } = this.#parts
    const { maxFile, maxFolder, maxAuthor, maxFiles, quiet, fileTimes } = this.#parts.config
    const limits: PlanLimits = { maxFile, maxFolder, maxAuthor, maxFiles }
    return {
      id: config.id,
      root: config.path,
      docs,
      blobs,
      downloads,
      store,
      trash,
      limits,
      rules: { windows: process.platform === 'win32' },
      quietMs: quiet,
      fileTimes,
      clock,
      log,
      onFolder: (path) => watcher.add(path),
    }
  }

  #shut(entry: Entry): void {
    entry.stop.abort()
    entry.met.resolve()
    entry.cancelGather?.()
    entry.cancelRetry()
    entry.watcher.close()
    entry.events.close()
    entry.folder.close()
  }
}

const STEPS = { scan: 'scanStep', publish: 'publishStep', fetch: 'fetchStep', apply: 'applyStep' } as const

/** Passive folders wait to be asked, paused ones do nothing, in both directions (k2-application 5.9). */
function isActive({ config }: Entry, { force }: StepFlags): boolean {
  return config.syncEnabled && (force || config.syncMode === 'proactive')
}

export function acceptedOf({ linkedDevices }: FolderConfig): PeerId[] {
  return Object.entries(linkedDevices).flatMap(([peer, state]) => (state === 'Accepted' ? [peer as PeerId] : []))
}
