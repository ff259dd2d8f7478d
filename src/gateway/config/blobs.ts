import { z } from 'zod'
import { duration, size } from './units.ts'

const mimePattern = z
  .string()
  .regex(/^[a-z0-9.+-]+\/([a-z0-9.+-]+|\*)$/, 'a type such as image/png, or image/*')
  .max(100)

/** Which files may pass. */
const filter = {
  maxSize: size().optional().describe('largest file; default: blobs.maxSize'),
  types: z.array(mimePattern).max(200).optional().describe('only these, as found in the content; default: all'),
  blockedTypes: z.array(mimePattern).max(200).optional().describe('never these'),
}

/** Per route: whether attachments become K2 tickets, and which files people may fetch there. */
export const routeFilesSchema = z.strictObject({
  share: z.enum(['none', 'ticket']).default('none').describe('ticket: attachments reach K2 as name|ticket lines'),
  ...filter,
})

export const blobsSchema = z.strictObject({
  maxSize: size().prefault('4GiB').describe('largest file fetched, uploaded or shared'),
  storeSize: size().prefault('50GiB').describe('all blobs of the node together'),
  keep: duration().prefault('7d').describe('how long fetched and shared files stay'),
  publicUrl: z.url().optional().describe('where people reach this gateway; default: its own address, on this machine only'),
  linkLifetime: duration().prefault('24h').describe('how long download links work'),
  fetches: z.int().min(1).max(32).default(2).describe('fetches at once in one process'),
  threads: z.int().min(1).max(16).optional().describe('threads of one large fetch; default: by the number of cores'),
  provider: z
    .strictObject({
      requestsPerSecond: z.int().min(1).max(100_000).default(100).describe('requests of one peer; more have to wait'),
      requestsAtOnce: z.int().min(1).max(1000).default(16).describe('requests of one peer served at once'),
      totalAtOnce: z.int().min(1).max(10_000).default(128).describe('requests of all peers served at once'),
      bytesPerSecond: size().prefault('0B').describe('sent to one peer; 0: no limit'),
      totalBytesPerSecond: size().prefault('0B').describe('sent to all peers together; 0: no limit'),
      junk: z
        .strictObject({
          perSecond: z.number().positive().max(1e6).default(5).describe('of one peer'),
          burst: z.int().min(1).max(1e6).default(50).describe('of one peer at once, after a quiet time'),
          perSecondOfAddress: z
            .number()
            .positive()
            .max(1e6)
            .default(25)
            .describe('of all peers behind one IPv4 address or IPv6 /64; not through relays'),
          burstOfAddress: z.int().min(1).max(1e6).default(500).describe('of all peers behind one address at once'),
          ban: duration().prefault('30s').describe('how long who sends more is turned away'),
        })
        .prefault({})
        .describe('requests that cannot be read, or are not sent in time'),
    })
    .prefault({})
    .describe('what other peers may take of the blobs this node serves'),
  attempts: z.int().min(1).max(12).default(8).describe('tries of one fetch, with growing pauses'),
  jobLifetime: duration().prefault('24h').describe('a file job that is not done by then is given up'),
  worker: z
    .enum(['inside', 'separate'])
    .default('inside')
    .describe('separate: only "k2gw worker" processes fetch; needs a Postgres database'),
  spool: z.string().min(1).optional().describe('folder through which workers on this machine hand over what they fetched'),
  quota: z
    .strictObject({
      jobs: z.int().min(1).max(1000).default(3).describe('file jobs of one person at once'),
      bytesPerDay: size().prefault('10GiB').describe('what one person may fetch in 24 hours'),
    })
    .prefault({}),
  types: filter.types,
  blockedTypes: filter.blockedTypes,
  scanner: z
    .strictObject({
      command: z
        .array(z.string().max(1000))
        .min(1)
        .max(50)
        .describe('program and arguments; {file} is the path. Exit code 0: clean, 1: refused, others: failed'),
      timeout: duration().prefault('60s'),
    })
    .optional()
    .describe('run for every fetched file before it is delivered'),
})

export type BlobsConfig = z.output<typeof blobsSchema>
