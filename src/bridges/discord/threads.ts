import { K2Error } from '../../base/errors.ts'
import { cutGraphemes } from '../format/sanitize.ts'
import type { Place } from '../model/place.ts'
import type { ThreadChange } from '../threads.ts'
import type { DiscordApi } from './api.ts'
import type { Directory } from './directory.ts'
import { judge } from './errors.ts'
import { ARCHIVE_AFTER } from './execute-post.ts'
import { noticeError } from './interaction-error.ts'
import { NOBODY } from './run.ts'

/** Longest name of a thread (4.1). */
const MAX_NAME = 100

/** Renames, archives or opens a thread. */
export async function changeDiscordThread(
  place: Place,
  change: ThreadChange,
  api: DiscordApi,
  signal: AbortSignal,
): Promise<'done' | 'later' | 'refused'> {
  const { thread } = place
  if (thread === undefined) return 'refused'
  const body = change.kind === 'rename' ? { name: cutGraphemes(change.title, MAX_NAME) } : { archived: change.kind === 'close' }
  const answer = await api.call({ method: 'PATCH', path: `/channels/${thread}`, body, auth: 'bot' }, signal)
  if (answer.ok) return 'done'
  const { kind } = judge(answer.failure, 'edit')
  return kind === 'rate-limited' || kind === 'ambiguous' || kind === 'not-sent' ? 'later' : 'refused'
}

const PUBLIC_THREAD = 11

/** Begins a thread, in a forum a post. */
export async function openDiscordThread(
  place: Place,
  title: string,
  directory: Directory,
  api: DiscordApi,
  signal: AbortSignal,
): Promise<string> {
  const name = cutGraphemes(title, MAX_NAME)
  const message = { content: name, allowed_mentions: NOBODY }
  const tag = directory.forumTag(place.channel)
  const post = { message, ...(tag !== undefined && { applied_tags: [tag] }) }
  const kind = directory.isForum(place.channel) ? post : { type: PUBLIC_THREAD }
  const body = { name, auto_archive_duration: ARCHIVE_AFTER, ...kind }
  const answer = await api.call({ method: 'POST', path: `/channels/${place.channel}/threads`, body, auth: 'bot' }, signal)
  if (!answer.ok) throw noticeError(answer.failure)
  const id = (answer.body as { id?: unknown } | undefined)?.id
  if (typeof id === 'string') return id
  throw new K2Error({ code: 'DISCORD_UNREADABLE', kind: 'platform', message: 'Discord did not say which thread was made' })
}
