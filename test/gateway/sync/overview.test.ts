import { describe, expect, it } from 'vitest'
import { createActionIds } from '../../../src/gateway/commands/action-ids.ts'
import type { FolderInfo } from '../../../src/gateway/sync/folder-info.ts'
import { isBusy, meterOf, overviewNotice } from '../../../src/gateway/sync/overview.ts'
import type { Invitation } from '../../../src/gateway/sync/store.ts'

const folder = (change: Partial<FolderInfo> = {}): FolderInfo =>
  ({
    id: 'aa'.repeat(32),
    name: 'Photos',
    path: '/x',
    syncMode: 'proactive',
    syncEnabled: true,
    linkedDevices: {},
    status: 'idle',
    files: 10,
    bytes: 100,
    toPublish: 0,
    toTake: 0,
    toRemove: 0,
    progress: { done: 0, total: 0 },
    held: [],
    refused: [],
    ...change,
  }) as FolderInfo

describe('how far a folder is', () => {
  it.each([
    ['in step', {}, { done: 10, total: 10 }],
    ['empty', { files: 0 }, { done: 0, total: 0 }],
    ['some to publish', { status: 'publishing', toPublish: 4 }, { done: 6, total: 10 }],
    ['some to fetch', { status: 'fetching', files: 3, toTake: 7 }, { done: 3, total: 10 }],
    ['a deletion of all', { status: 'pending', toRemove: 10 }, { done: 0, total: 10 }],
    ['more deletions to publish than files left', { files: 0, toPublish: 5 }, { done: 0, total: 5 }],
    ['the first look', { status: 'scanning', files: 0, progress: { done: 64, total: 500 } }, { done: 64, total: 500 }],
  ] as const)('%s', (_what, change, expected) => {
    const meter = meterOf(folder(change as Partial<FolderInfo>))
    expect(meter).toMatchObject(expected)
    expect(meter.text).toContain(`${expected.done} of ${expected.total} files`)
  })

  it('is worth following while something is done, or waits in a folder that follows every change', () => {
    expect(isBusy(folder())).toBe(false)
    expect(isBusy(folder({ status: 'fetching' }))).toBe(true)
    expect(isBusy(folder({ status: 'pending' }))).toBe(true)
    expect(isBusy(folder({ status: 'pending', syncMode: 'passive' }))).toBe(false)
    expect(isBusy(folder({ status: 'paused' }))).toBe(false)
  })
})

it('as many invitations as there is room for get buttons, names are cut', () => {
  const ids = createActionIds(new Uint8Array(32).fill(1))
  const invitations = Array.from(
    { length: 30 },
    (_, i) => ({ folder: `${i}`.padStart(64, 'b'), name: `${i}-${'n'.repeat(100)}`, peer: 'c'.repeat(64), at: i }) as Invitation,
  )
  const notice = overviewNotice(
    Array.from({ length: 30 }, () => folder()),
    invitations,
    ids,
  )
  expect(notice.actions).toHaveLength(5)
  const buttons = (notice.actions ?? []).flat()
  expect(buttons).toHaveLength(9)
  for (const button of buttons) {
    expect(button.label.length).toBeLessThanOrEqual(50)
    expect('id' in button && button.id.length <= 64).toBe(true)
  }
  expect(notice.meters).toHaveLength(20)
})
