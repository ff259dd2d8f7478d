import type { PriceUnit } from '../model.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { ListTable } from './list-table.ts'
import { isYear } from './number-role.ts'
import { unitAt } from './price-unit.ts'
import type { Hit, Tags } from './tags.ts'

const LOOK_BACK = 6
const STOPS = new WordSet([',', '(', ')', '+'])

export interface Left {
  readonly cls: string | undefined
  readonly outer: string | undefined
  readonly role: string | undefined
  readonly strong: boolean
  readonly approx: boolean
  /** The first token looked at. */
  readonly from: number
}

const ROLE_CLASSES = new Set([
  'p_max',
  'p_budget',
  'p_min',
  'p_offer',
  'p_hist',
  'p_addon',
  'p_now',
  'p_ask',
  'p_for',
  'p_topup',
  'p_usual',
])
/** Lists that tell the role of an amount. */
const TELLS = new ListTable((name) => ROLE_CLASSES.has(name))

/** "điện thoại" is a telephone, "disney plus" a brand, whatever "điện" and "plus" are by themselves. */
const insideThing = (tags: Tags, { start, end, name }: Hit): boolean =>
  end - start === 1 &&
  ((tags.at('goods', start)?.end ?? end) > end ||
    tags.endingAt(end).some((h) => h.start < start && (h.name === 'goods' || h.name === 'brand')) ||
    // "tax returns $350": the work, not what is paid on top of it.
    (name === 'p_addon' && TAXED.has(tags.tokens[end]) && textAt(tags.tokens, start) === 'tax') ||
    // "nồi cơm điện 150k": what the thing runs on, not what comes on top.
    (name === 'p_addon' && tags.lang === 'vi' && tags.ends('goods', start)))

const TAXED = new WordSet([
  'return',
  'returns',
  'prep',
  'preparation',
  'filing',
  'filings',
  'advice',
  'help',
  'consult',
  'consultation',
])

const MAX_HEAD = 8
/** "my budget for a used desk: 200": what stands before the colon says what it is. */
function budgeted(tokens: readonly Token[], tags: Tags, colon: number): boolean {
  for (let k = colon; k > 0 && colon - k <= MAX_HEAD; k--) {
    const token = tokens[k - 1] as Token
    if (token.kind === 'line' || token.kind === 'number' || token.sentence !== tokens[colon]?.sentence) return false
    if (tags.ends('p_budget', k)) return true
  }
  return false
}

const MINUTES = new WordSet(['min', 'mín', 'мин'])
/** "30 min ₹499": minutes, no least amount. */
const isMinutes = (tokens: readonly Token[], { start, end, name }: Hit): boolean =>
  name === 'p_min' && end - start === 1 && kindAt(tokens, start - 1) === 'number' && MINUTES.has(tokens[start])

const NEW_ONES = new WordSet(['новый', 'новая', 'новое', 'новые', 'нового'])
/** "(новый 30к)": what a new one costs; "чехол новый 500р" is new itself. */
const ofNewOne = (tokens: readonly Token[], { start }: Amount): boolean =>
  textAt(tokens, start - 2) === '(' && NEW_ONES.has(tokenAt(tokens, start - 1))

/** "material já comprado (R$ 2.300)", "I cover the label (12 bucks)": what the word before the bracket says of the amount in it. */
const ofBracket = (word: string): string | undefined => (BOUGHT.has(word) ? 'p_hist' : SENT.has(word) ? 'p_addon' : undefined)

const SENT = new Set('label postage shipping envío envio frete portes пересыл пересылка доставка ship'.split(' '))
const BOUGHT = new Set(
  (
    'bought purchased ordered comprado comprada comprados compradas comprei compré adquirido adquirida ' +
    'купил купила купили куплен куплена куплено куплены брал брала брали взял взяла покупал покупала mua'
  ).split(' '),
)
const IN_YEAR = new WordSet(['in', 'en', 'em', 'в', 'năm', 'back', 'el', 'del', 'de'])
/** "comprada en 2016 por 1.080 €": the year between belongs to the buying. */
function ofThatYear(tokens: readonly Token[], tags: Tags, at: number): boolean {
  if (!isYear(textAt(tokens, at)) || !IN_YEAR.has(tokenAt(tokens, at - 1))) return false
  for (let k = at - 2; k >= at - REACH; k--) {
    const token = tokens[k]
    if (token === undefined || token.sentence !== tokens[at]?.sentence) return false
    if (BOUGHT.has(token.text) || (k === at - 2 && token.text.length > 2 && tags.ends('p_hist', k + 1))) return true
  }
  return false
}
const REACH = 5

/** Nearest price word to the left within the clause, with the one before it. */
export function leftContext(tokens: readonly Token[], tags: Tags, amount: Amount): Left {
  const sentence = tokens[amount.start]?.sentence
  const tells = TELLS.of(tags.classNames)
  let cls: string | undefined
  let outer: string | undefined
  let approx = false
  let decidedAt = -1
  let stop = amount.start
  let skipped = 0
  for (let end = amount.start; end > Math.max(0, amount.start - LOOK_BACK); ) {
    const token = tokens[end - 1] as Token
    if (token.kind === 'line' || token.sentence !== sentence || STOPS.has(token)) break
    if (token.kind === 'number') {
      if (ofThatYear(tokens, tags, end - 1)) [cls, outer] = ['p_hist', 'p_hist']
      break
    }
    let width = 0
    for (const hit of tags.endingAt(end)) {
      const name = hit.name
      if (name === 'p_approx' && cls === undefined) {
        approx = true
        width = Math.max(width, hit.end - hit.start)
      }
      if (!tells[hit.cls] || insideThing(tags, hit) || isMinutes(tokens, hit)) continue
      const size = hit.end - hit.start
      // "aula de violão 50": a word as short as "de" says something of the number it touches only.
      if (size === 1 && end < amount.start && (tokens[hit.start] as Token).text.length <= 2) continue
      if (size < width && cls !== undefined) continue
      if (cls === undefined || (decidedAt === end && (size > width || (size === width && name === 'p_now')))) {
        if (name !== 'p_for' || end === amount.start || approx) {
          cls = name
          decidedAt = end
        }
      } else if (outer === undefined && name !== 'p_for') outer = name
      width = Math.max(width, size)
    }
    if (width === 0) {
      if (token.text === '~' || token.text === '≈') approx = true
      skipped++
      width = 1
      const filler = token.kind === 'op' || token.kind === 'sign' || tags.ends('p_skip', end)
      if (!filler && skipped > 2) break
    }
    end -= width
    stop = end
  }
  if (textAt(tokens, amount.start - 1) === '~' || textAt(tokens, amount.start - 1) === '≈') approx = true
  if (cls === undefined && textAt(tokens, amount.start - 1) === ':' && budgeted(tokens, tags, amount.start - 1)) cls = 'p_budget'
  if (cls === undefined && ofNewOne(tokens, amount)) cls = 'p_hist'
  if (cls === undefined && textAt(tokens, amount.start - 1) === '(') cls = ofBracket(textAt(tokens, amount.start - 2))
  const strong = cls !== undefined && cls !== 'p_for'
  return {
    cls,
    outer,
    role: cls,
    strong,
    approx,
    from: stop,
  }
}

export interface Right {
  readonly max: boolean
  readonly min: boolean
  readonly hist: boolean
  readonly face: boolean
  readonly addon: boolean
  readonly topup: boolean
  readonly shipAfterPlus: boolean
  readonly approx: boolean
  readonly cue: boolean
  readonly unit: PriceUnit
  readonly end: number
}

const NO_MORE = new WordSet(['not', 'and', 'ni', 'nem', 'ни', 'и', 'không', 'absolute', 'tope', 'techo', 'teto'])

const longestFirst = (hits: readonly Hit[]): readonly Hit[] => (hits.length < 2 ? hits : hits.toSorted((a, b) => b.end - a.end))

/** Unit, bounds and price words to the right of an amount. */
export function rightContext(tokens: readonly Token[], tags: Tags, amount: Amount): Right {
  let at = amount.end
  const unit = unitAt(tokens, tags, at)
  if (unit !== undefined) at = unit.end
  let max = false
  let min = false
  let hist = false
  let addon = false
  let topup = false
  let cue = false
  // "thirty-five dollars, not a cent more"
  if (textAt(tokens, at) === ',' && NO_MORE.has(tokens[at + 1]) && tags.at('r_max', at + 1) !== undefined) at++
  for (let k = 0; k < 3; k++) {
    let moved = false
    for (const hit of longestFirst(tags.startingAt(at))) {
      const name = hit.name
      if (name === 'r_max') max = true
      else if (name === 'r_min') min = true
      else if (name === 'r_hist') hist = true
      else if (name === 'r_addon') addon = true
      else if (name === 'r_topup') topup = true
      else if (
        name === 'f_shipped' ||
        name === 'f_firm' ||
        name === 'f_negotiable' ||
        name === 'f_plus_shipping' ||
        name === 'r_cue' ||
        name === 'p_approx'
      )
        cue = true
      else continue
      if (hit.end > at) {
        at = hit.end
        moved = true
      }
      break
    }
    if (!moved) break
  }
  let face = false
  for (let k = 0; k <= 2; k++) if (tags.at('r_face', amount.end + k) !== undefined) face = true
  const shipAfterPlus =
    textAt(tokens, amount.start - 1) === '+' && tags.first('f_plus_shipping_word', amount.end, amount.end + 2) !== undefined
  return {
    max,
    min,
    hist,
    face,
    addon,
    topup,
    shipAfterPlus,
    approx: false,
    cue: cue || max || min,
    unit: unit?.unit ?? 'item',
    end: Math.max(at, amount.end),
  }
}

/** A word of another slot, or one that says something of a price, begins at token i. */
export const isSlotWord = (tags: Tags, i: number): boolean =>
  tags.startingAt(i).some((h) => {
    const name = h.name
    return /^(?:f_|r_|u_|p_|pay|contact|pickup|ship|cond_|place_prep|urgent|slot_word)/u.test(name)
  })
