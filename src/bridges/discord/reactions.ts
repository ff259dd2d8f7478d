import type { Emoji } from '../model/message.ts'
import type { ReactionChange, ReactionOutcome } from '../reactions.ts'
import type { DiscordApi } from './api.ts'
import { judge } from './errors.ts'
import { channelIdOf } from './outbound.ts'

/** Different emojis of one message; the server refuses more (4.1). */
const MAX_EMOJIS = 20
const RETRY_MS = 5_000
/** Codes for "not this emoji here": unknown emoji, too many, blocked by the author. */
const NOT_THIS: ReadonlySet<number> = new Set([10014, 30010, 90001, 50035])

/** Our bot adds each emoji of people elsewhere once, and takes back those nobody uses any more (10.4). */
export async function reactOnDiscord(
  change: ReactionChange,
  api: DiscordApi,
  canUseEmoji: (id: string) => boolean,
  signal: AbortSignal,
): Promise<ReactionOutcome> {
  const { ref, wanted } = change
  const shown = new Set(change.shown)
  const names = new Map(wanted.map((emoji) => nameOf(emoji, canUseEmoji)).filter((name) => name !== undefined))
  const kept = new Set([...names.keys()].slice(0, MAX_EMOJIS))
  const steps = [
    ...[...shown].filter((key) => !kept.has(key)).map((key) => ({ method: 'DELETE' as const, key })),
    ...[...kept].filter((key) => !shown.has(key)).map((key) => ({ method: 'PUT' as const, key })),
  ]
  for (const { method, key } of steps) {
    const emoji = encodeURIComponent(names.get(key) ?? presented(key))
    const path = `/channels/${channelIdOf(ref)}/messages/${ref.id}/reactions/${emoji}/@me` as const
    const answer = await api.call({ method, path, auth: 'bot', essential: false }, signal)
    if (!answer.ok) {
      const { failure } = answer
      if (failure.kind === 'api' && NOT_THIS.has(failure.code)) {
        shown.delete(key)
        continue
      }
      const verdict = judge(failure, 'delete')
      if (verdict.kind === 'rate-limited') return { kind: 'later', afterMs: verdict.afterMs, shown: [...shown] }
      if (verdict.kind === 'ambiguous' || verdict.kind === 'not-sent')
        return { kind: 'later', afterMs: RETRY_MS, shown: [...shown] }
      return { kind: 'gone' }
    }
    if (method === 'PUT') shown.add(key)
    else shown.delete(key)
  }
  return { kind: 'done', shown: [...shown] }
}

/** Discord knows characters that are text by themselves only with the selector that makes them emojis. */
function presented(key: string): string {
  return /^\p{Emoji}$/u.test(key) && !/\p{Emoji_Presentation}/u.test(key) ? `${key}\ufe0f` : key
}

/** How the API names an emoji; undefined for custom ones of places the bot is not in. The key names it again later. */
function nameOf({ key, name }: Emoji, canUseEmoji: (id: string) => boolean): [string, string] | undefined {
  if (!key.startsWith('custom:')) return [key, presented(key)]
  const id = key.slice('custom:'.length)
  // Kept under `name:id`, which is all that is needed to take it back.
  return canUseEmoji(id) && /^\w{2,32}$/.test(name) ? [`${name}:${id}`, `${name}:${id}`] : undefined
}
