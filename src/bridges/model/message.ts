import type { NativeRef, Network, Place } from './place.ts'
import type { RichText } from './rich-text.ts'

export interface Avatar {
  readonly kind: 'discord-cdn' | 'telegram-file' | 'blob' | 'url'
  readonly ref: string
  /** Changes when the picture changes. */
  readonly version: string
}

/** How sure we are that a K2 message is from whom it says (k2-application 7.2). */
export type SenderClass = 'verified' | 'hosted' | 'claimed'

export interface Author {
  /** `${network}:${native id}`: stable, used for limits, bans and reactions. */
  readonly key: string
  readonly displayName: string
  /** Handle without '@'. */
  readonly username?: string
  readonly avatar?: Avatar
  readonly isBot: boolean
  readonly kind: 'user' | 'bot' | 'webhook' | 'channel' | 'anonymous-admin' | 'peer'
  /** For filters and admin checks only. */
  readonly roles?: readonly string[]
  /** Only for peers. */
  readonly senderClass?: SenderClass
}

export type AttachmentKind = 'image' | 'video' | 'audio' | 'voice' | 'video-note' | 'animation' | 'sticker' | 'file'

export interface Attachment {
  readonly id: string
  readonly kind: AttachmentKind
  readonly name: string
  readonly mime?: string
  /** Bytes. */
  readonly size?: number
  readonly width?: number
  readonly height?: number
  readonly durationMs?: number
  readonly spoiler?: boolean
  readonly alt?: string
  readonly source:
    | { readonly kind: 'discord-url'; readonly url: string; readonly expiresAt: number; readonly ref: NativeRef }
    /** File ids belong to one bot: `account` names it. */
    | { readonly kind: 'telegram-file'; readonly account?: string; readonly fileId: string; readonly fileUniqueId: string }
    | { readonly kind: 'blob'; readonly hash: string }
    /** Uploaded to this gateway itself: kept in its media store under this name (hex). */
    | { readonly kind: 'media'; readonly sha256: string }
  /** Hex, known after download. */
  readonly sha256?: string
}

export interface EmbedSummary {
  readonly title?: string
  readonly description?: string
  readonly url?: string
  readonly fields?: readonly { readonly name: string; readonly value: string }[]
}

/** A K2 offer, interest or request shown as a card; `lines` is the ready, plain rendering. */
export interface MarketCard {
  readonly kind: 'offer' | 'interest' | 'request'
  readonly topic: string
  readonly title: string
  readonly lines: readonly string[]
  /** Refreshes of one intent share it: sender + form content hash (bridging 6.1). */
  readonly intentKey: string
  /** A button below it, where the network has buttons; `id` as in `Action`. */
  readonly button?: { readonly id: string; readonly label: string }
}

export interface Body {
  readonly rich: RichText
  readonly attachments: readonly Attachment[]
  readonly embeds?: readonly EmbedSummary[]
  readonly poll?: { readonly question: string; readonly options: readonly string[]; readonly multiple: boolean }
  readonly sticker?: { readonly name: string; readonly emoji?: string; readonly attachment?: Attachment }
  readonly location?: { readonly lat: number; readonly lon: number; readonly title?: string }
  readonly forwardedFrom?: { readonly name: string; readonly at?: number; readonly link?: string }
  readonly card?: MarketCard
  readonly noPreview?: boolean
}

export interface ReplyTo {
  readonly ref: NativeRef
  /** Shown where the target network has no copy: author name and the start of the text. */
  readonly authorName?: string
  readonly excerpt?: string
  /** The author chose the excerpt: a part of the text, not its start. */
  readonly isQuote?: boolean
}

export interface Emoji {
  /** Unicode emoji or `custom:<id>`. */
  readonly key: string
  readonly name: string
}

export type BridgeEvent =
  | {
      readonly kind: 'message.create'
      readonly body: Body
      readonly replyTo?: ReplyTo
      readonly albumKey?: string
      /** Further native messages that are part of this one, such as the other items of an album. */
      readonly alsoIds?: readonly string[]
    }
  | {
      readonly kind: 'message.edit'
      readonly body: Body
      readonly editedAt: number
      readonly revisionKey: string
      /** The body does not name all files of the message: the others stay. */
      readonly keepsFiles?: true
    }
  | { readonly kind: 'message.delete'; readonly bulkKey?: string }
  | { readonly kind: 'reaction.set'; readonly actor: Author; readonly emojis: readonly Emoji[] }
  | { readonly kind: 'reaction.delta'; readonly actor: Author; readonly add: readonly Emoji[]; readonly remove: readonly Emoji[] }
  | { readonly kind: 'reaction.clear'; readonly emoji?: Emoji }
  | {
      readonly kind: 'thread.create' | 'thread.rename' | 'thread.close' | 'thread.reopen'
      readonly thread: string
      readonly title?: string
    }
  | {
      readonly kind: 'notice'
      readonly notice: 'join' | 'leave' | 'pin' | 'title' | 'call' | 'boost' | 'gap' | 'other'
      readonly text: string
      /** What was pinned. */
      readonly target?: NativeRef
    }
  | { readonly kind: 'typing' }

export type BridgeEventKind = BridgeEvent['kind']

/** One normalised event with everything the pipeline needs (bridging 2). Times are ms since the epoch. */
export interface Envelope {
  readonly v: 1
  /** Deterministic: two accounts that see the same event compute the same id (see `eventIdOf`). */
  readonly eventId: string
  readonly account: string
  readonly at: Place
  readonly msg: NativeRef
  readonly author: Author
  readonly occurredAt: number
  readonly receivedAt: number
  readonly event: BridgeEvent
  /** Name of the thread or topic it is in, where it is known. */
  readonly threadTitle?: string
  /** Bridge instance ids already passed. */
  readonly via: readonly string[]
  /** Of a message another gateway repeated: the `eventId` of the first one, the same wherever it is repeated. */
  readonly origin?: string
}

export type { NativeRef, Network, Place }
