import type { Token } from '../text/model.ts'
import { tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { currencyAfter } from './currency.ts'
import { multiplierAt } from './multiplier.ts'
import { readNumberWords } from './number-words.ts'
import type { Tags } from './tags.ts'

const ROUND_REST = /^[1-9]\d[05]$/u
const AND = new WordSet(['e', 'и', 'y'])
export const HALVES = new Set(['medio', 'media', 'meio', 'meia'])

/** "2 mil 500", "2 тысячи 300", "1 triệu 200 nghìn", "2 palos y medio": what is left over behind a word of size, in smaller units. */
export function remainder(
  tokens: readonly Token[],
  end: number,
  shift: number,
  tags: Tags,
): { readonly value: number; readonly end: number } | undefined {
  const size = tokenAt(tokens, end - 1)
  const at = AND.has(tokens[end]) ? end + 1 : end
  const number = tokens[at]
  if (at > end && shift >= 3 && HALVES.has(number?.text ?? '')) return { value: 5 * 10 ** (shift - 1), end: at + 1 }
  // "13 mil e quinhentos", "2 mil doscientos".
  if (shift === 3 && size?.kind === 'word' && number?.kind === 'word' && number.clause === size.clause) {
    const words = readNumberWords(tokens, at)
    if (words !== undefined && Number(words.value) >= 50 && Number(words.value) < 1000)
      return { value: Number(words.value), end: words.end }
  }
  if (shift < 3 || size?.kind !== 'word' || number?.kind !== 'number' || number.glued || !/^\d{1,3}$/u.test(number.text))
    return undefined
  if (size.text.length < 2 || number.clause !== size.clause) return undefined
  const smaller = multiplierAt(tokens, at + 1, tags, Number(number.text))
  if (smaller !== undefined) {
    if (smaller.shift >= shift || smaller.tail) return undefined
    return { value: Number(number.text) * 10 ** smaller.shift, end: smaller.end }
  }
  // "6 palos 800": behind millions so many thousands.
  const thousands = shift === 6 && COUNTS_ON.has(size)
  if ((shift !== 3 && !thousands) || !ROUND_REST.test(number.text)) return undefined
  const next = tokens[at + 1]
  const closed =
    next === undefined ||
    next.kind !== 'word' ||
    next.clause !== number.clause ||
    (thousands && tags.startingAt(at + 1).some((h) => PRICE_WORD.test(h.name)))
  return closed || currencyAfter(tokens, at + 1, tags.lang) !== undefined
    ? { value: Number(number.text) * (thousands ? 1000 : 1), end: at + 1 }
    : undefined
}

const PRICE_WORD = /^(?:f_|r_)/u
const COUNTS_ON = new WordSet('palo palos millón millones milhão milhões миллион миллиона миллионов ляма лямов'.split(' '))
