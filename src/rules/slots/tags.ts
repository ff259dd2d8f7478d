import { classOfTerm, isNeutral, type Lexicon, languageOfTerm, type TermEntries } from '../lexicon/compile.ts'
import { placeKey } from '../lexicon/gazetteer.ts'
import { type Budget, type Field, NO_ROOTS, type Search, type Sink } from '../lexicon/graph.ts'
import { leafEntry, leafFolded } from '../lexicon/graph-parts.ts'
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
/** Classes the engine marks itself: a message of numbers has hundreds of marks. Comparing is less than half of a look into a set. */
const isMark = (name: string): boolean => name === 'num' || name === 'money' || name === 'model'

/** Where the words of the lexicon's lists stand in one message. */
export class Tags implements Field {
  readonly lang: Language | 'und'
  readonly hits: readonly Hit[]
  readonly tokens: readonly Token[]
  readonly infos: readonly WordInfo[]
  /** Of the sentences asked for. */
  #langs: Map<number, Language | 'und'> | undefined
  /** Marked hits in the order they were marked. */
  readonly #marks: Hit[] = []
  readonly #lexicon: Lexicon
  /** Hits of token i stand between `#from[i]` and `#from[i + 1]`, in the order they were found. */
  readonly #from: readonly number[]
  /** Tokens of the longest hit. */
  readonly #width: number
  readonly #slots: number
  /** Answers given, until a mark changes them. */
  readonly #startLists: (readonly Hit[] | undefined)[]
  readonly #endLists: (readonly Hit[] | undefined)[]

  constructor(
    lexicon: Lexicon,
    lang: Language | 'und',
    found: { readonly hits: readonly Hit[]; readonly from: readonly number[]; readonly width: number; readonly slots: number },
    tokens: readonly Token[],
    infos: readonly WordInfo[],
  ) {
    this.tokens = tokens
    this.infos = infos
    this.#lexicon = lexicon
    this.lang = lang
    this.hits = found.hits
    this.#from = found.from
    this.#width = found.width
    this.#slots = found.slots
    this.#startLists = new Array(tokens.length + 1)
    this.#endLists = new Array(tokens.length + 1)
  }

  /** Names of lists, by the numbers hits tell. */
  get classNames(): readonly string[] {
    return this.#lexicon.classNames
  }

  /** Whether any word of a kind of slot is in the text. */
  speaksOf(slots: number): boolean {
    return (this.#slots & slots) !== 0
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
    this.#marks.push(hit)
    this.#startLists[start] = undefined
    this.#endLists[end] = undefined
  }

  /** Whether the engine marked anything, or a list has the name. */
  mayHave(name: string): boolean {
    return this.#marks.length > 0 || this.any(name) !== undefined
  }

  /** In the order they were found; marked ones stand behind the others. */
  startingAt(i: number): readonly Hit[] {
    if (i < 0 || i > this.tokens.length) return NONE
    const known = this.#startLists[i]
    if (known !== undefined) return known
    const from = this.#from[i] as number
    const end = this.#from[i + 1] as number
    const list = this.#withMarks(from === end ? NONE : this.hits.slice(from, end), i, true)
    this.#startLists[i] = list
    return list
  }
  endingAt(i: number): readonly Hit[] {
    if (i < 0 || i > this.tokens.length) return NONE
    const known = this.#endLists[i]
    if (known !== undefined) return known
    const { hits } = this
    const end = this.#from[i] as number
    let list = NONE
    for (let k = this.#from[i < this.#width ? 0 : i - this.#width] as number; k < end; k++) {
      const hit = hits[k] as Hit
      if (hit.end === i) list = list.length === 0 ? [hit] : [...list, hit]
    }
    const all = this.#withMarks(list, i, false)
    this.#endLists[i] = all
    return all
  }
  /** The longest hit of the class that begins at token i. */
  at(name: string, i: number): Hit | undefined {
    if (i < 0 || i > this.tokens.length) return undefined
    const { hits } = this
    let best: Hit | undefined
    const to = this.#from[i + 1] as number
    for (let k = this.#from[i] as number; k < to; k++) {
      const hit = hits[k] as Hit
      if (hit.name === name && (best === undefined || hit.end > best.end)) best = hit
    }
    if (isMark(name))
      for (let k = 0; k < this.#marks.length; k++) {
        const hit = this.#marks[k] as Hit
        if (hit.start === i && hit.name === name && (best === undefined || hit.end > best.end)) best = hit
      }
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
    if (i < 0 || i > this.tokens.length) return false
    const { hits } = this
    const to = this.#from[i] as number
    for (let k = this.#from[i < this.#width ? 0 : i - this.#width] as number; k < to; k++) {
      const hit = hits[k] as Hit
      if (hit.end === i && hit.name === name) return true
    }
    if (isMark(name))
      for (let k = 0; k < this.#marks.length; k++) {
        const hit = this.#marks[k] as Hit
        if (hit.end === i && hit.name === name) return true
      }
    return false
  }
  /** Whether a goods noun, brand or model begins in [from, to). */
  hasConcrete(from: number, to: number): boolean {
    const { hits } = this
    const first = Math.max(0, from)
    const last = Math.min(to, this.tokens.length)
    if (first >= last) return false
    const end = this.#from[last] as number
    for (let k = this.#from[first] as number; k < end; k++) {
      const { name } = hits[k] as Hit
      if (name === 'goods' || name === 'brand' || name === 'model') return true
    }
    for (let k = 0; k < this.#marks.length; k++) {
      const { name, start } = this.#marks[k] as Hit
      if (name === 'model' && start >= first && start < last) return true
    }
    return false
  }
  /** `list`, and marked hits that begin or end at token i behind it. Lists are as long as what they hold: there are many. */
  #withMarks(list: readonly Hit[], i: number, start: boolean): readonly Hit[] {
    let all = list
    for (let k = 0; k < this.#marks.length; k++) {
      const hit = this.#marks[k] as Hit
      if ((start ? hit.start : hit.end) === i) all = all.length === 0 ? [hit] : [...all, hit]
    }
    return all
  }
  classesAt(i: number): readonly Hit[] {
    return this.startingAt(i)
  }
}

/** Takes the words found in a text's lists. Short words of another language than the text's are left out. */
class Collector implements Sink {
  readonly hits: Hit[] = []
  /** Number of hits before each token, and behind the last of all of them. */
  readonly from: number[] = []
  width = 1
  slots = 0
  readonly #entries: TermEntries
  readonly #tokens: readonly Token[]
  readonly #lang: Language | 'und'

  constructor(lexicon: Lexicon, tokens: readonly Token[], lang: Language | 'und') {
    this.#entries = lexicon.termEntries
    this.#tokens = tokens
    this.#lang = lang
  }

  found(leaf: number, start: number, end: number): void {
    const entries = this.#entries
    const entry = leafEntry(leaf)
    const signs = entries.signs(entry)
    const own = languageOfTerm(signs)
    const lang = this.#lang
    if (leafFolded(leaf) && !acceptsFolded(own, lang)) return
    if (own !== lang && own !== 'any' && lang !== 'und' && end - start === 1 && !isNeutral(signs)) {
      const { text } = this.#tokens[start] as Token
      if (text.length <= (own === 'vi' ? 4 : 3) && text.charCodeAt(0) < 128) return
    }
    if (end - start > this.width) this.width = end - start
    this.slots |= entries.slot(entry)
    const cls = classOfTerm(signs)
    this.hits.push({ cls, name: entries.classNames[cls] as string, start, end, value: entries.value(entry, signs) })
  }
}

const NO_CLASSES: Field = { classesAt: () => NONE }

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
  const words = lexicon.words.take(tokens, infos)
  const collector = new Collector(lexicon, tokens, lang)
  const search: Search = { infos, words, field: NO_CLASSES, budget, sink: collector, present: undefined, mark: 0, start: 0 }
  for (let i = 0; i < tokens.length; i++) {
    const { termRoots } = infos[i] as WordInfo
    collector.from.push(collector.hits.length)
    if (termRoots !== NO_ROOTS) lexicon.terms.matchAt(search, i, termRoots)
  }
  const all = collector.hits.length
  collector.from.push(all, all)
  return new Tags(lexicon, lang, collector, tokens, infos)
}

/** Whether words typed without their marks may be read as `phrase` language in a text of `text` language. */
export function acceptsFolded(phrase: Language | 'any', text: Language | 'und'): boolean {
  if (phrase === 'vi') return text === 'vi'
  return phrase === text || text === 'und' || phrase === 'any' || phrase === 'ru' || (text !== 'en' && text !== 'vi')
}
