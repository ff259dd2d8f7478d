import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { needsSoMany, onlyCounted } from './counted.ts'
import { willDo } from './number-word-list.ts'
import { isSlotWord, type Left, type Right } from './price-context.ts'
import type { Tags } from './tags.ts'

// How surely an amount is a price, by what stands around it.

/** A thing begins here or behind one describing word. */
function thingAhead(tokens: readonly Token[], tags: Tags, at: number): boolean {
  if (tags.at('goods', at) !== undefined) return true
  const state = tags.startingAt(at).some((h) => h.name.startsWith('cond_'))
  const describes =
    kindAt(tokens, at) === 'word' && (state || !isSlotWord(tags, at)) && tokens[at + 1]?.clause === tokens[at]?.clause
  return describes && tags.at('goods', at + 1) !== undefined
}

/** "продам стол, полторы тысячи": spelled out, between commas or at an end. */
function aloneInClause(tokens: readonly Token[], { at, start, end }: Amount): boolean {
  const [previous, next, own] = [tokenAt(tokens, start - 1), tokens[end], tokens[at]]
  const closes = (t: Token | undefined): boolean =>
    t === undefined || t.kind === 'line' || t.kind === 'op' || t.kind === 'emoji' || t.sentence !== own?.sentence
  // "Полторы тыщи и он уезжает с вами"
  const goesOn = next !== undefined && ANDS.has(next) && (previous === undefined || previous.sentence !== own?.sentence)
  return closes(previous) && (closes(next) || goesOn)
}

const ANDS = new WordSet(['and', 'y', 'e', 'и', 'là'])
const DEPENDS = new WordSet(
  'depending depends dependendo dependiendo según segun conforme consoante tuỳ tùy зависимости смотря'.split(' '),
)
/** Behind a bound they begin another clause: "por menos de 100 que me salve". */
const CLAUSES = new WordSet(
  'que q y e con com sem sin para pa pra en por pelo si se no na who that which but so as чтобы но на для если от у mà thì để là'.split(
    ' ',
  ),
)
const GROUPED = new Set([',', '.'])
const GROUP = 4

const LAST_HOUR = 24

/** Sizes and ages go less far. */
const LEAST_RANGE = 100

const RATES = new WordSet(['курс', 'курсу', 'rate', 'tasa', 'cotação', 'cotacao', 'câmbio', 'kurs', 'giá'])
const MOST_PIECES = 50
const PIECES = new WordSet(['a', 'per', 'each', 'apiece'])
const JOINS = new WordSet(['and', 'or', 'y', 'o', 'e', 'ou', 'и', 'или', 'và', 'hoặc'])

/** The tier of an amount; undefined where it is no price at all. */
export function tierOf(
  tokens: readonly Token[],
  tags: Tags,
  amount: Amount,
  money: boolean,
  left: Left,
  right: Right,
): 0 | 1 | 2 | 3 | undefined {
  if (money) return 3
  // ".99, zelle": read as money only where it is.
  if (textAt(tokens, amount.start) === '.') return 2
  const tail = tokens[amount.end]
  // "soldered kits 60-90 depending on layout"
  if (amount.range && tail !== undefined && (DEPENDS.has(tail) || DEPENDS.has(tokens[amount.end + 1]))) return 2
  if (onlyCounted(tokens, tags, amount, left, right)) return undefined
  // "need about 20": so many of what was named.
  if (!amount.words && !amount.range && needsSoMany(tokens, tags, amount.at, Number(amount.max))) return undefined
  // "table with 4 chairs 90": a small number before a thing counts it.
  if (!amount.range && Number(amount.max) <= 50 && right.end === amount.end && thingAhead(tokens, tags, amount.end))
    return undefined
  const next = tokens[amount.end]
  // "6105 and 6309 references": of two numbers side by side neither is a price.
  if (next !== undefined && JOINS.has(next) && kindAt(tokens, amount.end + 1) === 'number' && !left.strong) return undefined
  if (kindAt(tokens, amount.start - 2) === 'number' && JOINS.has(tokenAt(tokens, amount.start - 1)) && !left.strong)
    return undefined
  const previous = tokenAt(tokens, amount.start - 1)
  const value = Number(amount.max)
  // "in the carport at 14 Elm Grove", "goin in the skip at 6": where and when.
  if (
    previous?.text === 'at' &&
    right.end === amount.end &&
    ((next?.caps === 1 && tokens[amount.end + 1]?.caps === 1) || (value <= 12 && tags.any('free') !== undefined))
  )
    return undefined
  // "завтра в 11"
  if (previous?.text === 'в' && value <= LAST_HOUR) return undefined
  // "40+ events": so many and more of them.
  if (
    next?.text === '+' &&
    next.glued &&
    !left.strong &&
    kindAt(tokens, amount.end + 1) === 'word' &&
    !isSlotWord(tags, amount.end + 1)
  )
    return undefined
  const open =
    next === undefined ||
    next.kind !== 'word' ||
    next.clause !== tokens[amount.at]?.clause ||
    right.end > amount.end ||
    isSlotWord(tags, amount.end)
  if (amount.multiplied) return undefined
  if (amount.words) {
    const lot = tags.at('u_lot', amount.end) !== undefined
    if (lot || left.strong || right.cue || right.unit !== 'item' || willDo(textAt(tokens, amount.end - 1), next?.text ?? ''))
      return 2
    // "letting it go for one seventy"
    return value >= 100 && (aloneInClause(tokens, amount) || (left.cls === 'p_for' && open)) ? 1 : undefined
  }
  if (left.strong && left.cls !== undefined) {
    if (
      open ||
      CLAUSES.has(next) ||
      (left.cls !== 'p_max' && left.cls !== 'p_min' && left.cls !== 'p_hist' && left.cls !== 'p_addon')
    )
      return 2
    return undefined
  }
  if (left.cls === 'p_for' && open) return 2
  // "резина, 4 шт": so many pieces, where no word asks for it.
  if (tail?.text === 'шт' && left.cls === undefined && value <= MOST_PIECES) return undefined
  if (right.cue || right.unit !== 'item') return 2
  if (previous?.text === '→' || next?.text === '→') return 2
  if (left.approx && open && value >= 5) return 1
  // "2.50 a ball"
  if (amount.fractional && PIECES.has(next) && kindAt(tokens, amount.end + 1) === 'word') return 2
  // "700 USDT, курс 92,4"
  if (amount.fractional && open && RATES.has(previous)) return 2
  if (value < 5 || amount.fractional || !open) return undefined
  // "WTB road bike 150-200"
  if (amount.range && Number(amount.min) >= LEAST_RANGE && Number(amount.min) % 10 === 0 && Number(amount.max) % 10 === 0)
    return 1
  const startsClause =
    previous === undefined ||
    previous.kind === 'line' ||
    previous.sentence !== tokens[amount.at]?.sentence ||
    previous.text === ',' ||
    previous.text === '—' ||
    (previous.kind === 'op' && previous.text !== '/' && previous.text !== '+' && previous.text !== '.')
  if (startsClause) return 1
  // "студия: час 2500": what a unit of time costs.
  if (value >= 100 && tags.ends('unit_time', amount.start)) return 2
  if (
    previous?.kind === 'word' &&
    tags.endingAt(amount.start).some((h) => ['goods', 'brand', 'series', 'number_label', 'unit_time', 'month'].includes(h.name))
  )
    return undefined
  // "instalo minisplit 1,200 y le doy mantenimiento en 500": who writes thousands apart says money.
  if (value >= 1000 && GROUPED.has(tokens[amount.at]?.text.at(-GROUP) ?? '')) return 2
  return value >= 10 ? 0 : undefined
}
