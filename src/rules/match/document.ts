import type { Condition, Platform, Side, StoredIntent, TrustLevel } from '../model.ts'
import { keysOf, stem, wordsOf } from './terms.ts'
import { DEFAULT_VOCABULARY, type Vocabulary } from './vocabulary.ts'

/** An intent as searches see it. */
export interface SearchDocument {
  readonly side: Side
  readonly words: readonly string[]
  /** Stemmed words, joined spellings, synonyms and wider nouns. */
  readonly keys: ReadonlySet<string>
  readonly topic: string | null
  readonly k2_topic: string | null
  readonly platform: Platform
  readonly channel: string
  readonly country: string | null
  readonly city: string | null
  readonly lat: number | null
  readonly lon: number | null
  readonly condition: Condition | null
  readonly trust: TrustLevel
  /** Bounds in `currency`; both null without a price. */
  readonly price: { readonly min: number; readonly max: number; readonly currency: string | null } | null
}

/** Key of a word in a search: what all its synonyms share. */
export const searchKey = (word: string, vocabulary: Vocabulary): string => vocabulary.canonical(stem(word))

/** Adds synonyms and wider nouns to the keys of a text. */
export function expandKeys(keys: ReadonlySet<string>, vocabulary: Vocabulary): Set<string> {
  const out = new Set<string>()
  for (const key of keys) {
    out.add(vocabulary.canonical(key))
    const wide = vocabulary.broader(key)
    if (wide !== undefined) out.add(wide)
  }
  return out
}

export function documentOf(intent: StoredIntent, vocabulary: Vocabulary = DEFAULT_VOCABULARY): SearchDocument {
  const { slots, topic } = intent
  const words = wordsOf(
    [slots.item?.text ?? '', slots.want_item?.text ?? '', slots.item?.brand ?? '', slots.item?.head ?? '', intent.text].join(
      ' \n ',
    ),
  )
  const keys = expandKeys(keysOf(words), vocabulary)
  for (const token of slots.item?.model_tokens ?? []) keys.add(token.toLowerCase())
  const { price, place } = slots
  return {
    side: intent.side,
    words,
    keys,
    topic: topic?.slug ?? null,
    k2_topic: topic?.k2_topic ?? null,
    platform: intent.platform,
    channel: intent.channel,
    country: place?.country ?? null,
    city: place?.city ?? null,
    lat: place?.lat ?? null,
    lon: place?.lon ?? null,
    condition: slots.condition,
    trust: intent.trust,
    price:
      price === null || (price.min === null && price.max === null)
        ? null
        : {
            min: Number(price.min ?? 0),
            max: price.max === null ? Number.POSITIVE_INFINITY : Number(price.max),
            currency: price.currency,
          },
  }
}
