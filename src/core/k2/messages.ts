import type { MarketForm } from './form.ts'
import type { JsonObject } from './json-reader.ts'
import type { Proof } from './signed-envelope.ts'

/** Largest content gossip can send in one message (k2-application 0.4). */
export const MAX_CONTENT_BYTES = 4057

/** Longest sender id taken from the wire; ids of the web server are shorter. */
export const MAX_SENDER_LENGTH = 128

/** Gateways a line may have passed, one more than any gateway accepts. */
export const MAX_VIA = 5

export type MarketKind = 'offer' | 'interest' | 'request'

/** An offer, an interest, or our own request (a buy side that reference nodes ignore). */
export interface MarketMessage {
  readonly kind: MarketKind
  /** As the message says; compare with the topic of arrival. */
  readonly topic: string | undefined
  /** What the sender claims to be: lower-case hex when it is a usable node id, otherwise any text up to 128 characters. */
  readonly senderId: string
  /** True for a node id that a peer can own. */
  readonly routable: boolean
  /** Whom an interest is for. */
  readonly targetId?: string
  readonly form: MarketForm
  /** Sender's clock in ms; undefined when the message has no usable one. */
  readonly sentAt: number | undefined
  /** A signature, not checked yet. */
  readonly proof?: Proof
}

/** What gateways add to their chat lines; K2 applications ignore it. */
export interface GatewayMark {
  /** Same for every attempt to send one line: receiving gateways take the line once. */
  readonly key: string
  /** 0 and absent for the first attempt; makes later ones differ, so that gossip carries them. */
  readonly attempt: number
  /** Nodes that already passed the line on between topics, as 16 hex digits each. */
  readonly via: readonly string[]
  /** What it repeats: the same for every copy of one message, on whichever topic and by whichever gateway. */
  readonly origin?: string
}

export interface ChatMessage {
  readonly kind: 'chat'
  readonly senderId: string
  readonly routable: boolean
  readonly senderName?: string
  readonly text: string
  readonly sentAt: number | undefined
  readonly mark?: GatewayMark
  /** A signature, not checked yet. */
  readonly proof?: Proof
}

/** The unused third kind of the postcard form: an offer and a request belong together. */
export interface MatchMessage {
  readonly kind: 'match'
  readonly offerId: string
  readonly requestId: string
}

/** A well-formed object that is none of the above: for rules and logs, never shown raw. */
export interface UnknownMessage {
  readonly kind: 'unknown'
  readonly senderId?: string
  readonly object: JsonObject
}

export type K2Message = MarketMessage | ChatMessage | MatchMessage | UnknownMessage
