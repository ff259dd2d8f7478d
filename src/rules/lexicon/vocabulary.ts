import type { Language } from '../model.ts'
import type { Token } from '../text/model.ts'
import { type Alphabet, alphabetOf } from './alphabet.ts'

/** What the lexicon knows of one written form, whatever stands around it. */
export interface WordInfo {
  /** Number of the form in the lexicon; −1 for a form no list or phrase has. */
  readonly id: number
  /** Numbers of its singular, for lists that match plurals. */
  readonly singulars: readonly number[]
  /** Numbers of the listed word beginnings it has. */
  readonly prefixes: readonly number[]
  /** Languages that have it as a function word. */
  readonly languages: readonly Language[] | undefined
  readonly alphabet: Alphabet
  /** Begins or carries a cue, an act or a sign without which a message says nothing. */
  readonly key: boolean
  /** The cue word it is a mistyped form of. */
  readonly repaired: string | undefined
  /** Groups of telling words it belongs to (`Needs`). */
  readonly groups: readonly number[]
  /** Where word lists and where cue and guard phrases that begin with it go on in their graphs. */
  readonly termRoots: readonly number[]
  readonly patternRoots: readonly number[]
}

/** Where phrases that begin with a form go on; the numbers mean something to the graph alone. */
interface Roots {
  roots(id: number, singulars: readonly number[], prefixes: readonly number[]): readonly number[]
}

/** Everything about written forms that only the finished lexicon knows. */
export interface FinishedParts {
  readonly languages: ReadonlyMap<string, readonly Language[]>
  readonly typos: ReadonlyMap<string, string>
  readonly terms: Roots
  readonly patterns: Roots
}

const NONE: readonly number[] = []
const MAX_CACHED = 65_536
/** Longer forms are no words of any list. */
const MAX_FORM = 40
const PREFIX = 4

/** Numbers for words and word beginnings, with everything that depends on a written form alone. */
export class Vocabulary {
  readonly #ids = new Map<string, number>()
  readonly #prefixes = new Map<string, { readonly text: string; readonly id: number }[]>()
  #prefixCount = 0
  readonly #cache = new Map<string, WordInfo>()
  readonly #keys = new Set<number>()
  readonly #keyPrefixes = new Set<number>()
  readonly #wordGroups = new Map<number, number[]>()
  readonly #prefixGroups = new Map<number, number[]>()
  #finished: FinishedParts | undefined
  #unknown: WordInfo = this.#describe('')

  /** Number of a word; new words get the next one. */
  word(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    this.#ids.set(text, this.#ids.size)
    return this.#ids.size - 1
  }

  /** Number of a word beginning of at least four letters. */
  prefix(text: string): number {
    const key = text.slice(0, PREFIX)
    const list = this.#prefixes.get(key) ?? []
    this.#prefixes.set(key, list)
    const known = list.find((e) => e.text === text)
    if (known !== undefined) return known.id
    list.push({ text, id: this.#prefixCount++ })
    return this.#prefixCount - 1
  }

  has(text: string): boolean {
    return this.#ids.has(text)
  }

  keyWord(text: string): void {
    this.#keys.add(this.word(text))
  }

  keyPrefix(text: string): void {
    this.#keyPrefixes.add(this.prefix(text))
  }

  wordGroup(text: string, group: number): void {
    put(this.#wordGroups, this.word(text), group)
  }

  prefixGroup(text: string, group: number): void {
    put(this.#prefixGroups, this.prefix(text), group)
  }

  /** Ends the building: function words, mistyped forms and phrases are known now. */
  finish(parts: FinishedParts): void {
    this.#finished = parts
    this.#cache.clear()
    this.#unknown = this.#describe('')
  }

  /** Everything about a token's form. Forms are remembered; the memory is bounded and changes no answer. */
  info(token: Token): WordInfo {
    const { text } = token
    if (text.length > MAX_FORM || (token.kind === 'number' && text.length > 3)) return this.#unknown
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

  /** The same for a form that stands for itself. */
  infoOf(text: string): WordInfo {
    return this.#describe(text)
  }

  #describe(text: string): WordInfo {
    const id = this.#ids.get(text) ?? -1
    const singulars = this.#singulars(text)
    const prefixes = this.#prefixesOf(text)
    const finished = this.#finished
    const typo = text.length < 4 ? undefined : finished?.typos.get(text)
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
      languages: finished?.languages.get(text),
      alphabet: alphabetOf(text),
      key,
      repaired,
      groups: groups.length === 0 ? NONE : groups,
      termRoots: finished?.terms.roots(id, singulars, prefixes) ?? NONE,
      patternRoots: finished?.patterns.roots(id, singulars, prefixes) ?? NONE,
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

function put(into: Map<number, number[]>, key: number, value: number): void {
  const known = into.get(key)
  if (known === undefined) into.set(key, [value])
  else known.push(value)
}
