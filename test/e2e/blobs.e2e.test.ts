import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { startProvider, type TestProvider } from '../support/blob-provider.ts'
import { type FileJob, gatewayCall, untilJob, waitFor } from '../support/file-jobs.ts'
import { GatewayProcess } from '../support/gateway-process.ts'

const MiB = 1024 * 1024
/** The whole size where time allows. */
const SIZE = Number(process.env.K2_E2E_BLOB_MIB ?? (process.env.CI === 'true' ? 200 : 32)) * MiB
/**
 * What a kill may cost: pieces on their way and what had not reached the disk, for each stream the gateway has open. Without
 * resuming it would be a large part of the file.
 */
const LOST_PER_KILL = 6 * MiB

/** Bytes of the small files that show that a chat is up to date, and one more for each. */
const MARKER = 1_000

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

describe(`a fetch of ${SIZE / MiB} MiB and kill -9 of the gateway`, () => {
  let folder: string
  let telegram: FakeTelegram
  let provider: TestProvider
  let gateway: GatewayProcess
  let chat: number
  let tess: number
  const data = randomBytes(SIZE)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-blobs-'))
    telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
    const bot = telegram.control.addBot({ privacy: false, username: 'k2_files_bot' })
    tess = telegram.control.addUser({ firstName: 'Tess' })
    chat = telegram.control.addChat({ title: 'Files', members: [bot.id, tess] })
    provider = await startProvider({ maxBytes: SIZE + 64 * MiB })
    gateway = await GatewayProcess.prepare(
      folder,
      'near',
      {
        node: { mode: 'loopback', topics: ['Goods'] },
        accounts: { telegram: { main: { token: '${env:TOKEN}', apiUrl: telegram.url, limits: 'off' } } },
        web: { enabled: false },
        market: { enabled: false },
        // What a kill costs grows with the streams open at once, and those with the threads.
        blobs: { publicUrl: 'https://files.example', threads: 1 },
        // Whatever its size here, the big one comes as a link.
        media: { maxFile: '10MB' },
        routes: [{ id: 'goods', members: [{ place: 'p2p/self/Goods' }, { place: `telegram/main/${chat}` }] }],
      },
      { TOKEN: bot.token },
    )
    await gateway.start()
  }, 300_000)

  afterAll(async () => {
    await gateway?.kill()
    await Promise.all([telegram?.stop(), provider?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  /** The job of a file somebody asked for by name. */
  const jobNamed = (name: string): Promise<FileJob> =>
    waitFor(async () => (await gatewayCall<FileJob[]>(gateway, 'GET', '/api/v1/jobs')).find((job) => job.name === name))
  const documents = (): readonly { size?: number }[] => telegram.control.visible(chat).filter((m) => m.kind === 'document')
  /** Whatever was on its way to the chat is there: messages come in order, and one asked for now has come. */
  const settled = async (): Promise<void> => {
    const size = MARKER + documents().length
    telegram.control.post(chat, tess, { text: `/k2_get marker.bin|${provider.add(randomBytes(size))}` })
    await waitFor(async () => documents().find((m) => m.size === size))
  }
  const texts = (): string[] => telegram.control.visible(chat).map((m) => m.text ?? '')

  it('asked for in a chat it goes on where it was, fetches nothing twice, and its link arrives once', async () => {
    const ticket = provider.add(data)
    telegram.control.post(chat, tess, { text: `/k2_get big.bin|${ticket}` })
    const { id } = await jobNamed('big.bin')
    for (const part of [0.25, 0.6]) {
      await untilJob(gateway, id, (job) => job.bytes > part * SIZE)
      await gateway.kill()
      await gateway.start()
    }
    const job = await untilJob(gateway, id, (j) => j.state === 'done' || j.state === 'failed')
    expect(job, gateway.log).toMatchObject({ state: 'done', bytes: SIZE, attempts: 0 })
    // 64 bytes of tree for each 16 KiB, and the size.
    expect(provider.sent).toBeGreaterThan(SIZE)
    expect(provider.sent).toBeLessThan(SIZE * 1.01 + 2 * LOST_PER_KILL)

    const links = (): string[] => texts().flatMap((text) => text.match(/https:\/\/files\.example\/\S+/g) ?? [])
    await waitFor(async () => (links().length > 0 ? true : undefined))
    await settled()
    expect(links()).toHaveLength(1)
    const address = await readControlFile(gateway.dataDir)
    const answer = await fetch((links()[0] as string).replace('https://files.example', address?.url ?? ''))
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="big.bin"')
    expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256(data))
  }, 300_000)

  it('asked for in a chat, the file comes to that chat once, whatever is killed meanwhile', async () => {
    const small = randomBytes(8 * MiB)
    const ticket = provider.add(small)
    telegram.control.post(chat, tess, { text: `/k2_get pic ture.bin|${ticket}` })
    const { id } = await jobNamed('pic ture.bin')
    await gateway.kill()
    await gateway.start()
    await untilJob(gateway, id, (job) => job.state === 'done')
    const copies = (): readonly object[] => documents().filter((m) => m.size === small.length)
    await waitFor(async () => (copies().length > 0 ? true : undefined))
    await settled()
    expect(copies()).toHaveLength(1)
  }, 300_000)
})
