import { z } from 'zod'
import { cutGraphemes, sanitizeName } from '../format/sanitize.ts'
import type { SendRequest } from '../port.ts'
import type { DiscordApi } from './api.ts'
import type { Failure } from './errors.ts'
import { compareSnowflakes, snowflakeAt } from './probe.ts'
import type { Run } from './run.ts'

/** Longest name of a post (4.1). */
const MAX_TITLE = 100
/** Clocks differ: a post may be this much older than the attempt that made it, ms. */
const SLACK_MS = 5_000

/** The post of a forum a message goes to: that of its earlier parts, or of what it answers. Undefined: it begins one. */
export function postOf({ parts, request }: Run): string | undefined {
  const { reply, place } = request
  const begun = [...parts.values()].find((part) => part.ref.thread !== undefined)?.ref.thread
  return begun ?? (reply?.ref?.network === 'discord' && reply.ref.channel === place.channel ? reply.ref.thread : undefined)
}

/** Whether a message goes to a forum and not to one of its posts by name. */
export function isPostOf({ request: { place } }: Run, isForum: (channel: string) => boolean): boolean {
  return place.thread === undefined && isForum(place.channel)
}

/** Longest time without messages before Discord archives a thread by itself, minutes. */
export const ARCHIVE_AFTER = 10_080

/** A post whose first message the bot writes. */
export function postBody(request: SendRequest, message: object): object {
  return { name: postTitle(request), auto_archive_duration: ARCHIVE_AFTER, message }
}

/** A post is called like the first line of its message. */
export function postTitle({ body, author }: SendRequest): string {
  const lines = body?.rich.text.split('\n').map((line) => sanitizeName(line, MAX_TITLE)) ?? []
  return cutGraphemes(lines.find((line) => line !== '') ?? (sanitizeName(author.displayName, MAX_TITLE) || 'Message'), MAX_TITLE)
}

const Threads = z.object({
  threads: z.array(z.object({ id: z.string().regex(/^\d{1,20}$/), name: z.string(), parent_id: z.string().nullish() })),
})

/** Looks for the post an earlier attempt may have begun (bridging 15.4). */
export async function findPost(
  api: DiscordApi,
  {
    guild,
    forum,
    title,
    since,
  }: { readonly guild: string; readonly forum: string; readonly title: string; readonly since: number },
  signal: AbortSignal,
): Promise<{ readonly post?: string } | { readonly failure: Failure }> {
  const answer = await api.call({ method: 'GET', path: `/guilds/${guild}/threads/active`, auth: 'bot' }, signal)
  if (!answer.ok) return { failure: answer.failure }
  const first = snowflakeAt(since - SLACK_MS)
  const posts = Threads.safeParse(answer.body).data?.threads ?? []
  const found = posts.find((t) => t.parent_id === forum && t.name === title && compareSnowflakes(t.id, first) >= 0)
  return found === undefined ? {} : { post: found.id }
}
