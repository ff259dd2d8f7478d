import type { Lexicon, TermEntry } from '../lexicon/compile.ts'
import { placeKey } from '../lexicon/gazetteer.ts'
import type { Budget, Field, Sink } from '../lexicon/graph.ts'
import type { Leaf } from '../lexicon/trie.ts'
import type { WordInfo } from '../lexicon/vocabulary.ts'
import { guessLanguage } from '../text/language.ts'
import type { Language, Token } from '../text/model.ts'

/** A word-list hit over tokens [start, end). */
export interface Hit {
  readonly cls: number
  /** Name of the list. */
  readonly name: string
  readonly start: number
  readonly end: number
  readonly value: string | undefined
}

const NONE: readonly Hit[] = []

/** Hits by one of their ends: those of position i stand between `from[i]` and `from[i + 1]`, in the order they were found. */
interface ByPosition {
  readonly hits: readonly Hit[]
  readonly from: readonly number[]
}

/** Where the words of the lexicon's lists stand in one message. */
export class Tags implements Field {
  readonly lang: Language | 'und'
  readonly hits: readonly Hit[]
  readonly tokens: readonly Token[]
  readonly infos: readonly WordInfo[]
  /** Of the sentences asked for. */
  #langs: Map<number, Language | 'und'> | undefined
  /** Marked hits by their first token and by the token behind them. */
  readonly #markedStarts: (Hit[] | undefined)[] = []
  readonly #markedEnds: (Hit[] | undefined)[] = []
  readonly #lexicon: Lexicon
  #starts: ByPosition | undefined
  #ends: ByPosition | undefined
  /** Answers given, until a mark changes them. */
  readonly #startLists: (readonly Hit[] | undefined)[] = []
  readonly #endLists: (readonly Hit[] | undefined)[] = []

  constructor(
    lexicon: Lexicon,
    lang: Language | 'und',
    hits: readonly Hit[],
    tokens: readonly Token[],
    infos: readonly WordInfo[],
  ) {
    this.tokens = tokens
    this.infos = infos
    this.#lexicon = lexicon
    this.lang = lang
    this.hits = hits
  }

  /** Country of a place the text names; undefined without one. */
  country(): string | undefined {
    for (const hit of this.hits) {
      if (hit.name !== 'place') continue
      if (hit.value !== undefined && /^[A-Z]{2}(?:-|$)/u.test(hit.value)) return hit.value.slice(0, 2)
      const name =
        hit.value ??
        this.tokens
          .slice(hit.start, hit.end)
          .map((t) => t.fold)
          .join(' ')
      const known = this.#lexicon.gazetteer.places.get(hit.value === undefined ? name : placeKey(name))
      if (known !== undefined) return known.country
    }
    return undefined
  }

  /** Language of the sentence a token stands in; the message's where the sentence shows none (3.4). */
  langAt(i: number): Language | 'und' {
    const sentence = this.tokens[i]?.sentence
    if (sentence === undefined || (sentence === 0 && this.tokens.at(-1)?.sentence === 0)) return this.lang
    this.#langs ??= new Map()
    const known = this.#langs.get(sentence)
    if (known !== undefined) return known
    const from = this.tokens.findIndex((t) => t.sentence === sentence)
    let to = from
    while (this.tokens[to]?.sentence === sentence) to++
    const guess = guessLanguage(this.tokens.slice(from, to), this.infos.slice(from, to), this.lang)
    this.#langs.set(sentence, guess)
    return guess
  }

  /** Adds hits of classes the engine finds itself (numbers, money, models). */
  mark(name: string, start: number, end: number): void {
    const hit: Hit = { cls: this.#lexicon.classOf(name), name, start, end, value: undefined }
    put(this.#markedStarts, start, hit)
    put(this.#markedEnds, end, hit)
    this.#startLists[start] = undefined
    this.#endLists[end] = undefined
  }

  /** In the order they were found; marked ones stand behind the others. */
  startingAt(i: number): readonly Hit[] {
    const known = this.#startLists[i]
    if (known !== undefined) return known
    this.#starts ??= inOrder(this.hits, this.tokens.length)
    const list = joined(listAt(this.#starts, i), this.#markedStarts[i])
    if (i >= 0 && i <= this.tokens.length) this.#startLists[i] = list
    return list
  }
  endingAt(i: number): readonly Hit[] {
    const known = this.#endLists[i]
    if (known !== undefined) return known
    this.#ends ??= byEnd(this.hits, this.tokens.length)
    const list = joined(listAt(this.#ends, i), this.#markedEnds[i])
    if (i >= 0 && i <= this.tokens.length) this.#endLists[i] = list
    return list
  }
  /** The longest hit of the class that begins at token i. */
  at(name: string, i: number): Hit | undefined {
    this.#starts ??= inOrder(this.hits, this.tokens.length)
    const { hits, from } = this.#starts
    let best: Hit | undefined
    const to = from[i + 1] ?? 0
    for (let k = from[i] ?? 0; k < to; k++) {
      const hit = hits[k] as Hit
      if (hit.name === name && (best === undefined || hit.end > best.end)) best = hit
    }
    const marked = this.#markedStarts[i]
    if (marked !== undefined)
      for (const hit of marked) if (hit.name === name && (best === undefined || hit.end > best.end)) best = hit
    return best
  }
  /** The first hit of the class that begins in [from, to). */
  first(name: string, from: number, to: number): Hit | undefined {
    for (let i = from; i < to; i++) {
      const hit = this.at(name, i)
      if (hit !== undefined) return hit
    }
    return undefined
  }
  /** The first hit of a word list anywhere. */
  any(name: string): Hit | undefined {
    const { hits } = this
    for (let k = 0; k < hits.length; k++) if ((hits[k] as Hit).name === name) return hits[k]
    return undefined
  }
  /** Whether a hit of the class ends before token i. */
  ends(name: string, i: number): boolean {
    this.#ends ??= byEnd(this.hits, this.tokens.length)
    const { hits, from } = this.#ends
    const to = from[i + 1] ?? 0
    for (let k = from[i] ?? 0; k < to; k++) if ((hits[k] as Hit).name === name) return true
    const marked = this.#markedEnds[i]
    if (marked !== undefined) for (const hit of marked) if (hit.name === name) return true
    return false
  }
  classesAt(i: number): readonly Hit[] {
    return this.startingAt(i)
  }
}

function put(lists: (Hit[] | undefined)[], i: number, hit: Hit): void {
  const list = lists[i]
  if (list === undefined) lists[i] = [hit]
  else list.push(hit)
}

const joined = (found: readonly Hit[], marked: readonly Hit[] | undefined): readonly Hit[] =>
  marked === undefined ? found : found.length === 0 ? marked : [...found, ...marked]

/** Hits come in the order of their first tokens: only the borders are looked for. */
function inOrder(hits: readonly Hit[], length: number): ByPosition {
  const from: number[] = []
  let k = 0
  for (let i = 0; i <= length; i++) {
    while (k < hits.length && (hits[k] as Hit).start < i) k++
    from.push(k)
  }
  from.push(hits.length)
  return { hits, from }
}

/** Sorts by counting; hits of one position keep their order. */
function byEnd(hits: readonly Hit[], length: number): ByPosition {
  const from: number[] = []
  for (let i = 0; i <= length + 1; i++) from.push(0)
  const count = hits.length
  if (count === 0) return { hits: NONE, from }
  for (let k = 0; k < count; k++) (from[(hits[k] as Hit).end + 1] as number)++
  for (let i = 1; i < from.length; i++) (from[i] as number) += from[i - 1] as number
  const sorted = hits.slice()
  const next = from.slice()
  for (let k = 0; k < count; k++) {
    const hit = hits[k] as Hit
    sorted[(next[hit.end] as number)++] = hit
  }
  return { hits: sorted, from }
}

function listAt({ hits, from }: ByPosition, i: number): readonly Hit[] {
  const start = from[i]
  const end = from[i + 1]
  return start === undefined || end === undefined || start === end ? NONE : hits.slice(start, end)
}

/** Takes the words found in a text's lists. Short words of another language than the text's are left out. */
class Collector implements Sink {
  readonly hits: Hit[] = []
  readonly #entries: readonly TermEntry[]
  readonly #tokens: readonly Token[]
  readonly #lang: Language | 'und'

  constructor(lexicon: Lexicon, tokens: readonly Token[], lang: Language | 'und') {
    this.#entries = lexicon.termEntries
    this.#tokens = tokens
    this.#lang = lang
  }

  found(leaf: Leaf, start: number, end: number): void {
    const entry = this.#entries[leaf.entry] as TermEntry
    const lang = this.#lang
    if (leaf.folded && !acceptsFolded(entry.lang, lang)) return
    if (entry.lang !== lang && entry.lang !== 'any' && lang !== 'und' && end - start === 1 && !entry.neutral) {
      const { text } = this.#tokens[start] as Token
      if (text.length <= (entry.lang === 'vi' ? 4 : 3) && text.charCodeAt(0) < 128) return
    }
    this.hits.push({ cls: entry.cls, name: entry.name, start, end, value: entry.value })
  }
}

/** Looks every list word up. */
export function tagTokens(
  lexicon: Lexicon,
  tokens: readonly Token[],
  budget: Budget,
  fallback?: Language,
  given?: readonly WordInfo[],
): Tags {
  const infos = given ?? lexicon.vocabulary.infos(tokens)
  const lang = guessLanguage(tokens, infos, fallback)
  const field: Field = { tokens, infos, classesAt: () => NONE }
  const collector = new Collector(lexicon, tokens, lang)
  for (let i = 0; i < tokens.length; i++) {
    const { termRoots } = infos[i] as WordInfo
    if (termRoots.length > 0) lexicon.terms.matchAt(field, i, termRoots, budget, collector)
  }
  return new Tags(lexicon, lang, collector.hits, tokens, infos)
}

/** Whether words typed without their marks may be read as `phrase` language in a text of `text` language. */
export function acceptsFolded(phrase: Language | 'any', text: Language | 'und'): boolean {
  if (phrase === 'vi') return text === 'vi'
  return phrase === text || text === 'und' || phrase === 'any' || phrase === 'ru' || (text !== 'en' && text !== 'vi')
}
