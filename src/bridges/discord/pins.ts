import type { NativeRef } from '../model/place.ts'
import type { DiscordApi } from './api.ts'
import { judge } from './errors.ts'
import { channelIdOf } from './outbound.ts'

/** Pins a message; needs the right to manage messages. */
export async function pinOnDiscord(ref: NativeRef, api: DiscordApi, signal: AbortSignal): Promise<'done' | 'later' | 'refused'> {
  const answer = await api.call({ method: 'PUT', path: `/channels/${channelIdOf(ref)}/pins/${ref.id}`, auth: 'bot' }, signal)
  if (answer.ok) return 'done'
  const { kind } = judge(answer.failure, 'edit')
  return kind === 'rate-limited' || kind === 'ambiguous' || kind === 'not-sent' ? 'later' : 'refused'
}
