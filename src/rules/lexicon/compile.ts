import { K2Error } from '../../base/errors.ts'
import type { Language } from '../text/model.ts'
import { compileGazetteer, EMPTY_GAZETTEER, type Gazetteer, gazetteerSchema } from './gazetteer.ts'
import { PhraseGraph } from './graph.ts'
import { KeyWords } from './keys.ts'
import { load } from './load.ts'
import { Needs, PresentGroups } from './needs.ts'
import { type Phrase, parsePhrase } from './phrase.ts'
import {
  type CueRule,
  type GuardRule,
  type LexiconFile,
  lexiconSchema,
  type TaxonomyFile,
  taxonomySchema,
  type Weights,
  weightsSchema,
} from './schema.ts'
import { PhraseTrie } from './trie.ts'
import { typoTable } from './typos.ts'
import { Vocabulary } from './vocabulary.ts'

/** Texts of the data files; reading them is the caller's business. */
export interface LexiconSources {
  /** `en.yaml`, `vi.yaml`, …: name for messages, text. */
  readonly languages: readonly { readonly name: string; readonly text: string }[]
  readonly weights: string
  readonly taxonomy: string
  /** Known places; none without it. */
  readonly gazetteer?: string | undefined
}

/** A word list entry: class, language, attached value (slug, place, code). */
export interface TermEntry {
  readonly cls: number
  /** Name of the class. */
  readonly name: string
  readonly lang: Language | 'any'
  readonly value: string | undefined
  /** Its short words mean the same in every language. */
  readonly neutral: boolean
}
export type PatternEntry =
  | { readonly kind: 'cue'; readonly lang: Language; readonly cue: CueRule; readonly label: string }
  | { readonly kind: 'guard'; readonly lang: Language; readonly guard: GuardRule; readonly label: string }
  | { readonly kind: 'idiom'; readonly lang: Language; readonly label: string }

export interface Lexicon {
  /** `en1.es1.…`, goes into readings and traces. */
  readonly version: string
  readonly weights: Weights
  readonly taxonomy: TaxonomyFile
  readonly terms: PhraseGraph
  readonly termEntries: readonly TermEntry[]
  readonly patterns: PhraseGraph
  /** Groups of telling words the text in work has. */
  readonly present: PresentGroups
  readonly patternEntries: readonly PatternEntry[]
  readonly vocabulary: Vocabulary
  readonly gazetteer: Gazetteer
  /** Number of a class; −1 for a class no file has. */
  classOf(name: string): number
  readonly classNames: readonly string[]
}

/** Classes the engine fills itself. */
export const BUILT_IN_CLASSES = ['num', 'money', 'model', 'user', 'goods', 'brand', 'service_topic', 'place'] as const

/** Lists whose short words mean the same in every language. */
const NEUTRAL: ReadonlySet<string> = new Set([
  'series',
  'unit_measure',
  'pay',
  'contact',
  'f_negotiable',
  'cond_new',
  'brand',
  'number_label',
])
/** Guards that say what a message does although it opens nothing. */
const ACT_GUARDS = new Set(['closed', 'reply_interest', 'reply_negotiate', 'reply_question', 'bump'])

/** Parses, checks and compiles all lexicon files. Throws K2Error LEXICON_INVALID or LEXICON_PHRASE. */
export function compileLexicon(sources: LexiconSources): Lexicon {
  const work = compilingLexicon(sources)
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** The same in steps of some hundredths of a second, for callers with other work to do in between. */
export function* compilingLexicon(sources: LexiconSources): Generator<undefined, Lexicon, undefined> {
  const files: LexiconFile[] = []
  for (const { name, text } of sources.languages) {
    files.push(load(name, text, lexiconSchema))
    yield
  }
  const weights = load('weights.yaml', sources.weights, weightsSchema)
  const taxonomy = load('taxonomy.yaml', sources.taxonomy, taxonomySchema)
  const gazetteer =
    sources.gazetteer === undefined
      ? EMPTY_GAZETTEER
      : compileGazetteer(load('gazetteer.yaml', sources.gazetteer, gazetteerSchema))
  yield
  const classes = new Map<string, number>()
  const classId = (name: string): number => {
    const known = classes.get(name)
    if (known !== undefined) return known
    classes.set(name, classes.size)
    return classes.size - 1
  }
  for (const name of BUILT_IN_CLASSES) classId(name)
  for (const file of files) for (const name of Object.keys(file.terms)) classId(name)

  const vocabulary = new Vocabulary()
  const terms = new PhraseTrie(vocabulary, classId)
  const termEntries: TermEntry[] = []
  const known = new Set<string>()
  const phrasesOf = new Map<number, Phrase[]>()
  const addTerm = (phrase: string, name: string, lang: TermEntry['lang'], value?: string): void => {
    const entry: TermEntry = { cls: classId(name), name, lang, value, neutral: NEUTRAL.has(name) }
    termEntries.push(entry)
    const parsed = parsePhrase(phrase)
    terms.add(parsed, termEntries.length - 1)
    learn(parsed, known)
    const list = phrasesOf.get(entry.cls)
    if (list === undefined) phrasesOf.set(entry.cls, [parsed])
    else list.push(parsed)
  }
  for (const file of files) {
    for (const [name, list] of Object.entries(file.terms)) {
      for (const phrase of list) addTerm(phrase, name, file.lang)
    }
    for (const [place, value] of Object.entries(file.places)) addTerm(place, 'place', 'any', value)
    yield
  }
  for (const name of gazetteer.plain) addTerm(name, 'place', 'any')
  for (const topic of taxonomy.topics) {
    for (const noun of topic.nouns) addTerm(noun, 'goods', 'any', topic.slug)
    for (const brand of topic.brands) addTerm(brand, 'brand', 'any', topic.slug)
  }
  taxonomy.services.forEach((s, i) => {
    for (const noun of s.nouns) addTerm(noun, 'service_topic', 'any', String(i))
  })

  const common = commonWords(files)
  const needs = new Needs(vocabulary, common)
  const patterns = new PhraseTrie(vocabulary, (name) => knownClass(classes, name), needs)
  const patternEntries: PatternEntry[] = []
  const cueWords = new Set<string>()
  const telling: Phrase[] = []
  const add = (phrase: string, entry: PatternEntry): void => {
    patternEntries.push(entry)
    const parsed = parsePhrase(phrase)
    patterns.add(parsed, patternEntries.length - 1)
    learn(parsed, known)
    if (entry.kind === 'cue') collectTypoWords(parsed, cueWords)
    if (entry.kind === 'cue' || (entry.kind === 'guard' && ACT_GUARDS.has(entry.guard.kind))) telling.push(parsed)
  }
  for (const file of files) {
    for (const cue of file.cues) for (const p of cue.phrases) add(p, { kind: 'cue', lang: file.lang, cue, label: p })
    for (const guard of file.guards) for (const p of guard.phrases) add(p, { kind: 'guard', lang: file.lang, guard, label: p })
    for (const p of file.idioms) add(p, { kind: 'idiom', lang: file.lang, label: p })
    yield
  }
  const functionWords = new Map<string, Language[]>()
  for (const file of files) {
    for (const word of file.function_words) {
      const lower = word.toLowerCase()
      known.add(lower)
      const langs = functionWords.get(lower) ?? []
      if (!langs.includes(file.lang)) langs.push(file.lang)
      functionWords.set(lower, langs)
    }
    for (const word of file.not_typos) known.add(word.toLowerCase())
  }
  const keys = new KeyWords(vocabulary, common, (name) => phrasesOf.get(classId(name)) ?? [])
  for (const phrase of telling) keys.mark(phrase)
  for (const name of ['closed_word', 'price_label']) keys.markClass(name)
  yield
  const termGraph = new PhraseGraph(terms, true)
  yield
  const patternGraph = new PhraseGraph(patterns, false, needs)
  vocabulary.finish({
    languages: functionWords,
    typos: typoTable(cueWords, known),
    terms: termGraph,
    patterns: patternGraph,
  })
  return {
    version: [
      ...files.map((f) => `${f.lang}${f.version}`),
      `w${weights.version}`,
      `t${taxonomy.version}`,
      `g${gazetteer.version}`,
    ].join('.'),
    weights,
    taxonomy,
    terms: termGraph,
    termEntries,
    patterns: patternGraph,
    patternEntries,
    present: new PresentGroups(needs.count),
    vocabulary,
    gazetteer,
    classOf: (name) => classes.get(name) ?? -1,
    classNames: [...classes.keys()],
  }
}

/** Words of any list or phrase are words of their own, never mistyped others. */
function learn(phrase: Phrase, into: Set<string>): void {
  for (const part of phrase.parts)
    for (const option of part) for (const atom of option) if (atom.kind === 'word') into.add(atom.text)
}

/** Words of five letters and more that open a cue phrase may be mistyped. */
function collectTypoWords(phrase: Phrase, into: Set<string>): void {
  for (const [atom] of phrase.parts[0] ?? [])
    if (atom?.kind === 'word' && atom.text.length >= 5 && /^[a-z]+$/u.test(atom.text)) into.add(atom.text)
}

/** Words of every list of talk: none of them tells a cue from chat. */
function commonWords(files: readonly LexiconFile[]): ReadonlySet<string> {
  const out = new Set<string>()
  for (const file of files) {
    for (const word of file.function_words) out.add(word.toLowerCase())
    for (const name of ['det', 'talk', 'opener', 'p_skip']) for (const word of file.terms[name] ?? []) out.add(word)
  }
  return out
}

function knownClass(classes: ReadonlyMap<string, number>, name: string): number {
  const id = classes.get(name)
  if (id === undefined)
    throw new K2Error({ code: 'LEXICON_INVALID', kind: 'config', message: `no word list is called <${name}>` })
  return id
}

export type { LexiconFile }
