import { z } from 'zod'
import { size } from './units.ts'

/** Documents shared with other nodes: contact book, profile, folders. */
export const docsSchema = z.strictObject({
  maxContent: size().prefault('64MiB').describe('largest value of a document that is fetched by itself'),
  maxFrame: size()
    .prefault('64MiB')
    .describe('largest message of another node while documents are compared; a first sync sends all entries in one'),
})
