import { blake3 } from '@noble/hashes/blake3.js'
import { type Hash, hashOf, type PeerId } from '../ids.ts'
import type { DirectMessage } from './direct-stream.ts'
import type { InboundChat } from './inbound.ts'
import { CHAT_SKEW_MS, FUTURE_MS, type Verdict } from './inbound-gate.ts'
import { chatIdentityBytes } from './json-messages.ts'
import { canonicalBytes } from './json-writer.ts'
import { cleanName } from './names.ts'
import type { RateGuard } from './rate-guard.ts'
import type { ReplayCache } from './replay-cache.ts'
import { directTopicName, topicIdOfName } from './topics.ts'
import type { VariantTwins } from './variant-twins.ts'

export interface DirectGateOptions {
  readonly me: PeerId
  readonly guard: RateGuard
  readonly replay: ReplayCache
  readonly twins: VariantTwins
  readonly isBlocked: (peer: PeerId) => boolean
}

/**
 * The checks of messages over `k2/direct-message/1`. The connection proves the sender; what the message says about itself is
 * only a name and a time. Pure apart from its own bounded memory.
 */
export class DirectGate {
  readonly #options: DirectGateOptions

  constructor(options: DirectGateOptions) {
    this.#options = options
  }

  accept(message: DirectMessage, now: number): Verdict {
    const { guard, replay, twins, isBlocked } = this.#options
    const { from, content, mark } = message
    if (isBlocked(from)) return { drop: 'blocked' }
    if (!guard.admit(from, now)) return { drop: 'flood' }
    if (content.trim() === '') {
      guard.penalize(from, now)
      return { drop: 'malformed' }
    }
    if (!guard.neighbor(from, 'chat', now)) return { laterMs: guard.neighborWaitMs(from, 'chat', now) }
    const chat = this.#build(message, now)
    if (mark !== undefined && Math.abs(now - (message.sentAt ?? now)) > CHAT_SKEW_MS) return { drop: 'stale' }
    const copy = { peer: from, text: content, variant: 'stream' as const, sentAt: chat.sentAt, messageId: chat.messageId }
    if (mark === undefined && twins.twinOf(copy, now) !== undefined) return { drop: 'replay', again: chat }
    const state = replay.take(chat.messageId, now)
    if (state === 'new') return { accept: chat }
    return { drop: 'replay', ...(state === 'done' ? { again: chat } : { pending: chat.messageId }) }
  }

  #build(message: DirectMessage, now: number): InboundChat {
    const { me } = this.#options
    const { from, content, mark } = message
    const senderName = cleanName(message.senderName ?? '')
    const usable = message.sentAt !== undefined && Math.abs(now - message.sentAt) <= CHAT_SKEW_MS
    const sentAt = usable ? (message.sentAt as number) : now
    const name = directTopicName(me, from)
    const chat = { senderId: from, text: content, sentAt, ...(senderName !== '' && { senderName }), ...(mark && { mark }) }
    return {
      type: 'chat',
      ...chat,
      topic: { id: topicIdOfName(name), name, contact: from },
      routable: true,
      senderClass: 'verified',
      sentAt: Math.min(sentAt, now + FUTURE_MS),
      messageId: mark === undefined ? plainId(chat) : hashOf(blake3(chatIdentityBytes(chat))),
    }
  }
}

/** Unlike a gossip line, one without a mark has no bytes of its own that every node computes an id from. */
function plainId({ senderId, text, sentAt }: { senderId: string; text: string; sentAt: number }): Hash {
  return hashOf(blake3(canonicalBytes({ type: 'direct', senderId, text, sentAt })))
}
