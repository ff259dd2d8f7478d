import type { Hash } from '../ids.ts'
import type { RemoteFile } from './effective.ts'
import { conflictPath, foldPath } from './keys.ts'

/** What folder and document last agreed on at one path. `gone`: it was deleted, and had this content before. */
export type BaseFile = { readonly kind: 'live'; readonly hash: Hash } | { readonly kind: 'gone'; readonly hash: Hash }

/** A file as the last scan saw it. Empty files have size 0: documents cannot hold them. */
export interface LocalFile {
  readonly hash: Hash
  readonly size: number
  /** ms since 1970. */
  readonly mtimeMs: number
}

/** Why a path stays as it is although folder and document differ. */
export type HoldReason =
  /** Documents cannot hold empty files. */
  | 'empty'
  /** Deleted elsewhere before this folder was joined; here is an older copy. */
  | 'deleted-elsewhere'
  /** A reference peer that missed a deletion has published its copy again. */
  | 'resurrected'
  | 'file-too-large'
  | 'folder-full'
  | 'author-full'
  /** Differs from another name only in case or Unicode form, which the file system cannot hold. */
  | 'name-clash'
  /** Most files vanished at once: a person must say that they are to be deleted everywhere. */
  | 'many-deletions'

export type SyncAction =
  /** Both agree by themselves; remember it. `hash` undefined: nothing is there any more. */
  | { readonly kind: 'record'; readonly path: string; readonly base: BaseFile | undefined }
  /** `after`: time of the entry it follows, µs. */
  | { readonly kind: 'publish'; readonly path: string; readonly hash: Hash; readonly size: number; readonly after: bigint }
  | { readonly kind: 'bury'; readonly path: string; readonly hash: Hash; readonly after: bigint }
  /** Bring the content here and put it in place. `replaces`: the local content it may take the place of. */
  | {
      readonly kind: 'take'
      readonly path: string
      readonly remote: RemoteFile & { readonly hash: Hash }
      readonly replaces: Hash | undefined
    }
  /** Move the local file to the trash. */
  | { readonly kind: 'remove'; readonly path: string; readonly hash: Hash }
  /** Give the local version another name, so that both stay. */
  | { readonly kind: 'set-aside'; readonly path: string; readonly to: string; readonly hash: Hash }
  | { readonly kind: 'hold'; readonly path: string; readonly reason: HoldReason; readonly size: number }

export interface PlanLimits {
  /** Bytes. */
  readonly maxFile: number
  readonly maxFolder: number
  /** What the files of one author may have together. */
  readonly maxAuthor: number
  readonly maxFiles: number
}

export interface PlanInput {
  readonly base: ReadonlyMap<string, BaseFile>
  readonly local: ReadonlyMap<string, LocalFile>
  readonly remote: ReadonlyMap<string, RemoteFile>
  /** Paths of which nothing is known: unreadable, or behind a symbolic link. They are left alone. */
  readonly isUnknown: (path: string) => boolean
  readonly limits: PlanLimits
  /** The file system takes names that differ in case or Unicode form for one. */
  readonly foldsNames: boolean
  /** A person has said that files missing here are to be deleted everywhere, and that held files may come. */
  readonly confirmed: boolean
  /** ms since 1970. */
  readonly now: number
}

/** More missing files than this, and more than half of all, look like an accident. */
const MANY_DELETIONS = 10

/**
 * Compares what was agreed, what is in the folder and what the document says, and answers what to do per path, deletions first.
 * Pure and idempotent: the same state gives the same actions, and a state without differences gives none.
 */
export function planFolder(input: PlanInput): SyncAction[] {
  const paths = new Set([...input.base.keys(), ...input.local.keys(), ...input.remote.keys()])
  const actions: SyncAction[] = []
  for (const path of paths) {
    if (input.isUnknown(path)) continue
    const action = planPath(path, input)
    if (action !== undefined) actions.push(action)
  }
  return ordered(withinBounds(guarded(actions, input), input))
}

const EMPTY_MARK = 0

function planPath(path: string, input: PlanInput): SyncAction | undefined {
  const base = input.base.get(path)
  const local = input.local.get(path)
  const remote = input.remote.get(path)
  if (remote?.hash !== undefined) return planLive(path, base, local, remote as RemoteFile & { hash: Hash }, input)
  if (local === undefined) return planAbsent(path, base, remote)
  const isChanged = base?.kind !== 'live' || base.hash !== local.hash
  if (remote === undefined) return publish(path, local, 0n)
  // Deleted there.
  if (!isChanged) return { kind: 'remove', path, hash: local.hash }
  if (local.size === EMPTY_MARK) return { kind: 'hold', path, reason: 'empty', size: 0 }
  if (base === undefined && ms(remote.time) >= local.mtimeMs && !input.confirmed) {
    return { kind: 'hold', path, reason: 'deleted-elsewhere', size: local.size }
  }
  if (base?.kind === 'live' && ms(remote.time) > clamped(local, input)) return setAside(path, local, input)
  return publish(path, local, remote.time)
}

/** Nothing in the folder, and nothing in the document or a deletion. */
function planAbsent(path: string, base: BaseFile | undefined, remote: RemoteFile | undefined): SyncAction | undefined {
  if (base === undefined) return undefined
  // The deletion is remembered as long as the document has it: who missed it may bring the file back.
  if (remote === undefined) return { kind: 'record', path, base: undefined }
  return base.kind === 'gone' ? undefined : { kind: 'record', path, base: { kind: 'gone', hash: base.hash } }
}

/** The document has a file. */
function planLive(
  path: string,
  base: BaseFile | undefined,
  local: LocalFile | undefined,
  remote: RemoteFile & { readonly hash: Hash },
  input: PlanInput,
): SyncAction | undefined {
  const isAgreed = base?.kind === 'live' && base.hash === remote.hash
  if (local === undefined) {
    if (isAgreed) return { kind: 'bury', path, hash: base.hash, after: remote.time }
    const isOld = base?.kind === 'gone' && base.hash === remote.hash && remote.meta !== undefined
    if (isOld && !input.confirmed) return { kind: 'hold', path, reason: 'resurrected', size: remote.size }
    return { kind: 'take', path, remote, replaces: undefined }
  }
  if (local.hash === remote.hash) {
    return isAgreed ? undefined : { kind: 'record', path, base: { kind: 'live', hash: local.hash } }
  }
  const isUnchanged = base?.kind === 'live' && base.hash === local.hash
  if (isUnchanged) return { kind: 'take', path, remote, replaces: local.hash }
  if (isAgreed) return publish(path, local, remote.time)
  // Changed on both sides. Nothing is lost by replacing an empty file.
  if (local.size === EMPTY_MARK) return { kind: 'take', path, remote, replaces: local.hash }
  return ms(remote.time) >= clamped(local, input) ? setAside(path, local, input) : publish(path, local, remote.time)
}

function publish(path: string, local: LocalFile, after: bigint): SyncAction {
  if (local.size === EMPTY_MARK) return { kind: 'hold', path, reason: 'empty', size: 0 }
  return { kind: 'publish', path, hash: local.hash, size: local.size, after }
}

function setAside(path: string, local: LocalFile, input: PlanInput): SyncAction {
  return { kind: 'set-aside', path, to: conflictPath(path, clamped(local, input), local.hash), hash: local.hash }
}

const ms = (us: bigint): number => Number(us / 1000n)
/** A clock of a camera may be years ahead. */
const clamped = (local: LocalFile, input: PlanInput): number => Math.min(local.mtimeMs, input.now)

/** An unmounted disk or an emptied folder must not delete everything everywhere. */
function guarded(actions: readonly SyncAction[], input: PlanInput): readonly SyncAction[] {
  if (input.confirmed) return actions
  const buried = actions.filter((action) => action.kind === 'bury').length
  let live = 0
  for (const base of input.base.values()) if (base.kind === 'live') live++
  if (buried <= MANY_DELETIONS || buried * 2 <= live) return actions
  return actions.map((action) =>
    action.kind === 'bury' ? { kind: 'hold', path: action.path, reason: 'many-deletions', size: 0 } : action,
  )
}

/** Holds back what is too large, too much, or cannot be told from another name. */
function withinBounds(actions: readonly SyncAction[], input: PlanInput): SyncAction[] {
  const { limits } = input
  const taken = new Map<string, string>()
  if (input.foldsNames) for (const path of input.local.keys()) taken.set(foldPath(path), path)
  let bytes = 0
  let files = 0
  for (const file of input.local.values()) {
    bytes += file.size
    files++
  }
  const byAuthor = new Map<string, number>()
  for (const [path, { author, hash, size }] of input.remote)
    if (input.local.get(path)?.hash === hash) byAuthor.set(author, (byAuthor.get(author) ?? 0) + size)
  return actions.map((action) => {
    if (action.kind !== 'take') return action
    const { path, remote, replaces } = action
    const hold = (reason: HoldReason): SyncAction => ({ kind: 'hold', path, reason, size: remote.size })
    const twin = input.foldsNames ? taken.get(foldPath(path)) : undefined
    if (twin !== undefined && twin !== path) return hold('name-clash')
    if (remote.size > limits.maxFile) return hold('file-too-large')
    const more = remote.size - (replaces === undefined ? 0 : (input.local.get(path)?.size ?? 0))
    if (bytes + more > limits.maxFolder || files + 1 > limits.maxFiles) return hold('folder-full')
    const ofAuthor = (byAuthor.get(remote.author) ?? 0) + remote.size
    if (ofAuthor > limits.maxAuthor) return hold('author-full')
    bytes += more
    if (replaces === undefined) files++
    byAuthor.set(remote.author, ofAuthor)
    if (input.foldsNames) taken.set(foldPath(path), path)
    return action
  })
}

const ORDER: Readonly<Record<SyncAction['kind'], number>> = {
  record: 0,
  'set-aside': 1,
  remove: 2,
  bury: 3,
  take: 4,
  publish: 5,
  hold: 6,
}

/** What makes room goes first; then by path, so that two runs do the same. */
function ordered(actions: readonly SyncAction[]): SyncAction[] {
  return [...actions].sort((a, b) => ORDER[a.kind] - ORDER[b.kind] || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}
