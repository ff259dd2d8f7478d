import type { Intent, Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { byCount, countsGoods, isSize, isTimes, isWorn, joinedTo, namesThing, plainNext } from './count-things.ts'
import { countAt, countsAlone, isPairWord, mayCount, spelledValue, timesDozen } from './count-words.ts'
import { needsSoMany } from './counted.ts'
import { bundled, hadOrWanted, hasSoMany, inPieces, isList, ofOurs, ofThem, unitAhead } from './counted-apart.ts'
import { measuredOut } from './counted-measure.ts'
import type { PriceCandidate } from './price-candidates.ts'
import {
  COUNT_NOUNS,
  FEATURES,
  FOR_WHOM,
  FROM,
  LABELS,
  LEADS,
  NOT_COUNTED,
  NUMBERED,
  OF,
  PAIRED,
  PEOPLE,
  SETS,
  WITH,
} from './quantity-words.ts'
import type { Tags } from './tags.ts'

type Quantity = NonNullable<Slots['quantity']>

const MAX_COUNT = 1_000_000
/** More than so many are counted with their name only. */
const MAX_PLAIN = 1000
const REACH = 9
/** Many things are counted right before their name only. */
const MAX_NAMED = 100_000

/** Counted things: `x3`, `3x`, `(14)`, a number or number word before the object, "set of 4", "need 3 …". With `buy`, numbers behind "have" may be money. */
export function readQuantity(
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  objectStart: number,
  objectEnd: number,
  prices: readonly PriceCandidate[] = [],
  intent: Intent = 'sell',
): Quantity | null {
  const around: Around = { tokens, tags, prices, objectStart, objectEnd, intent }
  for (const amount of amounts) {
    const value = amount.role === 'amount' ? Number(amount.max) : Number(tokens[amount.at]?.text.replaceAll(',', ''))
    if (!(value > 0) || value > MAX_COUNT || !counts(around, amount, value)) continue
    return { value: value * timesDozen(tokens, amount.end, tags), unit: null }
  }
  return spelled(around)
}

interface Around {
  readonly tokens: readonly Token[]
  readonly tags: Tags
  readonly prices: readonly PriceCandidate[]
  readonly objectStart: number
  readonly objectEnd: number
  readonly intent: Intent
}

/** Whether a number written in digits counts things. */
function counts(around: Around, amount: Amount, value: number): boolean {
  const { tokens, tags } = around
  if (amount.role === 'quantity') return isTimes(tokens, amount, value)
  if (amount.role === 'measure') return unmeasured(around, amount) || measuredOut(tokens, tags, amount, around.intent === 'buy')
  if (
    amount.role === 'id' &&
    hasSoMany(
      tokens,
      tags,
      amount.at,
      around.prices.some((c) => c.amount.currency !== undefined),
    )
  )
    return around.intent !== 'buy'
  if (amount.role === 'id')
    return SETS.has(textAt(tokens, amount.at - 1)) && tags.at('number_label', amount.at - 1) !== undefined
      ? namesThing(tags, amount.end)
      : false
  if (amount.role !== 'amount' || amount.currency !== undefined || amount.range || amount.multiplied || amount.fractional)
    return false
  if (ofThem(tokens, amount.end) && Number.isInteger(value)) return true
  if (goesWith(tokens, tags, amount.at) || joinedTo(tokens, amount.end) || FROM.has(textAt(tokens, amount.at - 1))) return false
  if (timesWord(tokens[amount.end]) && kindAt(tokens, amount.end + 1) === 'word') return true
  if (inPieces(tokens, amount.at, amount.end)) return true
  const of = tags.ends('p_approx', amount.at) ? amount.at - 2 : amount.at - 1
  if (OF.has(textAt(tokens, of)) && SETS.has(textAt(tokens, of - 1))) return true
  const price = around.prices.find((c) => c.amount === amount)
  // A price in money elsewhere leaves "tenho 5" to be counted.
  if (price !== undefined && around.prices.some((c) => c !== price && c.amount.currency !== undefined))
    if (hadOrWanted(tokens, tags, amount.at, amount.end, value, around.intent === 'buy')) return true
  if (price !== undefined && price.tier >= 2) return false
  return unpriced(around, amount, value, price !== undefined)
}

function unpriced(around: Around, amount: Amount, value: number, priced: boolean): boolean {
  const { tokens, tags, objectStart, objectEnd } = around
  const { at, end } = amount
  const [before, next] = [tokenAt(tokens, at - 1), tokens[end]]
  if (bundled(tokens, at, value) || (tags.lang === 'ru' && unitAhead(tokens, at, value))) return true
  if (before?.kind === 'word' && (NUMBERED.has(before.text) || namedByNumber(tokens, at))) return false
  if (FEATURES.has(next?.text ?? '') || tokens[at]?.text.startsWith('0') || ofYear(tags, end, value)) return false
  if (forPeople(around, at, end) || loads(tokens, at, end)) return false
  if (timesDozen(tokens, end, tags) > 1) return !FOR_MONEY.has(tokens[end + 1])
  if (tags.at('quantity_after', end) !== undefined) return true
  if (COUNT_NOUNS.has(next?.text ?? '') && (next?.text !== 'con' || tags.lang === 'vi')) return true
  if (LABELS.has((before?.text === ':' ? tokenAt(tokens, at - 2) : before)?.text ?? '')) return true
  if (startsOrLeads(tokens, tags, at) && byCount(tokens, tags, end)) return true
  if (ofOurs(tokens, end) && startsOrLeads(tokens, tags, at)) return true
  if (before?.text === '(' && next?.text === ')' && value < 1000 && !isSize(tokens, at - 1, value)) return true
  if (value <= MAX_NAMED && tags.at('goods', end) !== undefined && at === objectStart) return true
  if (hadOrWanted(tokens, tags, at, end, value, around.intent === 'buy')) return true
  if (!Number.isInteger(value) || (next?.kind === 'word' && NOT_COUNTED.has(next.text))) return false
  if (value > MAX_PLAIN) return false
  if (at >= objectStart - 3 && at <= objectEnd && countsGoods(tokens, tags, end)) return true
  if (attached(tokens, tags, at)) return false
  if (before?.kind === 'word' && namesThing(tags, end)) return true
  if (at === objectStart && plainNext(tokens, tags, end)) return true
  if (leads(tokens, tags, at) && plainNext(tokens, tags, end)) return true
  if (opensList(around, at) && (countsGoods(tokens, tags, end) || plainItem(tokens, tags, at, end))) return true
  if (needsSoMany(tokens, tags, at, value) && !isList(tokens, end)) return true
  return !priced && SETS.has(before?.text ?? '') && tags.lang !== 'en' && closes(next)
}

/** "2 x stalls seats", "two seats", "12 tomos": the word behind the number is a unit elsewhere. */
function unmeasured({ tokens, tags, objectStart, objectEnd }: Around, amount: Amount): boolean {
  const { at } = amount
  const unit = tokens[at + 1]
  if (goesWith(tokens, tags, at) || unit?.glued === true) return false
  if (timesWord(unit)) return kindAt(tokens, at + 2) === 'word' && startsOrLeads(tokens, tags, at)
  // "3 in-calf heifers"
  if (unit?.text === 'in' && tokens[at + 2]?.glued === true) return startsOrLeads(tokens, tags, at)
  if (tags.at('quantity_after', at + 1) === undefined || attached(tokens, tags, at)) return false
  return startsOrLeads(tokens, tags, at) || (at >= objectStart - 3 && at <= objectEnd && namesThing(tags, at + 1))
}

const startsOrLeads = (tokens: readonly Token[], tags: Tags, at: number): boolean =>
  kindAt(tokens, at - 1) !== 'word' || leads(tokens, tags, at)

/** "for 60 guests", "2 người 1 chó": for whom, or who is looking. */
function forPeople({ tokens, tags, intent }: Around, at: number, end: number): boolean {
  const named = PEOPLE.has(textAt(tokens, end)) || (kindAt(tokens, end) === 'word' && PEOPLE.has(textAt(tokens, end + 1)))
  if (!named && !(intent === 'buy' && tags.at('people', end) !== undefined)) return false
  return intent !== 'service_wanted' || FOR_WHOM.has(textAt(tokens, at - 1))
}

/** "98 corolla": of which year. */
const ofYear = (tags: Tags, end: number, value: number): boolean =>
  value >= 70 && value <= 99 && tags.startingAt(end).some((h) => h.value === 'vehicles')

/** "xe tải 1 tấn": what a lorry carries. */
const loads = (tokens: readonly Token[], at: number, end: number): boolean =>
  textAt(tokens, end) === 'tấn' && LORRY.has(tokenAt(tokens, at - 1))
const FOR_MONEY = new WordSet(['for', 'por', 'за'])
const LORRY = new WordSet(['tải', 'xe', 'cẩu'])

/** The first thing of a list, where nothing was named before or the line has its price. */
function opensList({ tokens, tags, prices }: Around, at: number): boolean {
  const before = tokenAt(tokens, at - 1)
  if (before === undefined) return true
  // What has a price of its own is no part of what was named before.
  if (tags.hasConcrete(0, at) && !prices.some((c) => c.amount.at > at && tokens[c.amount.at]?.sentence === tokens[at]?.sentence))
    return false
  return before.kind === 'line' || before.kind === 'emoji' || BULLETS.has(before)
}
const BULLETS = new WordSet(['•', '·', '-', '*', '–', '—', '.', '!', '?', ';', '…'])
/** In a list, not at the beginning of any sentence. */
const plainItem = (tokens: readonly Token[], tags: Tags, at: number, end: number): boolean =>
  kindAt(tokens, at - 1) !== 'op' || ENDS.has(tokenAt(tokens, at - 1)) ? false : plainNext(tokens, tags, end)
const ENDS = new WordSet(['.', '!', '?', ';', '…'])

const timesWord = (token: Token | undefined): boolean => token?.text === 'x' || token?.text === '×'

/** "with 2 controllers"; in Vietnamese "có 2 vé" at the beginning is "I have". */
const goesWith = (tokens: readonly Token[], tags: Tags, at: number): boolean =>
  tags.ends('with_word', at) && !(at <= 3 && textAt(tokens, at - 1) === 'có')

/** "Bosch PSR 18", "Caloi 10": the number belongs to the name before it. */
function namedByNumber(tokens: readonly Token[], at: number): boolean {
  const [before, earlier] = [tokens[at - 1] as Token, tokenAt(tokens, at - 2)]
  return before.caps > 0 && !LEADS.has(before.text) && earlier?.kind === 'word' && earlier.sentence === before.sentence
}

const closes = (token: Token | undefined): boolean => token === undefined || token.kind !== 'word'

/** "kayak, with paddles and two vests": what goes with the thing is no count of it. */
function attached(tokens: readonly Token[], tags: Tags, at: number): boolean {
  const sentence = tokens[at]?.sentence
  for (let i = at - 1; i > 0 && i > at - REACH; i--) {
    if (tokens[i]?.sentence !== sentence) return false
    if (WITH.has(textAt(tokens, i)) || (textAt(tokens, i) === '+' && tags.ends('goods', i))) return true
  }
  return false
}
/** A verb of having, wanting or selling stands before the number, or the number opens what a colon announced. */
function leads(tokens: readonly Token[], tags: Tags, at: number): boolean {
  let i = at - 1
  if (tags.ends('p_approx', at)) i--
  const before = tokens[i]
  if (before === undefined) return true
  if (before.text === ':' || before.text === ']' || before.text === '>') return true
  return before.kind === 'word' && LEADS.has(before.text)
}

/** Counts in words: "two tickets", "half a dozen pullets", "need five for the shop". */
function spelled(around: Around): Quantity | null {
  const { tokens, tags, objectStart: from, objectEnd } = around
  const buys = around.intent === 'buy'
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    if (!mayCount(token)) continue
    const count = countAt(tokens, i, tags)
    if (count === undefined) {
      const ahead = tags.lang === 'ru' ? spelledValue(token.text) : undefined
      if (ahead !== undefined && ahead > 1 && unitAhead(tokens, i, ahead)) return { value: ahead, unit: null }
      continue
    }
    const { value, end } = count
    if (goesWith(tokens, tags, i) || joinedTo(tokens, end) || forPeople(around, i, end) || FEATURES.has(textAt(tokens, end)))
      continue
    if (tags.lang === 'ru' && unitAhead(tokens, i, value)) return { value, unit: null }
    if (twoFor(tokens, i, end)) return { value, unit: null }
    if (value > 1 && (ofThem(tokens, end) || hadOrWanted(tokens, tags, i, end, value, buys))) return { value, unit: null }
    const at = OF.has(textAt(tokens, end)) ? end + 1 : end
    if (isPairWord(token.text) && (PAIRED.has(textAt(tokens, at)) || PAIRED.has(textAt(tokens, at + 1)) || isWorn(tags, at)))
      continue
    if (NOT_COUNTED.has(textAt(tokens, at)) || attached(tokens, tags, i)) continue
    const near = i >= from - 3 && i <= objectEnd
    if (near ? countsGoods(tokens, tags, at) : i <= objectEnd && namesThing(tags, at)) return { value, unit: null }
    if (value >= 5 && countsAlone(token.text) && plainNext(tokens, tags, at)) return { value, unit: null }
    if (!near && startsOrLeads(tokens, tags, i) && !tags.hasConcrete(0, i) && countsGoods(tokens, tags, at))
      return { value, unit: null }
    if (startsOrLeads(tokens, tags, i) && byCount(tokens, tags, at)) return { value, unit: null }
    if ((i === 0 || leads(tokens, tags, i)) && !count.pair && plainNext(tokens, tags, at)) return { value, unit: null }
    if (isPairWord(token.text) && at > end && plainNext(tokens, tags, at)) return { value, unit: null }
  }
  return null
}

/** "two for Idles tomorrow": tickets of an evening everybody knows. */
const twoFor = (tokens: readonly Token[], i: number, end: number): boolean =>
  (i === 0 || kindAt(tokens, i - 1) === 'line') && textAt(tokens, end) === 'for' && (tokens[end + 1]?.caps ?? 0) > 0
