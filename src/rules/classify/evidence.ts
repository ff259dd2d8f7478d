import type { CueRule } from '../lexicon/schema.ts'
import type { TradeIntent } from '../model.ts'
import type { PriceCandidate } from '../slots/price-candidates.ts'
import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { CueHit } from './hits.ts'
import { concreteIn, type ObjectHead, objectIn } from './objects.ts'
import type { Evidence, Weighing } from './weighing.ts'

/** Families of cues that stand behind what they speak of. */
const standsBehind = (family: CueRule['family']): boolean =>
  family === 'market' || family === 'price' || family === 'offer_phrase'

/** Adds evidence of every cue whose needs are met. */
export function cueEvidence(input: Weighing, into: Evidence[]): void {
  const { tags, prepared, candidates, patterns } = input
  const { tokens } = prepared
  for (let k = 0; k < patterns.cues.length; k++) {
    const made = cue(patterns.cues[k] as CueHit, tokens, tags, candidates)
    if (made !== undefined) into.push(made)
  }
}

function cue(hit: CueHit, tokens: readonly Token[], tags: Tags, candidates: readonly PriceCandidate[]): Evidence | undefined {
  const { rule } = hit
  let { intent, strength } = rule
  if (hit.typo) strength--
  const postfix = standsBehind(rule.family)
  let object = objectIn(tokens, tags, hit.end)
  const inside = innerObject(tokens, tags, hit)
  if (inside !== undefined && CONCRETE.has(inside.kind))
    object = inside.end < hit.end ? inside : (objectIn(tokens, tags, inside.start) ?? inside)
  else if (inside !== undefined && inside.kind !== 'word' && (object === undefined || !CONCRETE.has(object.kind))) object = inside
  if ((object === undefined || object.kind === 'word') && postfix)
    object = objectIn(tokens, tags, Math.max(0, hit.start - 8), hit.start) ?? object
  const nextSentence = object === undefined ? objectIn(tokens, tags, skipOps(tokens, hit.end)) : undefined
  object ??= nextSentence ?? inside
  if (!forRelatives(tokens, intent, object) && (object?.kind === 'abstract' || inside?.kind === 'abstract')) return undefined
  const priced = candidates.some((c) => c.tier >= 2 && c.role !== 'historic' && c.role !== 'face')
  if (object?.kind === 'nongoods' || (object?.kind === 'people' && rule.intent !== 'service_offered')) {
    if (rule.needs !== undefined && rule.needs !== 'price' && !priced) return undefined
  }
  if (rule.follows_object && (object?.kind === 'trade' || object?.kind === 'service') && !speaksOfSelling(tags, hit)) {
    if (intent === 'buy') [intent, strength] = ['service_wanted', Math.max(strength, 6)]
    else if (intent === 'sell') [intent, strength] = ['service_offered', Math.max(strength, 6)]
  }
  if (intent === 'service_wanted' && describesThing(tokens, tags, hit)) [intent, strength] = ['buy', Math.min(strength, 6)]
  if (!needsMet(rule, object, tokens, tags, hit, priced, candidates)) return undefined
  return { intent, points: strength, family: rule.family, cue: hit.label, start: hit.start, end: hit.end, object, postfix }
}

const RELATIVES = new WordSet(
  (
    'mum mom dad nan gran grandma grandpa granddad mother father son daughter kid kids child children wife husband brother sister ' +
    'madre padre hijo hija niños abuela abuelo mãe pai filho filha avó avô маму маме папу папе сына сыну дочь дочке ребёнка бабушку дедушке mẹ bố ba con'
  ).split(' '),
)
/** "someone to teach my mum": nobody buys a mother, but work may be for her. */
const forRelatives = (tokens: readonly Token[], intent: TradeIntent, object: ObjectHead | undefined): boolean =>
  intent === 'service_wanted' && object?.kind === 'abstract' && RELATIVES.has(tokenAt(tokens, object.end - 1))

/** "alguém a vender uma secretária": nobody sells a secretary, but a desk of that name. */
function speaksOfSelling(tags: Tags, hit: CueHit): boolean {
  for (let i = hit.start; i < hit.end; i++) if (tags.at('parting', i) !== undefined) return true
  return false
}

const ADJECTIVES_FOLLOW: ReadonlySet<string> = new Set(['es', 'pt', 'vi'])

/** "teclado mecânico", "a trombone for band": behind a thing the name of a trade describes it, or says what it is for. */
function describesThing(tokens: readonly Token[], tags: Tags, hit: CueHit): boolean {
  const trade = tags.endingAt(hit.end).find((h) => h.name === 'trade')
  if (trade === undefined) return false
  if (tags.ends('goods', trade.start)) return ADJECTIVES_FOLLOW.has(tags.lang)
  return textAt(tokens, trade.start - 1) === 'for' && tags.ends('goods', trade.start - 1)
}

/** What the cue's own words name; pronouns in it name nothing. */
function innerObject(tokens: readonly Token[], tags: Tags, hit: CueHit): ObjectHead | undefined {
  let first: ObjectHead | undefined
  for (let at = hit.start + 1; at < hit.end; ) {
    const found = objectIn(tokens, tags, at, hit.end)
    if (found === undefined) break
    if (CONCRETE.has(found.kind)) return found
    if (found.kind === 'abstract' || found.kind === 'word') first ??= found
    at = Math.max(at + 1, found.end)
  }
  return first
}

const CONCRETE = new Set(['goods', 'model', 'trade', 'service'])

/** The first token from `at` on that is no sign. */
export function skipOps(tokens: readonly Token[], at: number): number {
  let i = at
  while (
    i < tokens.length &&
    (kindAt(tokens, i) === 'op' || kindAt(tokens, i) === 'line' || kindAt(tokens, i) === 'emoji' || kindAt(tokens, i) === 'mark')
  )
    i++
  return i
}

function needsMet(
  rule: CueRule,
  object: ObjectHead | undefined,
  tokens: readonly Token[],
  tags: Tags,
  hit: CueHit,
  priced: boolean,
  candidates: readonly PriceCandidate[],
): boolean {
  const kind = object?.kind
  const concrete = kind === 'goods' || kind === 'model'
  switch (rule.needs) {
    case undefined:
      return true
    case 'object':
      return object !== undefined || priced || concreteIn(tags, 0, tokens.length)
    case 'concrete':
      return (
        concrete ||
        kind === 'trade' ||
        kind === 'service' ||
        priced ||
        named(tokens, object) ||
        counted(tokens, hit.end) ||
        candidates.some((c) => c.role === 'coin_quantity') ||
        concreteBeside(tokens, tags, hit)
      )
    case 'price':
      return priced
    case 'price_or_concrete':
      return priced || concrete || concreteIn(tags, 0, tokens.length)
    case 'trade':
      return kind === 'trade'
    case 'service':
      return kind === 'trade' || kind === 'service'
  }
}

/** A thing named elsewhere in the sentence of a cue or in the sentence before it. */
function concreteBeside(tokens: readonly Token[], tags: Tags, hit: CueHit): boolean {
  const sentence = tokens[hit.start]?.sentence ?? 0
  let from = hit.start
  while (from > 0 && (tokenAt(tokens, from - 1)?.sentence ?? 0) >= sentence - 1) from--
  let to = hit.end
  while (to < tokens.length && tokens[to]?.sentence === sentence) to++
  return concreteIn(tags, from, to)
}

/** Two capitalised words or more that do not open a sentence: a name. */
function named(tokens: readonly Token[], object: ObjectHead | undefined): boolean {
  if (object === undefined || object.kind !== 'word') return false
  const token = tokens[object.start] as Token
  const previous = tokenAt(tokens, object.start - 1)
  return token.caps === 1 && previous?.kind === 'word' && tokens[object.start + 1]?.caps === 1
}

function counted(tokens: readonly Token[], at: number): boolean {
  return kindAt(tokens, at) === 'number' && kindAt(tokens, at + 1) === 'word' && tokens[at]?.sentence === tokens[at + 1]?.sentence
}
