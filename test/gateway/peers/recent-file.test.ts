import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { type Logger, nullLogger } from '../../../src/base/logger.ts'
import type { RecentPeer } from '../../../src/core/index.ts'
import { RecentPeersFile, readRecentPeers } from '../../../src/gateway/peers/index.ts'
import { A, B, NOW } from '../../core/k2/fixtures.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-recent-'))
  path = join(folder, 'recent-peers.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Counts warnings. */
class Warnings {
  lines: unknown[] = []
  readonly logger: Logger = { ...nullLogger, warn: (...line: unknown[]) => void this.lines.push(line) }
}

const ONE: RecentPeer = { id: A, seenAt: NOW, direct: ['10.0.0.1:1'], relayUrl: 'https://relay.example/' }
const TWO: RecentPeer = { id: B, seenAt: NOW + 1, direct: [] }

test('neighbours are written every minute and at the stop, for the owner alone, and read again', async () => {
  const clock = new ManualClock(NOW)
  const log = new Warnings()
  let peers: readonly RecentPeer[] = [ONE]
  const file = new RecentPeersFile({ path, node: { recentPeers: () => peers }, clock, log: log.logger })
  await file.start()
  clock.advance(60_000)
  await expect.poll(() => readRecentPeers(path, log.logger)).toEqual([ONE])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  peers = [TWO, ONE]
  await file.stop()
  expect(await readRecentPeers(path, log.logger)).toEqual([TWO, ONE])
  clock.advance(600_000)
  expect(log.lines).toEqual([])
})

test.each([
  ['no JSON', 'x'],
  ['another version', '{"version":2,"peers":[]}'],
  ['a wrong id', `{"version":1,"peers":[{"id":"${A.slice(1)}","seenAt":1,"direct":[]}]}`],
  ['too many', JSON.stringify({ version: 1, peers: Array.from({ length: 101 }, () => ONE) })],
  ['too large', ' '.repeat(300_000)],
])('a file with %s counts as none', async (_, text) => {
  const log = new Warnings()
  await writeFile(path, text)
  expect(await readRecentPeers(path, log.logger)).toEqual([])
  expect(log.lines).toHaveLength(1)
})

test('no file is no matter, and a folder that is gone no failure', async () => {
  const log = new Warnings()
  expect(await readRecentPeers(path, log.logger)).toEqual([])
  expect(log.lines).toEqual([])
  const file = new RecentPeersFile({
    path: join(folder, 'gone', 'x'),
    node: { recentPeers: () => [ONE] },
    clock: new ManualClock(NOW),
    log: log.logger,
  })
  await file.stop()
  expect(log.lines).toHaveLength(1)
  await expect(readFile(path)).rejects.toThrow()
})
