import { afterAll, beforeAll } from 'vitest'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { describeWith } from '../../support/servers.ts'
import { jobsConformance } from './conformance.ts'

describeWith('redis', 'jobs on Redis', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server?.stop())
  jobsConformance(() => ({ kind: 'redis', url: server.url }))
})
