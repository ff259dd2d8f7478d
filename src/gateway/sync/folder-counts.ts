import type { DocStatus } from '../../core/docs/index.ts'
import type { FolderView, SyncAction } from '../../core/sync/index.ts'
import type { FolderState } from './folder-state.ts'
import type { Scanner } from './scanner.ts'

export interface HeldFile {
  readonly path: string
  readonly reason: string
}

export interface FolderCounts {
  readonly files: number
  readonly bytes: number
  /** Differences waiting for their turn. */
  readonly toPublish: number
  readonly toTake: number
  readonly toTakeBytes: number
  readonly toRemove: number
  /** What the document holds; the fingerprint is the same wherever the same entries are. */
  readonly document: { readonly entries: number; readonly fingerprint: string }
  /** When everything was last looked at, ms since 1970. */
  readonly scannedAt: number | undefined
  /** What is left as it is, and why. */
  readonly held: readonly HeldFile[]
  /** Keys of the document that name no file, by reason. */
  readonly refusedKeys: FolderView['refused']
}

export interface Counted {
  readonly state: Pick<FolderState, 'seen' | 'version'>
  readonly scanner: Pick<Scanner, 'completedAt' | 'unknown' | 'version'>
  readonly failed: ReadonlyMap<string, string>
  /** Grows with every change of `failed`. */
  readonly failures: number
}

/** Counts of a folder, made anew only when something they depend on has changed: pages ask for them every few seconds. */
export class FolderCounter {
  #of = ''
  #counts: FolderCounts | undefined

  /** `plan` is asked for only when it is needed. */
  async counts(
    { state, scanner, failed, failures }: Counted,
    { entries, fingerprint }: Pick<DocStatus, 'entries' | 'fingerprint'>,
    plan: () => Promise<{ readonly view: FolderView; readonly actions: readonly SyncAction[] }>,
  ): Promise<FolderCounts> {
    const of = [entries, fingerprint, state.version, scanner.version, failures].join()
    if (this.#counts !== undefined && this.#of === of) return this.#counts
    const { view, actions } = await plan()
    let bytes = 0
    for (const { size } of state.seen.values()) bytes += size
    const takes = actions.filter((action) => action.kind === 'take')
    const counts: FolderCounts = {
      files: state.seen.size,
      bytes,
      toPublish: actions.filter(({ kind }) => kind === 'publish' || kind === 'bury').length,
      toTake: takes.length,
      toTakeBytes: takes.reduce((sum, { remote }) => sum + remote.size, 0),
      toRemove: actions.filter(({ kind }) => kind === 'remove').length,
      document: { entries, fingerprint },
      scannedAt: scanner.completedAt,
      held: [
        ...actions.flatMap((action) => (action.kind === 'hold' ? [{ path: action.path, reason: action.reason }] : [])),
        ...[...failed].map(([path, reason]) => ({ path, reason })),
        ...[...scanner.unknown].flatMap(([path, reason]) => (reason === 'restless' ? [] : [{ path, reason }])),
      ],
      refusedKeys: view.refused,
    }
    // What was counted while it changed is of neither state.
    if (of === [entries, fingerprint, state.version, scanner.version, failures].join()) {
      this.#of = of
      this.#counts = counts
    }
    return counts
  }
}
