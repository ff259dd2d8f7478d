export {
  type Act,
  MAX_STEPS,
  type Reading,
  type ReadingFlag,
  type ReadingInput,
  readMessage,
  readPrice,
  type Slots,
  type Trace,
} from '../classify/read.ts'
export { compileLexicon, type Lexicon, type LexiconSources } from '../lexicon/compile.ts'
export { INTENTS, type Intent } from '../lexicon/schema.ts'
export type { Money, PriceFlag, PriceUnit } from '../slots/price.ts'
export type { Language, Span, TextEntity } from '../text/model.ts'
export { type K2Form, k2Form, priceRange } from '../topics/k2-form.ts'
export type { TopicRef } from '../topics/map-topic.ts'
