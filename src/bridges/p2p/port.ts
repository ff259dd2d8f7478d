import type { Health } from '../../base/lifecycle.ts'
import type { SenderClass } from '../model/message.ts'

/** An offer, interest or request as K2 peers send it, already validated and bounded by the node (k2-application 2, 7.3). */
export interface PeerMarketMessage {
  readonly kind: 'offer' | 'interest' | 'request'
  readonly topic: string
  readonly senderId: string
  readonly senderName?: string
  readonly senderClass: SenderClass
  /** Who published it, when that is not the sender it names. */
  readonly hostId?: string
  readonly targetId?: string
  /** Key of the person here it is addressed to, where people have ids of their own. */
  readonly forPerson?: string
  readonly form: Readonly<Record<string, unknown>>
  /** Sender's clock, ms. */
  readonly sentAt: number
  /** Hash of sender + form without timestamp: refreshes share it. */
  readonly intentKey: string
  /** BLAKE3 of the content, hex: the native message id. */
  readonly messageId: string
}

export interface PeerChatMessage {
  /** Who says it: the other side's node id, on topics possibly any text a foreign program uses as an id. */
  readonly peerId: string
  /** Set when the line was read on a topic instead of a DM. */
  readonly topic?: string
  /** Key of the person here to whose own id it was written; to nobody else, and not to the gateway. */
  readonly forPerson?: string
  readonly senderName?: string
  readonly senderClass: SenderClass
  /** Who published it, when that is not the sender it names. */
  readonly hostId?: string
  readonly text: string
  readonly sentAt: number
  /** The same on every node and for every attempt to send the line. */
  readonly messageId: string
  /** Tags of gateway nodes that passed it on between topics (see `nodeTag`). */
  readonly via?: readonly string[]
  /** What it repeats, as the gateway that sent it says (see `Envelope.origin`). */
  readonly origin?: string
}

export type PeerEvent =
  | { readonly kind: 'market'; readonly message: PeerMarketMessage }
  | { readonly kind: 'chat'; readonly message: PeerChatMessage }

/** What a node reports: messages, and that a later copy of one came straight from the sender it only claimed before. */
export type PeerUpdate = PeerEvent | { readonly kind: 'verified'; readonly messageId: string }

export interface PublishResult {
  /** Ids of the messages sent, in order, as the receivers compute them: native ids. */
  readonly messageIds: readonly string[]
}

/** One text for a topic or a peer. */
export interface PeerText {
  readonly text: string
  /** Shown to the receivers; cut to 64 visible characters. */
  readonly senderName: string
  /** Key of the author where it is a person of a chat platform: gateways may give people ids of their own. */
  readonly person?: string
  /** Key of whoever wrote it, kept with the conversation here and sent to nobody. */
  readonly author?: string
  /**
   * Same for every attempt: other gateways take the text once, K2 applications see the same timestamp each time. It stays known
   * across restarts.
   */
  readonly messageKey: string
  /** Tags of gateway nodes the text has passed, this one included. */
  readonly via: readonly string[]
  /** What it repeats (see `Envelope.origin`). */
  readonly origin?: string
  /** Stops the wait for receipts: the text may have been sent. */
  readonly signal?: AbortSignal
}

export type PeerHandler = (update: PeerUpdate) => Promise<void>

/** What the P2P bridge needs of a K2 node. Implemented by the gateway on top of core. */
export interface PeerPort {
  readonly nodeId: string
  /**
   * Every accepted message, in order of arrival, for the one who stores them. The handler resolves after it was committed, and
   * only then the sender is told that its line arrived; several may run at once, called in order. It rejects only when it gives
   * up: another attempt of the sender is then taken. Returns the way to stop listening.
   */
  subscribe(handler: PeerHandler): () => void
  /** The same for others who want to know: a line does not count as stored because their handler resolves. */
  observe(handler: PeerHandler): () => void
  /**
   * A text on a topic as K2 chat JSON, split where it is long. Rejects K2Error `K2_TOO_LARGE`, `K2_UNKNOWN_TOPIC`,
   * `K2_NO_NEIGHBOR` (nobody heard it, retry later), `K2_RATE_LIMITED`, or `K2_UNCONFIRMED` (it may have arrived, send again).
   */
  sendTopicText(topic: string, text: PeerText): Promise<PublishResult>
  /** A direct message over the DM topic, in the name of `person` under their own id where people have them. Rejects `K2_NO_NEIGHBOR` while the contact itself is not a neighbour. */
  sendDirectText(peerId: string, text: PeerText): Promise<PublishResult>
  health(): Health
}

/** Whether an author key is that of a person on a chat platform; peers and the gateway itself have ids already. */
export const isPlatformPerson = (key: string): boolean => /^(discord|telegram|web):./.test(key)

/** How a node is named in via lists: short, and unlike instance names never shared by two gateways. */
export const nodeTag = (nodeId: string): string => nodeId.slice(0, 16)
