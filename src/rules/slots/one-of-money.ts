import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { type CurrencyHit, currencyAfter } from './currency.ts'
import { decimal } from './decimal.ts'
import { NUMBER_WORDS } from './number-word-list.ts'
import { ARTICLES, BARE, COINS_OF, HALF, HALF_OF, ONE } from './one-openers.ts'
import { unitAt } from './price-unit.ts'
import { HALVES } from './remainder.ts'
import type { Tags } from './tags.ts'

// Amounts whose number is not said since there is one of it: "palo y medio", "half a grand", "a pound fifty", "a dollar each".

const amountOf = (start: number, end: number, value: string, currency: CurrencyHit | undefined): Amount => ({
  start,
  at: start,
  end,
  role: 'amount',
  min: value,
  max: value,
  range: false,
  currency,
  multiplied: true,
  implied: undefined,
  approx: false,
  words: true,
  plus: false,
  fractional: false,
})

const named = (code: string | undefined, start: number, end: number): CurrencyHit => ({
  code,
  source: 'word',
  rank: code === undefined ? 0 : 1,
  start,
  end,
})

const [IS_ARTICLE, IS_BARE, IS_HALF] = [new WordSet(ARTICLES), new WordSet(BARE), new WordSet(HALF)]

/** The amount that begins at token i and counts one, or a half, of what has a name. */
export function oneOfMoney(tokens: readonly Token[], i: number, tags: Tags): Amount | undefined {
  const opener = textAt(tokens, i)
  if (IS_ARTICLE.has(tokens[i])) return aCoin(tokens, i, i + 1, tags)
  if (IS_BARE.has(tokens[i])) return kindAt(tokens, i - 1) === 'number' ? undefined : withCents(tokens, i, i, tags)
  if (IS_HALF.has(tokens[i])) {
    const at = textAt(tokens, i + 1) === 'a' ? i + 2 : i + 1
    const value = HALF_OF.get(textAt(tokens, at))
    // "milhão e meio" is read from its head on.
    if (value === undefined) return undefined
    const currency = currencyAfter(tokens, at + 1, tags.lang)
    return amountOf(i, currency?.end ?? at + 1, value, currency)
  }
  const one = ONE.get(opener)
  if (one === undefined || !HALVES.has(textAt(tokens, i + 2))) return undefined
  if (textAt(tokens, i + 1) !== 'y' && textAt(tokens, i + 1) !== 'e') return undefined
  return amountOf(i, i + 3, one[0], named(one[1], i, i + 3))
}

const FOR = new WordSet(['for', 'por', 'à', 'at'])

/** "a dollar each", "un euro cada uno", "for a quid", "a pound fifty". */
function aCoin(tokens: readonly Token[], i: number, at: number, tags: Tags): Amount | undefined {
  const code = COINS_OF.get(textAt(tokens, at))
  if (code === undefined) return undefined
  const cents = withCents(tokens, i, at, tags)
  if (cents !== undefined) return cents
  const whole = amountOf(i, at + 1, '1', named(code, at, at + 1))
  if (unitAt(tokens, tags, at + 1) !== undefined) return whole
  return FOR.has(tokenAt(tokens, i - 1)) && closes(tokens, at + 1) ? whole : undefined
}

function withCents(tokens: readonly Token[], start: number, at: number, tags: Tags): Amount | undefined {
  const cents = centsBehind(tokens, at + 1, tags)
  if (cents === undefined) return undefined
  return amountOf(start, cents.end, decimal('1', cents.digits, 0) ?? '1', named(COINS_OF.get(textAt(tokens, at)), at, at + 1))
}

const closes = (tokens: readonly Token[], at: number): boolean => {
  const next = tokens[at]
  return next === undefined || next.kind !== 'word' || next.clause !== tokenAt(tokens, at - 1)?.clause
}

const LINKS = new WordSet(['con', 'e', 'y'])
const TENS = 10
/** "two pound fifty", "dos euros con cincuenta", "2 reais e 50": what stands behind the word of money counts hundredths. */
export function centsBehind(
  tokens: readonly Token[],
  at: number,
  tags: Tags,
): { readonly digits: string; readonly end: number } | undefined {
  const first = tokens[at]
  if (first === undefined || first.glued || first.clause !== tokenAt(tokens, at - 1)?.clause) return undefined
  const linked = first.kind === 'word' && LINKS.has(first)
  const head = linked ? at + 1 : at
  const token = tokens[head]
  const digits = token?.kind === 'number' ? token.text : String(NUMBER_WORDS.get(token?.text ?? '') ?? '')
  if (token === undefined || digits.length !== 2 || token.glued || Number(digits) < TENS || digits.includes('.')) return undefined
  if (token.kind === 'word' && Number(digits) % TENS !== 0 && Number(digits) !== 25 && Number(digits) !== 75) return undefined
  return closes(tokens, head + 1) || unitAt(tokens, tags, head + 1) !== undefined ? { digits, end: head + 1 } : undefined
}
