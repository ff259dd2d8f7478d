import type { RuleEvent, RuleFacts } from '../language/facts.ts'
import type { Match } from '../match/open-intents.ts'
import type { Reading } from '../model.ts'
import { ownWords } from '../thread/own-words.ts'
import type { EngineInput, IntentRecord, ThreadMessage } from './model.ts'

/** Everything the rules may look at for a message, or for an intent it changed. */
export function factsOf(
  event: RuleEvent,
  input: EngineInput,
  message: ThreadMessage,
  reading: Reading | null,
  about: { readonly record?: IntentRecord; readonly match?: Match; readonly recipient?: string } = {},
): RuleFacts {
  const { facts, profile } = input
  const { record, match, recipient } = about
  return {
    event,
    message: {
      id: message.id,
      revision: facts.revision,
      platform: message.platform,
      space: facts.space,
      channel: message.channel,
      thread: message.thread,
      text: message.text,
      clean: ownWords(message.text),
      title: message.title,
      attachments: facts.attachments,
      sent_at: message.sent_at,
    },
    author: facts.author,
    reading,
    intent_id: record?.intent.intent_id,
    recipient,
    profile: { mode: profile.mode, ...(profile.rules === undefined ? {} : { rules: profile.rules }) },
    tags: facts.tags,
    match: match === undefined ? undefined : { score: match.score, side: match.intent.side === 'want' ? 'want' : 'offer' },
    rates: facts.rates,
  }
}
