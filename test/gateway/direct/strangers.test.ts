import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { PeerHandler, PeerUpdate } from '../../../src/bridges/p2p/port.ts'
import { Strangers } from '../../../src/gateway/direct/strangers.ts'
import { A, B, C, NOW } from '../../core/k2/fixtures.ts'

const DAY = 24 * 3600_000

let dir: string
let clock: ManualClock
let hear: PeerHandler
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-strangers-'))
  clock = new ManualClock(NOW)
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const path = () => join(dir, 'strangers.json')

/** A run of the gateway; a killed one is simply left behind. */
async function start(): Promise<Strangers> {
  const observe = (handler: PeerHandler): (() => void) => {
    hear = handler
    return () => {}
  }
  const strangers = new Strangers({ port: { observe }, isContact: () => false, path: path(), clock, log: nullLogger })
  await strangers.start()
  return strangers
}

const say = (peerId: string, text: string): Promise<void> => {
  const message = { senderClass: 'verified', peerId, text, senderName: 'Bob', sentAt: NOW, messageId: 'm' }
  return hear({ kind: 'chat', message } as PeerUpdate)
}
const waiting = async (strangers: Strangers) => (await strangers.approvals()).map(({ id, what }) => [id, what])

test('who was heard is asked about after a kill, too, for a week since they wrote', async () => {
  const first = await start()
  await say(A, 'hello')
  clock.advance(DAY)
  await Promise.all([say(B, 'one'), say(B, 'two'), say(C, 'three')])
  expect((await stat(path())).mode & 0o777).toBe(0o600)
  expect(await readdir(dir)).toEqual(['strangers.json'])
  const before = await first.approvals()

  const second = await start()
  expect(await second.approvals()).toEqual(before)
  expect(await waiting(second)).toEqual(
    expect.arrayContaining([
      [A, 'hello'],
      [B, 'two'],
      [C, 'three'],
    ]),
  )
  clock.advance(6 * DAY + 1)
  expect((await waiting(second)).map(([id]) => id).sort()).toEqual([B, C].sort())
  const third = await start()
  expect((await waiting(third)).map(([id]) => id).sort()).toEqual([B, C].sort())
})

test.each([
  '',
  '{',
  '{"version":1}',
  '{"version":1,"strangers":[{"id":"x","name":"","excerpt":"","at":1}]}',
  'x'.repeat(300_000),
])('a file that cannot be read counts as none (%#)', async (text) => {
  await writeFile(path(), text)
  const strangers = await start()
  expect(await strangers.approvals()).toEqual([])
  await say(A, 'hello')
  expect(JSON.parse(await readFile(path(), 'utf8'))).toMatchObject({ strangers: [{ id: A, excerpt: 'hello' }] })
})

test('a file that cannot be written costs nothing but the memory of a restart', async () => {
  const strangers = await start()
  await mkdir(`${path()}.new`)
  await say(A, 'hello')
  await strangers.stop()
  expect(await waiting(strangers)).toEqual([[A, 'hello']])
})
