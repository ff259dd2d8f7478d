import { expect, it } from 'vitest'
import { FolderCounter } from '../../../src/gateway/sync/folder-counts.ts'

const document = { entries: 3, fingerprint: 'aa' }

function rig() {
  const state = { seen: new Map(), version: 1 }
  const scanner = { completedAt: 5, unknown: new Map(), version: 1 }
  const failed = new Map<string, string>()
  const counter = new FolderCounter()
  let plans = 0
  let meanwhile = (): void => {}
  return {
    state,
    scanner,
    failed,
    failures: 0,
    plans: () => plans,
    during: (change: () => void) => {
      meanwhile = change
    },
    counts(of = document) {
      return counter.counts({ state, scanner, failed, failures: this.failures }, of, async () => {
        plans++
        meanwhile()
        return { view: { files: new Map(), refused: new Map() } as never, actions: [] }
      })
    },
  }
}

it('counts again only when something has changed: the document, the folder, what was found, what failed', async () => {
  const r = rig()
  for (let i = 0; i < 5; i++) await r.counts()
  expect(r.plans()).toBe(1)
  await r.counts({ entries: 3, fingerprint: 'bb' })
  expect(r.plans()).toBe(2)
  r.state.version++
  expect((await r.counts({ entries: 3, fingerprint: 'bb' })).document).toEqual({ entries: 3, fingerprint: 'bb' })
  expect(r.plans()).toBe(3)
  r.scanner.version++
  await r.counts({ entries: 3, fingerprint: 'bb' })
  expect(r.plans()).toBe(4)
  r.failed.set('a', 'BLOB_STORE_FULL')
  r.failures++
  expect((await r.counts({ entries: 3, fingerprint: 'bb' })).held).toEqual([{ path: 'a', reason: 'BLOB_STORE_FULL' }])
  expect(r.plans()).toBe(5)
  await r.counts({ entries: 3, fingerprint: 'bb' })
  expect(r.plans()).toBe(5)
})

it('what changed while it was counted is counted again', async () => {
  const r = rig()
  r.during(() => r.state.version++)
  await r.counts()
  r.during(() => {})
  await r.counts()
  await r.counts()
  expect(r.plans()).toBe(2)
})
