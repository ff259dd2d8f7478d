import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { Secret } from '../../../src/base/secret.ts'
import { JobQueues, RULE_JOB } from '../../../src/gateway/jobs/queues.ts'
import { QueueWorker } from '../../../src/gateway/jobs/workers.ts'
import type { RuleJob } from '../../../src/gateway/market/model.ts'
import { isFinal, RuleJobs } from '../../../src/gateway/market/rule-jobs.ts'
import { type OpenTarget, openTarget, type Target } from '../jobs/target.ts'

interface Posted {
  readonly id: string
  readonly key: string | undefined
  readonly authorization: string | undefined
}

/** Jobs of rules from the order to the endpoint, through the queue and worker of the gateway; runs unchanged on every store. */
export function ruleJobsSuite(target: () => Target): void {
  let opened: OpenTarget
  let queues: JobQueues
  let server: Server
  let jobs: RuleJobs
  let worker: QueueWorker<typeof RULE_JOB> | undefined
  let posted: Posted[] = []
  /** How often rules were told of an end. */
  let told = 0
  let answer: (response: ServerResponse, count: number) => void
  let serial = 0

  beforeAll(async () => {
    opened = await openTarget(target())
    queues = new JobQueues(opened.backend, nullLogger)
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { id } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { id: string }
        const key = request.headers['idempotency-key']
        posted.push({ id, key: typeof key === 'string' ? key : undefined, authorization: request.headers.authorization })
        answer(response, posted.length)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    jobs = new RuleJobs({
      jobs: { crm: { url: `http://127.0.0.1:${port}/`, key: new Secret('crm-secret'), timeout: 5_000 } },
      queues,
      log: nullLogger,
      act: async () => void told++,
    })
  })
  afterEach(async () => {
    // As a gateway ends: a job that is just being taken is not left behind.
    await worker?.drain(AbortSignal.timeout(10_000))
    await worker?.stop()
    worker = undefined
    posted = []
    told = 0
  })
  afterAll(async () => {
    await queues?.stop()
    await opened?.close()
    server?.closeAllConnections()
    server?.close()
  })

  const start = async (): Promise<QueueWorker<typeof RULE_JOB>> => {
    const { backend } = opened
    worker = new QueueWorker({ backend, queue: RULE_JOB, concurrency: 2, handlers: { run: jobs.run }, isFinal, log: nullLogger })
    await worker.start()
    return worker
  }
  const order = (over: Partial<RuleJob> = {}): RuleJob => ({
    id: `job ${process.pid} ${++serial}: with spaces`,
    queue: 'crm',
    name: 'note',
    rule: 'tell-crm',
    data: { price: '700' },
    message: 'telegram:c:1',
    intent: null,
    attempts: 3,
    ...over,
  })
  const waits = { timeout: 30_000 }

  it('an order given twice while no worker runs is one post afterwards', async () => {
    answer = (response) => void response.writeHead(204).end()
    const one = order()
    await jobs.order(one)
    await jobs.order(one)
    const running = await start()
    await expect.poll(() => running.stats.completed, waits).toBe(1)
    expect(posted).toEqual([{ id: one.id, key: expect.stringMatching(/^\S+$/), authorization: 'Bearer crm-secret' }])
    expect(told).toBe(1)
    // The same id later is the same job still.
    await jobs.order(one)
    await jobs.order(order())
    await expect.poll(() => running.stats.completed, waits).toBe(2)
    expect(posted.filter((p) => p.id === one.id)).toHaveLength(1)
  })

  it('an endpoint that is away is tried again under the same key; rules hear of the end alone', async () => {
    answer = (response, count) => void response.writeHead(count === 1 ? 503 : 200).end()
    const running = await start()
    await jobs.order(order())
    await expect.poll(() => running.stats.completed, waits).toBe(1)
    expect(posted).toHaveLength(2)
    expect(new Set(posted.map((p) => p.key)).size).toBe(1)
    expect(told).toBe(1)
  })

  it('what the endpoint refuses for good, and a queue nobody configured, are not tried again', async () => {
    answer = (response) => void response.writeHead(422).end()
    const running = await start()
    await jobs.order(order())
    await jobs.order(order({ queue: 'gone' }))
    await expect.poll(() => running.stats.failed, waits).toBe(2)
    await expect.poll(() => queues.queue(RULE_JOB).getFailedCount(), waits).toBe(2)
    expect(posted).toHaveLength(1)
    expect(told).toBe(2)
  })
}
