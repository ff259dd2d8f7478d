import { expect, it } from 'vitest'
import { sharedAbort } from '../../src/base/async.ts'

it('lets many tasks listen without a warning', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  const { signal } = sharedAbort()
  for (let n = 0; n < 100; n++) signal.addEventListener('abort', () => {})
  // Warnings are emitted on the next tick.
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', note)
  expect(warnings).toEqual([])
})
