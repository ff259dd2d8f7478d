import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { shaped } from './amount.ts'
import { candidateOf, isPrice, type PriceCandidate } from './price-candidate.ts'
import { isSlotWord, leftContext } from './price-context.ts'
import type { Tags } from './tags.ts'

/** "наушники 120$ доставка по городу": where no other price is named, what stands before the word of delivery is one. */
export function deliveredToo(tokens: readonly Token[], tags: Tags, out: PriceCandidate[]): void {
  if (out.some((c) => isPrice(c.role))) return
  for (const [i, c] of out.entries()) {
    if (c.role !== 'addon' || c.tier < 2 || textAt(tokens, c.amount.start - 1) === '+') continue
    // "Frete pequeno 60 reais": what a line begins with is offered itself.
    const head = tags.startingAt(0).some((h) => h.name === 'p_addon') && c.amount.start <= 4
    if (leftContext(tokens, tags, c.amount).cls === 'p_addon' && !head) continue
    out[i] = candidateOf({ ...c, role: 'asking' })
    return
  }
}

const FROM_WORDS = new WordSet(['from', 'de', 'từ', 'с', 'со', 'от', 'tu'])
const TO_WORDS = new WordSet(['to', 'a', 'para', 'pra', 'por', 'còn', 'xuống', 'xuong', 'до', 'на', 'hasta', 'até', 'con'])
const MAX_LINK = 3

/** "reduced from 520 to 450", "giảm từ 400k còn 300k": the larger amount is what it was, the smaller what it is. */
export function lowered(tokens: readonly Token[], out: PriceCandidate[]): void {
  for (let i = 0; i + 1 < out.length; i++) {
    const [was, is] = [out[i] as PriceCandidate, out[i + 1] as PriceCandidate]
    if (was.amount.range || is.amount.range || Number(was.amount.max) <= Number(is.amount.max)) continue
    if (!FROM_WORDS.has(tokenAt(tokens, was.amount.start - 1))) continue
    const between = is.amount.start - was.amount.end
    if (between < 1 || between > MAX_LINK) continue
    const link = tokens.slice(was.amount.end, is.amount.start)
    // "de 1888, hasta 45€": behind a comma something else is said.
    if (link.some((t) => t.text === ',') || !link.some((t) => TO_WORDS.has(t))) continue
    if (tokens[was.amount.at]?.sentence !== tokens[is.amount.at]?.sentence) continue
    out[i] = candidateOf({ ...was, role: 'historic', bound: 'both' })
    out[i + 1] = candidateOf({ ...is, role: 'asking', bound: 'both', now: true, tier: is.tier === 3 ? 3 : 2 })
  }
}

const THEN = new Set(['then', 'luego', 'después', 'depois', 'потом', 'затем', 'rồi', 'sau'])
const TODAY = new Set(['today', 'now', 'hoy', 'ahora', 'hoje', 'agora', 'сегодня', 'теперь', 'сейчас', 'giờ', 'nay'])

/** "was A$900, then A$750, today A$620": behind a former price what is said of then is former too, of today the price. */
export function stepped(tokens: readonly Token[], out: PriceCandidate[]): void {
  for (let i = 1; i < out.length; i++) {
    if (out[i - 1]?.role !== 'historic') continue
    const c = out[i] as PriceCandidate
    const word = textAt(tokens, c.amount.start - 1)
    if (c.tier < 2) continue
    if (THEN.has(word)) out[i] = candidateOf({ ...c, role: 'historic' })
    else if (TODAY.has(word)) out[i] = candidateOf({ ...c, role: 'asking', bound: 'both', now: true })
  }
}

const FIX_REACH = 4

/** "60, no wait, make that 50", "1 millón... perdón, 900 mil": what is said last counts, and what is listed behind it. */
export function corrected(tokens: readonly Token[], tags: Tags, out: PriceCandidate[]): void {
  const fix = tags.hits.findLast((h) => h.name === 'p_fix')
  if (fix === undefined) return
  const at = out.findIndex((c) => c.amount.start >= fix.end && isPrice(c.role))
  if (at < 1) return
  const c = out[at] as PriceCandidate
  const close = c.amount.start - fix.end <= FIX_REACH
  if (!close && kindAt(tokens, fix.start - 1) === 'word') return
  for (let i = 0; i < at; i++) out[i] = candidateOf({ ...(out[i] as PriceCandidate), role: 'historic' })
  const earlier = out[at - 1] as PriceCandidate
  const currency = c.amount.currency ?? earlier.amount.currency
  const tier = close && c.tier < 2 ? 2 : c.tier
  out[at] = candidateOf({ ...c, tier, now: close, amount: shaped({ ...c.amount, currency }) })
}

const MANY_TIMES = 5

/**
 * "биметалл 10₽ Чечня 2010 … отдам за 14 500р": money before a name is printed on the thing where a price word asks for many times as
 * much; "12k window AC … would pay 80": so is a bare thousand before a thing.
 */
export function printed(tokens: readonly Token[], tags: Tags, out: PriceCandidate[]): void {
  const [first] = out
  if (first === undefined || first.tier < 3 || first.asked || first.role !== 'asking' || first.end > first.amount.end) return
  const next = tokens[first.amount.end]
  if (next?.kind !== 'word' || next.glued || next.clause !== tokens[first.amount.at]?.clause) return
  if (
    (isSlotWord(tags, first.amount.end) && tags.at('u_each', first.amount.end) === undefined) ||
    tags.ends('p_for', first.amount.start)
  )
    return
  const { currency, multiplied, max } = first.amount
  const named = currency !== undefined && next.caps === 1
  const later = out.find(
    (c) =>
      c !== first &&
      c.asked &&
      isPrice(c.role) &&
      (named
        ? c.tier === 3 && Number(c.amount.max) >= MANY_TIMES * Number(max)
        : currency === undefined && multiplied && c.tier === 2),
  )
  if (later !== undefined) out[0] = candidateOf({ ...first, role: 'face' })
}
