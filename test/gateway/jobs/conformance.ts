import { once } from 'node:events'
import { join } from 'node:path'
import { type JobsOptions, UnrecoverableError } from 'bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import type { JobBackend, JobEvents, JobQueue, JobWorker } from '../../../src/gateway/jobs/backend.ts'
import { TsChild } from '../../support/ts-child.ts'
import { type OpenTarget, openTarget, type Target } from './target.ts'

type Data = { n: number; note?: string }
type Queue = JobQueue<Data, unknown>
type Worker = JobWorker<Data, unknown>

/** What the gateway relies on in BullMQ; runs unchanged on every store. */
export function jobsConformance(target: () => Target): void {
  let opened: OpenTarget
  let backend: JobBackend
  let serial = 0
  const closers: (() => Promise<unknown>)[] = []

  const open = async (): Promise<void> => {
    opened = await openTarget(target())
    backend = opened.backend
  }
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  const freshName = (): string => `conformance-${++serial}`
  const queueOf = (name: string): Queue => {
    const queue = backend.createQueue<Data, unknown>(name)
    closers.push(() => queue.close())
    return queue
  }
  const fresh = (): Queue => queueOf(freshName())
  const work = (
    queue: Queue,
    processor: Parameters<typeof backend.createWorker<Data, unknown>>[1],
    options: object = {},
  ): Worker => {
    const worker = backend.createWorker<Data, unknown>(queue.name, processor, options)
    worker.on('error', () => {})
    closers.push(() => worker.close())
    return worker
  }
  const eventsOf = async (queue: Queue): Promise<JobEvents> => {
    const events = backend.createEvents(queue.name, { lastEventId: '0' })
    closers.push(() => events.close())
    await events.waitUntilReady()
    return events
  }
  /** Remembers the order in which jobs ran. */
  const recorder = () => {
    const ran: number[] = []
    return { ran, processor: async (job: { data: Data }) => void ran.push(job.data.n) }
  }

  beforeAll(open)
  afterEach(closeAll)
  afterAll(() => opened?.close())

  describe('processing', () => {
    it('hands data to the worker and its answer back', async () => {
      const queue = fresh()
      const events = await eventsOf(queue)
      const note = 'größe "quoted" \\ 🙂 \u2028'
      work(queue, async (job) => ({ doubled: job.data.n * 2, note: job.data.note }))
      const job = await queue.add('x', { n: 21, note })
      expect(await job.waitUntilFinished(events, 10_000)).toEqual({ doubled: 42, note })
      expect(await queue.getJobCounts('completed', 'waiting', 'active', 'failed')).toEqual({
        completed: 1,
        waiting: 0,
        active: 0,
        failed: 0,
      })
    })

    it('runs in order, the last first when asked, and by priority', async () => {
      const queue = fresh()
      const add = (n: number, options?: JobsOptions): Promise<unknown> => queue.add('x', { n }, options)
      await add(20, { priority: 20 })
      await add(10, { priority: 10 })
      await add(1)
      await add(2)
      await add(0, { lifo: true })
      await add(11, { priority: 10 })
      const { ran, processor } = recorder()
      work(queue, processor)
      await expect.poll(() => ran.length, { timeout: 10_000 }).toBe(6)
      expect(ran).toEqual([0, 1, 2, 10, 11, 20])
    })

    it('wakes an idle worker at once', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      const worker = work(queue, processor)
      await worker.waitUntilReady()
      for (let n = 0; n < 5; n++) {
        await queue.add('x', { n })
        // Far less than the time after which an idle worker looks by itself.
        await expect.poll(() => ran.length, { timeout: 5000, interval: 5 }).toBe(n + 1)
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
    })

    it('runs each of many jobs once, never more at a time than allowed', async () => {
      const queue = fresh()
      const ran = new Map<number, number>()
      let active = 0
      let most = 0
      const processor = async (job: { data: Data }): Promise<void> => {
        most = Math.max(most, ++active)
        await new Promise((resolve) => setImmediate(resolve))
        ran.set(job.data.n, (ran.get(job.data.n) ?? 0) + 1)
        active--
      }
      work(queue, processor, { concurrency: 5 })
      work(queue, processor, { concurrency: 5 })
      await queue.addBulk(Array.from({ length: 200 }, (_, n) => ({ name: 'x', data: { n } })))
      await expect.poll(() => ran.size, { timeout: 20_000 }).toBe(200)
      expect([...ran.values()].every((times) => times === 1)).toBe(true)
      expect(most).toBeGreaterThan(1)
      expect(most).toBeLessThanOrEqual(10)
    })

    it('waits for children before their parent', async () => {
      const [parent, child] = [fresh(), fresh()]
      const order: string[] = []
      work(child, async (job) => {
        order.push(`child ${job.data.n}`)
        return job.data.n
      })
      const answer = deferred<unknown>()
      work(parent, async (job) => {
        order.push('parent')
        answer.resolve(Object.values(await job.getChildrenValues()).sort())
      })
      const flow = backend.createFlow()
      closers.push(() => flow.close())
      await flow.add({
        name: 'p',
        queueName: parent.name,
        data: { n: 0 },
        children: [1, 2].map((n) => ({ name: 'c', queueName: child.name, data: { n } })),
      })
      expect(await answer.promise).toEqual([1, 2])
      expect(order.at(-1)).toBe('parent')
    })
  })

  describe('time', () => {
    it('does not start a delayed job early, and lets others pass it', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      work(queue, processor)
      const delayed = await queue.add('x', { n: 2 }, { delay: 400 })
      await queue.add('x', { n: 1 })
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1, 2])
      const job = await queue.getJob(delayed.id as string)
      // By the wall clock of the store a job may start a moment early.
      expect((job?.processedOn ?? 0) - (job?.timestamp ?? 0)).toBeGreaterThanOrEqual(398)
    })

    it('runs a delayed job at once when it is promoted', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      work(queue, processor)
      const job = await queue.add('x', { n: 1 }, { delay: 600_000 })
      await job.promote()
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1])
    })

    it('repeats by schedule until the schedule is removed', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      work(queue, processor)
      await queue.upsertJobScheduler('tick', { every: 100 }, { name: 'x', data: { n: 1 } })
      await queue.upsertJobScheduler('tick', { every: 100 }, { name: 'x', data: { n: 1 } })
      await expect.poll(() => ran.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4)
      const schedulers = await queue.getJobSchedulers()
      expect(schedulers.map((s) => [s.key, Number(s.every), s.name])).toEqual([['tick', 100, 'x']])
      expect(await queue.removeJobScheduler('tick')).toBe(true)
      await expect
        .poll(async () => await queue.getJobCounts('delayed', 'active', 'waiting'), { timeout: 5000 })
        .toEqual({
          delayed: 0,
          active: 0,
          waiting: 0,
        })
      expect(await queue.getJobSchedulers()).toEqual([])
    })

    it('keeps cron schedules with their time zone', async () => {
      const queue = fresh()
      await queue.upsertJobScheduler('daily', { pattern: '0 3 * * *', tz: 'Europe/Berlin' }, { name: 'x', data: { n: 1 } })
      const [stored] = await queue.getJobSchedulers()
      expect(stored).toMatchObject({ key: 'daily', pattern: '0 3 * * *', tz: 'Europe/Berlin', name: 'x' })
      expect(await queue.getJobCounts('delayed')).toEqual({ delayed: 1 })
    })
  })

  describe('failure', () => {
    it('tries again with growing pauses, then gives up', async () => {
      const queue = fresh()
      const times: number[] = []
      const failed = deferred<string>()
      const worker = work(queue, async (job) => {
        times.push(Date.now())
        throw new Error(`attempt ${job.attemptsMade + 1}`)
      })
      worker.on('failed', (job, error) => {
        if (job?.attemptsMade === 3) failed.resolve(error.message)
      })
      const job = await queue.add('x', { n: 1 }, { attempts: 3, backoff: { type: 'exponential', delay: 100 } })
      expect(await failed.promise).toBe('attempt 3')
      const [first = 0, second = 0, third = 0] = times
      expect(second - first).toBeGreaterThanOrEqual(98)
      expect(third - second).toBeGreaterThanOrEqual(196)
      expect(await job.getState()).toBe('failed')
      expect((await queue.getJob(job.id as string))?.failedReason).toBe('attempt 3')
    })

    it('does not try again what can never work', async () => {
      const queue = fresh()
      let runs = 0
      const worker = work(queue, async () => {
        runs++
        throw new UnrecoverableError('never')
      })
      const failed = once(worker, 'failed')
      await queue.add('x', { n: 1 }, { attempts: 5 })
      await failed
      expect(runs).toBe(1)
      expect(await queue.getFailedCount()).toBe(1)
    })

    it('runs a failed job again on request', async () => {
      const queue = fresh()
      let fail = true
      const { ran, processor } = recorder()
      const worker = work(queue, async (job) => {
        if (fail) throw new Error('not yet')
        return processor(job)
      })
      const failed = once(worker, 'failed')
      const job = await queue.add('x', { n: 5 })
      await failed
      fail = false
      await job.retry()
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([5])
    })

    it('gives the job of a killed process to another worker', { timeout: 90_000 }, async () => {
      const name = freshName()
      const queue = queueOf(name)
      await queue.add('x', { n: 77 })
      await closeAll()
      // The embedded store belongs to one process at a time.
      await opened.close()
      const child = new TsChild(join(import.meta.dirname, 'worker-child.ts'), [JSON.stringify(target()), name])
      await child.until((lines) => lines.includes('started 77'))
      await child.end('SIGKILL')
      await open()
      const { ran, processor } = recorder()
      const worker = work(queueOf(name), processor, { lockDuration: 1500, stalledInterval: 500, maxStalledCount: 2 })
      const stalled: string[] = []
      worker.on('stalled', (id) => stalled.push(id))
      await expect.poll(() => ran, { timeout: 30_000 }).toEqual([77])
      expect(stalled.length).toBe(1)
    })
  })

  describe('duplicates', () => {
    it('takes a job id once while the job exists, and again after it is gone', async () => {
      const queue = fresh()
      const options = { jobId: 'lane-abc', removeOnComplete: true }
      await queue.add('x', { n: 1 }, options)
      await queue.add('x', { n: 2 }, options)
      const { ran, processor } = recorder()
      work(queue, processor)
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1])
      await expect.poll(() => queue.getJob('lane-abc'), { timeout: 5000 }).toBeUndefined()
      await queue.add('x', { n: 3 }, options)
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1, 3])
    })

    it('runs once more for all that came while it ran', async () => {
      const queue = fresh()
      const gate = deferred<void>()
      const started = deferred<void>()
      const ran: number[] = []
      const worker = work(queue, async (job) => {
        ran.push(job.data.n)
        started.resolve()
        await gate.promise
      })
      const options = { deduplication: { id: 'lane-1', keepLastIfActive: true }, removeOnComplete: true }
      await queue.add('x', { n: 1 }, options)
      await started.promise
      for (const n of [2, 3, 4]) await queue.add('x', { n }, options)
      expect(await queue.getJobCounts('waiting', 'active')).toEqual({ waiting: 0, active: 1 })
      const drained = once(worker, 'drained')
      gate.resolve()
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1, 4])
      await drained
      await queue.add('x', { n: 5 }, options)
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1, 4, 5])
    })

    it('moves a delayed job when it is added anew', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      const options = (delay: number): JobsOptions => ({ delay, deduplication: { id: 'later-1', replace: true } })
      await queue.add('x', { n: 1 }, options(600_000))
      await queue.add('x', { n: 2 }, options(50))
      expect(await queue.getDelayedCount()).toBe(1)
      work(queue, processor)
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([2])
    })
  })

  describe('events', () => {
    it('tell of progress, completion and failure', async () => {
      const queue = fresh()
      const events = await eventsOf(queue)
      const seen: unknown[] = []
      events.on('progress', ({ data }) => seen.push(['progress', data]))
      events.on('completed', ({ returnvalue }) => seen.push(['completed', returnvalue]))
      events.on('failed', ({ failedReason }) => seen.push(['failed', failedReason]))
      work(queue, async (job) => {
        if (job.data.n === 2) throw new Error('no')
        await job.updateProgress(50)
        await job.updateProgress({ done: 3 } as never)
        return 'yes'
      })
      await queue.add('x', { n: 1 })
      await expect
        .poll(() => seen, { timeout: 10_000 })
        .toEqual([
          ['progress', 50],
          ['progress', { done: 3 }],
          ['completed', 'yes'],
        ])
      await queue.add('x', { n: 2 })
      await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toEqual(['failed', 'no'])
    })

    // On a Postgres server events of jobs that finish at the same moment may be skipped by the reader: ids are given before
    // the commit. Events are for people to watch; nothing in the gateway depends on them.
    it('all arrive when jobs finish one after the other', async () => {
      const queue = fresh()
      const events = await eventsOf(queue)
      const completed = new Set<string>()
      events.on('completed', ({ jobId }) => completed.add(jobId))
      await queue.addBulk(Array.from({ length: 100 }, (_, n) => ({ name: 'x', data: { n } })))
      work(queue, async () => 1)
      await expect.poll(() => completed.size, { timeout: 20_000 }).toBe(100)
    })
  })

  describe('control', () => {
    it('pauses and resumes a queue for all its workers', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      const worker = work(queue, processor)
      await worker.waitUntilReady()
      await queue.pause()
      await queue.add('x', { n: 1 })
      expect(await queue.isPaused()).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(ran).toEqual([])
      await queue.resume()
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1])
    })

    it('pauses and resumes one worker', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      const worker = work(queue, processor)
      await worker.waitUntilReady()
      await worker.pause()
      await queue.add('x', { n: 1 })
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(ran).toEqual([])
      worker.resume()
      await expect.poll(() => ran, { timeout: 10_000 }).toEqual([1])
    })

    it('tells a running job that it was cancelled', async () => {
      const queue = fresh()
      const started = deferred<string>()
      const worker = work(queue, (job, _token, signal) => {
        started.resolve(job.id as string)
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new UnrecoverableError('cancelled'))))
      })
      const failed = once(worker, 'failed')
      await queue.add('x', { n: 1 }, { attempts: 3 })
      expect(worker.cancelJob(await started.promise)).toBe(true)
      expect(((await failed)[1] as Error).message).toBe('cancelled')
    })

    it('forgets finished jobs as told', async () => {
      const queue = fresh()
      const { ran, processor } = recorder()
      work(queue, processor)
      for (let n = 0; n < 10; n++) await queue.add('x', { n }, n < 5 ? { removeOnComplete: true } : { removeOnComplete: 2 })
      await expect.poll(() => ran.length, { timeout: 10_000 }).toBe(10)
      await expect.poll(() => queue.getCompletedCount(), { timeout: 5000 }).toBe(2)
    })
  })

  describe('ending', () => {
    it('waits for the running job, leaves the others, and goes on with them later', async () => {
      const queue = fresh()
      const gate = deferred<void>()
      const started = deferred<void>()
      const ran: number[] = []
      const first = backend.createWorker<Data, unknown>(queue.name, async (job) => {
        started.resolve()
        await gate.promise
        ran.push(job.data.n)
      })
      first.on('error', () => {})
      for (let n = 1; n <= 5; n++) await queue.add('x', { n })
      await started.promise
      let closed = false
      const closing = first.close().then(() => {
        closed = true
      })
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(closed).toBe(false)
      gate.resolve()
      await closing
      expect(ran).toEqual([1])
      expect(await queue.getJobCounts('waiting', 'active', 'completed')).toEqual({ waiting: 4, active: 0, completed: 1 })
      const rest = recorder()
      work(queue, rest.processor)
      await expect.poll(() => rest.ran, { timeout: 10_000 }).toEqual([2, 3, 4, 5])
    })

    it('keeps waiting and delayed jobs over a restart', { timeout: 60_000 }, async () => {
      const name = freshName()
      const queue = queueOf(name)
      await queue.add('x', { n: 1 })
      await queue.add('x', { n: 2 }, { delay: 300 })
      await queue.upsertJobScheduler('kept', { every: 3_600_000 }, { name: 'x', data: { n: 3 } })
      await closeAll()
      await opened.close()
      await open()
      const again = queueOf(name)
      expect((await again.getJobSchedulers()).map((s) => s.key)).toEqual(['kept'])
      const { ran, processor } = recorder()
      work(again, processor)
      await expect.poll(() => ran.filter((n) => n < 3), { timeout: 10_000 }).toEqual([1, 2])
    })
  })
}
