import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, ManualClock, systemClock } from '../../../src/base/clock.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import {
  blobBytes,
  type DownloadRequest,
  type DownloadResult,
  encodeBlobTicket,
  MemoryBlobStore,
} from '../../../src/core/blobs/index.ts'
import { endpointAddr, type Hash, identityOfSeed } from '../../../src/core/index.ts'
import { makeCollection } from '../../../src/gateway/blobs/collections.ts'
import { Collector } from '../../../src/gateway/blobs/collector.ts'
import { FetchLedger } from '../../../src/gateway/blobs/fetch-ledger.ts'
import { FetchRunner, fetchTag } from '../../../src/gateway/blobs/fetch-runner.ts'
import { FILE_TAGS, FileLedger, fileTag } from '../../../src/gateway/blobs/file-ledger.ts'
import { Finisher } from '../../../src/gateway/blobs/finisher.ts'
import { JobLedger } from '../../../src/gateway/blobs/job-ledger.ts'
import { createLinkSigner } from '../../../src/gateway/blobs/link-token.ts'
import type { BlobJob } from '../../../src/gateway/blobs/model.ts'
import { routeShare } from '../../../src/gateway/blobs/route-share.ts'
import { type Asker, BlobService } from '../../../src/gateway/blobs/service.ts'
import { Sharer } from '../../../src/gateway/blobs/sharer.ts'
import { BlobSweep } from '../../../src/gateway/blobs/sweep.ts'
import { blobsSchema } from '../../../src/gateway/config/blobs.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import type { OwnMessage } from '../../../src/gateway/pipeline/say.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { type MediaRig, mediaRig } from '../../support/media.ts'

const never = new AbortController().signal
const chat: Place = { network: 'telegram', account: 'main', channel: '-100' }
const peer = identityOfSeed(new Uint8Array(32).fill(9)).id

let dir: TestDir
let db: Database<unknown>
let temp: string
let media: MediaRig
beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
  temp = await mkdtemp(join(tmpdir(), 'k2gw-flow-'))
  media = await mediaRig()
}, 60_000)
afterAll(async () => {
  await db?.close()
  await dir?.remove()
  await media?.stop()
  await rm(temp, { recursive: true, force: true })
})

/** A gateway's file jobs over the real database and store; the network is a store of somebody else. */
function rig(scanner?: string, clock: Clock = systemClock) {
  const config = blobsSchema.parse({
    publicUrl: 'http://127.0.0.1:1/',
    attempts: 2,
    ...(scanner && { scanner: { command: [process.execPath, '-e', scanner, '{file}'] } }),
  })
  const [store, far] = [new MemoryBlobStore(64 * 1024 * 1024), new MemoryBlobStore(64 * 1024 * 1024)]
  const me = identityOfSeed(cryptoRng.bytes(32)).id
  const own = { pool: db.pool, gateway: me, clock: systemClock, rng: cryptoRng }
  const jobs = new JobLedger({ ...own, quota: config.quota, lifetimeMs: 60_000 })
  const files = new FileLedger(own)
  const fetches = new FetchLedger(db.pool)
  const woken: string[] = []
  const said: OwnMessage[] = []
  const outbox = {
    async say(message: OwnMessage): Promise<void> {
      if (!said.some((m) => m.key === message.key)) said.push(message)
    },
  }
  const queues = {
    async add(_queue: unknown, name: string, data: object): Promise<void> {
      woken.push(`${name} ${Object.values(data)[0]}`)
    },
    queue: () => ({ remove: async () => 1 }),
  }
  const service = new BlobService({
    config,
    store,
    jobs,
    files,
    queues: queues as never,
    signer: createLinkSigner(new Uint8Array(32)),
    addr: () => endpointAddr(me, [], ['127.0.0.1:1']),
    baseUrl: () => 'http://127.0.0.1:1/',
    cancelled: (fetch) => runner.cancelled(fetch),
    clock: systemClock,
    log: nullLogger,
  })
  let failWith: K2Error | undefined
  let hang = false
  const download = async ({ hash, signal, onProgress }: DownloadRequest): Promise<DownloadResult> => {
    if (failWith) throw failWith
    const copy = async (one: Hash): Promise<number> => (await store.importStream(blobBytes(far, one))).size
    if (hang) {
      onProgress?.({ received: 1, present: 1, total: 9, blobsDone: 0, blobs: 1, active: 1 })
      await new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(new K2Error({ code: 'ABORTED', kind: 'aborted', message: '' }))),
      )
    }
    let total = await copy(hash)
    const children = total % 32 === 0 && total > 0 ? await far.hashSeq(hash) : []
    for (const child of children) total += await copy(child)
    return { hash, format: 'raw', size: total, total, received: total, children, providers: [] }
  }
  const ready = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) await service.wake('finish', id)
  }
  const runner = new FetchRunner({
    fetches,
    store,
    download,
    worker: me,
    fetched: async (fetch, result) => ready(await fetches.stored(fetch.id, 'running', result.total)),
    failed: ready,
    attempts: config.attempts,
    clock,
    log: nullLogger,
  })
  const finisher = new Finisher({
    jobs,
    files,
    store,
    outbox,
    urlOf: (id, at) => service.urlOf(id, at),
    shareOf: (name, hash, format) => service.shareOf(name, hash, format),
    maxAttachment: 1000,
    reachable: config.publicUrl !== undefined,
    keepMs: config.keep,
    linkMs: config.linkLifetime,
    scanner: config.scanner,
    tempDir: join(temp, 'scan'),
    clock: systemClock,
    log: nullLogger,
  })
  const collector = new Collector({ fetches, store, download, spool: join(temp, 'spool'), ready, log: nullLogger })
  const sharer = new Sharer({ jobs, service, media: media.library, outbox, log: nullLogger })
  const sweep = new BlobSweep({ pool: db.pool, jobs, files, service, finisher, store, clock: systemClock, log: nullLogger })
  const context = { id: '1', attempt: 1, signal: never, progress: async () => {} }
  const take = (what: string): string =>
    (
      woken.splice(
        woken.findIndex((w) => w.startsWith(what)),
        1,
      )[0] as string
    ).split(' ')[1] as string
  return {
    store,
    far,
    jobs,
    files,
    fetches,
    service,
    runner,
    finisher,
    collector,
    sharer,
    sweep,
    woken,
    said,
    context,
    take,
    me,
    ticketOf: (hash: Hash, format: 'raw' | 'hash-seq' = 'raw') =>
      encodeBlobTicket({ addr: endpointAddr(peer, [], ['127.0.0.1:9']), hash, format }),
    fail: (error: K2Error | undefined) => {
      failWith = error
    },
    hang: () => {
      hang = true
    },
  }
}

const asker = (requester: string, more: Partial<Asker> = {}): Asker => ({
  requester,
  exempt: false,
  target: { place: chat },
  policy: { maxBytes: 10_000_000 },
  ...more,
})

let r: ReturnType<typeof rig>
beforeEach(() => {
  r = rig()
})
afterEach(async () => {
  await Promise.all([r.store.close(), r.far.close()])
})

/** Fetches and finishes everything that was asked for. */
async function settle(): Promise<void> {
  while (r.woken.length > 0) {
    const [what, id] = (r.woken.shift() as string).split(' ') as [string, string]
    if (what === 'fetch') await r.runner.run(id, r.context).catch(() => {})
    if (what === 'finish') await r.finisher.run(id, never)
    if (what === 'collect') await r.collector.run(id, never)
    if (what === 'share') await r.sharer.run(id, never)
  }
}

describe('from a ticket to the chat', () => {
  it('everyone who asked gets the file once, however often the steps run', async () => {
    const hash = r.far.add(Buffer.from('hello files'))
    const a = await r.service.fetch({ ticket: `../greet|ings.txt|${r.ticketOf(hash)}` }, asker('telegram:1'))
    const b = await r.service.fetch({ ticket: r.ticketOf(hash) }, asker('telegram:2', { target: undefined }))
    const again = [...r.woken]
    await settle()
    r.woken.push(...again, `finish ${a.id}`, `finish ${b.id}`)
    await settle()
    expect(r.said).toHaveLength(1)
    expect(r.said[0]).toMatchObject({
      place: chat,
      attachments: [{ name: 'greet_ings.txt', mime: 'text/plain', size: 11, source: { kind: 'blob', hash } }],
    })
    const job = await r.service.job(a.id)
    expect(job).toMatchObject({ state: 'done', size: 11, result: { delivered: 'chat' } })
    const [file] = await r.service.resultFiles(await r.service.job(b.id))
    expect(file?.url).toMatch(/^http:\/\/127\.0\.0\.1:1\/files\/[A-Za-z0-9_-]{51}$/)
    await expect(r.service.job(a.id, 'telegram:2')).rejects.toMatchObject({ code: 'BLOB_JOB_UNKNOWN' })
  })

  it('what is too large for an attachment comes as a link; a collection as one link per file', async () => {
    const big = r.far.add(randomBytes(5_000))
    await r.service.fetch({ ticket: `big.bin|${r.ticketOf(big)}` }, asker('a'))
    const root = await makeCollection(
      r.far,
      [
        { name: 'one', hash: big },
        { name: 'two', hash: r.far.add(Buffer.from('2')) },
      ],
      'c',
    )
    await r.service.fetch({ ticket: r.ticketOf(root, 'hash-seq') }, asker('a'))
    await settle()
    expect(r.said[0]?.attachments).toBeUndefined()
    expect(r.said[0]?.rich.text).toMatch(/big\.bin \(4\.9 KiB\): http:/)
    expect(r.said[1]?.rich.text.match(/http:/g)).toHaveLength(2)
  })

  it('policy and scanner stand before delivery; the chat is told', async () => {
    const hash = r.far.add(Buffer.from('just text'))
    const policy = { maxBytes: 1_000, types: ['image/*'] }
    const typed = await r.service.fetch({ ticket: r.ticketOf(hash) }, asker('a', { policy }))
    const sized = await r.service.fetch(
      { ticket: r.ticketOf(r.far.add(randomBytes(2_000))) },
      asker('b', { policy: { maxBytes: 9_000 } }),
    )
    await settle()
    expect(await r.service.job(typed.id)).toMatchObject({ state: 'failed', error: { code: 'BLOB_TYPE_REFUSED' } })
    expect(await r.service.job(sized.id)).toMatchObject({ state: 'done' })
    expect(r.said[0]?.rich.text).toContain('could not be fetched: files of type text/plain are not accepted here')

    await Promise.all([r.store.close(), r.far.close()])
    r = rig('process.exit(require("fs").readFileSync(process.argv[1], "utf8").includes("EICAR") ? 1 : 0)')
    const [bad, good] = [r.far.add(Buffer.from('X EICAR X')), r.far.add(Buffer.from('fine'))]
    const refused = await r.service.fetch({ ticket: r.ticketOf(bad) }, asker('a'))
    const passed = await r.service.fetch({ ticket: r.ticketOf(good) }, asker('a'))
    await settle()
    expect(await r.service.job(refused.id)).toMatchObject({ state: 'failed', error: { code: 'BLOB_SCAN_REFUSED' } })
    expect(await r.service.job(passed.id)).toMatchObject({ state: 'done' })
    expect(await readdir(join(temp, 'scan'))).toEqual([])
  })

  it('what is here already is delivered without a fetch; our own ticket of what is gone is refused', async () => {
    const hash = r.store.add(Buffer.from('mine'))
    await r.service.fetch({ ticket: r.ticketOf(hash) }, asker('a'))
    expect(r.woken).toEqual([expect.stringMatching(/^finish /)])
    const own = encodeBlobTicket({ addr: endpointAddr(r.me, [], []), hash: r.far.add(Buffer.from('x')), format: 'raw' })
    await expect(r.service.fetch({ ticket: own }, asker('a'))).rejects.toMatchObject({ code: 'BLOB_OWN_TICKET' })
  })
})

describe('failures', () => {
  it('are tried again with growing pauses, then told once', async () => {
    r.fail(new K2Error({ code: 'BLOB_UNAVAILABLE', kind: 'network', retry: 'later', message: 'nobody delivered' }))
    const { id } = await r.service.fetch({ ticket: `f|${r.ticketOf(r.far.add(Buffer.from('f')))}` }, asker('a'))
    const fetch = r.take('fetch')
    await expect(r.runner.run(fetch, r.context)).rejects.toMatchObject({ code: 'BLOB_UNAVAILABLE' })
    await r.runner.run(fetch, r.context) // not due yet
    expect(await r.service.job(id)).toMatchObject({ state: 'queued', attempts: 1 })
    await db.pool.query('update k2.blob_fetch set not_before = 0 where id = $1', [fetch])
    await r.runner.run(fetch, r.context)
    await settle()
    expect(await r.service.job(id)).toMatchObject({
      state: 'failed',
      error: { code: 'BLOB_UNAVAILABLE', message: 'nobody delivered' },
    })
    expect(r.said.map((m) => m.rich.text)).toEqual(['📎 f could not be fetched: nobody delivered'])
    expect(await r.store.getTag(fetchTag(fetch))).toBeUndefined()
  })

  it('wrong data is not asked for again', async () => {
    r.fail(new K2Error({ code: 'BLOB_MISMATCH', kind: 'protocol', message: 'wrong data' }))
    const { id } = await r.service.fetch({ ticket: r.ticketOf(r.far.add(Buffer.from('g'))) }, asker('a'))
    await settle()
    expect(await r.service.job(id)).toMatchObject({ state: 'failed', error: { code: 'BLOB_MISMATCH' } })
  })

  it('a cancelled fetch stops while it runs and delivers nothing', async () => {
    r.hang()
    const { id } = await r.service.fetch({ ticket: r.ticketOf(r.far.add(Buffer.from('h'))) }, asker('a'))
    const running = r.runner.run(r.take('fetch'), r.context)
    let job: BlobJob = await r.service.job(id)
    while (job.state !== 'fetching') job = await r.service.job(id)
    await expect(r.service.cancel(id, 'somebody else')).rejects.toMatchObject({ code: 'BLOB_JOB_UNKNOWN' })
    expect(await r.service.cancel(id, 'a')).toBe(true)
    await running
    expect(await r.service.job(id)).toMatchObject({ state: 'cancelled' })
    expect(r.said).toEqual([])
  })

  it('a cancelled fetch ends at once, not with the next report', async () => {
    // No time passes, so nothing is ever reported.
    const still = rig(undefined, new ManualClock())
    still.hang()
    const { id } = await still.service.fetch({ ticket: still.ticketOf(still.far.add(Buffer.from('h2'))) }, asker('a'))
    const running = still.runner.run(still.take('fetch'), still.context)
    while ((await still.service.job(id)).state !== 'fetching');
    expect(await still.service.cancel(id)).toBe(true)
    await running
    expect(await still.service.job(id)).toMatchObject({ state: 'cancelled' })
  })

  it('a worker that stops gives its fetch back without a failure', async () => {
    r.hang()
    const { id } = await r.service.fetch({ ticket: r.ticketOf(r.far.add(Buffer.from('i'))) }, asker('a'))
    const stop = new AbortController()
    const fetch = r.take('fetch')
    const running = r.runner.run(fetch, { ...r.context, signal: stop.signal })
    while ((await r.service.job(id)).state !== 'fetching');
    stop.abort()
    await running
    expect(await r.service.job(id)).toMatchObject({ state: 'queued', attempts: 0 })
    await r.sweep.sweep()
    expect(r.woken).toContain(`fetch ${fetch}`)
  })
})

describe('taking over from workers', () => {
  async function held(holder: Parameters<FetchLedger['hold']>[1], data: Uint8Array): Promise<{ id: string; fetch: string }> {
    const { id } = await r.service.fetch({ ticket: r.ticketOf(r.far.add(data)) }, asker('a'))
    const taken = await r.fetches.take(r.take('fetch'), 'worker-far')
    if (!taken) throw new Error('not taken')
    await r.fetches.hold(taken, holder, data.length)
    return { id, fetch: taken.id }
  }

  it('from the shared folder: the file is checked, then gone', async () => {
    const data = randomBytes(300)
    const { id, fetch } = await held({ kind: 'spool', file: 'a-1.blob' }, data)
    await rm(join(temp, 'spool'), { recursive: true, force: true })
    await (await import('node:fs/promises')).mkdir(join(temp, 'spool'))
    await writeFile(join(temp, 'spool', 'a-1.blob'), data)
    await r.collector.run(fetch, never)
    await settle()
    expect(await r.service.job(id)).toMatchObject({ state: 'done' })
    expect(await readdir(join(temp, 'spool'))).toEqual([])
  })

  it('a wrong file or a lost worker sends the fetch to another one', async () => {
    const { fetch } = await held({ kind: 'spool', file: 'b-1.blob' }, randomBytes(300))
    await writeFile(join(temp, 'spool', 'b-1.blob'), 'something else')
    for (let n = 0; n < 2; n++) await expect(r.collector.run(fetch, never)).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
    await r.collector.run(fetch, never)
    expect(await r.fetches.take(fetch, 'worker-near')).toMatchObject({ holder: undefined })
  })
})

describe('sharing', () => {
  it('an attachment becomes a ticket in its chat', async () => {
    const attachment = media.file('cat.txt', Buffer.from('a cat'))
    const { id } = await r.service.share(attachment, attachment.name, asker('a'))
    await settle()
    const job = await r.service.job(id)
    expect(job).toMatchObject({ state: 'done', kind: 'share', result: { share: expect.stringMatching(/^cat\.txt\|blob/) } })
    expect(r.said[0]?.rich.text).toContain(job.result?.share)
    const hash = (await r.service.resultFiles(job))[0]?.hash as Hash
    expect(await r.store.status(hash)).toEqual({ kind: 'complete', size: 5 })
  })

  it('routes that ask for tickets get the same text each time; others, strangers and refused files only a name', async () => {
    const member = { place: { network: 'p2p', account: 'self', channel: 'Goods' }, direction: 'both', identity: 'bot' } as const
    const route = { id: 'r', members: [member], bots: 'none', maxAge: 1, p2pEdits: 'resend', allowChain: false } as const
    const parts = { blobs: blobsSchema.parse({}), files: r.files, service: r.service, media: () => media.library, gateway: r.me }
    const files = { share: 'ticket', maxSize: 100 } as const
    const share = routeShare({ ...parts, routes: () => [{ ...route, files }] })
    const at = { place: member.place, author: { key: 'telegram:1', displayName: 'A', isBot: false, kind: 'user' } } as const
    const dog = media.file('dog.txt', Buffer.from('a dog'))
    const text = await share(dog, at, never)
    expect(text).toMatch(/^dog\.txt\|blob/)
    expect(await share(dog, at, never)).toBe(text)
    expect(await share(media.file('large.bin', 101), at, never)).toBeUndefined()
    expect(await share(dog, { ...at, author: { ...at.author, senderClass: 'claimed' } }, never)).toBeUndefined()
    expect(await routeShare({ ...parts, routes: () => [route] })(dog, at, never)).toBeUndefined()
  })
})

describe('files', () => {
  it('uploads are bounded, named, linked, and gone after removal and collection', async () => {
    async function* bytes(n: number): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < n; i++) yield new Uint8Array(1000)
    }
    await expect(r.service.upload(bytes(3), { name: 'x', owner: 'o', maxBytes: 2_000 })).rejects.toMatchObject({
      code: 'BLOB_TOO_LARGE',
    })
    const file = await r.service.upload(bytes(2), { name: '/a/b.bin', owner: 'o', maxBytes: 2_000 })
    expect(file).toMatchObject({ name: 'b.bin', size: 2000, share: expect.stringMatching(/^b\.bin\|blob/) })
    const both = await r.service.collect([file.id], 'all', 'o')
    expect(both).toMatchObject({ format: 'hash-seq', size: 2000 })
    await r.sweep.tidy()
    expect(await r.service.sizeOf(file.hash)).toBe(2000)
    expect(await r.service.remove(file.id)).toBe(1)
    expect(await r.service.remove(both.hash)).toBe(1)
    await r.sweep.tidy()
    expect(await r.service.sizeOf(file.hash)).toBeUndefined()
    await expect(r.service.link(file.id)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  })

  it('tidying removes what a crash left without a row, and nothing that is being made', async () => {
    const hash = r.store.add(Buffer.from('left behind'))
    await r.store.setTag({ name: fileTag('0190b5d0-0000-7000-8000-000000000001'), hash, format: 'raw' })
    const name = fileTag('0190b5d0-0000-7000-8000-000000000002')
    await r.files.making.run('0190b5d0-0000-7000-8000-000000000002', async () => {
      await r.store.setTag({ name, hash, format: 'raw' })
      await r.sweep.tidy()
    })
    const tags = async (): Promise<string[]> => {
      const names: string[] = []
      for await (const tag of r.store.listTags(FILE_TAGS)) names.push(tag.name)
      return names
    }
    expect(await tags()).toEqual([name])
    await r.sweep.tidy()
    expect(await tags()).toEqual([])
  })
})
