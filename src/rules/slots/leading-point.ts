import type { Token } from '../text/model.ts'
import { tokenAt } from '../text/token-at.ts'
import { type CurrencyHit, currencyAfter, STABLE } from './currency.ts'
import { unitAt } from './price-unit.ts'
import type { Tags } from './tags.ts'

const PRICED = new Set(['p_ask', 'p_for', 'p_max', 'p_budget', 'p_offer', 'p_now'])

/** ".45 apiece", "$.99": a fraction without its nought, where it is money; ".22 lr", ".308" name cartridges. */
export function pointBefore(tokens: readonly Token[], i: number, tags: Tags, before: CurrencyHit | undefined): boolean {
  const [point, number] = [tokenAt(tokens, i - 1), tokens[i]]
  if (point?.text !== '.' || number?.glued !== true || number.text.length > 3) return false
  if (before !== undefined) return true
  if (point.glued) return false
  if (currencyAfter(tokens, i + 1, tags.lang) !== undefined || unitAt(tokens, tags, i + 1) !== undefined) return true
  const next = tokens[i + 1]
  if (next !== undefined && next.kind === 'word' && next.clause === number.clause) return false
  return tags.endingAt(i - 1).some((h) => PRICED.has(h.name)) || tokens.some((t) => STABLE.has(t.text.toUpperCase()))
}
