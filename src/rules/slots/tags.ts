import type { Lexicon } from '../lexicon/compile.ts'
import { placeKey } from '../lexicon/gazetteer.ts'
import type { Budget, Field, Sink } from '../lexicon/graph.ts'
import type { WordInfo } from '../lexicon/vocabulary.ts'
import { guessLanguage } from '../text/language.ts'
import type { Language, Token } from '../text/model.ts'

/** A word-list hit over tokens [start, end). */
export interface Hit {
  readonly cls: number
  readonly start: number
  readonly end: number
  readonly value: string | undefined
}

/** Where the words of the lexicon's lists stand in one message. */
export class Tags implements Field {
  readonly lang: Language | 'und'
  readonly hits: readonly Hit[]
  readonly tokens: readonly Token[]
  readonly infos: readonly WordInfo[]
  readonly #langs = new Map<number, Language | 'und'>()
  readonly #starts: (Hit[] | undefined)[]
  readonly #ends: (Hit[] | undefined)[]
  readonly #lexicon: Lexicon

  constructor(lexicon: Lexicon, lang: Language | 'und', hits: Hit[], tokens: readonly Token[], infos: readonly WordInfo[]) {
    const { length } = tokens
    this.tokens = tokens
    this.infos = infos
    this.#lexicon = lexicon
    this.lang = lang
    this.hits = hits
    this.#starts = new Array(length + 1)
    this.#ends = new Array(length + 1)
    for (const hit of hits) this.#file(hit)
  }

  #file(hit: Hit): void {
    const starts = this.#starts[hit.start]
    if (starts === undefined) this.#starts[hit.start] = [hit]
    else starts.push(hit)
    const ends = this.#ends[hit.end]
    if (ends === undefined) this.#ends[hit.end] = [hit]
    else ends.push(hit)
  }

  /** Country of a place the text names; undefined without one. */
  country(): string | undefined {
    const id = this.#lexicon.classOf('place')
    for (const hit of this.hits) {
      if (hit.cls !== id) continue
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
    this.#file({ cls: this.#lexicon.classOf(name), start, end, value: undefined })
  }

  startingAt(i: number): readonly Hit[] {
    return this.#starts[i] ?? NONE
  }
  endingAt(i: number): readonly Hit[] {
    return this.#ends[i] ?? NONE
  }
  /** The longest hit of the class that begins at token i. */
  at(name: string, i: number): Hit | undefined {
    const list = this.#starts[i]
    if (list === undefined) return undefined
    const cls = this.#lexicon.classOf(name)
    let best: Hit | undefined
    for (const hit of list) if (hit.cls === cls && (best === undefined || hit.end > best.end)) best = hit
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
  name(hit: Hit): string {
    return this.#lexicon.classNames[hit.cls] as string
  }
  classesAt(i: number): readonly Hit[] {
    return this.#starts[i] ?? NONE
  }
}

const NONE: readonly Hit[] = []
/** Lists whose short words mean the same in every language. */
const NEUTRAL = new Set(['series', 'unit_measure', 'pay', 'contact', 'f_negotiable', 'cond_new', 'brand', 'number_label'])

/** Looks every list word up. Short words of another language than the text's are left out. */
export function tagTokens(
  lexicon: Lexicon,
  tokens: readonly Token[],
  budget: Budget,
  fallback?: Language,
  given?: readonly WordInfo[],
): Tags {
  const infos = given ?? tokens.map((t) => lexicon.vocabulary.info(t))
  const lang = guessLanguage(tokens, infos, fallback)
  const field: Field = { tokens, infos, classesAt: () => NONE }
  const hits: Hit[] = []
  const { termEntries } = lexicon
  const found: Sink['found'] = (leaf, start, end) => {
    const entry = termEntries[leaf.entry]
    if (entry === undefined) return
    if (leaf.folded && !acceptsFolded(entry.lang, lang)) return
    if (entry.lang !== lang && entry.lang !== 'any' && lang !== 'und' && end - start === 1) {
      const { text } = tokens[start] as Token
      const limit = entry.lang === 'vi' ? 4 : 3
      if (text.length <= limit && text.charCodeAt(0) < 128 && !NEUTRAL.has(lexicon.classNames[entry.cls] as string)) return
    }
    hits.push({ cls: entry.cls, start, end, value: entry.value })
  }
  const sink: Sink = { found }
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i]?.kind !== 'line') lexicon.terms.matchAt(field, i, (infos[i] as WordInfo).termRoots, budget, sink)
  }
  return new Tags(lexicon, lang, hits, tokens, infos)
}

/** Whether words typed without their marks may be read as `phrase` language in a text of `text` language. */
export function acceptsFolded(phrase: Language | 'any', text: Language | 'und'): boolean {
  if (phrase === 'vi') return text === 'vi'
  return phrase === text || text === 'und' || phrase === 'any' || phrase === 'ru' || (text !== 'en' && text !== 'vi')
}
