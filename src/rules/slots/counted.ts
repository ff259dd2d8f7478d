import type { Token } from '../text/model.ts'
import { kindAt, textAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { isSlotWord, type Left, type Right } from './price-context.ts'
import type { Tags } from './tags.ts'

const NEEDS = new WordSet(
  'need needs needed needing pulled нужно надо осталось остались quedan faltan necesito preciso sobram'.split(' '),
)
const MAX_NEEDED = 200

/** "need about 20", "pulled 5 from …": what is counted was named before. */
export function needsSoMany(tokens: readonly Token[], tags: Tags, at: number, value: number): boolean {
  const i = tags.ends('p_approx', at) ? at - 2 : at - 1
  return value <= MAX_NEEDED && Number.isInteger(value) && NEEDS.has(tokens[i])
}

/** "10k cards", "3k followers": a counted noun, not money. */
export function countsThings(tokens: readonly Token[], tags: Tags, amount: Amount): boolean {
  if (amount.currency !== undefined) return false
  const next = tokens[amount.end]
  if (next?.kind !== 'word' || next.clause !== tokens[amount.at]?.clause) return false
  // "5к птс": the short thousand implies roubles, what is counted says otherwise.
  if (amount.implied !== undefined) return tags.at('counted', amount.end) !== undefined && !isSlotWord(tags, amount.end)
  if (tags.at('unit_measure', amount.end) !== undefined) return true
  if (isSlotWord(tags, amount.end)) return false
  return tags.at('goods', amount.end) !== undefined || tags.at('counted', amount.end) !== undefined
}

/** "cần lấy 200 con": a bare number before a word of count counts; prices are said in thousands. */
export const countsInVietnamese = (tokens: readonly Token[], tags: Tags, amount: Amount, left: Left): boolean =>
  tags.lang === 'vi' &&
  amount.currency === undefined &&
  !amount.multiplied &&
  !amount.words &&
  ((left.cls !== 'p_ask' && left.cls !== 'p_now') || textAt(tokens, amount.start - 1) === 'lấy') &&
  kindAt(tokens, amount.end) === 'word' &&
  (tags.at('quantity_after', amount.end) !== undefined || VI_COUNTED.has(tokens[amount.end]))
const VI_COUNTED = new WordSet('ký kí kg tạ tấn lít chậu cây con bao thùng'.split(' '))

const TICKER = { least: 3, most: 5 }
/** "15k HYPE otc": so many of a coin no list names. */
export function ofUnknownCoin(tokens: readonly Token[], tags: Tags, amount: Amount): boolean {
  if (amount.currency !== undefined) return false
  const next = tokens[amount.end]
  if (next?.kind !== 'word' || next.glued || next.caps !== 2) return false
  if (next.text.length < TICKER.least || next.text.length > TICKER.most || isSlotWord(tags, amount.end)) return false
  return OTC.has(tokens[amount.end + 1])
}
const OTC = new WordSet(['otc', 'p2p', 'tokens', 'coins', 'токенов', 'монет'])

const FEW = 12
const THEM = new WordSet(['it', 'them', 'these', 'those'])
const LEFT_OVER = new WordSet(['left', 'remaining', 'осталось', 'quedan', 'restantes', 'sobrando'])

/** "6 or so", "about 600 left", "only 2 persons", "mil ladrillos", "400 slides": how many of a thing. */
export function onlyCounted(tokens: readonly Token[], tags: Tags, amount: Amount, left: Left, right: Right): boolean {
  const next = tokens[amount.end]
  if (amount.multiplied || next?.kind !== 'word' || next.clause !== tokens[amount.at]?.clause) return false
  if (LEFT_OVER.has(next)) return true
  // "done 40 of them", "need usdc, 700 of it"
  if (next.text === 'of' && THEM.has(tokens[amount.end + 1])) return true
  const value = Number(amount.max)
  if (value <= FEW && left.cls === undefined && tags.at('p_approx', amount.end) !== undefined) return true
  if (right.end > amount.end || right.unit !== 'item') return false
  if (amount.words || value <= MAX_COUNTED) return tags.at('counted', amount.end) !== undefined
  const plural = !left.strong && next.text.endsWith('s') && next.text.length > 2
  return plural && (tags.at('u_each', amount.end) ?? tags.at('service_noun', amount.end)) !== undefined
}
const MAX_COUNTED = 50
