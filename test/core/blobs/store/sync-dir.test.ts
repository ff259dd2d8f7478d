import { describe, expect, it } from 'vitest'
import { deferred } from '../../../../src/base/async.ts'
import { sharedSync } from '../../../../src/core/blobs/store/sync-dir.ts'

describe('shared syncs of a folder', () => {
  it('serves all that ask during one by the next, and each folder for itself', async () => {
    const begun: { path: string; end: ReturnType<typeof deferred<void>> }[] = []
    const sync = sharedSync((path) => {
      const end = deferred<void>()
      begun.push({ path, end })
      return end.promise
    })
    const done: string[] = []
    const ask = (path: string, name: string): Promise<void> => sync(path).then(() => void done.push(name))
    const all = [ask('a', 'first'), ask('a', 'second'), ask('a', 'third'), ask('b', 'other')]
    expect(begun.map(({ path }) => path)).toEqual(['a', 'b'])
    begun[0]?.end.resolve()
    await all[0]
    await expect.poll(() => begun.map(({ path }) => path)).toEqual(['a', 'b', 'a'])
    // What asks now comes after the one that has begun.
    all.push(ask('a', 'fourth'))
    begun[2]?.end.resolve()
    await Promise.all([all[1], all[2]])
    expect(done).toEqual(['first', 'second', 'third'])
    await expect.poll(() => begun.length).toBe(4)
    begun[3]?.end.resolve()
    begun[1]?.end.resolve()
    await Promise.all(all)
  })

  it('tells a failure to those it concerns, and goes on', async () => {
    let calls = 0
    const sync = sharedSync(async () => {
      if (++calls === 1) throw new Error('no disk')
    })
    const [first, second] = await Promise.allSettled([sync('a'), sync('a')])
    expect([first?.status, second?.status, calls]).toEqual(['rejected', 'fulfilled', 2])
  })
})
