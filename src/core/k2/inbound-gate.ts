import { blake3 } from '@noble/hashes/blake3.js'
import { isK2Error } from '../../base/errors.ts'
import { type Hash, hashOf, type PeerId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import { decodeContent } from './decode.ts'
import type { HostBook } from './host-book.ts'
import type { DropReason, GossipArrival, InboundChat, InboundMarket, InboundMessage } from './inbound.ts'
import { chatIdentityBytes } from './json-messages.ts'
import { canonicalBytes } from './json-writer.ts'
import type { ChatMessage, K2Message, MarketMessage } from './messages.ts'
import type { RateGuard, TrafficKind } from './rate-guard.ts'
import type { ReplayCache } from './replay-cache.ts'
import { ClaimBook, classifySender, type SenderClass } from './sender-class.ts'
import { proves } from './signed-envelope.ts'
import type { VariantTwins } from './variant-twins.ts'

/** Offers and interests further from our clock start nothing new (k2-application 2.7). */
const MARKET_SKEW_MS = 10 * 60_000
/** Chat lines may have waited in an outbox, and clocks of people are wrong; beyond this the inbox no longer knows duplicates. */
export const CHAT_SKEW_MS = 7 * 24 * 3600_000
export const FUTURE_MS = 60_000

export type Verdict =
  | { readonly accept: InboundMessage }
  /**
   * `again`: a chat line the application has already finished with arrived once more. `pending`: the application has not
   * finished with an earlier copy.
   */
  | { readonly drop: DropReason; readonly again?: InboundChat; readonly pending?: Hash }
  /** A neighbour's own chat line came too soon: offer it again in so many ms, before later ones of this neighbour. */
  | { readonly laterMs: number }

export interface InboundGateOptions {
  readonly me: PeerId
  readonly guard: RateGuard
  readonly replay: ReplayCache
  /** Lower-case hex of ids that a node can own. */
  readonly idOf: (text: string) => string | undefined
  /** Copies of direct messages that came over a connection of their own. */
  readonly twins?: VariantTwins
  /** Checks signatures; without it nobody is proven by one. */
  readonly verify?: Verify
  /** Nothing is taken from these, nor in their names. */
  readonly isBlocked?: (peer: PeerId) => boolean
  /** The person this node speaks for under an id. */
  readonly personOf?: (id: string) => string | undefined
  /** Learns who hosts whom, and tells it. */
  readonly hosts?: Pick<HostBook, 'note' | 'hostOf'>
}

/**
 * Every check between gossip and the application (k2-application 2.7, 7.2, 7.3), cheapest first. Pure apart from its own
 * bounded memory; `now` in ms. Never throws for anything a peer sends.
 */
export class InboundGate {
  readonly #options: InboundGateOptions
  readonly #claims = new ClaimBook()

  constructor(options: InboundGateOptions) {
    this.#options = options
  }

  accept(arrival: GossipArrival, now: number): Verdict {
    const { guard, isBlocked } = this.#options
    if (isBlocked?.(arrival.from)) return { drop: 'blocked' }
    if (!guard.admit(arrival.from, now)) return { drop: 'flood' }
    const message = this.#decode(arrival)
    if (message === undefined) return this.#fault(arrival, 'malformed', now)
    if (message.kind === 'match' || message.senderId === undefined) return { drop: 'no-sender' }
    if (isBlocked?.(message.senderId as PeerId)) return { drop: 'blocked' }
    const senderClass = this.#isOurs(message.senderId) ? 'forged' : classifySender(message.senderId, arrival, this.#options.me)
    if (senderClass === 'forged') return this.#fault(arrival, 'forged', now)
    const misplaced = this.#misplaced(message, senderClass, arrival)
    if (misplaced !== undefined) return { drop: misplaced }
    const traffic: TrafficKind = senderClass === 'claimed' ? 'forwarded' : message.kind === 'chat' ? 'chat' : 'market'
    if (!guard.neighbor(arrival.from, traffic, now)) {
      return traffic === 'chat' ? { laterMs: guard.neighborWaitMs(arrival.from, 'chat', now) } : { drop: 'neighbor-rate' }
    }
    const isVouchedFor = senderClass === 'hosted' && guard.isTrusted(arrival.from)
    if (senderClass !== 'verified' && !isVouchedFor && !guard.claimedSender(message.senderId, now)) return { drop: 'sender-rate' }
    if (!isTimely(message, now)) return { drop: 'stale' }
    const host = message.kind === 'unknown' ? undefined : message.proof?.host
    if (host !== undefined && isBlocked?.(host)) return { drop: 'blocked' }
    // What we said for somebody before a restart, brought back.
    if (host === this.#options.me) return { drop: 'forged' }
    const proven = this.#proven(message, arrival)
    if (proven === false) return { drop: 'bad-signature' }
    if (proven?.hostId !== undefined) {
      this.#options.hosts?.note(message.senderId, proven.hostId)
      if (!this.#isTheirHost(arrival.topic.contact, proven.hostId)) return { drop: 'not-the-contact' }
    }
    const built = this.#build(message, proven ?? sourceOf(senderClass, arrival), arrival, now)
    return this.#isTwin(built, now) ? { drop: 'replay' } : this.#once(built, arrival, now)
  }

  /** A copy of gossip message `id` came straight from `from`: the accepted message whose claimed sender that proves, if any. */
  directCopy(id: Hash, from: PeerId, now: number): Hash | undefined {
    return this.#claims.directCopy(id, from, now)
  }

  #decode(arrival: GossipArrival): K2Message | undefined {
    const context = { direct: arrival.topic.contact !== undefined, idOf: this.#options.idOf }
    try {
      return decodeContent(arrival.content, context)
    } catch (error) {
      if (isK2Error(error)) return undefined
      throw error
    }
  }

  /** The neighbour answers for what it hands over; the claimed sender may be a victim. */
  #fault(arrival: GossipArrival, drop: DropReason, now: number): Verdict {
    this.#options.guard.penalize(arrival.from, now)
    return { drop }
  }

  #misplaced(message: K2Message, senderClass: SenderClass, arrival: GossipArrival): DropReason | undefined {
    const { contact } = arrival.topic
    if (contact === undefined) return undefined
    if (message.kind !== 'chat') return 'wrong-topic'
    // Anybody can compute this topic and write to it, also in the contact's name.
    if (message.senderId !== contact) return 'not-the-contact'
    return senderClass === 'hosted' && !this.#isTheirHost(contact, arrival.from) ? 'not-the-contact' : undefined
  }

  /** On a topic of two only the host of a hosted contact speaks for it. */
  #isTheirHost(contact: PeerId | undefined, host: PeerId): boolean {
    return contact === undefined || this.#options.hosts?.hostOf(contact) === host
  }

  #build(message: Exclude<K2Message, { kind: 'match' }>, source: Source, arrival: GossipArrival, now: number): InboundMessage {
    const common = { topic: arrival.topic, ...source }
    if (message.kind === 'unknown') {
      return { type: 'unknown', ...common, senderId: message.senderId ?? '', messageId: arrival.id, object: message.object }
    }
    const sender = { senderId: message.senderId, routable: message.routable, sentAt: clampTime(message.sentAt, now) }
    if (message.kind === 'chat') return chatOf(message, { ...common, ...sender, messageId: chatId(message, arrival.id) })
    return this.#market(message, { ...common, ...sender, messageId: arrival.id })
  }

  #market(
    message: MarketMessage,
    common: Omit<InboundMarket, 'type' | 'kind' | 'forUs' | 'forPerson' | 'form' | 'intentKey' | 'suspicious'>,
  ): InboundMarket {
    const { kind, form, targetId } = message
    const topic = common.topic.name
    const isForUs = kind === 'interest' && targetId !== undefined && this.#isOurs(targetId)
    const forPerson = isForUs ? this.#options.personOf?.(targetId) : undefined
    return {
      type: 'market',
      kind,
      ...common,
      form,
      forUs: isForUs,
      ...(forPerson !== undefined && { forPerson }),
      suspicious: message.topic !== undefined && message.topic !== topic,
      intentKey: intentKeyOf(kind, topic, message),
      ...(targetId !== undefined && { targetId }),
    }
  }

  /**
   * What the signature of a message shows, the sender's own or that of the gateway it is hosted by; undefined when it carries
   * none, false when it is wrong. The neighbour may have passed on a forgery in good faith.
   */
  #proven(message: Exclude<K2Message, { kind: 'match' }>, arrival: GossipArrival): Source | false | undefined {
    const { verify } = this.#options
    if (message.kind === 'unknown' || message.proof === undefined || verify === undefined) return undefined
    const { proof, senderId, routable } = message
    const { host } = proof
    if (host === undefined && !routable) return undefined
    if (!proves(proof, arrival.topic.id, host ?? (senderId as PeerId), verify)) return false
    return host === undefined ? { senderClass: 'verified' } : { senderClass: 'hosted', hostId: host }
  }

  #isOurs(id: string): boolean {
    const { me, personOf } = this.#options
    return id === me || personOf?.(id) !== undefined
  }

  /** The same direct message without a mark came over a connection of its own. */
  #isTwin(message: InboundMessage, now: number): boolean {
    if (message.type !== 'chat' || message.topic.contact === undefined || message.mark !== undefined) return false
    const { senderId: peer, text, sentAt, messageId } = message
    return this.#options.twins?.twinOf({ peer, text, variant: 'gossip', sentAt, messageId }, now) !== undefined
  }

  #once(message: InboundMessage, arrival: GossipArrival, now: number): Verdict {
    const state = this.#options.replay.take(message.messageId, now)
    if (state === 'new') {
      if (message.senderClass === 'claimed') this.#claims.claimed(arrival.id, message, now)
      return { accept: message }
    }
    return { drop: 'replay', ...(state === 'done' && message.type === 'chat' && { again: message }) }
  }
}

/** Who a message is from, as far as it is known. */
interface Source {
  readonly senderClass: SenderClass
  readonly hostId?: PeerId
}

const sourceOf = (senderClass: SenderClass, { from }: GossipArrival): Source =>
  senderClass === 'hosted' ? { senderClass, hostId: from } : { senderClass }

function isTimely(message: K2Message, now: number): boolean {
  if (message.kind === 'unknown' || message.kind === 'match' || message.sentAt === undefined) return true
  return Math.abs(now - message.sentAt) <= (message.kind === 'chat' ? CHAT_SKEW_MS : MARKET_SKEW_MS)
}

const clampTime = (sentAt: number | undefined, now: number): number => Math.min(sentAt ?? now, now + FUTURE_MS)

function chatOf(message: ChatMessage, common: Omit<InboundChat, 'type' | 'text'>): InboundChat {
  const { senderName, mark } = message
  return { type: 'chat', ...common, text: message.text, ...(senderName !== undefined && { senderName }), ...(mark && { mark }) }
}

/** Lines of gateways are known by what all attempts share, other lines by their bytes. */
function chatId(message: ChatMessage, gossipId: Hash): Hash {
  if (message.mark === undefined || message.sentAt === undefined) return gossipId
  return hashOf(blake3(chatIdentityBytes({ ...message, sentAt: message.sentAt })))
}

/** The intent behind an offer: everything but its time and what only gateways read. */
function intentKeyOf(kind: string, topic: string, message: MarketMessage): Hash {
  const { x_gateway: _, ...form } = message.form
  const { senderId, targetId } = message
  return hashOf(blake3(canonicalBytes({ kind, topic, senderId, form, ...(targetId !== undefined && { targetId }) })))
}
