import { excerptOf } from '../../bridges/format/plain.ts'
import type { Body, BridgeEvent, Emoji, Envelope, ReplyTo } from '../../bridges/model/message.ts'
import { plain } from '../../bridges/model/rich-text.ts'

/** A line that stands for an event that is no message, so that it does not vanish where a route asks for it. */
export interface LineBody {
  readonly body: Body
  readonly replyTo?: ReplyTo
}

const THREAD_TEXT = {
  'thread.create': 'started the thread',
  'thread.rename': 'renamed the thread to',
  'thread.close': 'closed the thread',
  'thread.reopen': 'reopened the thread',
} as const

/** Undefined for messages themselves, and where nothing is left to say (a reaction set to nothing). */
export function lineBodyOf(envelope: Envelope): LineBody | undefined {
  const { event } = envelope
  switch (event.kind) {
    case 'notice':
      return event.text.trim() === '' ? undefined : line(event.text)
    case 'thread.create':
    case 'thread.rename':
    case 'thread.close':
    case 'thread.reopen':
      return line(`${THREAD_TEXT[event.kind]} ${JSON.stringify(event.title ?? event.thread)}`)
    case 'reaction.set':
    case 'reaction.delta':
    case 'reaction.clear': {
      const text = reactionText(event)
      return text === undefined ? undefined : { ...line(text), replyTo: { ref: envelope.msg } }
    }
    default:
      return undefined
  }
}

function reactionText(event: Extract<BridgeEvent, { kind: `reaction.${string}` }>): string | undefined {
  switch (event.kind) {
    case 'reaction.set':
      return event.emojis.length === 0 ? undefined : `reacted ${names(event.emojis)}`
    case 'reaction.delta':
      if (event.add.length > 0) return `reacted ${names(event.add)}`
      return event.remove.length === 0 ? undefined : `took back ${names(event.remove)}`
    case 'reaction.clear':
      return event.emoji ? `removed all ${names([event.emoji])}` : 'removed all reactions'
  }
}

function names(emojis: readonly Emoji[]): string {
  return emojis.map((e) => (e.key.startsWith('custom:') ? `:${e.name}:` : e.key)).join(' ')
}

function line(text: string): LineBody {
  return { body: { rich: plain(text), attachments: [] } }
}

/** Start of a text for the message table and for quotes (bridging 3: 200 characters). */
export function storedExcerpt(body: Body): string {
  const text = excerptOf(body.rich, 200)
  if (text !== '') return text
  const file = body.attachments[0]
  return body.card?.title ?? body.poll?.question ?? body.sticker?.name ?? (file ? `[${file.kind}] ${file.name}` : '')
}
