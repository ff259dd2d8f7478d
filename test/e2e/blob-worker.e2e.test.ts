import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { startProvider, type TestProvider } from '../support/blob-provider.ts'
import { type FileJob, gatewayCall, untilJob, waitFor } from '../support/file-jobs.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { describeWith } from '../support/servers.ts'
import { TsChild } from '../support/ts-child.ts'

const MiB = 1024 * 1024
/** As in blobs.e2e.test.ts: the whole size where time allows. */
const SIZE = Number(process.env.K2_E2E_BLOB_MIB ?? (process.env.CI === 'true' ? 200 : 24)) * MiB
/** As in blobs.e2e.test.ts. */
const LOST_PER_KILL = 6 * MiB
const COMMAND = fileURLToPath(new URL('../../bin/k2gw.mjs', import.meta.url))

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

describeWith('postgres', 'a worker of its own beside a gateway on Postgres and Redis', () => {
  let folder: string
  let postgres: TestPostgres
  let redis: TestRedis
  let provider: TestProvider
  let gateway: GatewayProcess
  let worker: TsChild
  let configFile: string
  let telegram: FakeTelegram
  let token: string
  let chat: number
  let tess: number

  const startWorker = async (): Promise<TsChild> => {
    const args = ['--config', configFile, '--json', 'worker', '--data-dir', join(folder, 'worker')]
    const child = new TsChild(COMMAND, args, { TOKEN: token })
    await child.until((lines) => lines.some((line) => line.includes('"started"')))
    return child
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-worker-'))
    postgres = await startPostgres()
    redis = await startRedis()
    provider = await startProvider({ maxBytes: 4 * SIZE })
    telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
    const bot = telegram.control.addBot({ privacy: false, username: 'k2_files_bot' })
    tess = telegram.control.addUser({ firstName: 'Tess' })
    chat = telegram.control.addChat({ title: 'Files', members: [bot.id, tess] })
    token = bot.token
    configFile = join(folder, 'near.yaml')
    gateway = await GatewayProcess.prepare(
      folder,
      'near',
      {
        node: { mode: 'loopback', topics: ['Goods'] },
        accounts: { telegram: { main: { token: '${env:TOKEN}', apiUrl: telegram.url, limits: 'off' } } },
        database: { driver: 'postgres', url: postgres.url },
        queue: { driver: 'redis', url: redis.url },
        market: { enabled: false },
        // What a kill costs grows with the streams open at once, and those with the threads.
        blobs: { publicUrl: 'https://files.example', worker: 'separate', threads: 1 },
        // Whatever its size here, the file comes as a link.
        media: { maxFile: '10MB' },
        routes: [{ id: 'goods', members: [{ place: 'p2p/self/Goods' }, { place: `telegram/main/${chat}` }] }],
      },
      { TOKEN: token },
    )
    await gateway.start()
    worker = await startWorker()
  }, 300_000)

  afterAll(async () => {
    await worker?.end('SIGKILL')
    await gateway?.kill()
    await Promise.all([telegram?.stop(), provider?.stop()])
    await redis?.stop()
    await postgres?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const texts = (): string[] => telegram.control.visible(chat).map((m) => m.text ?? '')
  const links = (): string[] => texts().flatMap((text) => text.match(/https:\/\/files\.example\/\S+/g) ?? [])

  it(`asked for in a chat, ${SIZE / MiB} MiB survive kill -9 of worker and gateway, are handed over, and arrive once`, async () => {
    const data = randomBytes(SIZE)
    telegram.control.post(chat, tess, { text: `/k2_get big.bin|${provider.add(data)}` })
    const { id } = await waitFor(async () =>
      (await gatewayCall<FileJob[]>(gateway, 'GET', '/api/v1/jobs')).find((job) => job.name === 'big.bin'),
    )
    await untilJob(gateway, id, (job) => job.bytes > SIZE / 4)
    await worker.end('SIGKILL')
    worker = await startWorker()
    await untilJob(gateway, id, (job) => job.bytes > SIZE / 2)
    await gateway.kill()
    await gateway.start()
    const job = await untilJob(gateway, id, (j) => j.state === 'done' || j.state === 'failed')
    expect(job, `${gateway.log}\n${worker.errors}`).toMatchObject({ state: 'done', bytes: SIZE })
    // The gateway got it from the worker: the provider sent everything once.
    expect(provider.sent).toBeLessThan(SIZE * 1.01 + LOST_PER_KILL)
    await waitFor(async () => (links().length > 0 ? true : undefined))
    const address = await readControlFile(gateway.dataDir)
    const answer = await fetch((links()[0] as string).replace('https://files.example', address?.url ?? ''))
    expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256(data))
    // Messages come in order: what was on its way is there when a file asked for now is.
    telegram.control.post(chat, tess, { text: `/k2_get marker.bin|${provider.add(randomBytes(1_000))}` })
    await waitFor(async () => telegram.control.visible(chat).find((m) => m.kind === 'document'))
    expect(links()).toHaveLength(1)
  }, 300_000)

  it('a cancelled fetch ends in the worker, and nothing of it is delivered', async () => {
    const ticket = provider.add(randomBytes(2 * SIZE))
    const { id } = await gatewayCall<FileJob>(gateway, 'POST', '/api/v1/jobs/blob-fetch', { ticket })
    await untilJob(gateway, id, (job) => job.bytes > 0)
    expect(await gatewayCall(gateway, 'DELETE', `/api/v1/jobs/${id}`)).toEqual({ cancelled: true })
    expect(await untilJob(gateway, id, () => true)).toMatchObject({ state: 'cancelled' })
    const before = provider.sent
    const small = randomBytes(MiB)
    const next = await gatewayCall<FileJob>(gateway, 'POST', '/api/v1/jobs/blob-fetch', { ticket: provider.add(small) })
    await untilJob(gateway, next.id, (job) => job.state === 'done')
    expect(provider.sent - before).toBeLessThan(MiB + LOST_PER_KILL)
    expect(await readdir(join(folder, 'worker'))).toContain('blobs')
  }, 300_000)
})
