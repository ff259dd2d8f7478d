import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { Hash, PeerId } from '../../../src/core/index.ts'
import { FetchLedger } from '../../../src/gateway/blobs/fetch-ledger.ts'
import { FileLedger } from '../../../src/gateway/blobs/file-ledger.ts'
import { type FetchAsked, JobLedger, mergeProviders } from '../../../src/gateway/blobs/job-ledger.ts'
import { FETCH_CANCELLED } from '../../../src/gateway/blobs/sql.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'

const MiB = 1024 * 1024
const hashNo = (n: number): Hash => n.toString(16).padStart(64, '0') as Hash
const peerNo = (n: number): PeerId => n.toString(16).padStart(64, 'a') as PeerId

let dir: TestDir
let db: Database<unknown>
let clock: ManualClock
let jobs: JobLedger
let fetches: FetchLedger
let files: FileLedger
let gateway = 0

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
}, 60_000)

afterAll(async () => {
  await db?.close()
  await dir?.remove()
})

/** Each test has a gateway of its own in the same database. */
beforeEach(() => {
  clock = new ManualClock(Date.now())
  const rng = seededRng(++gateway)
  const own = { pool: db.pool, gateway: `gateway-${gateway}`, clock, rng }
  jobs = new JobLedger({ ...own, quota: { jobs: 3, bytesPerDay: 100 * MiB }, lifetimeMs: 3_600_000 })
  fetches = new FetchLedger(db.pool)
  files = new FileLedger(own)
})

const ask = (n: number, by: string, more: Partial<FetchAsked> = {}): FetchAsked => ({
  requester: by,
  name: `file-${n}.bin`,
  policy: { maxBytes: 50 * MiB },
  hash: hashNo(n),
  format: 'raw',
  providers: [{ id: peerNo(1), direct: ['127.0.0.1:1000'] }],
  priority: 'normal',
  ...more,
})

describe('fetch jobs in the database', () => {
  it('many requesters of one blob share one fetch, which ends for all of them at once', async () => {
    const first = await jobs.addFetch(ask(1, 'discord:ann'))
    const second = await jobs.addFetch(ask(1, 'telegram:bob', { providers: [{ id: peerNo(2), direct: [] }] }))
    expect(second.fetch?.id).toBe(first.fetch?.id)
    expect(second.fetch?.providers.map((p) => p.id)).toEqual([peerNo(2), peerNo(1)])

    const taken = await fetches.take(first.fetch?.id as string, 'worker-a')
    expect(taken?.fence).toBe(1)
    expect((await jobs.get(first.job.id))?.state).toBe('fetching')
    const ready = await fetches.stored(taken?.id as string, 'running', 7 * MiB)
    expect(new Set(ready)).toEqual(new Set([first.job.id, second.job.id]))
    expect(await jobs.get(second.job.id)).toMatchObject({ state: 'finishing', size: 7 * MiB, bytes: 7 * MiB })
    expect(await fetches.stored(taken?.id as string, 'running', 7 * MiB)).toEqual([])
  })

  it('a fetch has one holder; the same worker after a restart goes on at once, another one only when both leases are over', async () => {
    const { fetch } = await jobs.addFetch(ask(2, 'a'))
    const id = fetch?.id as string
    const first = await fetches.take(id, 'worker-a')
    expect(await fetches.take(id, 'worker-b')).toBeUndefined()
    const again = await fetches.take(id, 'worker-a')
    expect(again?.fence).toBe(2)
    if (!first || !again) throw new Error('not taken')
    expect(await fetches.renew(first, 100, 1000)).toBeUndefined()
    expect(await fetches.renew(again, 200, 1000)).toMatchObject({ id })
    expect(await jobs.due()).toEqual([])
    await fetches.release(again)
    expect(await jobs.due()).toMatchObject([{ id, what: 'fetch' }])
    // It still has a part of the blob.
    expect(await fetches.take(id, 'worker-b')).toBeUndefined()
    await db.pool.query('update k2.blob_fetch set home_until = 0 where id = $1', [id])
    expect(await fetches.take(id, 'worker-b')).toMatchObject({ fence: 3 })
  })

  it('gateways that share a database leave each other alone, workers serve all', async () => {
    const { fetch } = await jobs.addFetch(ask(6, 'a'))
    const id = fetch?.id as string
    const other = new FetchLedger(db.pool, 'another gateway')
    expect(await other.take(id, 'another gateway')).toBeUndefined()
    expect(await other.get(id)).toBeUndefined()
    expect(await new FetchLedger(db.pool, `gateway-${gateway}`).get(id)).toMatchObject({ id })
    expect(await fetches.take(id, 'worker')).toMatchObject({ id })
  })

  it('a failure is counted and waited for; a further requester ends the wait', async () => {
    const { fetch } = await jobs.addFetch(ask(3, 'a'))
    const id = fetch?.id as string
    const taken = await fetches.take(id, 'w')
    if (!taken) throw new Error('not taken')
    await fetches.retry(taken, 60_000, { code: 'BLOB_UNAVAILABLE', message: 'nobody has it' })
    expect(await fetches.take(id, 'w')).toBeUndefined()
    const { job } = await jobs.addFetch(ask(3, 'b'))
    expect(job).toMatchObject({ state: 'queued', error: { code: 'BLOB_UNAVAILABLE' } })
    expect(await fetches.take(id, 'w')).toMatchObject({ attempts: 1, fence: 2 })
  })

  it('cancelling ends the fetch only when nobody else waits, and the worker hears of it', async () => {
    const a = await jobs.addFetch(ask(4, 'a'))
    const b = await jobs.addFetch(ask(4, 'b'))
    const taken = await fetches.take(a.fetch?.id as string, 'w')
    if (!taken) throw new Error('not taken')
    const told: string[] = []
    const heard = deferred<void>()
    const stop = await db.listen(FETCH_CANCELLED, (id) => {
      told.push(id)
      heard.resolve()
    })
    expect(await jobs.cancel(a.job.id)).toEqual({ cancelled: true, fetch: undefined })
    expect(await fetches.renew(taken, 1, 2)).toBeDefined()
    expect(await jobs.cancel(b.job.id)).toEqual({ cancelled: true, fetch: taken.id })
    await heard.promise
    await stop()
    expect(told).toEqual([taken.id])
    expect(await fetches.renew(taken, 1, 2)).toBeUndefined()
    expect(await jobs.cancel(b.job.id)).toEqual({ cancelled: false, fetch: undefined })
    expect(await jobs.get(b.job.id)).toMatchObject({ state: 'cancelled' })
  })

  it('the same request twice is one job', async () => {
    const a = await jobs.addFetch(ask(5, 'a', { requestKey: 'interaction-1' }))
    const again = await jobs.addFetch(ask(5, 'a', { requestKey: 'interaction-1' }))
    const other = await jobs.addFetch(ask(5, 'b', { requestKey: 'interaction-1' }))
    expect(again.job.id).toBe(a.job.id)
    expect(other.job.id).not.toBe(a.job.id)
    expect(await jobs.list('a', 10)).toHaveLength(1)
    expect(await jobs.list(undefined, 10)).toHaveLength(2)
  })

  it('quotas: jobs at once and bytes per day, also when asked at the same time', async () => {
    const asked = await Promise.allSettled([10, 11, 12, 13, 14].map((n) => jobs.addFetch(ask(n, 'greedy'))))
    const refused = asked.filter((r) => r.status === 'rejected').map((r) => (r.reason as { code: string }).code)
    expect(refused).toEqual(['BLOB_QUOTA_JOBS', 'BLOB_QUOTA_JOBS'])
    await jobs.addFetch(ask(15, 'greedy', { exempt: true }))

    const big = await jobs.addFetch(ask(20, 'big'))
    const taken = await fetches.take(big.fetch?.id as string, 'w')
    await fetches.stored(taken?.id as string, 'running', 70 * MiB)
    await jobs.done(big.job.id, { delivered: 'none', files: [] }, 70 * MiB)
    // What is left bounds the next fetch.
    expect((await jobs.addFetch(ask(21, 'big'))).fetch?.maxBytes).toBe(30 * MiB)
    const next = await jobs.addFetch(ask(22, 'big', { present: 40 * MiB }))
    expect(next.job.state).toBe('finishing')
    await expect(jobs.addFetch(ask(23, 'big'))).rejects.toMatchObject({ code: 'BLOB_QUOTA_BYTES' })
    clock.advance(86_400_001)
    await jobs.cancel((await jobs.list('big', 1))[0]?.id as string)
    expect((await jobs.addFetch(ask(24, 'big'))).job.state).toBe('queued')
  })

  it('a worker elsewhere holds what it fetched until the gateway has it', async () => {
    const { fetch, job } = await jobs.addFetch(ask(30, 'a'))
    const taken = await fetches.take(fetch?.id as string, 'far')
    if (!taken) throw new Error('not taken')
    expect(await fetches.hold(taken, { kind: 'ticket', ticket: 'blobabc' }, 9)).toBe(true)
    expect(await jobs.due()).toMatchObject([{ id: taken.id, what: 'collect' }])
    expect(await fetches.heldBy('far')).toEqual([{ id: taken.id }])
    expect(await fetches.missed(taken.id)).toBe(1)
    await fetches.refetch(taken.id, { code: 'NET_TIMEOUT', message: 'the worker is gone' })
    const anew = await fetches.take(taken.id, 'near')
    expect(anew).toMatchObject({ holder: undefined, attempts: 1 })
    expect(await fetches.failed(taken.id, ['running'], { code: 'BLOB_MISMATCH', message: 'wrong data' })).toEqual([job.id])
    expect(await jobs.get(job.id)).toMatchObject({ state: 'finishing', error: { code: 'BLOB_MISMATCH' } })
    expect(await jobs.fail(job.id, 'BLOB_MISMATCH', 'wrong data')).toBe(true)
    expect(await jobs.due()).toEqual([])
  })
})

describe('files and links in the database', () => {
  const file = (id: string, n: number) => ({
    id,
    hash: hashNo(n),
    format: 'raw' as const,
    name: 'a.txt',
    mime: 'text/plain',
    size: 3,
    share: 'a.txt|blobaa',
    owner: 'a',
    origin: 'upload' as const,
    expiresAt: clock.now() + 1000,
  })

  it('a link leads to its file until it expires, is revoked, or the file goes', async () => {
    const stored = await files.add(file(files.newId(), 1))
    const id = await files.addLink(stored.id, clock.now() + 500)
    expect(await files.link(id)).toEqual({ kind: 'blob', hash: hashNo(1), name: 'a.txt', mime: 'text/plain' })
    expect(await files.revoke(id)).toBe(1)
    expect(await files.link(id)).toBeUndefined()
    const second = await files.addLink(stored.id, clock.now() + 500)
    clock.advance(501)
    expect(await files.link(second)).toBeUndefined()
    const third = await files.addLink(stored.id, clock.now() + 500)
    expect(await files.remove(hashNo(1))).toEqual([{ id: stored.id, hash: hashNo(1) }])
    expect(await files.link(third)).toBeUndefined()
  })

  it('the same media link twice is one; the first file of an id stays', async () => {
    const until = clock.now() + 500
    const id = await files.addMediaLink('ab'.repeat(32), 'x.png', until)
    expect(await files.addMediaLink('ab'.repeat(32), 'x.png', until)).toBe(id)
    expect(await files.link(id)).toEqual({ kind: 'media', sha256: 'ab'.repeat(32), name: 'x.png' })
    const own = files.newId()
    await files.add(file(own, 1))
    expect(await files.add({ ...file(own, 1), share: 'other' })).toMatchObject({ share: 'a.txt|blobaa' })
    clock.advance(1001)
    expect(await files.expire()).toEqual([{ id: own, hash: hashNo(1) }])
    await files.prune(0)
    expect(await files.link(id)).toBeUndefined()
  })
})

describe('providers of one fetch', () => {
  it('are the newest addresses, newest providers first, and bounded', () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ id: peerNo(i), direct: [] }))
    const merged = mergeProviders(many, [{ id: peerNo(3), direct: ['127.0.0.1:1'] }])
    expect(merged[0]).toEqual({ id: peerNo(3), direct: ['127.0.0.1:1'] })
    expect(merged).toHaveLength(16)
    expect(new Set(merged.map((p) => p.id)).size).toBe(16)
  })
})
