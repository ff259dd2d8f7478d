import { afterAll, beforeAll, describe } from 'vitest'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { jobsConformance } from './conformance.ts'

describe('jobs on the embedded database', () => {
  let made: TestDir
  beforeAll(async () => {
    made = await embeddedDir()
  })
  afterAll(() => made?.remove())
  jobsConformance(() => ({ kind: 'embedded', dir: made.dir }))
})
