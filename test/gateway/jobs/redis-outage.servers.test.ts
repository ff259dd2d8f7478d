import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { createJobBackend, type JobBackend } from '../../../src/gateway/jobs/backend.ts'
import { DELIVER, JobQueues } from '../../../src/gateway/jobs/queues.ts'
import { JobSchedules } from '../../../src/gateway/jobs/schedules.ts'
import { QueueWorker } from '../../../src/gateway/jobs/workers.ts'
import { freePort } from '../../support/free-port.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { describeWith } from '../../support/servers.ts'

const signal = new AbortController().signal

describeWith('redis', 'Redis in trouble', () => {
  let server: TestRedis
  const stops: (() => Promise<void>)[] = []

  beforeAll(async () => {
    server = await startRedis()
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })
  afterAll(() => server?.stop())

  const startParts = async (url: string, extra: object = {}) => {
    const backend: JobBackend = createJobBackend({ driver: 'redis', url, ...extra })
    stops.push(() => backend.stop())
    const queues = new JobQueues(backend, nullLogger)
    stops.push(() => queues.stop())
    const lanes: string[] = []
    const worker = new QueueWorker({
      backend,
      queue: DELIVER,
      handlers: { wake: async ({ lane }) => void lanes.push(lane) },
      concurrency: 4,
      log: nullLogger,
    })
    stops.push(() => worker.stop())
    await backend.start(signal)
    await worker.start()
    return { backend, queues, worker, lanes }
  }
  const unavailable = { code: 'JOB_UNAVAILABLE', kind: 'network', retry: 'later' }

  it('starts without a server, says so, and begins to work when there is one', async () => {
    await server.kill()
    const { backend, queues, worker, lanes } = await startParts(server.url)
    expect(backend.ready).toBe(false)
    expect(backend.health()).toMatchObject({ status: 'degraded', reason: expect.stringContaining(`127.0.0.1:${server.port}`) })
    expect(worker.health().status).toBe('degraded')
    await expect(queues.wakeLane('a')).rejects.toMatchObject(unavailable)
    await server.restart()
    await backend.whenReady()
    await queues.wakeLane('b')
    await expect.poll(() => lanes, { timeout: 15_000 }).toEqual(['b'])
    expect(backend.health()).toEqual({ status: 'ok' })
    expect(worker.health()).toEqual({ status: 'ok' })
  })

  it('fails fast while the server is away, and goes on where it was when it is back', async () => {
    const { backend, queues, lanes } = await startParts(server.url)
    await queues.wakeLane('a')
    await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['a'])
    await server.kill()
    await expect.poll(() => backend.ready).toBe(false)
    const begun = performance.now()
    await expect(queues.wakeLane('lost')).rejects.toMatchObject(unavailable)
    // The bound is the command's own deadline; a hang would be endless.
    expect(performance.now() - begun).toBeLessThan(6000)
    expect(backend.health().status).toBe('degraded')
    await server.restart()
    await expect.poll(() => backend.ready, { timeout: 15_000 }).toBe(true)
    await queues.wakeLane('b')
    await expect.poll(() => lanes, { timeout: 20_000 }).toEqual(['a', 'b'])
  })

  it('notices a server that hangs, and goes on when it answers again', async () => {
    const { backend, queues, lanes } = await startParts(server.url)
    await queues.wakeLane('a')
    await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['a'])
    server.freeze()
    await expect(queues.wakeLane('b')).rejects.toMatchObject(unavailable)
    await expect.poll(() => backend.health().status, { timeout: 20_000 }).toBe('degraded')
    server.thaw()
    await expect.poll(() => backend.health().status, { timeout: 20_000 }).toBe('ok')
    await queues.wakeLane('c')
    await expect.poll(() => lanes, { timeout: 20_000 }).toContain('c')
  })

  it('goes on after somebody emptied the server, schedules included', async () => {
    const { backend, queues, lanes } = await startParts(server.url)
    const schedules = new JobSchedules({
      backend,
      queues,
      definitions: [DELIVER],
      schedules: [{ id: 'regular', queue: DELIVER, job: 'wake', data: { lane: 'scheduled' }, everyMs: 3_600_000 }],
      log: nullLogger,
    })
    stops.push(() => schedules.stop())
    await schedules.start()
    const keys = async () => (await queues.queue(DELIVER).getJobSchedulers()).map((s) => s.key)
    await expect.poll(keys, { timeout: 10_000 }).toEqual(['regular'])
    await server.flush()
    await queues.wakeLane('after')
    await expect.poll(() => lanes, { timeout: 40_000 }).toContain('after')
    // A server that comes back may be empty: the schedules are looked at when it does.
    await server.kill()
    await server.restart()
    await expect.poll(() => keys().catch(() => []), { timeout: 15_000 }).toEqual(['regular'])
  })

  it('refuses a server that may throw jobs away, unless told otherwise', async () => {
    const evicting = await startRedis(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'])
    try {
      const backend = createJobBackend({ driver: 'redis', url: evicting.url })
      await expect(backend.start(signal)).rejects.toMatchObject({
        code: 'JOB_REDIS_EVICTION',
        kind: 'config',
        message: expect.stringContaining('allkeys-lru'),
      })
      expect(backend.ready).toBe(false)
      await backend.stop()
      const { queues, lanes } = await startParts(evicting.url, { allowEviction: true })
      await queues.wakeLane('a')
      await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['a'])
      for (const stop of stops.splice(0).reverse()) await stop()
    } finally {
      await evicting.stop()
    }
  })

  it('keeps gateways with different prefixes apart', async () => {
    const one = await startParts(server.url, { prefix: 'one' })
    const two = await startParts(server.url, { prefix: 'two' })
    await one.queues.wakeLane('first')
    await two.queues.wakeLane('second')
    await expect.poll(() => [one.lanes, two.lanes], { timeout: 10_000 }).toEqual([['first'], ['second']])
  })

  it('names what is wrong, never the password', async () => {
    const secured = await startRedis(['--requirepass', 'right-secret'].slice(0, 0))
    await secured.config('requirepass', 'right-secret')
    const port = await freePort()
    const cases = [
      `redis://:wrong-secret@127.0.0.1:${secured.port}`,
      `redis://:wrong-secret@127.0.0.1:${port}`,
      'redis-wrong-secret',
    ]
    for (const url of cases) {
      let said = ''
      try {
        const backend = createJobBackend({ driver: 'redis', url })
        try {
          await backend.start(signal)
          said = inspect(backend.health())
          expect(backend.health().status).not.toBe('ok')
        } finally {
          await backend.stop()
        }
      } catch (error) {
        said = inspect(error, { depth: 6 })
        expect(error).toMatchObject({ code: expect.stringMatching(/^JOB_/) })
      }
      expect(said).not.toContain('wrong-secret')
    }
    await secured.stop()
  })
})
