import type { Language, Span } from '../model.ts'

export type { Language, Span }
export type TokenKind = 'word' | 'number' | 'sign' | 'op' | 'line' | 'emoji' | 'mark'

/** A word, number or sign as written, whatever stands around it. */
export interface Form {
  /** As written, and its hash. */
  readonly word: string
  readonly hash: number
  readonly text: string
  readonly fold: string
  readonly caps: 0 | 1 | 2
  /** What readers of amounts found that it may begin, as their bits; 0 until they look. */
  signs: number
  /** Hashes of the folded form and of its first letters; 0 until wording asks. */
  foldHash: number
  stemHash: number
  /** What `owner` knows of it: the last one that asked. */
  owner: object | undefined
  known: unknown
}

/** One token of the clean view; spans point into the raw view. */
export interface Token {
  readonly form: Form
  readonly kind: TokenKind
  /** Lower case; words without inner apostrophes where that makes no other word. */
  readonly text: string
  readonly fold: string
  readonly start: number
  readonly end: number
  /** Nothing stands between this and the token before. */
  readonly glued: boolean
  /** 0 lower case, 1 capitalised, 2 all capitals. */
  readonly caps: 0 | 1 | 2
  sentence: number
  clause: number
}

export interface RemovedSpan {
  readonly kind: 'quote' | 'code' | 'strike' | 'link' | 'mention' | 'address' | 'emoji' | 'markup'
  readonly span: Span
}

export type PrepareFlag = 'forwarded' | 'quoted' | 'code' | 'truncated' | 'token_limit'

/** Structure a platform has already recognised; offsets in the given text, UTF-16. */
export interface TextEntity {
  readonly kind: 'quote' | 'code' | 'strike' | 'link' | 'mention' | 'emoji'
  readonly start: number
  readonly end: number
}

export interface Prepared {
  /** NFC, cut to 4,096 units. */
  readonly raw: string
  /** As long as raw: what is not the author's own statement is blanked. */
  readonly clean: string
  readonly tokens: readonly Token[]
  readonly removed: readonly RemovedSpan[]
  readonly flags: readonly PrepareFlag[]
  /** Struck text was removed. */
  readonly struck: boolean
  /** Per sentence: ends with a question mark. */
  readonly questions: readonly boolean[]
  readonly sentences: number
}
