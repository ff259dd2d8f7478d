import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { deferred } from '../../../src/base/async.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { DELIVER, JobQueues, type QueueDefinition, UPKEEP } from '../../../src/gateway/jobs/queues.ts'
import { JobSchedules, reconcileSchedules, type Schedule } from '../../../src/gateway/jobs/schedules.ts'
import { JobUpkeep, tidyQueues } from '../../../src/gateway/jobs/upkeep.ts'
import { type JobHandlers, QueueWorker } from '../../../src/gateway/jobs/workers.ts'
import { type OpenTarget, openTarget, type Target } from './target.ts'

/** The gateway's own queues, workers and schedules; runs unchanged on every store. */
export function queuesConformance(target: () => Target): void {
  let opened: OpenTarget
  let queues: JobQueues
  let serial = 0
  const stops: (() => Promise<void>)[] = []

  const definition = () =>
    ({
      name: `queues-${++serial}`,
      jobs: { count: z.strictObject({ n: z.int() }), other: z.strictObject({}) },
      options: { removeOnComplete: true, removeOnFail: { count: 10 } },
    }) satisfies QueueDefinition

  const startWorker = async <Q extends QueueDefinition>(
    queue: Q,
    handlers: JobHandlers<Q>,
    concurrency = 1,
  ): Promise<QueueWorker<Q>> => {
    const worker = new QueueWorker({ backend: opened.backend, queue, handlers, concurrency, log: nullLogger })
    stops.push(() => worker.stop())
    await worker.start()
    return worker
  }

  beforeAll(async () => {
    opened = await openTarget(target())
    queues = new JobQueues(opened.backend, nullLogger)
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })
  afterAll(async () => {
    await queues?.stop()
    await opened?.close()
  })

  describe('queues and workers', () => {
    it('give each job to the handler of its name', async () => {
      const queue = definition()
      const seen: unknown[] = []
      const worker = await startWorker(queue, {
        count: async (data, context) => void seen.push(['count', data.n, context.attempt]),
        other: async () => void seen.push(['other']),
      })
      await queues.add(queue, 'count', { n: 3 })
      await queues.add(queue, 'other', {})
      await expect.poll(() => seen, { timeout: 10_000 }).toEqual([['count', 3, 1], ['other']])
      await expect.poll(() => worker.stats).toEqual({ active: 0, completed: 2, failed: 0 })
      expect(worker.health()).toEqual({ status: 'ok' })
      expect(queues.health()).toEqual({ status: 'ok' })
    })

    it('refuse data that does not fit, on both sides', async () => {
      const queue = definition()
      const refused = { code: 'JOB_BAD_DATA', kind: 'input' }
      await expect(queues.add(queue, 'count', { n: 'many' } as never)).rejects.toMatchObject(refused)
      await expect(queues.add(queue, 'toString' as never, {} as never)).rejects.toMatchObject(refused)
      let ran = 0
      const worker = await startWorker(queue, { count: async () => void ran++, other: async () => {} })
      // Written by somebody else, or by another version.
      const raw = queues.queue(queue)
      await raw.add('count', { n: 1, extra: true }, { attempts: 5 })
      await raw.add('nobody', {}, { attempts: 5 })
      await expect.poll(() => worker.stats.failed, { timeout: 10_000 }).toBe(2)
      expect(ran).toBe(0)
      // The worker counts a failure before the store has it.
      await expect.poll(() => raw.getFailedCount(), { timeout: 10_000 }).toBe(2)
    })

    it('wake a lane once, and once more when it is woken while it runs', async () => {
      const lanes: string[] = []
      const gate = deferred<void>()
      const started = deferred<void>()
      const worker = await startWorker(
        DELIVER,
        {
          wake: async ({ lane }) => {
            lanes.push(lane)
            started.resolve()
            await gate.promise
          },
        },
        4,
      )
      await queues.wakeLane('discord/main/1#2')
      await started.promise
      await Promise.all([
        queues.wakeLane('discord/main/1#2'),
        queues.wakeLane('discord/main/1#2'),
        queues.wakeLane('telegram/main/-100'),
      ])
      await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['discord/main/1#2', 'telegram/main/-100'])
      gate.resolve()
      await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['discord/main/1#2', 'telegram/main/-100', 'discord/main/1#2'])
      await expect.poll(() => worker.stats.completed, { timeout: 5000 }).toBe(3)
    })

    it('wake a lane later, and let an immediate call pass the later one', async () => {
      const lanes: string[] = []
      await startWorker(DELIVER, { wake: async ({ lane }) => void lanes.push(lane) }, 4)
      await queues.wakeLane('later', 600_000)
      await queues.wakeLane('later', 300)
      await queues.wakeLane('later')
      await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['later', 'later'])
      expect(await queues.queue(DELIVER).getDelayedCount()).toBe(0)
    })

    it('let the running job finish when they are drained', async () => {
      const queue = definition()
      const started = deferred<void>()
      const gate = deferred<void>()
      let finished = false
      const worker = await startWorker(queue, {
        count: async () => {
          started.resolve()
          await gate.promise
          finished = true
        },
        other: async () => {},
      })
      await queues.add(queue, 'count', { n: 1 })
      await started.promise
      const drained = worker.drain(AbortSignal.timeout(20_000))
      gate.resolve()
      await drained
      expect(finished).toBe(true)
      expect(worker.health().status).toBe('degraded')
      await queues.add(queue, 'other', {})
      expect(await queues.queue(queue).getJobCounts('waiting', 'active')).toEqual({ waiting: 1, active: 0 })
    })

    it('tell the running job when there is no more time', async () => {
      const queue = definition()
      const started = deferred<void>()
      const reason = deferred<unknown>()
      const worker = await startWorker(queue, {
        count: async (_data, { signal: stop }) => {
          started.resolve()
          await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()))
          reason.resolve(stop.reason)
        },
        other: async () => {},
      })
      await queues.add(queue, 'count', { n: 1 })
      await started.promise
      const deadline = new AbortController()
      const drained = worker.drain(deadline.signal)
      deadline.abort('time is up')
      await drained
      expect(await reason.promise).toBe('time is up')
    })
  })

  describe('schedules', () => {
    const stored = async (queue: QueueDefinition) =>
      (await queues.queue(queue).getJobSchedulers())
        .map((s) => [s.key, s.every === undefined ? s.pattern : Number(s.every), s.name, s.next] as const)
        .sort((a, b) => a[0].localeCompare(b[0]))

    it('are made equal to what is declared', async () => {
      const queue = definition()
      const a: Schedule = { id: 'a', queue, job: 'count', data: { n: 1 }, everyMs: 3_600_000 }
      const b: Schedule = { id: 'b', queue, job: 'other', data: {}, cron: '0 3 * * *', timezone: 'UTC' }
      await reconcileSchedules(queues, [queue], [a, b])
      const first = await stored(queue)
      expect(first.map((s) => s.slice(0, 3))).toEqual([
        ['a', 3_600_000, 'count'],
        ['b', '0 3 * * *', 'other'],
      ])
      await reconcileSchedules(queues, [queue], [a, b])
      // Nothing is written anew: the next run stays where it was.
      expect(await stored(queue)).toEqual(first)
      await reconcileSchedules(queues, [queue], [{ ...a, everyMs: 7_200_000 }])
      expect((await stored(queue)).map((s) => s.slice(0, 3))).toEqual([['a', 7_200_000, 'count']])
      await reconcileSchedules(queues, [queue], [])
      expect(await stored(queue)).toEqual([])
    })

    it('run their jobs', async () => {
      const queue = definition()
      const seen: number[] = []
      await startWorker(queue, { count: async ({ n }) => void seen.push(n), other: async () => {} })
      const schedules = new JobSchedules({
        backend: opened.backend,
        queues,
        definitions: [queue],
        schedules: [{ id: 'often', queue, job: 'count', data: { n: 9 }, everyMs: 100 }],
        log: nullLogger,
      })
      stops.push(() => schedules.stop())
      await schedules.start()
      await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3)
      await reconcileSchedules(queues, [queue], [])
    })
  })

  it('upkeep keeps its schedule and removes old failed jobs', async () => {
    const upkeep = new JobUpkeep({ backend: opened.backend, queues, log: nullLogger })
    stops.push(() => upkeep.stop())
    await upkeep.start()
    const keys = async () => (await queues.queue(UPKEEP).getJobSchedulers()).map((s) => s.key)
    await expect.poll(keys, { timeout: 10_000 }).toEqual(['tidy'])
    await expect.poll(() => upkeep.health(), { timeout: 10_000 }).toEqual({ status: 'ok' })
    const queue = definition()
    const worker = await startWorker(queue, {
      count: () => Promise.reject(new Error('no')),
      other: async () => {},
    })
    await queues.add(queue, 'count', { n: 1 })
    await expect.poll(() => queues.queue(queue).getFailedCount(), { timeout: 10_000 }).toBe(1)
    expect(worker.stats.failed).toBe(1)
    expect(await tidyQueues(queues, [queue], 3_600_000)).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await tidyQueues(queues, [queue], 1)).toBe(1)
    expect(await queues.queue(queue).getFailedCount()).toBe(0)
    await upkeep.drain(AbortSignal.timeout(5000))
  })

  it('the backend says that it is ready', async () => {
    expect(opened.backend.ready).toBe(true)
    await opened.backend.whenReady()
    let told = 0
    opened.backend.onReady(() => told++)
    expect(told).toBe(1)
    expect(opened.backend.health()).toEqual({ status: 'ok' })
  })
}
