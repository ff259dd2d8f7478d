import { z } from 'zod'
import { size } from './units.ts'

/** Files of messages on their way between networks (bridging 9). */
export const mediaSchema = z.strictObject({
  maxFile: size().prefault('50MB').describe('largest file that is taken from a message; larger ones are only named'),
  budget: size().prefault('2GiB').describe('disk space for files of messages; the least recently used ones go first'),
})
