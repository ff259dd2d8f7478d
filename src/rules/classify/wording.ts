import type { SignSink } from '../lexicon/wording.ts'
import type { Amount } from '../slots/amount.ts'
import type { PriceCandidate } from '../slots/price-candidates.ts'
import type { Hit, Tags } from '../slots/tags.ts'
import type { Form, Prepared, Token } from '../text/model.ts'

const OFFSET = 0x811c9dc5
const PRIME = 0x01000193

function hashed(text: string): number {
  let h = OFFSET
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), PRIME)
  return h
}
const mixed = (a: number, b: number): number => Math.imul(Math.imul(a ^ 0x5bd1e995, PRIME) ^ b, 0x85ebca6b) ^ (b >>> 13)

const WORD = hashed('word')
const STEM = hashed('stem')
const LONG_STEM = hashed('long stem')
const ASKED = hashed('asked')
const OPENING = hashed('opening')
const ITEM = hashed('item')
const PAIR = hashed('pair')
const GAP = hashed('gap')
const FIRST = hashed('first')
const LIST = hashed('list')
const PRICE = hashed('price')
const LENGTH = hashed('length')
const EDGE = hashed('^')
const LAST = hashed('$$')
const QUESTION = hashed('question')
const QUESTION_LAST = hashed('question last')
const NO_THING = hashed('no thing')
const NO_MONEY = hashed('no money')
const THING_AND_MONEY = hashed('thing and money')
const MONEY = hashed('<money>')
const NUMBER = hashed('<number>')
const LINE = hashed('<line>')
const EMOJI = hashed('<emoji>')
const THING = hashed('<thing>')
const PLACE = hashed('<place>')
/** Words of these lists stand for all of their list. */
const SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['goods', THING],
  ['brand', THING],
  ['trade', hashed('<trade>')],
  ['service_noun', hashed('<service>')],
  ['place', PLACE],
])
/** Letters that stand for a word in all its forms. */
const STEM_LETTERS = 4
const LONG_STEM_LETTERS = 5
const LENGTH_STEP = 6
const MAX_LENGTH = 6

/** Hashes of names of lists and roles: there are some hundred. */
const names = new Map<string, number>()
const MAX_NAMES = 4096
function named(name: string): number {
  let h = names.get(name)
  if (h === undefined) {
    h = mixed(LIST, hashed(name))
    if (names.size < MAX_NAMES) names.set(name, h)
  }
  return h
}

/** Of each list of a lexicon: the sign of its name, and what its words stand for, 0 for themselves. */
interface ListSigns {
  readonly names: Int32Array
  readonly symbols: Int32Array
}
const signsOfLists = new WeakMap<readonly string[], ListSigns>()

function listSigns(classNames: readonly string[]): ListSigns {
  const made = signsOfLists.get(classNames)
  if (made !== undefined) return made
  const signs = { names: Int32Array.from(classNames, named), symbols: Int32Array.from(classNames, (n) => SYMBOLS.get(n) ?? 0) }
  signsOfLists.set(classNames, signs)
  return signs
}

/**
 * Signs of wording: words, their stems, words that are asked, openings of sentences, neighbours and neighbours but one with things,
 * trades, places and amounts for what they are, the word lists met, and roles of prices. Training and reading use the same ones.
 */
export function wordingSigns(
  prepared: Prepared,
  tags: Tags,
  amounts: readonly Amount[],
  candidates: readonly PriceCandidate[],
  sink: SignSink,
): void {
  const { tokens, questions } = prepared
  const { hits } = tags
  const lists = listSigns(tags.classNames)
  const modelled = tags.mayHave('model')
  let before = EDGE
  let beforeThat = 0
  let money = false
  let thing = false
  let work = false
  let next = 0
  let at = 0
  let sentence = -1
  /** Symbols of the sentence so far. */
  let inSentence = 0
  for (let i = 0; i < tokens.length; ) {
    while (next < amounts.length && (amounts[next] as Amount).start < i) next++
    const token = tokens[i] as Token
    const amount = amounts[next]
    let symbol: number
    let end = i + 1
    let plain = false
    if (amount !== undefined && amount.start === i) {
      end = Math.max(end, amount.end)
      if (amount.currency !== undefined || amount.multiplied) {
        symbol = MONEY
        money = true
      } else symbol = amount.role === 'amount' ? NUMBER : mixed(NUMBER, named(amount.role))
    } else {
      while (at < hits.length && (hits[at] as Hit).start < i) at++
      const model = modelled ? tags.at('model', i) : undefined
      let meaning = model === undefined ? 0 : THING
      if (model !== undefined) end = model.end
      for (let k = at; k < hits.length && (hits[k] as Hit).start === i; k++) {
        const hit = hits[k] as Hit
        if (meaning !== 0 && hit.end <= end) continue
        const meant = lists.symbols[hit.cls] as number
        if (meant === 0) continue
        meaning = meant
        end = hit.end
      }
      if (meaning !== 0) {
        symbol = meaning
        if (symbol === THING) thing = true
        else if (symbol !== PLACE) work = true
        for (let k = i; k < end; k++) word(tokens[k] as Token, sink)
      } else if (token.kind === 'number') symbol = NUMBER
      else if (token.kind === 'line') symbol = LINE
      else if (token.kind === 'emoji') symbol = EMOJI
      else {
        plain = token.kind === 'word'
        symbol = plain ? word(token, sink) : hashed(token.fold)
      }
    }
    if (!plain) sink.add(mixed(ITEM, symbol))
    sink.add(mixed(mixed(PAIR, before), symbol))
    if (beforeThat !== 0) sink.add(mixed(mixed(GAP, beforeThat), symbol))
    if (i === 0) sink.add(mixed(FIRST, symbol))
    if (questions[token.sentence] === true) sink.add(mixed(ASKED, symbol))
    if (token.sentence !== sentence) {
      sentence = token.sentence
      inSentence = 0
    }
    if (++inSentence === 2) sink.add(mixed(mixed(OPENING, before), symbol))
    beforeThat = before === EDGE ? 0 : before
    before = symbol
    i = end
  }
  sink.add(mixed(mixed(PAIR, before), LAST))
  if (questions.some((q) => q)) sink.add(QUESTION)
  if (questions.at(-1)) sink.add(QUESTION_LAST)
  for (const c of candidates) sink.add(mixed(mixed(PRICE, named(c.role)), c.tier))
  sink.add(mixed(LENGTH, Math.min(MAX_LENGTH, Math.floor(tokens.length / LENGTH_STEP))))
  let last = -1
  if (!thing && !work) sink.add(NO_THING)
  if (!money) sink.add(NO_MONEY)
  else if (thing) sink.add(THING_AND_MONEY)
  for (let k = 0; k < hits.length; k++) {
    const { cls } = hits[k] as Hit
    if (cls !== last) sink.add(lists.names[cls] as number)
    last = cls
  }
}

/** The word itself and its stem; its hash. */
function word({ kind, form }: Token, sink: SignSink): number {
  if (kind !== 'word') return 0
  if (form.foldHash === 0) hashForm(form)
  const { foldHash, wordSign, stemSign, longStemSign } = form
  if (sink.addWord !== undefined) {
    sink.addWord(form)
    return foldHash
  }
  sink.add(wordSign)
  if (stemSign !== 0) sink.add(stemSign)
  if (longStemSign !== 0) sink.add(longStemSign)
  return foldHash
}

/** Hashes are kept with the form: most words were met before. */
function hashForm(form: Form): void {
  const { fold } = form
  let h = OFFSET | 0
  let stem = 0
  let long = 0
  for (let i = 0; i < fold.length; i++) {
    if (i === STEM_LETTERS) stem = h
    else if (i === LONG_STEM_LETTERS) long = h
    h = Math.imul(h ^ fold.charCodeAt(i), PRIME)
  }
  form.foldHash = h
  form.wordSign = mixed(WORD, h)
  form.stemSign = stem === 0 ? 0 : mixed(STEM, stem)
  form.longStemSign = long === 0 ? 0 : mixed(LONG_STEM, long)
}
