import { afterAll, beforeAll, describe } from 'vitest'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { describeWith } from '../../support/servers.ts'
import { jobsConformance } from './conformance.ts'
import { queuesConformance } from './queues-conformance.ts'
import type { Target } from './target.ts'

describeWith('redis', 'jobs on Redis', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server?.stop())
  const target = (): Target => ({ kind: 'redis', url: server.url })
  describe('BullMQ', () => jobsConformance(target))
  describe('of the gateway', () => queuesConformance(target))
})
