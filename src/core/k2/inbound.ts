import type { Hash, PeerId, TopicId } from '../ids.ts'
import type { MarketForm } from './form.ts'
import type { GatewayMark, MarketKind, UnknownMessage } from './messages.ts'
import type { Arrival, SenderClass } from './sender-class.ts'

/** A joined topic as messages see it. */
export interface TopicInfo {
  readonly id: TopicId
  /** The exact string whose hash the id is. */
  readonly name: string
  /** The other node of a direct-message topic. */
  readonly contact?: PeerId
  /** The person of ours whose id it was computed with, and that id; without it this node's own. */
  readonly as?: { readonly id: PeerId; readonly person: string }
}

/** One message as gossip hands it over. */
export interface GossipArrival extends Arrival {
  readonly topic: TopicInfo
  /** BLAKE3 of the content. */
  readonly id: Hash
  readonly content: Uint8Array
}

interface Accepted {
  readonly topic: TopicInfo
  readonly senderId: string
  readonly routable: boolean
  readonly senderClass: SenderClass
  /** Who published it, when that is not the sender it names. */
  readonly hostId?: PeerId
  /** Sender's clock in ms, at most a minute ahead of ours; our time where the message has none. */
  readonly sentAt: number
  /** Names the message on every node: BLAKE3 of its content, leaving out what only tells attempts apart. */
  readonly messageId: Hash
}

export interface InboundMarket extends Accepted {
  readonly type: 'market'
  readonly kind: MarketKind
  readonly targetId?: string
  /** An interest in something we offer. */
  readonly forUs: boolean
  /** The person of ours it is addressed to, where people have ids of their own. */
  readonly forPerson?: string
  readonly form: MarketForm
  /** Refreshes of one intent share it; a changed form has another. */
  readonly intentKey: Hash
  /** The message named another topic than the one it came on. */
  readonly suspicious: boolean
}

export interface InboundChat extends Accepted {
  readonly type: 'chat'
  readonly senderName?: string
  readonly text: string
  readonly mark?: GatewayMark
}

/** Well-formed but of no known kind: for rules, never shown raw. */
export interface InboundUnknown extends Omit<Accepted, 'routable' | 'sentAt'> {
  readonly type: 'unknown'
  readonly object: UnknownMessage['object']
}

export type InboundMessage = InboundMarket | InboundChat | InboundUnknown

/** Why a message went no further; each has a counter. */
export type DropReason =
  | 'blocked'
  | 'bad-signature'
  | 'flood'
  | 'malformed'
  | 'forged'
  | 'neighbor-rate'
  | 'sender-rate'
  | 'stale'
  | 'replay'
  | 'wrong-topic'
  | 'not-the-contact'
  | 'no-sender'
