import type { Token } from '../text/model.ts'
import { tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { COINS, STABLE } from './currency.ts'
import type { PriceCandidate } from './price-candidate.ts'
import { candidateOf } from './price-candidate.ts'
import type { Tags } from './tags.ts'

const isCoin = (c: PriceCandidate): boolean => c.amount.currency?.code !== undefined && COINS.has(c.amount.currency.code)

/** Coins among the candidates that are what is traded, not what is paid with. */
export function tradedCoins(tokens: readonly Token[], tags: Tags, out: PriceCandidate[]): void {
  if (!out.some(isCoin)) return
  // "1,500 USDT at 0.98 EUR", "740 USDT, 1,585 naira per": the other currency behind it is its price.
  for (let i = 0; i + 1 < out.length; i++) {
    const [a, b] = [out[i] as PriceCandidate, out[i + 1] as PriceCandidate]
    if (!isCoin(a) || b.amount.currency?.code === a.amount.currency?.code || b.tier < 2) continue
    const link =
      tags.ends('p_for', b.amount.start) || tags.ends('p_ask', b.amount.start) || RATES.has(tokenAt(tokens, b.amount.start - 1))
    const rate =
      !a.asked &&
      (b.amount.currency !== undefined || STABLE.has(a.amount.currency?.code ?? '')) &&
      (b.unit === 'each' || PER.has(tokens[b.end]))
    if (link || rate) out[i] = candidateOf({ ...a, role: 'coin_quantity' })
  }
  // "500 usdt contra zelle", "who has 200 USDT for me": nothing else is named that it could be paid for.
  if (!out.every((c) => isCoin(c) && c.role === 'asking')) return
  const [only] = out
  if (out.length > 1 || only === undefined || only.asked || only.unit !== 'item' || only.now || only.bound !== 'both') return
  if (!wanted(tokens, tags, only) || namesThing(tokens, tags, only)) return
  out[0] = candidateOf({ ...only, role: 'coin_quantity' })
}

const RATES = new WordSet(['курс', 'курсу', 'rate', 'tasa', 'cotação', 'cotacao', 'câmbio', 'kurs'])
const HAVE = new WordSet(
  (
    'has have got need needs want wants short sell selling buy buying swap swapping with of ' +
    'tengo tiene necesito busco quiero cambio vendo compro alguem me arruma arrumo tem tenho preciso troco quero ' +
    "возьму куплю нужно нужны надо продам есть меняю обменяю voz'mu vozmu kuplyu nuzhno prodam est menyayu " +
    'cần mua bán đổi có'
  ).split(' '),
)
/** "who has 200 USDT", "5000 doge leaving my wallet": said of the coin itself; "box with keys, 2.5 ETH" names its price. */
function wanted(tokens: readonly Token[], tags: Tags, { amount, end }: PriceCandidate): boolean {
  const [before, next] = [tokenAt(tokens, amount.start - 1), tokens[amount.end]]
  if (before !== undefined && before.kind !== 'line') return HAVE.has(before)
  return end === amount.end && next?.kind === 'word' && !CUES.some((name) => tags.at(name, amount.end) !== undefined)
}
const CUES = ['f_negotiable', 'f_firm', 'f_shipped', 'r_cue']

const PER = new WordSet(['per', 'each', 'apiece', 'cada', 'за', 'mỗi'])
const THINGS = new Set(['goods', 'brand', 'model', 'service_noun', 'trade'])
/** Where coins lie and what they are paid with: no things beside them. */
const PURSES = new WordSet(
  'wallet account transfer bank cash trust zelle venmo paypal revolut pix nal card polygon collateral banco cuenta conta нал карта карту usdt btc'.split(
    ' ',
  ),
)

/** A thing or a work beside the coin: "logo for 200 USDT", "steam acc 40 usdt". */
function namesThing(tokens: readonly Token[], tags: Tags, { amount }: PriceCandidate): boolean {
  return tags.hits.some(
    (h) =>
      THINGS.has(h.name) &&
      (h.end - h.start > 1 || (tokens[h.start]?.text.length ?? 0) > 2) &&
      (h.end <= amount.start || h.start >= amount.end) &&
      !PURSES.has(tokens[h.start]) &&
      !PURSES.has(tokenAt(tokens, h.end - 1)),
  )
}
