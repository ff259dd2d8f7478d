import { z } from 'zod'
import type { NativeRef, Place } from '../../bridges/model/place.ts'
import type { BlobFormat } from '../../core/blobs/index.ts'
import type { Hash, PeerAddr, PeerId } from '../../core/index.ts'

/** Job priorities as people name them; smaller numbers go first. */
export const PRIORITIES = { high: 1, normal: 5, low: 10 } as const
export type Priority = keyof typeof PRIORITIES

/** Which files may reach a place. Sizes in bytes; types as `image/png` or `image/*`. */
export const filePolicySchema = z.object({
  maxBytes: z.number().int().min(0),
  /** Only these; absent: every type. */
  types: z.array(z.string()).optional(),
  /** Never these, whatever `types` says. */
  blockedTypes: z.array(z.string()).optional(),
})
export type FilePolicy = z.output<typeof filePolicySchema>

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Hash)
const peerId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as PeerId)

export const providersSchema = z.array(
  z
    .object({ id: peerId, relayUrl: z.string().optional(), direct: z.array(z.string()) })
    .transform(({ id, relayUrl, direct }): PeerAddr => ({ id, direct, ...(relayUrl !== undefined && { relayUrl }) })),
)

/** Where a worker has left a fetched blob for its gateway. */
export const holderSchema = z.discriminatedUnion('kind', [
  /** The worker serves it at its own endpoint. */
  z.object({ kind: z.literal('ticket'), ticket: z.string() }),
  /** A file in the folder both share. */
  z.object({ kind: z.literal('spool'), file: z.string().regex(/^[0-9a-f-]{1,80}\.blob$/) }),
])
export type Holder = z.output<typeof holderSchema>

const network = z.enum(['discord', 'telegram', 'p2p', 'web'])
/** Where a result goes: a chat, as an answer to a message of it where there is one. */
export const targetSchema = z.object({
  place: z.object({
    network,
    account: z.string(),
    space: z.string().optional(),
    channel: z.string(),
    thread: z.string().optional(),
  }),
  replyTo: z
    .object({ network, account: z.string(), channel: z.string(), thread: z.string().optional(), id: z.string() })
    .optional(),
})
export interface Target {
  readonly place: Place
  readonly replyTo?: NativeRef
}

/** What a finished job left behind. */
export const resultSchema = z.object({
  /** `chat`: as a file in the chat; `link`: as links in the chat; `none`: nobody was told, the links are here. */
  delivered: z.enum(['chat', 'link', 'none']),
  /** Several for a collection. */
  files: z.array(z.object({ id: z.string(), linkId: z.string().optional() })),
  /** Of shared files: `name|ticket`. */
  share: z.string().optional(),
})
export type JobResult = z.output<typeof resultSchema>

export const hashSchema = hash

/** One fetch as a worker sees it. */
export interface Fetch {
  readonly id: string
  readonly hash: Hash
  readonly format: BlobFormat
  readonly providers: readonly PeerAddr[]
  readonly maxBytes: number
  readonly status: string
  /** Failed attempts so far. */
  readonly attempts: number
  /** Names this lease: statements with an older one change nothing. */
  readonly fence: number
  readonly holder: Holder | undefined
}

export type JobState = 'queued' | 'fetching' | 'finishing' | 'done' | 'failed' | 'cancelled'

/** A job as people see it. Sizes in bytes, times in ms since the epoch. */
export interface BlobJob {
  readonly id: string
  readonly kind: 'fetch' | 'share'
  readonly requester: string
  readonly name: string
  readonly hash: string | undefined
  readonly format: BlobFormat | undefined
  readonly state: JobState
  readonly size: number | undefined
  readonly bytes: number
  readonly attempts: number
  readonly error: { readonly code: string; readonly message: string } | undefined
  readonly result: JobResult | undefined
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number
}
