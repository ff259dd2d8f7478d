import { K2Error } from '../../base/errors.ts'
import { compileGazetteer, gazetteerSchema } from './gazetteer.ts'
import { graphParts } from './graph-parts.ts'
import { BUILT_IN_CLASSES, type LexiconImage, patternsOf, termsOf } from './image.ts'
import { KeyWords } from './keys.ts'
import { load } from './load.ts'
import { Needs } from './needs.ts'
import { type Phrase, parsePhrase } from './phrase.ts'
import { type LexiconFile, lexiconSchema, taxonomySchema, weightsSchema } from './schema.ts'
import { PhraseTrie } from './trie.ts'
import { typoTable } from './typos.ts'
import { VocabularyBuilder } from './vocabulary.ts'
import { wordingSchema } from './wording.ts'

/** Texts of the data files; reading them is the caller's business. */
export interface LexiconSources {
  /** `en.yaml`, `vi.yaml`, …: name for messages, text. */
  readonly languages: readonly { readonly name: string; readonly text: string }[]
  readonly weights: string
  readonly taxonomy: string
  /** Known places; none without it. */
  readonly gazetteer?: string | undefined
  /** What wording says (`wording.json`); cues and guards alone decide without it. */
  readonly wording?: string | undefined
}

/** Guards that say what a message does although it opens nothing. */
const ACT_GUARDS = new Set(['closed', 'reply_interest', 'reply_negotiate', 'reply_question', 'bump'])

/**
 * Parses and checks all lexicon files and builds the graphs of their phrases, in steps of some hundredths of a second.
 * Throws K2Error LEXICON_INVALID or LEXICON_PHRASE.
 */
export function* buildingImage(sources: LexiconSources): Generator<undefined, LexiconImage, undefined> {
  const files: LexiconFile[] = []
  for (const { name, text } of sources.languages) {
    files.push(load(name, text, lexiconSchema))
    yield
  }
  const weights = load('weights.yaml', sources.weights, weightsSchema)
  const taxonomy = load('taxonomy.yaml', sources.taxonomy, taxonomySchema)
  const gazetteer = sources.gazetteer === undefined ? undefined : load('gazetteer.yaml', sources.gazetteer, gazetteerSchema)
  const wording = sources.wording === undefined ? undefined : load('wording.json', sources.wording, wordingSchema)
  yield
  const classNames: string[] = [...BUILT_IN_CLASSES]
  for (const file of files) for (const name of Object.keys(file.terms)) if (!classNames.includes(name)) classNames.push(name)
  const classes = new Map(classNames.map((name, id) => [name, id]))

  const vocabulary = new VocabularyBuilder()
  const classId = (name: string): number => knownClass(classes, name)
  const terms = new PhraseTrie(vocabulary, classId)
  const known = new Set<string>()
  const phrasesOf = new Map<string, Phrase[]>()
  let entries = 0
  for (const { phrase, name } of termsOf({ files, taxonomy, places: gazetteer && compileGazetteer(gazetteer).plain })) {
    const parsed = parsePhrase(phrase)
    terms.add(parsed, entries++)
    learn(parsed, known)
    const list = phrasesOf.get(name)
    if (list === undefined) phrasesOf.set(name, [parsed])
    else list.push(parsed)
    if (entries % PAUSE === 0) yield
  }

  const common = commonWords(files)
  const needs = new Needs(vocabulary, common)
  const patterns = new PhraseTrie(vocabulary, classId, needs)
  const cueWords = new Set<string>()
  const telling: Phrase[] = []
  entries = 0
  for (const entry of patternsOf(files)) {
    const parsed = parsePhrase(entry.label)
    patterns.add(parsed, entries++)
    learn(parsed, known)
    if (entry.kind === 'cue') collectTypoWords(parsed, cueWords)
    if (entry.kind === 'cue' || (entry.kind === 'guard' && ACT_GUARDS.has(entry.guard.kind))) telling.push(parsed)
    if (entries % PAUSE === 0) yield
  }
  for (const file of files) for (const word of [...file.function_words, ...file.not_typos]) known.add(word.toLowerCase())
  const keys = new KeyWords(vocabulary, common, (name) => phrasesOf.get(name) ?? [])
  for (const phrase of telling) keys.mark(phrase)
  for (const name of ['closed_word', 'price_label']) keys.markClass(name)
  yield
  const termParts = graphParts(terms, true)
  yield
  const patternParts = graphParts(patterns, false, needs)
  yield
  return {
    files,
    weights,
    taxonomy,
    gazetteer,
    wording,
    classNames,
    vocabulary: vocabulary.parts(),
    typos: [...typoTable(cueWords, known)],
    terms: termParts,
    patterns: patternParts,
    groups: needs.count,
  }
}

/** Phrases between two steps. */
const PAUSE = 1500

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
