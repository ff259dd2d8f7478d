import type { Language } from '../text/model.ts'
import type { GazetteerFile } from './gazetteer.ts'
import type { GraphParts } from './graph-parts.ts'
import type { CueRule, GuardRule, LexiconFile, TaxonomyFile, Weights } from './schema.ts'
import type { VocabularyParts } from './vocabulary.ts'
import type { WordingFile } from './wording.ts'

/** A lexicon ready to be read with, as plain data: a build keeps it as JSON and spares every start the compiling. */
export interface LexiconImage {
  readonly files: readonly LexiconFile[]
  readonly weights: Weights
  readonly taxonomy: TaxonomyFile
  readonly gazetteer?: GazetteerFile | undefined
  readonly wording?: WordingFile | undefined
  /** Names of word lists by number. */
  readonly classNames: readonly string[]
  readonly vocabulary: VocabularyParts
  /** Mistyped form and the cue word it stands for; an empty one where it stands for several. */
  readonly typos: readonly (readonly [string, string])[]
  readonly terms: GraphParts
  readonly patterns: GraphParts
  /** Groups of telling words (`Needs`). */
  readonly groups: number
}

/** Classes the engine fills itself. */
export const BUILT_IN_CLASSES = ['num', 'money', 'model', 'user', 'goods', 'brand', 'service_topic', 'place'] as const

/** A phrase of a word list: its class, language, attached value (slug, place, code). */
export interface Term {
  readonly phrase: string
  readonly name: string
  readonly lang: Language | 'any'
  readonly value?: string
}

export interface TermLists {
  readonly files: readonly LexiconFile[]
  readonly taxonomy: TaxonomyFile
  /** Names that are places wherever they stand. */
  readonly places?: readonly string[] | undefined
}

/** Every phrase of every word list; its place in this order is the number of its entry. */
export function* termsOf({ files, taxonomy, places }: TermLists): Generator<Term, void, undefined> {
  for (const { lang, terms, places } of files) {
    for (const [name, list] of Object.entries(terms)) for (const phrase of list) yield { phrase, name, lang }
    for (const [phrase, value] of Object.entries(places)) yield { phrase, name: 'place', lang: 'any', value }
  }
  for (const phrase of places ?? []) yield { phrase, name: 'place', lang: 'any' }
  for (const { slug, nouns, brands } of taxonomy.topics) {
    for (const phrase of nouns) yield { phrase, name: 'goods', lang: 'any', value: slug }
    for (const phrase of brands) yield { phrase, name: 'brand', lang: 'any', value: slug }
  }
  for (const [i, { nouns }] of taxonomy.services.entries())
    for (const phrase of nouns) yield { phrase, name: 'service_topic', lang: 'any', value: String(i) }
}

export type PatternEntry =
  | { readonly kind: 'cue'; readonly lang: Language; readonly cue: CueRule; readonly label: string }
  | { readonly kind: 'guard'; readonly lang: Language; readonly guard: GuardRule; readonly label: string }
  | { readonly kind: 'idiom'; readonly lang: Language; readonly label: string }

/** Every cue, guard and idiom phrase; its place in this order is the number of its entry. */
export function* patternsOf(files: readonly LexiconFile[]): Generator<PatternEntry, void, undefined> {
  for (const { lang, cues, guards, idioms } of files) {
    for (const cue of cues.map(cueOf)) for (const label of cue.phrases) yield { kind: 'cue', lang, cue, label }
    for (const guard of guards.map(guardOf)) for (const label of guard.phrases) yield { kind: 'guard', lang, guard, label }
    for (const label of idioms) yield { kind: 'idiom', lang, label }
  }
}

// A rule has what its file says; read as often as these are, all of a kind should have the same shape.

const cueOf = (rule: CueRule): CueRule => ({
  intent: rule.intent,
  strength: rule.strength,
  family: rule.family,
  needs: rule.needs,
  follows_object: rule.follows_object,
  same_lang: rule.same_lang,
  upper: rule.upper,
  phrases: rule.phrases,
})

const guardOf = (rule: GuardRule): GuardRule => ({
  kind: rule.kind,
  penalty: rule.penalty,
  scope: rule.scope,
  only: rule.only,
  max_words: rule.max_words,
  same_lang: rule.same_lang,
  phrases: rule.phrases,
})
