import { z } from 'zod'

const endpointText = z.string().min(1).max(2000)

/** How other nodes are found beyond what the configuration names. */
export const discoverySchema = z
  .strictObject({
    trackers: z
      .array(endpointText)
      .max(16)
      .optional()
      .describe('trackers by node id or ticket; default: the one of K2 applications in mode n0, none in the others'),
    announce: z.boolean().default(true).describe('tell the trackers which topics this node has joined; never direct messages'),
  })
  .prefault({})
