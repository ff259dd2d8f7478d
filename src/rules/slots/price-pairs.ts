import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { shaped } from './amount.ts'
import { candidateOf, isPrice, type PriceCandidate } from './price-candidate.ts'
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
const AT = new WordSet('at by after before till until в к до после с las às lúc a'.split(' '))
const CLOSES = new WordSet([',', '.', ';', ')'])

/** "drill 40, mitre saw 90": a bare number right after a thing, at the end of its clause. */
function pairedWithThing(tokens: readonly Token[], tags: Tags, amount: Amount): boolean {
  if (amount.role !== 'amount' || amount.currency !== undefined || amount.range || amount.fractional) return false
  if (Number(amount.max) < LEAST || amount.words) return false
  const next = tokens[amount.end]
  if (next !== undefined && !CLOSES.has(next) && next.kind !== 'line' && next.clause === tokens[amount.at]?.clause) return false
  // "завтра в 11", "Dublin 8": an hour, a district.
  if (Number(amount.max) <= LAST_HOUR && (AT.has(tokenAt(tokens, amount.start - 1)) || tags.ends('place', amount.start)))
    return false
  const thing = tags.ends('goods', amount.start)
  return thing || kindAt(tokens, amount.start - 1) === 'word'
}

const LEADS = new WordSet([',', '-', '–', '—', '…', '='])

/** "• padrón – 2": the last of its line, behind a sign that stands behind words. */
function endsItem(tokens: readonly Token[], amount: Amount): boolean {
  if (amount.role !== 'amount' || amount.currency !== undefined || amount.multiplied || amount.range || amount.words) return false
  const next = tokens[amount.end]
  if (next !== undefined && next.kind !== 'line') return false
  const before = tokenAt(tokens, amount.start - 2)
  return LEADS.has(tokenAt(tokens, amount.start - 1)) && (before?.kind === 'word' || before?.text === ')')
}

const SEPARATES = new WordSet([',', ';', '/', '.', '•', '·', '|'])
const LEAST_LISTED = 3

/**
 * "ps4 slim 120, pads 25 a go, fifa 5", "small 35 / medium 50 / big 80 usd": where some amount of a list of three or more has more said of
 * it than the first, the first is the price of the first thing all the same.
 */
export function listHead(tokens: readonly Token[], tags: Tags, amounts: readonly Amount[], out: PriceCandidate[]): void {
  let at = out.findIndex((c) => c.tier >= 2 && c.amount.currency !== undefined && isPrice(c.role))
  if (at < 0) at = out.findIndex((c) => c.tier >= 2 && isPrice(c.role))
  const lead = out[at]
  const [first] = amounts
  if (lead === undefined || first === undefined || lead.amount === first || lead.now || lead.bound !== 'both') return
  const [ahead] = out
  // "айфон — 23000, чехлы по 300": what stands behind a dash is no less a price than what is asked for the small things.
  if (
    lead.amount.currency === undefined &&
    ahead?.tier === 1 &&
    dashed(tokens, ahead.amount) &&
    Number(ahead.amount.max) > Number(lead.amount.max)
  ) {
    out[0] = candidateOf({ ...ahead, tier: 2 })
    return
  }
  if (tags.endingAt(lead.amount.start).some((h) => SAYS_PRICE.has(h.name))) return
  // "Omni 360, washed and ready, 90 sgd": behind a comma alone it is the price of all.
  if (textAt(tokens, lead.amount.start - 1) === ',') return
  let head: Amount | undefined
  let entries = 0
  for (const amount of amounts) {
    const bare = amount.currency === undefined && !amount.multiplied
    if (
      head !== undefined
        ? listed(tokens, amount, out)
        : bare && amount.start < lead.amount.start && opensList(tokens, tags, amount)
    ) {
      head ??= amount
      entries++
    }
  }
  if (head === undefined || entries < LEAST_LISTED || Number(head.max) > MOST_HEAD) return
  // Money behind the last of them is that of all.
  const money = lead.amount === out.findLast((c) => c.tier >= 1)?.amount ? lead.amount.currency : undefined
  if (lead.amount.currency !== undefined && money === undefined) return
  const known = out.findIndex((c) => c.amount === head)
  const candidate: PriceCandidate = candidateOf({
    ...lead,
    amount: shaped({ ...head, currency: money, implied: money === undefined ? undefined : lead.amount.implied }),
    role: 'asking',
    tier: 2,
    unit: 'item',
    end: head.end,
    asked: false,
  })
  if (known >= 0) out[known] = candidate
  else out.splice(at, 0, candidate)
}
const dashed = (tokens: readonly Token[], { start }: Amount): boolean => DASHES.has(tokenAt(tokens, start - 1))
const DASHES = new WordSet(['-', '–', '—'])

const SAYS_PRICE = new Set(['p_for', 'p_ask', 'p_budget', 'p_max', 'p_min', 'p_offer'])
const MOST_HEAD = 100_000

/** A bare number behind its thing or a dash, before a sign that begins the next entry. */
function opensList(tokens: readonly Token[], tags: Tags, amount: Amount): boolean {
  if (amount.role !== 'amount' || amount.range || amount.words || amount.fractional || Number(amount.max) < LEAST) return false
  const next = tokens[amount.end]
  if (next === undefined || (next.kind !== 'line' && !SEPARATES.has(next))) return false
  if (next.text === '/' && next.glued) return false
  const before = tokenAt(tokens, amount.start - 1)
  if (before === undefined || tokens[amount.start]?.glued === true) return false
  if (before.kind !== 'word')
    return LEADS.has(before) && before.text !== ',' && tokenAt(tokens, amount.start - 2)?.kind !== undefined
  if (SPECS.has(before)) return false
  if (tags.endingAt(amount.start).some((h) => NAMES.has(h.name) && !(h.name === 'brand' && h.end - h.start > 1))) return false
  return Number(amount.max) > LAST_HOUR || !(AT.has(before) || tags.ends('place', amount.start))
}
/** Behind them a number says what a thing is like. */
const SPECS = new WordSet(
  (
    'ram ssd hdd rom gb battery size cpu gpu year model level lvl lv batería bateria talla tamaño memoria año tamanho memória ano ' +
    'акб размер память памяти озу год пробег уровень ур pin cỡ bản đời'
  ).split(' '),
)
const NAMES = new Set(['brand', 'series', 'number_label', 'unit_time', 'month'])

/** Another entry: a number with its thing before it, and nothing but a price word or the next entry behind. */
function listed(tokens: readonly Token[], amount: Amount, out: readonly PriceCandidate[]): boolean {
  if (amount.role !== 'amount' || amount.range) return false
  const before = tokenAt(tokens, amount.start - 1)
  if (before?.kind !== 'word' && !LEADS.has(before)) return false
  if (before?.text === ',' && kindAt(tokens, amount.start - 2) !== 'word') return false
  const next = tokens[amount.end]
  if (next === undefined || next.kind === 'line' || SEPARATES.has(next)) return true
  return out.some((c) => c.amount === amount && c.tier >= 2)
}
