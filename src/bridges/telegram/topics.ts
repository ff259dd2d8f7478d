import { z } from 'zod'
import { cutGraphemes } from '../format/sanitize.ts'
import type { Place } from '../model/place.ts'
import type { ThreadChange } from '../threads.ts'
import type { TelegramClient } from './client.ts'
import { callError } from './desk-calls.ts'
import { failureOf, judge } from './errors.ts'

/** Longest name of a topic (bridging 5.1). */
const MAX_NAME = 128
const METHOD = { rename: 'editForumTopic', close: 'closeForumTopic', reopen: 'reopenForumTopic' } as const

/** Renames, closes or opens a topic; needs the right to manage topics. */
export async function changeTopic(
  place: Place,
  change: ThreadChange,
  client: TelegramClient,
  signal: AbortSignal,
): Promise<'done' | 'later' | 'refused'> {
  const payload = {
    chat_id: /^-?\d+$/.test(place.channel) ? Number(place.channel) : place.channel,
    message_thread_id: Number(place.thread),
    ...(change.kind === 'rename' && { name: cutGraphemes(change.title, MAX_NAME) }),
  }
  try {
    await client.call(METHOD[change.kind], payload, signal)
    return 'done'
  } catch (error) {
    const failure = failureOf(error)
    // It is so already: most likely we are told of our own change.
    if (failure.kind === 'api' && /not_modified|not modified/i.test(failure.description)) return 'done'
    const { kind } = judge(failure, 'edit')
    return kind === 'rate-limited' || kind === 'ambiguous' || kind === 'not-sent' ? 'later' : 'refused'
  }
}

const Topic = z.looseObject({ message_thread_id: z.int() })

/** Begins a topic of a forum; needs the right to manage topics. */
export async function openTopic(place: Place, title: string, client: TelegramClient, signal: AbortSignal): Promise<string> {
  const chat = /^-?\d+$/.test(place.channel) ? Number(place.channel) : place.channel
  try {
    const topic = await client.call('createForumTopic', { chat_id: chat, name: cutGraphemes(title, MAX_NAME) }, signal)
    return String(Topic.parse(topic).message_thread_id)
  } catch (error) {
    throw callError(error)
  }
}
