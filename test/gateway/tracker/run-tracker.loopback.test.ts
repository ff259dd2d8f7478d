import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { hashOf } from '../../../src/core/ids.ts'
import { toPeerAddr } from '../../../src/core/keys/address.ts'
import { newIdentity } from '../../../src/core/keys/identity.ts'
import { parsePeer } from '../../../src/core/keys/ticket.ts'
import { openEndpoint } from '../../../src/core/net/index.ts'
import { type Content, signAnnounce, TrackerClient } from '../../../src/core/tracker/index.ts'
import { type RunningTracker, startTracker } from '../../../src/gateway/tracker/run-tracker.ts'
import { startTestNode } from '../../support/k2-nodes.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-tracker-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const start = (): Promise<RunningTracker> =>
  startTracker(
    {
      dir: join(dir, 'data'),
      reach: { mode: 'loopback' },
      bind: undefined,
      http: { host: '127.0.0.1', port: 0 },
      log: nullLogger,
      clock: systemClock,
    },
    new AbortController().signal,
  )

test('keeps its id and its rows over a restart, even with a torn file, and counts what it does', async () => {
  const identity = newIdentity(cryptoRng)
  const peer = await openEndpoint({ secretKey: identity.seed(), mode: 'loopback' })
  await peer.start()
  const client = new TrackerClient(peer)
  const content: Content = { hash: hashOf(new Uint8Array(32).fill(7)), format: 'raw' }
  const query = { content, complete: false, verified: false }
  const row = signAnnounce(identity, { content, kind: 'complete', timestamp: BigInt(Date.now()) * 1000n })
  const first = await start()
  await expect(start()).rejects.toThrow(expect.objectContaining({ code: 'DB_LOCKED' }))
  peer.learn(toPeerAddr(parsePeer(first.ticket)), 'config')
  await client.announce(parsePeer(first.ticket).id, row)
  const metrics = await (await fetch(`${first.url}/metrics`)).text()
  expect(metrics).toMatch(/^k2_tracker_rows 1$/m)
  expect(metrics).toMatch(/^k2_tracker_announces_total 1$/m)
  expect(await (await fetch(`${first.url}/health`)).json()).toEqual({ status: 'ok' })
  await first.stop()
  const file = join(dir, 'data', 'announces.log')
  expect((await readFile(file)).length).toBe(139)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(join(dir, 'data'))).mode & 0o777).toBe(0o700)
  await appendFile(file, Uint8Array.of(138, 1, 2, 3))
  const second = await start()
  expect(second.id).toBe(first.id)
  expect(second.rows).toBe(1)
  peer.learn(toPeerAddr(parsePeer(second.ticket)), 'config')
  expect(await client.query(parsePeer(second.ticket).id, query)).toMatchObject({ rows: [row] })
  await second.stop()
  await peer.stop()
})

test('nodes announce themselves at it over QUIC', async () => {
  const tracker = await start()
  await using a = await startTestNode({ topics: ['Goods'], discovery: { trackers: [tracker.ticket] } })
  await expect.poll(() => a.node.stats().lookups.announces, { timeout: 30_000 }).toBe(1)
  await tracker.stop()
})
