import { cutGraphemes } from '../format/sanitize.ts'
import type { Place } from '../model/place.ts'
import type { ThreadChange } from '../threads.ts'
import type { DiscordApi } from './api.ts'
import { judge } from './errors.ts'

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
