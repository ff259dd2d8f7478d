import { Mutex } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { BlobStore, Protection } from '../../core/blobs/index.ts'
import type { Docs, NamespaceId } from '../../core/docs/index.ts'
import { type Hash, hashOf, type PeerId } from '../../core/ids.ts'
import {
  type FolderView,
  folderView,
  type NameRules,
  type PlanLimits,
  planFolder,
  type SyncAction,
} from '../../core/sync/index.ts'
import type { Downloads } from '../blobs/downloads.ts'
import { type Applied, Applier, type ApplyAction } from './applier.ts'
import { ContentBatches, type Wanted } from './fetcher.ts'
import { FolderCounter, type FolderCounts } from './folder-counts.ts'
import { FolderState } from './folder-state.ts'
import { foldsNames } from './paths.ts'
import { type PublishAction, Publisher } from './publisher.ts'
import { Scanner, type ScanResult } from './scanner.ts'
import type { SyncStore } from './store.ts'
import type { Trash } from './trash.ts'

/** Actions between two looks at document and folder. */
const PUBLISH_AT_ONCE = 500
const APPLY_AT_ONCE = 500
/** Files written at once. */
const WRITE_AT_ONCE = 16
/** Batches fetched at once, each over a connection of its own: while one waits for the disk, the other receives. */
const FETCH_AT_ONCE = 2
/** Longest metadata value fetched. */
const MAX_META_BYTES = 1_024n
/** Rounds of one run after which what is left waits for the next. */
const MAX_ROUNDS = 1_000

export interface FolderParts {
  readonly id: NamespaceId
  readonly root: string
  readonly docs: Docs
  readonly blobs: BlobStore
  readonly downloads: Pick<Downloads, 'download' | 'downloadMany'>
  readonly store: SyncStore
  readonly trash: Trash
  readonly limits: PlanLimits
  readonly rules: NameRules
  readonly quietMs: number
  readonly fileTimes: boolean
  readonly clock: Clock
  readonly log: Logger
  /** A folder inside was seen by a scan. */
  readonly onFolder: (path: string) => void
}

export interface RunContext {
  readonly signal: AbortSignal
  /** A person has said that missing files are to be deleted everywhere, held ones may come, and this is the right folder. */
  readonly confirmed: boolean
  /** 0 to 100. */
  progress(percent: number): Promise<void>
}

export type FolderPhase = 'idle' | 'scanning' | 'publishing' | 'fetching' | 'applying'

/** One folder and its document. Everything here may be called at any time and again: what is to be done follows from the state. */
export class SyncFolder {
  readonly id: NamespaceId
  readonly root: string
  readonly #parts: FolderParts
  readonly #state: FolderState
  readonly #scanner: Scanner
  readonly #publisher: Publisher
  readonly #applier: Applier
  readonly #contents: ContentBatches
  readonly #protection: Protection
  readonly #folds: boolean
  /** Scanning, publishing and applying look at the same files. */
  readonly #turn = new Mutex()
  /** Who has named an entry to us lately, the last one first. */
  readonly #sources = new Set<PeerId>()
  /** Paths whose action failed, and why, until the next full scan. */
  readonly #failed = new Map<string, string>()
  #failures = 0
  readonly #counter = new FolderCounter()
  #phase: FolderPhase = 'idle'
  #done = 0
  #total = 0
  #error: { readonly code: string; readonly message: string } | undefined
  #isClosed = false

  private constructor(parts: FolderParts, state: FolderState, folds: boolean) {
    this.id = parts.id
    this.root = parts.root
    this.#parts = parts
    this.#state = state
    this.#folds = folds
    this.#protection = parts.blobs.protect()
    const { id: folder, root, docs, blobs, store, rules, quietMs, clock, fileTimes, trash, log, downloads, onFolder } = parts
    const protection = this.#protection
    this.#scanner = new Scanner({ root, folder, state, store, blobs, protection, rules, quietMs, clock, onFolder })
    this.#publisher = new Publisher({ root, folder, docs, blobs, protection, state, fileTimes })
    this.#applier = new Applier({ root, folder, blobs, docs, state, trash, clock, log })
    this.#contents = new ContentBatches({ blobs, downloads, protection, log })
  }

  /** The folder must exist. */
  static async open(parts: FolderParts): Promise<SyncFolder> {
    return new SyncFolder(parts, await FolderState.load(parts.store, parts.id), await foldsNames(parts.root))
  }

  close(): void {
    this.#isClosed = true
    this.#protection.release()
  }

  get phase(): FolderPhase {
    return this.#phase
  }

  /** Of the phase under way. */
  get progress(): { readonly done: number; readonly total: number } {
    return { done: this.#done, total: this.#total }
  }

  get error(): { readonly code: string; readonly message: string } | undefined {
    return this.#error
  }

  /** Names that are not synchronised, by reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#scanner.refused
  }

  noteSource(peer: PeerId): void {
    this.#sources.delete(peer)
    this.#sources.add(peer)
    const oldest = this.#sources.values().next().value
    if (this.#sources.size > 8 && oldest !== undefined) this.#sources.delete(oldest)
  }

  /** Finds out what has changed on disk. Rejects `SYNC_ROOT_CHANGED`, `BLOB_STORE_*`, `ABORTED`. */
  scan(paths: readonly string[] | undefined, context: RunContext): Promise<ScanResult> {
    return this.#inTurn('scanning', async () => {
      if (paths === undefined) this.#clearFailed()
      let last = 0
      // Until everything was looked at once, absence says nothing: then a part is not enough.
      return this.#scanner.scan(this.#scanner.isComplete ? paths : undefined, {
        signal: context.signal,
        isRootConfirmed: context.confirmed,
        progress: (done, total) => {
          this.#count(done, total)
          const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
          if (percent === last) return
          last = percent
          context.progress(percent).catch(() => {})
        },
      })
    })
  }

  /** Writes local changes into the document. Answers paths to scan again. */
  async publish(context: RunContext): Promise<readonly string[]> {
    const stale = new Set<string>()
    await this.#rounds(context, async () =>
      this.#inTurn('publishing', async () => {
        await this.#scanner.checkRoot(context.confirmed)
        const { view, actions } = await this.#plan(context.confirmed)
        const all = actions.filter((a): a is PublishAction => (a.kind === 'publish' || a.kind === 'bury') && !stale.has(a.path))
        this.#count(0, all.length)
        const some = all.slice(0, PUBLISH_AT_ONCE)
        if (some.length === 0) return false
        for (const path of await this.#publisher.publish(some, view.files)) stale.add(path)
        await this.#keepContents(some.flatMap((a) => (a.kind === 'bury' ? [a.hash] : [])))
        return true
      }),
    )
    return [...stale]
  }

  /** Brings the contents of others here. Answers how many could not be had, and whether there is anything to apply. */
  async fetch(context: RunContext, peers: readonly PeerId[], arrived: () => void): Promise<{ failed: number; toApply: boolean }> {
    if (!this.#scanner.isComplete) return { failed: 0, toApply: false }
    const { actions } = await this.#plan(context.confirmed)
    const missing = await this.#contents.missing(wantedOf(actions))
    const sources = [...new Set([...[...this.#sources].reverse(), ...peers])]
    let done = 0
    let failed = 0
    const batches = this.#contents.batches(missing)
    const lane = async (): Promise<void> => {
      for (let batch = batches.shift(); batch !== undefined && !this.#isClosed; batch = batches.shift()) {
        context.signal.throwIfAborted()
        this.#begin('fetching', done, missing.length)
        const report = await this.#contents.fetch(batch, sources, context.signal)
        for (const hash of report.fetched) await this.#parts.docs.announceContent(this.id, hash)
        done += batch.length
        failed += report.failed
        if (report.fetched.length > 0) arrived()
        await context.progress(Math.floor((100 * done) / missing.length))
      }
    }
    // What one lane was doing when another one failed still ends.
    const lanes = await Promise.allSettled(Array.from({ length: FETCH_AT_ONCE }, lane))
    this.#end()
    for (const result of lanes) if (result.status === 'rejected') throw result.reason
    return { failed, toApply: actions.some(isApplied) }
  }

  /** Brings the folder into the state of the document, as far as contents are here. Answers paths to scan again. */
  async apply(context: RunContext): Promise<readonly string[]> {
    const stale = new Set<string>()
    await this.#rounds(context, async () =>
      this.#inTurn('applying', async () => {
        await this.#scanner.checkRoot(context.confirmed)
        const { actions } = await this.#plan(context.confirmed)
        const ready: ApplyAction[] = []
        let waiting = 0
        for (const action of actions) {
          if (!isApplied(action) || stale.has(action.path) || this.#failed.has(action.path)) continue
          if (ready.length < APPLY_AT_ONCE && (await this.#isReady(action))) ready.push(action)
          else waiting++
        }
        this.#count(0, ready.length + waiting)
        if (ready.length === 0) return false
        await this.#keepWanted(ready, actions)
        const outcomes = await this.#applyAll(ready, context)
        for (const [action, outcome] of outcomes) {
          if (outcome === 'stale') stale.add(action.path)
          else if (outcome !== 'done') this.#fail(action.path, outcome.failed)
          if (outcome === 'stale' && action.kind === 'set-aside') stale.add(action.to)
        }
        await this.#state.flush()
        await this.#keepContents(outcomes.flatMap(([a, o]) => (o === 'done' ? replacedBy(a) : [])))
        // A look at everything for each few files that have just come would take longer than they do: who fetches them asks again.
        return ready.length >= APPLY_AT_ONCE || waiting === 0
      }),
    )
    return [...stale]
  }

  /** Whether there is anything to do, by kind. */
  async counts(): Promise<FolderCounts> {
    const of = { state: this.#state, scanner: this.#scanner, failed: this.#failed, failures: this.#failures }
    return this.#counter.counts(of, await this.#parts.docs.status(this.id), () => this.#plan(false))
  }

  async #plan(confirmed: boolean): Promise<{ readonly view: FolderView; readonly actions: readonly SyncAction[] }> {
    const { docs, limits, rules, clock } = this.#parts
    const view = folderView(await docs.query(this.id, { includeEmpty: true }), rules)
    const actions = this.#scanner.isComplete
      ? planFolder({
          base: this.#state.base,
          local: this.#state.localFiles(),
          remote: view.files,
          isUnknown: (path) => this.#scanner.isUnknown(path),
          limits,
          foldsNames: this.#folds,
          confirmed,
          now: clock.now(),
        })
      : []
    return { view, actions }
  }

  /** Contents that are kept as files of the folder must be found at a file that is still there. */
  async #keepContents(hashes: readonly Hash[]): Promise<void> {
    const wanted = new Set(hashes)
    if (wanted.size === 0) return
    for (const [path, { hash }] of this.#state.seen) {
      if (!wanted.delete(hash)) continue
      await this.#scanner.refresh(path).catch((error: unknown) => this.#note(error))
      if (wanted.size === 0) return
    }
  }

  /** A file that is to go may be the only place of a content that is wanted elsewhere: a rename is both. */
  async #keepWanted(ready: readonly ApplyAction[], actions: readonly SyncAction[]): Promise<void> {
    const wanted = new Set(actions.flatMap((action) => (action.kind === 'take' ? [action.remote.hash] : [])))
    for (const action of ready) {
      if (replacedBy(action).some((hash) => wanted.has(hash)))
        await this.#scanner.refresh(action.path, 'copy').catch((error: unknown) => this.#note(error))
    }
  }

  async #isReady(action: ApplyAction): Promise<boolean> {
    return action.kind !== 'take' || (await this.#parts.blobs.status(action.remote.hash)).kind === 'complete'
  }

  #fail(path: string, reason: string): void {
    this.#failed.set(path, reason)
    this.#failures++
  }

  #clearFailed(): void {
    this.#failed.clear()
    this.#failures++
  }

  /** What makes room comes first, so the kinds follow each other. */
  async #applyAll(actions: readonly ApplyAction[], context: RunContext): Promise<[ApplyAction, Applied][]> {
    const outcomes: [ApplyAction, Applied][] = []
    for (const kind of ['record', 'set-aside', 'remove', 'take'] as const) {
      const queue = actions.filter((action) => action.kind === kind)
      const lane = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          context.signal.throwIfAborted()
          outcomes.push([next, await this.#applier.apply(next, context.signal)])
          this.#done++
        }
      }
      await Promise.all(Array.from({ length: WRITE_AT_ONCE }, lane))
    }
    return outcomes
  }

  async #rounds(context: RunContext, round: () => Promise<boolean>): Promise<void> {
    for (let n = 0; n < MAX_ROUNDS; n++) {
      context.signal.throwIfAborted()
      if (this.#isClosed || !(await round())) return
    }
  }

  #inTurn<T>(phase: FolderPhase, work: () => Promise<T>): Promise<T> {
    return this.#turn.run(async () => {
      this.#begin(phase, 0, 0)
      try {
        const result = await work()
        this.#error = undefined
        return result
      } catch (error) {
        if (errorCode(error) !== 'ABORTED') this.#error = { code: errorCode(error), message: errorMessage(error) }
        throw error
      } finally {
        this.#end()
      }
    })
  }

  #begin(phase: FolderPhase, done: number, total: number): void {
    this.#phase = phase
    this.#count(done, total)
  }

  #end(): void {
    this.#phase = 'idle'
  }

  #count(done: number, total: number): void {
    this.#done = done
    this.#total = total
  }

  #note(error: unknown): void {
    this.#parts.log.debug({
      ev: 'sync-folder',
      folder: this.id.slice(0, 10),
      code: errorCode(error),
      reason: errorMessage(error),
    })
  }
}

function isApplied(action: SyncAction): action is ApplyAction {
  return action.kind === 'record' || action.kind === 'set-aside' || action.kind === 'remove' || action.kind === 'take'
}

function* wantedOf(actions: readonly SyncAction[]): Generator<Wanted> {
  for (const action of actions) {
    if (action.kind !== 'take') continue
    const { hash, size, meta } = action.remote
    yield { hash, size }
    if (meta !== undefined && meta.len > 0n && meta.len <= MAX_META_BYTES)
      yield { hash: hashOf(meta.hash), size: Number(meta.len) }
  }
}

function replacedBy(action: ApplyAction): Hash[] {
  if (action.kind === 'remove') return [action.hash]
  return action.kind === 'take' && action.replaces !== undefined ? [action.replaces] : []
}
