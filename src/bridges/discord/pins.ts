import type { NativeRef } from '../model/place.ts'
import type { DiscordApi } from './api.ts'
import { judge } from './errors.ts'
import { channelIdOf } from './outbound.ts'

/** Pins a message; needs the right to pin messages, which is one of its own since 2026. */
export async function pinOnDiscord(ref: NativeRef, api: DiscordApi, signal: AbortSignal): Promise<'done' | 'later' | 'refused'> {
  const answer = await api.call(
    { method: 'PUT', path: `/channels/${channelIdOf(ref)}/messages/pins/${ref.id}`, auth: 'bot' },
    signal,
  )
  if (answer.ok) return 'done'
  const { kind } = judge(answer.failure, 'edit')
  return kind === 'rate-limited' || kind === 'ambiguous' || kind === 'not-sent' ? 'later' : 'refused'
}
