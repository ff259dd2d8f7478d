import { afterAll, beforeAll, describe } from 'vitest'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { jobsConformance } from './conformance.ts'
import { queuesConformance } from './queues-conformance.ts'
import type { Target } from './target.ts'

describe('jobs on the embedded database', () => {
  let made: TestDir
  beforeAll(async () => {
    made = await embeddedDir()
  })
  afterAll(() => made?.remove())
  const target = (): Target => ({ kind: 'embedded', dir: made.dir })
  describe('BullMQ', () => jobsConformance(target))
  describe('of the gateway', () => queuesConformance(target))
})
