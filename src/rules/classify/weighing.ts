import type { Lexicon } from '../lexicon/compile.ts'
import type { TradeIntent } from '../model.ts'
import type { Amount } from '../slots/amount.ts'
import type { PriceCandidate } from '../slots/price-candidates.ts'
import type { Tags } from '../slots/tags.ts'
import type { Prepared } from '../text/model.ts'
import type { PatternHits } from './hits.ts'
import type { ObjectHead } from './objects.ts'

/** What the decision weighs. */
export interface Weighing {
  readonly lexicon: Lexicon
  readonly prepared: Prepared
  readonly tags: Tags
  readonly patterns: PatternHits
  readonly amounts: readonly Amount[]
  readonly candidates: readonly PriceCandidate[]
  readonly prior: Partial<Record<TradeIntent, number>> | undefined
  /** The platform's own tags of the post. */
  readonly platformTags: readonly string[]
}

/** One piece of evidence; token range [start, end). */
export interface Evidence {
  readonly intent: TradeIntent
  readonly points: number
  readonly family: string
  readonly cue: string
  readonly start: number
  readonly end: number
  readonly object: ObjectHead | undefined
  readonly postfix: boolean
}
