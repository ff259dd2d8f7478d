import type { Language, Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { countryAhead } from './currency-adjectives.ts'
import {
  CODE_BEFORE,
  CODES,
  COINS,
  DOLLAR_PREFIX,
  ONLY_AFTER,
  PLAIN_AFTER,
  PRICE_BEHIND,
  SIGNS,
  WORDLIKE,
} from './currency-codes.ts'
import type { CurrencyHit } from './currency-hit.ts'
import { BEFORE, NAMED, NATIONS, SHARED } from './currency-shared.ts'
import { LARGE_ONLY, WORDS } from './currency-words.ts'
import { markAt, markEndingAt } from './dollar-marks.ts'
import { OPENS, opens } from './openers.ts'

export { COINS, STABLE } from './currency-codes.ts'
export type { Currency, CurrencyHit, CurrencySource } from './currency-hit.ts'
export { NAMELESS } from './currency-shared.ts'

const codeOf = (text: string): string =>
  text === 'sat' || text === 'sats' ? 'SATS' : text === 'rmb' ? 'CNY' : text.toUpperCase()

/** Currency that ends right before token `i`. */
export function currencyBefore(tokens: readonly Token[], i: number): CurrencyHit | undefined {
  const token = tokenAt(tokens, i - 1)
  if (token === undefined) return undefined
  const touching = tokens[i]?.glued === true
  if (token.kind === 'sign') {
    const prefix = tokenAt(tokens, i - 2)
    if (token.text === '$' && prefix?.kind === 'word' && token.glued) {
      const code = DOLLAR_PREFIX[prefix.text]
      if (code !== undefined) return { code, source: 'explicit', rank: 2, start: i - 2, end: i }
    }
    const code = SIGNS[token.text]
    const beforeSign = prefix?.kind === 'word' && CODES.has(prefix.text) && prefix.caps === 2 ? codeOf(prefix.text) : undefined
    if (beforeSign !== undefined) return { code: beforeSign, source: 'explicit', rank: 3, start: i - 2, end: i }
    return { code, source: 'explicit', rank: 1, start: i - 1, end: i }
  }
  // "S/ 650", "S/. 650": soles.
  const slash = token.text === '.' && token.glued ? i - 2 : i - 1
  const sole = tokenAt(tokens, slash - 1)
  if (textAt(tokens, slash) === '/' && tokens[slash]?.glued && sole?.text === 's' && sole.caps === 2 && !sole.glued)
    return { code: 'PEN', source: 'explicit', rank: 2, start: slash - 1, end: i }
  if (token.kind !== 'word' && token.text !== '.') return undefined
  if (token.kind === 'word' && (opens(token.form) & OPENS.before) === 0) return undefined
  const mark = textAt(tokens, i - 2) === '$' && token.glued ? markEndingAt(tokens, i - 1) : undefined
  if (mark !== undefined) return mark
  if (
    CODES.has(token.text) &&
    !ONLY_AFTER.has(token.text) &&
    (touching || token.caps === 2 || !WORDLIKE.has(token.text) || startsLarge(token, tokens[i]))
  ) {
    return { code: codeOf(token.text), source: 'explicit', rank: 3, start: i - 1, end: i }
  }
  // "Rs. 18,000"
  const abbreviated = token.text === '.' && token.glued ? tokenAt(tokens, i - 2) : undefined
  if (abbreviated?.text === 'bs') return bolivares(i - 2, i)
  if (abbreviated !== undefined && BEFORE.has(abbreviated.text))
    return { code: WORDS.get(abbreviated.text), source: 'word', rank: 1, start: i - 2, end: i }
  // "Corsair RM850x": glued on both sides it names a model.
  const after = tokens[i + 1]
  // "RM-854": so a hyphen between does.
  const hyphened = touching && (tokens[i] as Token).start > token.end
  const model = hyphened || (touching && after?.kind === 'word' && after.glued && after.text !== 'k' && !CODES.has(after.text))
  // "BS5" is a part of Bristol.
  const district = touching && (tokens[i]?.text.length ?? 0) < LEAST_TOUCHING
  if (token.text === 'bs') return model || district ? undefined : bolivares(i - 1, i)
  if (BEFORE.has(token.text) && !model) return { code: WORDS.get(token.text), source: 'word', rank: 1, start: i - 1, end: i }
  return undefined
}

/** Currency that begins at token `i`, directly after an amount. */
export function currencyAfter(tokens: readonly Token[], i: number, lang: Language | 'und'): CurrencyHit | undefined {
  const token = tokens[i]
  if (token === undefined) return undefined
  if (token.kind === 'sign') {
    const next = tokens[i + 1]
    // "$ 5" after a number belongs to the next amount unless glued to this one.
    if (!token.glued && next?.kind === 'number') return undefined
    const mark = next?.glued === true && next.kind === 'word' ? markAt(tokens, i) : undefined
    if (mark !== undefined) return mark
    return { code: SIGNS[token.text], source: 'explicit', rank: 1, start: i, end: i + 1 }
  }
  if (token.kind !== 'word') return undefined
  const next = tokens[i + 1]
  if (next?.kind === 'sign' && next.text === '$' && next.glued) {
    const mark = markAt(tokens, i)
    if (mark !== undefined) return mark
    const code = DOLLAR_PREFIX[token.text]
    // "Levis 42 R$60": the sign of what follows.
    if (code !== undefined && kindAt(tokens, i + 2) === 'number' && !token.glued) return undefined
    if (code !== undefined) return { code, source: 'explicit', rank: 2, start: i, end: i + 2 }
  }
  if ((opens(token.form) & OPENS.currency) === 0) return undefined
  const ahead = next?.kind === 'word' || next?.text === '.' ? countryAhead(tokens, i) : undefined
  if (ahead !== undefined) return { code: ahead.code, source: 'word', rank: 3, start: i, end: ahead.end }
  const closed = next === undefined || next.kind !== 'word'
  if (
    CODES.has(token.text) &&
    (token.glued ||
      token.caps === 2 ||
      !WORDLIKE.has(token.text) ||
      (closed && PLAIN_AFTER.has(token.text)) ||
      (CODE_BEFORE.has(token.text) && namesMoney(tokens, i)))
  ) {
    return { code: codeOf(token.text), source: 'explicit', rank: 3, start: i, end: i + 1 }
  }
  const large = LARGE_ONLY.get(token.text)
  if (large !== undefined) {
    const [code, digits, of] = large
    const number = tokenAt(tokens, i - 1)
    const enough = number?.kind !== 'number' || number.text.length >= digits
    // "20 verdes y 10 rojas" counts colours.
    const listed = token.text === 'verdes' && next?.text === 'y'
    return enough && !listed && (of === undefined || lang === of)
      ? { code, source: 'word', rank: 1, start: i, end: i + 1 }
      : undefined
  }
  // "150 mangos": reais in Portuguese, pesos elsewhere.
  if (token.text === 'mangos' && lang === 'pt') return { code: 'BRL', source: 'word', rank: 1, start: i, end: i + 1 }
  if (token.text === 'u' && lang === 'vi') return { code: 'USDT', source: 'word', rank: 1, start: i, end: i + 1 }
  if (token.text === 'к' || token.text === 'k') return undefined
  // "6.1k gs": how strong a hero is dressed.
  if (token.text === 'gs' && textAt(tokens, i - 1) === 'k' && Number(tokenAt(tokens, i - 2)?.text) < MAX_DRESSED) return undefined
  const word = nationOf(tokens, i) === undefined ? WORDS.get(token.text) : undefined
  if (token.text === 'р' && lang !== 'ru' && !token.glued) return undefined
  if ((token.text === 'ft' || token.text === 'rs' || token.text === 'rp' || token.text === 'rm') && token.caps !== 0)
    return undefined
  // "450 BOB" are bolivianos, "50 bob" shillings.
  if (token.text === 'bob' && token.caps === 2) return { code: 'BOB', source: 'explicit', rank: 3, start: i, end: i + 1 }
  if (word !== undefined && token.text !== 'ft' && token.text !== 'real')
    return { code: word, source: 'word', rank: 1, start: i, end: i + 1 }
  // "90 mil pesos ars": the code behind the shared name decides.
  if (SHARED.has(token.text) && next?.kind === 'word' && CODES.has(next.text) && !COINS.has(codeOf(next.text)))
    return { code: codeOf(next.text), source: 'explicit', rank: 3, start: i, end: i + 2 }
  const country = nationOf(tokens, i)
  if (country !== undefined) return { code: country, source: 'word', rank: 3, start: i, end: i + 2 }
  if (SHARED.has(token.text)) return { code: undefined, source: 'word', rank: 0, start: i, end: i + 1 }
  return undefined
}

/** "Php 9,000": a code written as a name, before so many. */
const startsLarge = (code: Token, number: Token | undefined): boolean =>
  code.text === 'php' && code.caps === 1 && number?.kind === 'number' && number.text.length >= 3 && !number.text.includes('.')

const LEAST_TOUCHING = 3
const MAX_DRESSED = 10
/** Bolivianos and bolívares have one sign; the place says which. */
const bolivares = (start: number, end: number): CurrencyHit => ({ code: undefined, source: 'word', rank: 0, start, end })

/** "4,800 php fixed", "500 cad to your door": a code that is a word too, behind three digits or before a price word; no "500 cad files". */
function namesMoney(tokens: readonly Token[], i: number): boolean {
  const [number, next] = [tokenAt(tokens, i - 1), tokens[i + 1]]
  if (next === undefined || PRICE_BEHIND.has(next.text)) return true
  return number?.kind === 'number' && number.text.length >= 3 && textAt(tokens, i) !== 'gel' && !next.text.endsWith('s')
}

function nationOf(tokens: readonly Token[], i: number): string | undefined {
  const kinds = NATIONS[NAMED.get(textAt(tokens, i)) ?? '']
  const next = tokens[i + 1]
  if (kinds === undefined || next?.kind !== 'word') return undefined
  return kinds.find(([beginning]) => next.text.startsWith(beginning))?.[1]
}

/** A currency's code that stands by itself, beside no number: "450 a month, bills included (EUR)", "all prices usd". */
const LONE_SIGNS: Readonly<Record<string, string>> = { '€': 'EUR', '£': 'GBP', '₽': 'RUB', '₫': 'VND', '₴': 'UAH', '₹': 'INR' }

const IN = new WordSet(['in', 'en', 'em', 'в', 'bằng'])

export function standingCode(tokens: readonly Token[]): string | undefined {
  let found: string | undefined
  for (let i = 0; i < tokens.length; i++) {
    const { kind, text } = tokens[i] as Token
    // "650/mes gastos incluidos €": a sign that touches no number.
    const sign = kind === 'sign' ? LONE_SIGNS[text] : undefined
    if (sign !== undefined && kindAt(tokens, i - 1) !== 'number' && kindAt(tokens, i + 1) !== 'number') {
      if (found !== undefined && found !== sign) return undefined
      found = sign
      continue
    }
    // "all prices in euros"
    if (kind === 'word' && IN.has(tokenAt(tokens, i - 1)) && kindAt(tokens, i - 2) === 'word') {
      const named = WORDS.get(text)
      if (named !== undefined && text.length > 3 && kindAt(tokens, i + 1) !== 'number' && !COINS.has(named)) {
        if (found !== undefined && found !== named) return undefined
        found = named
        continue
      }
    }
    if (kind !== 'word' || text.length !== 3 || !CODES.has(text) || WORDLIKE.has(text) || COINS.has(codeOf(text))) continue
    if (kindAt(tokens, i - 1) === 'number' || kindAt(tokens, i + 1) === 'number' || kindAt(tokens, i - 1) === 'sign') continue
    if (found !== undefined && found !== codeOf(text)) return undefined
    found = codeOf(text)
  }
  return found
}
