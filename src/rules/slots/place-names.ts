import type { Gazetteer } from '../lexicon/gazetteer.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { NO_PLACE } from './no-places.ts'
import { isState, stateEnd } from './place-text.ts'
import type { Tags } from './tags.ts'

/** Tokens [start, end) of a name. */
export interface NameSpan {
  readonly start: number
  readonly end: number
}

const MAX_WORDS = 4
/** Small words inside names: "Vila do Conde", "Stoke on Trent". */
const INSIDE = new Set('de do da dos das del la las los le el di of on upon the and e y'.split(' '))
const OPENS = new WordSet([',', '(', '.', '!', '?', ';', '|', '•', '·', '-', '–', '—', '…'])
const CLOSES = new WordSet([',', '.', '!', '?', ';', ')', '(', '|', '•', '·', '/', '—', '–', '…'])
/** Lists whose words may stand in a name or beside one without being something else. */
const HARMLESS = new Set(['place', 'place_prep', 'place_after', 'num', 'people'])

/**
 * A capitalised name that fills a part of the message by itself: "…, Hobart", "€70 Drogheda", "Sea Point, collect only",
 * "Moncton area". Things come first, so what a message begins with is no place, nor is a list of names. `loose`: rooms
 * and services, which name their place anywhere; goods name theirs at an end or beside price and collection.
 */
export function standingName(
  gazetteer: Gazetteer,
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  loose: boolean,
): NameSpan | undefined {
  let found: NameSpan | undefined
  for (let i = tokens.length - 1; i > 0; i--) {
    const token = tokens[i] as Token
    if (token.kind !== 'word' || token.caps !== 1 || !opens(tokens, amounts, i)) continue
    const end = stateEnd(gazetteer, tokens, nameEnd(tokens, i))
    if (textAt(tokens, i - 1) === '(' && textAt(tokens, end) !== ')') continue
    const stated = end > i + 1 && isState(gazetteer, tokenAt(tokens, end - 1))
    const beside = stated || afterWord(tags, end) || tags.at('pickup', end) !== undefined
    if (!beside && !closes(tokens[end])) continue
    if (!isName(gazetteer, tokens, tags, i, stated ? nameStop(tokens, end) : end)) continue
    if (listed(tokens, i) || !fits(tokens, tags, amounts, i, end, loose, beside)) continue
    found = { start: i, end }
    break
  }
  return found
}

const nameStop = (tokens: readonly Token[], end: number): number => (textAt(tokens, end - 2) === ',' ? end - 2 : end - 1)
const afterWord = (tags: Tags, i: number): boolean => tags.at('place_after', i) !== undefined

const closes = (token: Token | undefined): boolean =>
  token === undefined || token.kind === 'line' || token.kind === 'emoji' || CLOSES.has(token)

function opens(tokens: readonly Token[], amounts: readonly Amount[], i: number): boolean {
  const before = tokens[i - 1] as Token
  if (before.kind === 'line' || before.kind === 'emoji') return true
  if (before.kind === 'op') return OPENS.has(before) && !(before.glued && tokens[i]?.glued === true && before.text === '-')
  return amounts.some((a) => a.role === 'amount' && a.currency !== undefined && a.end === i)
}

function nameEnd(tokens: readonly Token[], start: number): number {
  let end = start + 1
  while (end < start + MAX_WORDS) {
    const token = tokens[end]
    if (token?.kind !== 'word' || token.clause !== tokens[start]?.clause) break
    if (token.caps === 1) end++
    else if (INSIDE.has(token.text) && tokens[end + 1]?.caps === 1 && tokens[end + 1]?.clause === token.clause) end += 2
    else break
  }
  return Math.min(end, start + MAX_WORDS)
}

/** Known as a place, or made of words no list knows. */
function isName(gazetteer: Gazetteer, tokens: readonly Token[], tags: Tags, start: number, end: number): boolean {
  const key = tokens
    .slice(start, end)
    .map((t) => t.fold)
    .join(' ')
  if (gazetteer.places.has(key)) return true
  let plain = 0
  let tagged = 0
  for (let i = start; i < end; i++) {
    const { text } = tokens[i] as Token
    if (NO_PLACE.has(text)) return false
    if (text.length < 3 && !INSIDE.has(text) && text !== 'st') return false
    const hits = tags.startingAt(i)
    if (hits.some((h) => h.name === 'brand' || (h.end - h.start > 1 && !HARMLESS.has(h.name)))) return false
    if (hits.some((h) => !HARMLESS.has(h.name)) && !INSIDE.has(text)) tagged++
    else plain++
    if (tags.endingAt(i + 1).some((h) => !HARMLESS.has(h.name) && h.start < start)) return false
  }
  // Of several words some may be words of lists: "Villa Alemana", "Sea Point".
  return tagged === 0 || (plain > 0 && end - start <= 3)
}

/** "Zelda, Mario, Kirby": the part before is a bare name too. */
function listed(tokens: readonly Token[], start: number): boolean {
  if (textAt(tokens, start - 1) !== ',') return false
  let from = start - 1
  while (from > 0 && tokenAt(tokens, from - 1)?.clause === tokenAt(tokens, start - 1)?.clause && textAt(tokens, from - 1) !== ',')
    from--
  const part = tokens.slice(from, start - 1)
  return from > 0 && part.length > 0 && part.length <= 3 && part.every((t) => t.kind === 'word' && t.caps === 1)
}

function fits(
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  start: number,
  end: number,
  loose: boolean,
  beside: boolean,
): boolean {
  const sentence = tokens[start]?.sentence
  const first = tokenAt(tokens, start - 1)?.sentence !== sentence
  const priced = amounts.some((a) => a.role === 'amount' && a.end <= start)
  // A line of its own names a thing where no price came before.
  if (first && kindAt(tokens, start - 1) === 'line' && !priced && end < tokens.length) return false
  if (beside || loose) return true
  if (tokens[end] === undefined || kindAt(tokens, end) === 'line' || tokens[end + 1]?.sentence !== sentence) return true
  if (amounts.some((a) => a.role === 'amount' && a.currency !== undefined && (a.end === start || a.end === start - 1)))
    return true
  // Behind the price hardly anything but a place stands for itself.
  if (amounts.some((a) => a.role === 'amount' && a.end <= start && (a.currency !== undefined || a.multiplied))) return true
  return tags.at('pickup', end + 1) !== undefined || tags.at('ship', end + 1) !== undefined
}
