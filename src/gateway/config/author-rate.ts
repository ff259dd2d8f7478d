import { z } from 'zod'
import { duration } from './units.ts'

const OFF = z.literal('off')
const RATE = z
  .strictObject({
    burst: z.int().min(1).max(10_000).default(10).describe('messages at once, after a quiet time'),
    every: duration().prefault('1s').describe('then one in this time'),
    waiting: z
      .int()
      .min(0)
      .max(1_000)
      .default(50)
      .describe('messages that may wait; further ones are dropped, and their author is told'),
  })
  .refine(({ every }) => every > 0, { path: ['every'], message: 'must be longer than 0ms; "off" switches the limit off' })
  .transform(({ burst, every, waiting }) => ({ burst, everyMs: every, waiting }))

/** How fast one person may write on one route before others go first (bridging 16). */
export const authorRateSchema = z.union([OFF, RATE])
