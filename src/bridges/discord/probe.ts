import { z } from 'zod'
import type { DiscordApi } from './api.ts'
import type { Failure } from './errors.ts'

const DISCORD_EPOCH_MS = 1_420_070_400_000

/** The smallest id a message written at `ms` can have. */
export function snowflakeAt(ms: number): string {
  return (BigInt(Math.max(0, Math.floor(ms) - DISCORD_EPOCH_MS)) << 22n).toString()
}

/** When a message was written, ms since the epoch. */
export function snowflakeMs(id: string): number {
  return Number(BigInt(id) >> 22n) + DISCORD_EPOCH_MS
}

/** Numeric order of ids, as text. */
export function compareSnowflakes(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}

const Sent = z.object({
  id: z.string().regex(/^\d{1,20}$/),
  webhook_id: z.string().optional(),
  content: z.string(),
  author: z.object({ id: z.string(), username: z.string() }),
  attachments: z.array(z.object({ size: z.number() })),
})

export interface ProbeTarget {
  /** Channel or thread. */
  readonly channel: string
  /** Start of the attempt that may have arrived, ms. */
  readonly since: number
  /** Webhook id, or our user id with `isWebhook: false`. */
  readonly author: string
  readonly isWebhook: boolean
  /** Webhook messages only: the name they were sent under. */
  readonly name?: string
  readonly content: string
  /** Sizes of its files in order; Discord may change their names. */
  readonly files: readonly number[]
  /** Messages that belong to other deliveries. */
  readonly taken: (ids: readonly string[]) => Promise<ReadonlySet<string>>
}

export type ProbeAnswer =
  | { readonly kind: 'found'; readonly id: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** Clocks differ: look this much earlier. */
const SLACK_MS = 5_000
const PAGE = 100
/** 3,000 messages since the attempt; more, and the message is not found. */
const MAX_PAGES = 30

/** Looks in the channel's history for a message an earlier attempt may have sent (bridging 15.4). */
export async function findSent(api: DiscordApi, target: ProbeTarget, signal: AbortSignal): Promise<ProbeAnswer> {
  let after = snowflakeAt(target.since - SLACK_MS)
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { after, limit: String(PAGE) }
    const answer = await api.call({ method: 'GET', path: `/channels/${target.channel}/messages`, query, auth: 'bot' }, signal)
    if (!answer.ok) return { kind: 'failed', failure: answer.failure }
    const raw: readonly unknown[] = Array.isArray(answer.body) ? answer.body : []
    const list = raw.flatMap((m) => Sent.safeParse(m).data ?? [])
    const matching = list.filter((m) => isMatch(m, target)).sort((a, b) => compareSnowflakes(a.id, b.id))
    if (matching.length > 0) {
      const taken = await target.taken(matching.map((m) => m.id))
      const free = matching.find((m) => !taken.has(m.id))
      if (free !== undefined) return { kind: 'found', id: free.id }
    }
    if (raw.length < PAGE) break
    after = list.reduce((max, m) => (compareSnowflakes(m.id, max) > 0 ? m.id : max), after)
  }
  return { kind: 'absent' }
}

function isMatch(message: z.infer<typeof Sent>, target: ProbeTarget): boolean {
  const isAuthor = target.isWebhook
    ? message.webhook_id === target.author && message.author.username === target.name
    : message.webhook_id === undefined && message.author.id === target.author
  const files = message.attachments.map((a) => a.size)
  return isAuthor && message.content.trim() === target.content.trim() && files.join('/') === target.files.join('/')
}
