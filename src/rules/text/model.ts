import type { Language, Span } from '../model.ts'

export type { Language, Span }
export type TokenKind = 'word' | 'number' | 'sign' | 'op' | 'line' | 'emoji' | 'mark'

/** What a lexicon knows of one written form, whatever stands around it. */
export interface WordInfo {
  /** Number of the form in the lexicon; −1 for a form no list or phrase has. */
  readonly id: number
  /** Where word lists and where cue and guard phrases that begin with it go on in their graphs. */
  readonly termRoots: number
  readonly patternRoots: number
  /** Languages that have it as a function word, and the one its letters betray (`TONGUE`). */
  readonly tongue: number
  /** Begins or carries a cue, an act or a sign without which a message says nothing. */
  readonly key: boolean
  /** Groups of telling words it belongs to (`Needs`). */
  readonly groups: readonly number[]
  /** The cue word it is a mistyped form of. */
  readonly repaired: string | undefined
  /** Numbers of its singular, for lists that match plurals. */
  readonly singulars: readonly number[]
  /** Numbers of the listed word beginnings it has. */
  readonly prefixes: readonly number[]
}

/**
 * A word, number or sign as written, whatever stands around it, and what the lexicon that asked last knows of it: one object, since
 * reading waits for memory more than it computes.
 */
export interface Form extends WordInfo {
  readonly text: string
  readonly fold: string
  readonly caps: 0 | 1 | 2
  /** A word that begins a clause of its own. */
  readonly turns: boolean
  readonly comma: boolean
  /** As written, and its hash. */
  readonly hash: number
  readonly word: string
  /** The lexicon that knows what follows. */
  owner: object | undefined
  id: number
  termRoots: number
  patternRoots: number
  tongue: number
  key: boolean
  groups: readonly number[]
  repaired: string | undefined
  singulars: readonly number[]
  prefixes: readonly number[]
  /** Hash of the folded form, signs of wording of it and of its first letters; 0 until wording asks. */
  foldHash: number
  wordSign: number
  stemSign: number
  longStemSign: number
  /** Number of the table of wording that the slots are of, and where these signs stand in it; −1 where they do not. */
  slotsOf: number
  wordSlot: number
  stemSlot: number
  longStemSlot: number
  /** What readers of amounts found that it may begin, as their bits; 0 until they look. */
  signs: number
  /** The sets of words it is in (`WordSet`); undefined until one is asked. */
  sets: readonly number[] | undefined
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
