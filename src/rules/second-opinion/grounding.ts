import type { Lexicon } from '../lexicon/compile.ts'
import { Budget } from '../lexicon/graph.ts'
import { wordsOf } from '../match/terms.ts'
import type { Amount } from '../slots/amount.ts'
import { scanAmounts } from '../slots/amounts.ts'
import { tagTokens } from '../slots/tags.ts'
import { prepare } from '../text/prepare.ts'
import { type Answered, failed, type OpinionAnswer } from './model.ts'

const MAX_STEPS = 60_000
const TOLERANCE = 1e-9
/** Share of an item's words that must stand in the text. */
const ITEM_SHARE = 0.6

export interface GroundScope {
  readonly lexicon: Lexicon
  /** Currency of the channel profile. */
  readonly currency?: string
  /** The text that was sent. */
  readonly text: string
}

/**
 * Keeps of an answer only what the text itself says (section 15.4): numbers the price grammar reads, named currencies, items and places
 * of its words, quotes that are in it. An intent without a quote refuses the answer.
 */
export function groundAnswer(answer: OpinionAnswer, scope: GroundScope): Answered {
  const text = plain(scope.text)
  const evidence = answer.evidence.filter((quote) => plain(quote).length > 1 && text.includes(plain(quote)))
  if (answer.intent !== 'none' && (evidence.length === 0 || evidence.length < answer.evidence.length))
    return failed('ungrounded', 'a quote is not in the text')
  const amounts = amountsOf(scope)
  const words = new Set(wordsOf(scope.text))
  const money = amounts.filter((a) => a.role === 'amount')
  const priced = [answer.price_min, answer.price_max].every((n) => n == null || money.some((a) => says(a, n)))
  const ordered = answer.price_min == null || answer.price_max == null || answer.price_min <= answer.price_max
  const price = priced && ordered
  const counted = answer.quantity == null || amounts.some((a) => says(a, answer.quantity as number))
  return {
    ok: true,
    answer: {
      ...answer,
      evidence,
      item: named(answer.item, words),
      want_item: named(answer.want_item, words),
      place: answer.place != null && wordsOf(answer.place).every((w) => words.has(w)) ? answer.place : null,
      quantity: counted ? answer.quantity : null,
      price_min: price ? answer.price_min : null,
      price_max: price ? answer.price_max : null,
      currency: isNamed(answer.currency, amounts, scope.currency) ? answer.currency : null,
      price_unit: price ? answer.price_unit : null,
    },
  }
}

const plain = (text: string): string => text.normalize('NFKC').replace(/\s+/gu, ' ').trim().toLowerCase()

function amountsOf({ lexicon, text }: GroundScope): Amount[] {
  const { tokens } = prepare({ text })
  return scanAmounts(tokens, tagTokens(lexicon, tokens, new Budget(MAX_STEPS)))
}

function says(amount: Amount, value: number): boolean {
  return [amount.min, amount.max].some((text) => Math.abs(Number(text) - value) <= TOLERANCE * Math.max(1, Math.abs(value)))
}

function isNamed(currency: string | null | undefined, amounts: readonly Amount[], profile: string | undefined): boolean {
  return (
    currency != null && (currency === profile || amounts.some((a) => a.currency?.code === currency || a.implied === currency))
  )
}

/** Most of its words, and every one with a digit, stand in the text. */
function named(item: string | null | undefined, words: ReadonlySet<string>): string | null {
  if (item == null) return null
  const own = wordsOf(item)
  if (own.length === 0 || own.some((w) => /\p{N}/u.test(w) && !words.has(w))) return null
  return own.filter((w) => words.has(w)).length >= own.length * ITEM_SHARE ? item : null
}
