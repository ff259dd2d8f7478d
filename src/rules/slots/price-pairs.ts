import type { Token } from '../text/model.ts'
import type { Amount } from './amount.ts'
import type { Tags } from './tags.ts'

/** Amounts of a text without other prices that stand beside their things, where there are at least two: a list of prices. */
export function pricePairs(tokens: readonly Token[], tags: Tags, amounts: readonly Amount[]): readonly Amount[] {
  if (amounts.length < 2) return NONE
  const lined = new Set(amounts.filter((a) => endsItem(tokens, a)))
  // "- drill, 60 ⏎ - vac 25": one of the two stands behind a comma; small and broken numbers are so listed twice at least.
  const least = lined.size >= 2 ? 0 : LEAST
  const pairs = amounts.filter((a) => pairedWithThing(tokens, tags, a) || (Number(a.max) >= least && lined.has(a)))
  return pairs.length >= 2 ? pairs : NONE
}
const NONE: readonly Amount[] = []

const LEAST = 5
const LAST_HOUR = 24
const AT = new Set('at by after before till until в к до после с las às lúc a'.split(' '))
const CLOSES = new Set([',', '.', ';', ')'])

/** "drill 40, mitre saw 90": a bare number right after a thing, at the end of its clause. */
function pairedWithThing(tokens: readonly Token[], tags: Tags, amount: Amount): boolean {
  if (amount.role !== 'amount' || amount.currency !== undefined || amount.range || amount.fractional) return false
  if (Number(amount.max) < LEAST || amount.words) return false
  const next = tokens[amount.end]
  if (next !== undefined && !CLOSES.has(next.text) && next.kind !== 'line' && next.clause === tokens[amount.at]?.clause)
    return false
  // "завтра в 11", "Dublin 8": an hour, a district.
  if (Number(amount.max) <= LAST_HOUR && (AT.has(tokens[amount.start - 1]?.text ?? '') || tags.ends('place', amount.start)))
    return false
  const thing = tags.ends('goods', amount.start)
  return thing || tokens[amount.start - 1]?.kind === 'word'
}

const LEADS = new Set([',', '-', '–', '—', '…', '='])

/** "• padrón – 2": the last of its line, behind a sign that stands behind words. */
function endsItem(tokens: readonly Token[], amount: Amount): boolean {
  if (amount.role !== 'amount' || amount.currency !== undefined || amount.multiplied || amount.range || amount.words) return false
  const next = tokens[amount.end]
  if (next !== undefined && next.kind !== 'line') return false
  const before = tokens[amount.start - 2]
  return LEADS.has(tokens[amount.start - 1]?.text ?? '') && (before?.kind === 'word' || before?.text === ')')
}
