import type { TradeIntent } from '../model.ts'
import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { concreteIn } from './objects.ts'

/** Both sides of a have/want line as token ranges. */
export interface HaveWant {
  readonly intent: TradeIntent
  readonly have: readonly [number, number]
  readonly want: readonly [number, number]
  /** Token index where the structure begins. */
  readonly start: number
}

interface Mark {
  readonly side: 'have' | 'want'
  readonly at: number
  readonly from: number
}

const HAVE = new WordSet([
  'h',
  'have',
  'having',
  'offer',
  'offering',
  'ft',
  'got',
  'tengo',
  'ofrezco',
  'tenho',
  'есть',
  'отдаю',
  'có',
])
const WANT = new WordSet([
  'w',
  'want',
  'wants',
  'wanted',
  'wanting',
  'lf',
  'need',
  'busco',
  'quiero',
  'quero',
  'procuro',
  'хочу',
  'ищу',
  'cần',
  'iso',
])

/** `[H] … [W] …`, `H: … W: …`, `have: … want: …`, `LF: … FT: …`. */
export function haveWant(tokens: readonly Token[], tags: Tags): HaveWant | undefined {
  const marks: Mark[] = []
  for (let i = 0; i < tokens.length && marks.length < 4; i++) {
    const token = tokens[i] as Token
    if (token.kind !== 'word' || i + 1 >= tokens.length) continue
    const next = (tokens[i + 1] as Token).text
    if (next !== ']' && next !== ':') continue
    const side = HAVE.has(token) ? 'have' : WANT.has(token) ? 'want' : undefined
    if (side === undefined) continue
    const bracket = textAt(tokens, i - 1) === '[' && next === ']'
    const colon = next === ':' && (tokenAt(tokens, i - 1) === undefined || kindAt(tokens, i - 1) !== 'word' || marks.length > 0)
    if (!bracket && !colon) continue
    marks.push({ side, at: bracket ? i - 1 : i, from: i + 2 })
  }
  const first = marks[0]
  const second = marks.find((m) => m.side !== first?.side)
  if (first === undefined || second === undefined) return undefined
  const left: [number, number] = [first.from, second.at]
  const right: [number, number] = [second.from, tokens.length]
  const [have, want] = first.side === 'have' ? [left, right] : [right, left]
  if (have[0] >= have[1] || want[0] >= want[1]) return undefined
  const haveMoney = moneyShare(tokens, tags, have)
  const wantMoney = moneyShare(tokens, tags, want)
  const intent = haveMoney === 'only' ? 'buy' : wantMoney !== 'none' ? 'sell' : 'exchange'
  return { intent, have, want, start: first.at }
}

/** Whether every, some or no comma- or slash-separated part of a side is money. */
function moneyShare(tokens: readonly Token[], tags: Tags, [from, to]: readonly [number, number]): 'only' | 'some' | 'none' {
  let parts = 0
  let moneyParts = 0
  let words = 0
  let isMoney = false
  let other = false
  const close = (): void => {
    if (words > 0) {
      parts++
      if (isMoney && !other) moneyParts++
    }
    words = 0
    isMoney = false
    other = false
  }
  for (let i = from; i < to; ) {
    const token = tokens[i] as Token
    if (
      token.text === ',' ||
      token.text === '/' ||
      token.text === 'or' ||
      token.text === 'o' ||
      token.text === 'ou' ||
      token.text === 'или' ||
      token.kind === 'line' ||
      token.text === '|' ||
      token.text === '&' ||
      token.text === 'and' ||
      token.text === 'hoặc'
    ) {
      close()
      i++
      continue
    }
    const pay = tags.at('pay', i) ?? tags.at('money', i)
    if (pay !== undefined) {
      isMoney = true
      words++
      i = pay.end
      continue
    }
    if (token.kind === 'sign') isMoney = true
    if (token.kind === 'word' && tags.at('det', i) === undefined && tags.at('pay_filler', i) === undefined) other = true
    if (token.kind !== 'op') words++
    i++
  }
  close()
  // "PayPal F&F for vouched users": money leads, and nothing else is named.
  if (moneyParts === 0 && tags.at('pay', from) !== undefined && !concreteIn(tags, from, to)) return 'only'
  return parts > 0 && moneyParts === parts ? 'only' : moneyParts > 0 ? 'some' : 'none'
}

export interface TagPrefix {
  readonly intent: TradeIntent | 'closed'
  readonly start: number
  readonly end: number
}

const TAGS: ReadonlyMap<string, TagPrefix['intent']> = new Map([
  ['s', 'sell'],
  ['fs', 'sell'],
  ['b', 'buy'],
  ['t', 'exchange'],
  ['ft', 'exchange'],
])

/** `S> …`, `B: …`, `T> …` at the start of a line. */
export function letterTags(tokens: readonly Token[]): TagPrefix[] {
  const out: TagPrefix[] = []
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    const previous = tokenAt(tokens, i - 1)
    if (token.kind !== 'word' || token.text.length > 2) continue
    const intent = TAGS.get(token.text)
    if (intent === undefined) continue
    if (previous !== undefined && previous.kind === 'word') continue
    const next = tokens[i + 1]
    const bracket = previous?.text === '[' && next?.text === ']'
    if (
      !bracket &&
      !(
        (next?.text === '>' || next?.text === ':') &&
        next.glued &&
        (token.caps === 2 || previous === undefined || previous.kind === 'line')
      )
    )
      continue
    if (!bracket && (previous?.text === '/' || previous?.text === "'")) {
      if (out.length === 0) continue
    }
    out.push({ intent, start: i, end: i + 2 })
  }
  return out
}

/** Words at the head that close a listing: `[SOLD] …`, `sold - …`. */
export function closedPrefix(tokens: readonly Token[], tags: Tags): boolean {
  let i = 0
  while (i < tokens.length && (tokens[i] as Token).kind !== 'word') i++
  const hit = tags.at('closed_word', i)
  if (hit === undefined) return false
  const next = tokens[hit.end]
  const bracket = textAt(tokens, i - 1) === '[' || textAt(tokens, i - 1) === '('
  return (
    bracket || next === undefined || next.kind === 'op' || next.kind === 'line' || next.kind === 'emoji' || tokens[i]?.caps === 2
  )
}

/** Words that close a listing at its end: "Edit: SOLD", "- SOLD". */
export function closedSuffix(tokens: readonly Token[], tags: Tags): boolean {
  for (let end = tokens.length; end > Math.max(0, tokens.length - 3); end--) {
    const token = tokens[end - 1] as Token
    if (token.kind !== 'word') continue
    const hit = tags.endingAt(end).find((h) => h.name === 'closed_word')
    if (hit === undefined) return false
    const before = tokenAt(tokens, hit.start - 1)
    return (
      token.caps === 2 ||
      before?.text === ':' ||
      before?.kind === 'line' ||
      before?.text === '-' ||
      before?.text === '–' ||
      before?.text === '—'
    )
  }
  return false
}
