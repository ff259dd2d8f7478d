import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { CurrencyHit } from './currency-hit.ts'

// Dollars and pesos marked behind their sign: "$U 4.800", "U$S 25", "$us 300", "$b 200".

/** What letters right behind "$" say of it. */
const BEHIND: Readonly<Record<string, string>> = { u: 'UYU', us: 'USD', b: 'BOB', mn: 'MXN', usd: 'USD', s: 'USD', d: 'USD' }
/** Letters of which "U$S" and "U$D" have one on either side. */
const CLOSING = new WordSet(['s', 'd'])
const OPENING = new WordSet(['u', 'us'])

/** The first words of such marks, which an amount may stand behind. */
export const MARK_ENDS: ReadonlySet<string> = new Set(Object.keys(BEHIND))

/** The mark whose last letters are token `at`. */
export function markEndingAt(tokens: readonly Token[], at: number): CurrencyHit | undefined {
  const [sign, letters] = [tokenAt(tokens, at - 1), tokens[at]]
  if (sign?.text !== '$' || letters?.glued !== true) return undefined
  const prefix = tokenAt(tokens, at - 2)
  const opened = sign.glued && prefix !== undefined && OPENING.has(prefix)
  if (CLOSING.has(letters) && !opened) return undefined
  const code = opened && CLOSING.has(letters) ? 'USD' : BEHIND[letters.text]
  return code === undefined ? undefined : { code, source: 'explicit', rank: 2, start: opened ? at - 2 : at - 1, end: at + 1 }
}

/** The mark that begins with the sign at token i, or with the letters before it: "25 u$s", "4.800 $U". */
export function markAt(tokens: readonly Token[], i: number): CurrencyHit | undefined {
  const sign = textAt(tokens, i) === '$' ? i : i + 1
  const letters = tokens[sign + 1]
  if (textAt(tokens, sign) !== '$' || letters?.glued !== true || BEHIND[letters.text] === undefined) return undefined
  const hit = markEndingAt(tokens, sign + 1)
  // "$ 5" of another amount begins with the sign; a number glued behind the mark is its own.
  return hit?.start === i && kindAt(tokens, hit.end) !== 'number' ? hit : undefined
}
