import type { Emoji } from './model/message.ts'
import type { NativeRef } from './model/place.ts'

/** What one native message should show of the reactions elsewhere (bridging 10.4). */
export interface ReactionChange {
  readonly ref: NativeRef
  /** Emojis people elsewhere reacted with, most votes first. */
  readonly wanted: readonly Emoji[]
  /** Keys of those our account shows there already, as far as known. */
  readonly shown: readonly string[]
}

export type ReactionOutcome =
  /** Keys our account shows now; emojis the platform does not take are left out. */
  | { readonly kind: 'done'; readonly shown: readonly string[] }
  /** Try again after this; `shown` is what was reached. */
  | { readonly kind: 'later'; readonly afterMs: number; readonly shown: readonly string[] }
  /** The message is not there any more, or nobody may react to it. */
  | { readonly kind: 'gone' }

/** Implemented by bridges whose platform has reactions. Never rejects for reasons of the platform. */
export interface ReactiveBridge {
  react(change: ReactionChange, signal: AbortSignal): Promise<ReactionOutcome>
}

const VARIATION = /\ufe0f/g

/** Emoji key: Unicode without variation selector, or `custom:<id>`. */
export function emojiKey(emoji: string): string {
  return emoji.replace(VARIATION, '')
}
