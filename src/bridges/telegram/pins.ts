import type { NativeRef } from '../model/place.ts'
import type { TelegramClient } from './client.ts'
import { failureOf, judge } from './errors.ts'

/** Pins a message for everybody without a sound; needs the right to pin messages. */
export async function pinOnTelegram(
  ref: NativeRef,
  client: TelegramClient,
  signal: AbortSignal,
): Promise<'done' | 'later' | 'refused'> {
  const payload = {
    chat_id: /^-?\d+$/.test(ref.channel) ? Number(ref.channel) : ref.channel,
    message_id: Number(ref.id),
    disable_notification: true,
  }
  try {
    await client.call('pinChatMessage', payload, signal)
    return 'done'
  } catch (error) {
    const { kind } = judge(failureOf(error), 'edit')
    return kind === 'rate-limited' || kind === 'ambiguous' || kind === 'not-sent' ? 'later' : 'refused'
  }
}
