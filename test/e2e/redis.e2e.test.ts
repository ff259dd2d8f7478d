import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { healthOf } from '../support/gateway-api.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { describeWith } from '../support/servers.ts'

/** A message, or news of an outage, must be there within this, ms. */
const ARRIVES = { timeout: 60_000, interval: 100 }

describeWith('redis', 'a gateway whose Redis is not there', () => {
  let folder: string
  let redis: TestRedis
  let telegram: FakeTelegram
  let gateway: GatewayProcess
  let chats: { here: number; there: number }
  let tess: number
  let said = 0

  /** The next message reaches the other chat. */
  const nextArrives = async (): Promise<void> => {
    const text = `message ${said++}`
    telegram.control.post(chats.here, tess, { text })
    const shown = (): string[] => telegram.control.visible(chats.there).map((m) => m.text)
    await expect.poll(shown, ARRIVES).toContainEqual(expect.stringContaining(text))
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-redis-'))
    redis = await startRedis()
    telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
    const bot = telegram.control.addBot({ privacy: false })
    tess = telegram.control.addUser({ firstName: 'Tess' })
    const chat = (title: string): number => telegram.control.addChat({ title, members: [bot.id, tess] })
    chats = { here: chat('Here'), there: chat('There') }
    gateway = await GatewayProcess.prepare(
      folder,
      'queued',
      {
        node: { mode: 'loopback', topics: [] },
        web: { enabled: false },
        queue: { driver: 'redis', url: redis.url },
        accounts: { telegram: { main: { token: '${env:QUEUED_TELEGRAM}', apiUrl: telegram.url, limits: 'off' } } },
        routes: [{ id: 'chats', members: [{ place: `telegram/main/${chats.here}` }, { place: `telegram/main/${chats.there}` }] }],
      },
      { QUEUED_TELEGRAM: bot.token },
    )
  })

  afterAll(async () => {
    await gateway?.kill()
    await telegram?.stop()
    await redis?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('starts and delivers without it, uses it when it comes, and delivers on when it dies', async () => {
    await redis.kill()
    const { url } = await gateway.start()
    expect(await healthOf(url, 'job-queues')).toMatch(/^degraded: Redis at 127\.0\.0\.1:\d+ does not answer/)
    await nextArrives()

    await redis.restart()
    await expect.poll(() => healthOf(url, 'job-queues'), ARRIVES).toBe('ok')
    await nextArrives()

    await redis.kill()
    await expect.poll(() => healthOf(url, 'job-queues'), ARRIVES).toMatch(/^degraded: Redis at /)
    await nextArrives()
    expect(await gateway.stop()).toBe(0)
    expect(gateway.log).not.toMatch(/APP_UNHANDLED|unexpected error/)
  })
})
