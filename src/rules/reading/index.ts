export type { ReadingContext, ReadingMessage, ReadingProfile, ReadingTrace } from '../classify/context.ts'
export { MAX_STEPS, type RulesReading, readMessage, readPrice } from '../classify/read.ts'
export {
  compileLexicon,
  compilingLexicon,
  type Lexicon,
  type LexiconSources,
  lexiconImage,
  restoreLexicon,
} from '../lexicon/compile.ts'
export {
  type Act,
  INTENTS,
  type Intent,
  type Language,
  type Money,
  type PriceFlag,
  type PriceUnit,
  type Reading,
  type ReadingFlag,
  type Slots,
  type Span,
  type TopicRef,
} from '../model.ts'
export type { TextEntity } from '../text/model.ts'
export { type K2Form, k2Form, priceRange } from '../topics/k2-form.ts'
