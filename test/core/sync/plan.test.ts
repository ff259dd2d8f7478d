import { describe, expect, it } from 'vitest'
import type { AuthorId } from '../../../src/core/docs/ids.ts'
import type { SignedEntry } from '../../../src/core/docs/proto/entry.ts'
import type { Hash } from '../../../src/core/ids.ts'
import type { RemoteFile } from '../../../src/core/sync/effective.ts'
import { type BaseFile, type LocalFile, planFolder } from '../../../src/core/sync/plan.ts'
import { NO_LIMITS } from './folder-model.ts'

const NOW = 1_800_000_000_000
const OLD = NOW - 3_600_000
const H = (n: number): Hash => String(n).padStart(64, '0') as Hash
const live = (n: number): BaseFile => ({ kind: 'live', hash: H(n) })
const gone = (n: number): BaseFile => ({ kind: 'gone', hash: H(n) })
const file = (n: number, mtimeMs = OLD, size = 10): LocalFile => ({ hash: H(n), size, mtimeMs })

interface Remote {
  readonly n?: number
  readonly at?: number
  readonly size?: number
  readonly author?: string
  readonly meta?: boolean
}
const remote = (path: string, { n, at = OLD, size = 10, author = 'x', meta }: Remote): RemoteFile => ({
  path,
  key: new Uint8Array(),
  author: author as AuthorId,
  hash: n === undefined ? undefined : H(n),
  size: n === undefined ? 0 : size,
  time: BigInt(at) * 1000n,
  meta: meta ? ({} as SignedEntry) : undefined,
})

interface State {
  readonly base?: BaseFile
  readonly local?: LocalFile
  readonly remote?: Remote
}
function plan(states: Record<string, State>, how: Partial<Parameters<typeof planFolder>[0]> = {}) {
  const pick = <K extends keyof State>(key: K) =>
    new Map(Object.entries(states).flatMap(([path, state]) => (state[key] === undefined ? [] : [[path, state[key]] as const])))
  return planFolder({
    base: pick('base') as Map<string, BaseFile>,
    local: pick('local') as Map<string, LocalFile>,
    remote: new Map([...pick('remote')].map(([path, r]) => [path, remote(path, r as Remote)])),
    isUnknown: () => false,
    limits: NO_LIMITS,
    foldsNames: false,
    confirmed: false,
    now: NOW,
    ...how,
  })
}
const one = (state: State, how = {}) => {
  const [action] = plan({ a: state }, how)
  return action === undefined ? 'nothing' : action.kind === 'hold' ? `hold ${action.reason}` : action.kind
}

describe('the planner', () => {
  it.each<[string, State, string]>([
    ['all agree', { base: live(1), local: file(1), remote: { n: 1 } }, 'nothing'],
    ['both have it by themselves', { local: file(1), remote: { n: 1 } }, 'record'],
    ['new here', { local: file(1) }, 'publish'],
    ['changed here', { base: live(1), local: file(2), remote: { n: 1 } }, 'publish'],
    ['deleted here', { base: live(1), remote: { n: 1 } }, 'bury'],
    ['new there', { remote: { n: 1 } }, 'take'],
    ['changed there', { base: live(1), local: file(1), remote: { n: 2 } }, 'take'],
    ['deleted there', { base: live(1), local: file(1), remote: {} }, 'remove'],
    ['deleted on both sides', { base: live(1), remote: {} }, 'record'],
    ['a deletion that is known', { base: gone(1), remote: {} }, 'nothing'],
    ['an entry vanished', { base: live(1), local: file(1) }, 'publish'],
    ['changed on both, there later', { base: live(1), local: file(2, OLD), remote: { n: 3, at: NOW } }, 'set-aside'],
    ['changed on both, here later', { base: live(1), local: file(2, NOW), remote: { n: 3, at: OLD } }, 'publish'],
    ['changed here, deleted there later', { base: live(1), local: file(2, OLD), remote: { at: NOW } }, 'set-aside'],
    ['changed here after it was deleted there', { base: live(1), local: file(2, NOW), remote: { at: OLD } }, 'publish'],
    ['deleted here, changed there', { base: live(1), remote: { n: 2 } }, 'take'],
    ['made again here after a deletion', { base: gone(1), local: file(2, NOW), remote: { at: OLD } }, 'publish'],
    ['an old copy of what was deleted before we joined', { local: file(1, OLD), remote: { at: NOW } }, 'hold deleted-elsewhere'],
    ['a newer file of a name that was deleted before we joined', { local: file(1, NOW), remote: { at: OLD } }, 'publish'],
    ['a gateway brings a deleted file back', { base: gone(1), remote: { n: 1, at: NOW } }, 'take'],
    ['a reference peer does', { base: gone(1), remote: { n: 1, at: NOW, meta: true } }, 'hold resurrected'],
    ['a reference peer has a new file of that name', { base: gone(1), remote: { n: 2, at: NOW, meta: true } }, 'take'],
    ['a reference peer scans again', { base: live(1), local: file(1), remote: { n: 1, at: NOW, meta: true } }, 'nothing'],
    ['an empty file here', { local: file(0, OLD, 0) }, 'hold empty'],
    ['emptied here', { base: live(1), local: file(0, OLD, 0), remote: { n: 1 } }, 'hold empty'],
    ['emptied here, changed there', { base: live(1), local: file(0, NOW, 0), remote: { n: 2 } }, 'take'],
  ])('%s', (_, state, expected) => {
    expect(one(state)).toBe(expected)
  })

  it('a clock that is years ahead does not win by it', () => {
    expect(one({ base: live(1), local: file(2, NOW * 2), remote: { n: 3, at: NOW } })).toBe('set-aside')
  })

  it('what is not known is left alone', () => {
    expect(one({ base: live(1), remote: { n: 1 } }, { isUnknown: () => true })).toBe('nothing')
  })

  it('many deletions at once wait for a person, few do not', () => {
    const states = (kept: number, missing: number) =>
      Object.fromEntries([
        ...Array.from({ length: kept }, (_, i) => [`k${i}`, { base: live(1), local: file(1), remote: { n: 1 } }]),
        ...Array.from({ length: missing }, (_, i) => [`m${i}`, { base: live(1), remote: { n: 1 } }]),
      ])
    expect(new Set(plan(states(5, 11)).map(({ kind }) => kind))).toEqual(new Set(['hold']))
    expect(new Set(plan(states(5, 11), { confirmed: true }).map(({ kind }) => kind))).toEqual(new Set(['bury']))
    expect(new Set(plan(states(0, 10)).map(({ kind }) => kind))).toEqual(new Set(['bury']))
    expect(new Set(plan(states(30, 20)).map(({ kind }) => kind))).toEqual(new Set(['bury']))
  })

  it('keeps to the limits of file, folder, count and author', () => {
    const limits = { maxFile: 100, maxFolder: 150, maxAuthor: 120, maxFiles: 3 }
    const reasons = (states: Record<string, State>) =>
      plan(states, { limits }).map((a) => (a.kind === 'hold' ? `${a.path} ${a.reason}` : `${a.path} ${a.kind}`))
    expect(reasons({ a: { remote: { n: 1, size: 101 } } })).toEqual(['a file-too-large'])
    expect(reasons({ a: { remote: { n: 1, size: 90 } }, b: { remote: { n: 2, size: 90, author: 'y' } } })).toEqual([
      'a take',
      'b folder-full',
    ])
    expect(reasons({ a: { remote: { n: 1, size: 70 } }, b: { remote: { n: 2, size: 70 } } })).toEqual(['a take', 'b author-full'])
    expect(
      reasons(Object.fromEntries(['a', 'b', 'c', 'd'].map((path, i) => [path, { remote: { n: i, size: 1, author: path } }]))),
    ).toEqual(['a take', 'b take', 'c take', 'd folder-full'])
  })

  it('names that a file system takes for one are not put over each other', () => {
    const states = { 'Read me': { base: live(1), local: file(1), remote: { n: 1 } }, 'READ ME': { remote: { n: 2 } } }
    expect(plan(states, { foldsNames: true })).toMatchObject([{ kind: 'hold', path: 'READ ME', reason: 'name-clash' }])
    expect(plan(states)).toMatchObject([{ kind: 'take', path: 'READ ME' }])
  })

  it('makes room before it writes', () => {
    const kinds = plan({
      z: { base: live(1), local: file(1), remote: {} },
      'z/inner': { remote: { n: 2 } },
      new: { local: file(3) },
    }).map(({ kind, path }) => `${kind} ${path}`)
    expect(kinds).toEqual(['remove z', 'take z/inner', 'publish new'])
  })
})
