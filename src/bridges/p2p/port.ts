import type { SenderClass } from '../model/message.ts'

/** An offer, interest or request as K2 peers send it, already validated and bounded by the node (k2-application 2, 7.3). */
export interface PeerMarketMessage {
  readonly kind: 'offer' | 'interest' | 'request'
  readonly topic: string
  readonly senderId: string
  readonly senderName?: string
  readonly senderClass: SenderClass
  readonly targetId?: string
  readonly form: Readonly<Record<string, unknown>>
  /** Sender's clock, ms. */
  readonly sentAt: number
  /** Hash of sender + form without timestamp: refreshes share it. */
  readonly intentKey: string
  /** BLAKE3 of the content, hex: the native message id. */
  readonly messageId: string
}

export interface PeerChatMessage {
  /** The other side's node id. */
  readonly peerId: string
  /** Set when the line was read on a topic instead of a DM. */
  readonly topic?: string
  readonly senderName?: string
  readonly senderClass: SenderClass
  readonly text: string
  readonly sentAt: number
  readonly messageId: string
}

export type PeerEvent =
  | { readonly kind: 'market'; readonly message: PeerMarketMessage }
  | { readonly kind: 'chat'; readonly message: PeerChatMessage }

export interface PublishResult {
  /** BLAKE3 of each content sent, in order: native ids. */
  readonly messageIds: readonly string[]
}

/** What the P2P bridge needs of a K2 node. Implemented by the gateway on top of core. */
export interface PeerPort {
  readonly nodeId: string
  /** Every accepted message. The handler resolves after it was committed. Returns the way to stop listening. */
  subscribe(handler: (event: PeerEvent) => Promise<void>): () => void
  /** A line of text on a topic as K2 chat JSON. Rejects K2Error `K2_TOO_LARGE`, `K2_UNKNOWN_TOPIC`, `K2_NO_NEIGHBOR` (retry later). */
  sendTopicText(topic: string, text: string, senderName: string, messageKey: string): Promise<PublishResult>
  /** A direct message over the DM topic. Rejects `K2_NO_NEIGHBOR` while the contact itself is not a neighbour. */
  sendDirectText(peerId: string, text: string, senderName: string, messageKey: string): Promise<PublishResult>
}
