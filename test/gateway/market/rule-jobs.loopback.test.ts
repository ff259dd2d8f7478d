import { afterAll, beforeAll, describe } from 'vitest'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { ruleJobsSuite } from './rule-jobs-suite.ts'

describe('jobs of rules on the embedded database', () => {
  let made: TestDir
  beforeAll(async () => {
    made = await embeddedDir()
  })
  afterAll(() => made?.remove())
  ruleJobsSuite(() => ({ kind: 'embedded', dir: made.dir }))
})
