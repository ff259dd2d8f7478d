import { afterAll, beforeAll } from 'vitest'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { describeWith } from '../../support/servers.ts'
import { ruleJobsSuite } from './rule-jobs-suite.ts'

describeWith('redis', 'jobs of rules on Redis', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server?.stop())
  ruleJobsSuite(() => ({ kind: 'redis', url: server.url }))
})
