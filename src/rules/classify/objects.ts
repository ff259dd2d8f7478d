import type { Amount } from '../slots/amount.ts'
import { ListTable } from '../slots/list-table.ts'
import type { Hit, Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'

export type HeadKind = 'goods' | 'model' | 'trade' | 'service' | 'abstract' | 'nongoods' | 'people' | 'word'
/** What a cue speaks of. */
export interface ObjectHead {
  readonly kind: HeadKind
  readonly start: number
  readonly end: number
}

const WINDOW = 10
const KIND_OF: ReadonlyMap<string, HeadKind> = new Map([
  ['goods', 'goods'],
  ['brand', 'model'],
  ['model', 'model'],
  ['trade', 'trade'],
  ['service_noun', 'service'],
  ['abstract', 'abstract'],
  ['nongoods', 'nongoods'],
  ['people', 'people'],
])
/** Where an object phrase ends. */
const BREAKS = new WordSet([
  'for',
  'por',
  'para',
  'pra',
  'để',
  'lấy',
  'на',
  'для',
  'because',
  'who',
  'that',
  'to',
  'if',
  'on',
  'in',
  'at',
  'near',
  'with',
  'from',
  'en',
  'em',
  'con',
  'com',
  'ở',
  'tại',
  'в',
  'с',
  'when',
  'after',
  'before',
  'about',
  'que',
  'nếu',
])

/** The first thing named in [from, to) of one sentence; in English the last noun of a compound. */
export function objectIn(tokens: readonly Token[], tags: Tags, from: number, to = from + WINDOW): ObjectHead | undefined {
  const first = tokens[from]
  if (first === undefined) return undefined
  let sentence = first.sentence
  if (first.kind === 'line' || first.text === ':' || first.text === '!') sentence = tokens[from + 1]?.sentence ?? sentence
  let word: ObjectHead | undefined
  for (let i = from; i < Math.min(to, tokens.length); i++) {
    const token = tokens[i] as Token
    if (token.sentence !== sentence && i > from + 1) break
    const hit = headAt(tags, i)
    // "needs gone or it goes to the tip": behind a word of its own a pronoun names nothing.
    const idle = hit !== undefined && word !== undefined && VAGUE.has(hit.kind) && PRONOUNS.has(token)
    if (hit !== undefined && !idle) {
      const named = VAGUE.has(hit.kind) ? behindVague(tokens, tags, hit, to) : undefined
      return compound(tokens, tags, named ?? hit)
    }
    if (
      token.kind === 'word' &&
      word === undefined &&
      token.text.length > 1 &&
      tags.at('det', i) === undefined &&
      tags.at('talk', i) === undefined &&
      !BREAKS.has(token)
    ) {
      word = { kind: 'word', start: i, end: i + 1 }
    }
    if (word !== undefined && BREAKS.has(token)) break
  }
  return word
}

const VAGUE: ReadonlySet<HeadKind> = new Set(['abstract', 'nongoods'])
const PRONOUNS = new WordSet(
  'it you u him them me us this that these those more better one someone somebody anyone anybody everyone whoever quiet'.split(
    ' ',
  ),
)
const PRONOUN_REACH = 7

/** "free to whoever picks it up: old piano", "quiet 60% keyboard": a vague word before the thing that is meant. */
function behindVague(tokens: readonly Token[], tags: Tags, vague: ObjectHead, to: number): ObjectHead | undefined {
  if (vague.end - vague.start !== 1) return undefined
  const pronoun = PRONOUNS.has(tokens[vague.start])
  const limit = Math.min(to, vague.end + (pronoun ? PRONOUN_REACH : 2), tokens.length)
  const clause = tokens[vague.start]?.clause
  for (let i = vague.end; i < limit; i++) {
    const token = tokens[i] as Token
    if (token.clause !== clause || BREAKS.has(token)) return undefined
    const hit = headAt(tags, i)
    if (hit?.kind === 'goods' || hit?.kind === 'model') return hit
  }
  return undefined
}

const FEELINGS = new WordSet(['love', 'hope', 'dream'])

/** What kind of thing the words of a list name. */
const KINDS = new ListTable((name) => KIND_OF.get(name))

function headAt(tags: Tags, i: number): ObjectHead | undefined {
  let best: Hit | undefined
  const kinds = KINDS.of(tags.classNames)
  for (const hit of tags.startingAt(i)) {
    if (kinds[hit.cls] === undefined) continue
    if (best === undefined || hit.end > best.end || (hit.end === best.end && rank(hit.name) > rank(best.name))) best = hit
  }
  if (best === undefined) return undefined
  // "would love to exchange": before an infinitive a word of feeling is a verb.
  if (textAt(tags.tokens, best.end) === 'to' && FEELINGS.has(tags.tokens[best.start])) return undefined
  return { kind: kinds[best.cls] as HeadKind, start: best.start, end: best.end }
}

const RANKS = ['brand', 'goods', 'model', 'service_noun', 'people', 'trade', 'nongoods', 'abstract']
const rank = (name: string): number => RANKS.indexOf(name)

/** "phone screen repair", "React dev": the last noun of adjacent ones is the head. */
function compound(tokens: readonly Token[], tags: Tags, head: ObjectHead): ObjectHead {
  if (tags.lang !== 'en' && tags.lang !== 'und') return head
  let at = head
  for (let k = 0; k < 4; k++) {
    if (tokens[at.end]?.text === "'") at = { ...at, end: at.end + 1 }
    const next = headAt(tags, at.end) ?? (plainWord(tokens[at.end], tags, at.end) ? headAt(tags, at.end + 1) : undefined)
    if (next !== undefined && PRONOUNS.has(tokens[next.start])) return at
    if (next?.kind === 'abstract' && (at.kind === 'goods' || at.kind === 'model')) return at
    if (next === undefined || tokens[next.start]?.sentence !== tokens[head.start]?.sentence || next.start === at.start) return at
    at = { ...next, start: head.start }
  }
  return at
}

const plainWord = (token: Token | undefined, tags: Tags, i: number): boolean =>
  token?.kind === 'word' &&
  !BREAKS.has(token) &&
  token.text !== 'and' &&
  token.text !== 'or' &&
  token.text !== 'w' &&
  tags.startingAt(i).length === 0

/** Marks letter-digit mixes and numbers after a series word as models. */
export function markModels(tokens: readonly Token[], tags: Tags, amounts: readonly Amount[]): void {
  // Marks come last: each makes the next question about a place sort all hits anew.
  const models: [number, number][] = []
  for (const amount of amounts) {
    if (amount.role === 'measure' && tokens[amount.at + 1]?.glued) models.push([amount.at, amount.end])
    if (amount.role !== 'model') continue
    const previous = tokenAt(tokens, amount.at - 1)
    const start =
      previous?.kind === 'word' && (tokens[amount.at]?.glued || tags.ends('series', amount.at)) ? amount.at - 1 : amount.at
    const next = tokens[amount.at + 1]
    models.push([start, next?.kind === 'word' && next.glued ? amount.at + 2 : amount.at + 1])
  }
  for (const [start, end] of models) tags.mark('model', start, end)
}

/** Goods noun, brand or model anywhere in [from, to). */
export const concreteIn = (tags: Tags, from: number, to: number): boolean => tags.hasConcrete(from, to)
