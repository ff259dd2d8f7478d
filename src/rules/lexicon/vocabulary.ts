import type { Language } from '../model.ts'
import { plain } from '../text/forms.ts'
import { TONGUE } from '../text/language.ts'
import type { Form, Token, WordInfo } from '../text/model.ts'
import { alphabetOf } from './alphabet.ts'

export type { WordInfo }

/** Where phrases that begin with a form go on; the number means something to the graph alone. */
interface Roots {
  roots(id: number, singulars: readonly number[], prefixes: readonly number[]): number
}

const NONE: readonly number[] = []
const MAX_CACHED = 65_536
/** Longer forms are no words of any list. */
const MAX_FORM = 40
const PREFIX = 4

/** Everything about written forms, as plain data. */
export interface VocabularyParts {
  /** By number. */
  readonly words: readonly string[]
  readonly prefixes: readonly string[]
  /** Numbers of words and word beginnings without which a message says nothing. */
  readonly keys: readonly number[]
  readonly keyPrefixes: readonly number[]
  /** Pairs of a word's or word beginning's number and a group. */
  readonly wordGroups: readonly number[]
  readonly prefixGroups: readonly number[]
}

/** Gives words and word beginnings their numbers while lists and phrases are read. */
export class VocabularyBuilder {
  readonly #words = new Map<string, number>()
  readonly #prefixes = new Map<string, number>()
  readonly #keys = new Set<number>()
  readonly #keyPrefixes = new Set<number>()
  readonly #wordGroups: number[] = []
  readonly #prefixGroups: number[] = []

  /** Number of a word; new words get the next one. */
  word(text: string): number {
    return numberIn(this.#words, text)
  }

  /** Number of a word beginning of at least four letters. */
  prefix(text: string): number {
    return numberIn(this.#prefixes, text)
  }

  keyWord(text: string): void {
    this.#keys.add(this.word(text))
  }

  keyPrefix(text: string): void {
    this.#keyPrefixes.add(this.prefix(text))
  }

  wordGroup(text: string, group: number): void {
    this.#wordGroups.push(this.word(text), group)
  }

  prefixGroup(text: string, group: number): void {
    this.#prefixGroups.push(this.prefix(text), group)
  }

  parts(): VocabularyParts {
    return {
      words: [...this.#words.keys()],
      prefixes: [...this.#prefixes.keys()],
      keys: [...this.#keys],
      keyPrefixes: [...this.#keyPrefixes],
      wordGroups: this.#wordGroups,
      prefixGroups: this.#prefixGroups,
    }
  }
}

function numberIn(known: Map<string, number>, text: string): number {
  const id = known.get(text)
  if (id !== undefined) return id
  known.set(text, known.size)
  return known.size - 1
}

/** What a finished lexicon knows beside its words: function words, mistyped forms and where phrases go on. */
export interface VocabularyUses {
  readonly languages: ReadonlyMap<string, readonly Language[]>
  readonly typos: ReadonlyMap<string, string>
  readonly terms: Roots
  readonly patterns: Roots
}

/** Numbers for words and word beginnings, with everything that depends on a written form alone. */
export class Vocabulary {
  readonly #ids = new Map<string, number>()
  readonly #prefixes = new Map<string, { readonly text: string; readonly id: number }[]>()
  readonly #cache = new Map<string, WordInfo>()
  readonly #repaired = new Map<string, WordInfo>()
  readonly #keys: ReadonlySet<number>
  readonly #keyPrefixes: ReadonlySet<number>
  readonly #wordGroups: ReadonlyMap<number, readonly number[]>
  readonly #prefixGroups: ReadonlyMap<number, readonly number[]>
  readonly #uses: VocabularyUses
  readonly #unknown: WordInfo

  constructor(parts: VocabularyParts, uses: VocabularyUses) {
    parts.words.forEach((text, id) => {
      this.#ids.set(text, id)
    })
    parts.prefixes.forEach((text, id) => {
      const key = text.slice(0, PREFIX)
      const list = this.#prefixes.get(key)
      if (list === undefined) this.#prefixes.set(key, [{ text, id }])
      else list.push({ text, id })
    })
    this.#keys = new Set(parts.keys)
    this.#keyPrefixes = new Set(parts.keyPrefixes)
    this.#wordGroups = grouped(parts.wordGroups)
    this.#prefixGroups = grouped(parts.prefixGroups)
    this.#uses = uses
    this.#unknown = this.#describe('')
  }

  /** Everything about a token's form; it stands until another vocabulary is asked for the same form. */
  info(token: Token): WordInfo {
    const { form } = token
    if (form.owner !== this) this.#tell(form, this.#look(token))
    return form
  }

  #tell(form: Form, known: WordInfo): void {
    form.owner = this
    form.id = known.id
    form.termRoots = known.termRoots
    form.patternRoots = known.patternRoots
    form.tongue = known.tongue
    form.key = known.key
    form.groups = known.groups
    form.repaired = known.repaired
    form.singulars = known.singulars
    form.prefixes = known.prefixes
  }

  /** Forms are remembered; the memory is bounded and changes no answer. */
  #look({ text, kind }: Token): WordInfo {
    if (text.length > MAX_FORM || (kind === 'number' && text.length > 3)) return this.#unknown
    const cached = this.#cache.get(text)
    if (cached !== undefined) return cached
    const made = this.#describe(text)
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear()
    this.#cache.set(text, made)
    return made
  }

  infos(tokens: readonly Token[]): WordInfo[] {
    const out: WordInfo[] = []
    for (let i = 0; i < tokens.length; i++) out.push(this.info(tokens[i] as Token))
    return out
  }

  /** The same for a cue word that a mistyped form is repaired to: there are only so many. */
  infoOf(text: string): WordInfo {
    const known = this.#repaired.get(text)
    if (known !== undefined) return known
    const form = plain(text)
    this.#tell(form, this.#describe(text))
    this.#repaired.set(text, form)
    return form
  }

  #describe(text: string): WordInfo {
    const id = this.#ids.get(text) ?? -1
    const singulars = this.#singulars(text)
    const prefixes = this.#prefixesOf(text)
    const uses = this.#uses
    const typo = text.length < 4 ? undefined : uses.typos.get(text)
    const repaired = typo === undefined || typo === '' ? undefined : typo
    const key =
      this.#keys.has(id) ||
      singulars.some((s) => this.#keys.has(s)) ||
      prefixes.some((p) => this.#keyPrefixes.has(p)) ||
      repaired !== undefined
    const groups = [...(this.#wordGroups.get(id) ?? NONE), ...prefixes.flatMap((p) => this.#prefixGroups.get(p) ?? NONE)]
    return {
      id,
      singulars,
      prefixes,
      tongue: tongueOf(text, uses.languages.get(text)),
      key,
      repaired,
      groups: groups.length === 0 ? NONE : groups,
      termRoots: uses.terms.roots(id, singulars, prefixes),
      patternRoots: uses.patterns.roots(id, singulars, prefixes),
    }
  }

  #singulars(text: string): readonly number[] {
    if (text.length <= 3 || !text.endsWith('s')) return NONE
    const out: number[] = []
    const add = (form: string): void => {
      const id = this.#ids.get(form)
      if (id !== undefined && out.length === 0) out.push(id)
    }
    add(text.slice(0, -1))
    if (text.endsWith('es')) add(text.slice(0, -2))
    if (text.endsWith('ies')) add(`${text.slice(0, -3)}y`)
    return out.length === 0 ? NONE : out
  }

  #prefixesOf(text: string): readonly number[] {
    if (text.length < PREFIX) return NONE
    const list = this.#prefixes.get(text.slice(0, PREFIX))
    if (list === undefined) return NONE
    const out = list.filter((e) => text.startsWith(e.text)).map((e) => e.id)
    return out.length === 0 ? NONE : out
  }
}

function tongueOf(text: string, languages: readonly Language[] | undefined): number {
  const alphabet = alphabetOf(text)
  let tongue = alphabet === 'plain' || alphabet === 'accented' ? 0 : TONGUE[alphabet]
  if (languages !== undefined) for (const lang of languages) tongue |= TONGUE[lang]
  return tongue
}

/** Pairs of number and group, by number. */
function grouped(pairs: readonly number[]): Map<number, number[]> {
  const out = new Map<number, number[]>()
  for (let k = 0; k < pairs.length; k += 2) {
    const [key, group] = [pairs[k] as number, pairs[k + 1] as number]
    const list = out.get(key)
    if (list === undefined) out.set(key, [group])
    else list.push(group)
  }
  return out
}
