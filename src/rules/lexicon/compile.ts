import { K2Error } from '../../base/errors.ts'
import type { Language } from '../text/model.ts'
import { TopicRefs } from '../topics/topic-refs.ts'
import { buildingImage, type LexiconSources } from './build.ts'
import { compileGazetteer, EMPTY_GAZETTEER, type Gazetteer } from './gazetteer.ts'
import { PhraseGraph } from './graph.ts'
import { type LexiconImage, type PatternEntry, patternsOf, termsOf } from './image.ts'
import { PresentGroups } from './needs.ts'
import type { LexiconFile, TaxonomyFile, Weights } from './schema.ts'
import { slotOf } from './slot-words.ts'
import { TextWords } from './text-words.ts'
import { Vocabulary } from './vocabulary.ts'
import { Wording } from './wording.ts'

export type { LexiconSources, PatternEntry }

/** Word lists by number: class, language, attached value (slug, place, code), packed so that a look-up touches little memory. */
export class TermEntries {
  readonly allSigns: Int32Array
  readonly allSlots: Int32Array
  readonly allValues: readonly (string | undefined)[]
  readonly classNames: readonly string[]

  constructor(entries: readonly TermEntry[], classNames: readonly string[]) {
    this.classNames = classNames
    this.allSigns = Int32Array.from(
      entries,
      (e) =>
        e.cls |
        (LANGUAGES.indexOf(e.lang) << LANGUAGE_AT) |
        (e.neutral ? NEUTRAL_SIGN : 0) |
        (e.value === undefined ? 0 : VALUE_SIGN),
    )
    this.allSlots = Int32Array.from(entries, (e) => slotOf(classNames[e.cls] as string))
    this.allValues = entries.map((e) => e.value)
  }

  /** Class, language and whether it is neutral and has a value, for the functions below. */
  signs(entry: number): number {
    return this.allSigns[entry] as number
  }
  /** The kind of slot its words fill, as a bit; 0 for none. */
  slot(entry: number): number {
    return this.allSlots[entry] as number
  }
  value(entry: number, signs: number): string | undefined {
    return (signs & VALUE_SIGN) === 0 ? undefined : this.allValues[entry]
  }
}

interface TermEntry {
  readonly cls: number
  readonly lang: Language | 'any'
  readonly value: string | undefined
  /** Its short words mean the same in every language. */
  readonly neutral: boolean
}

const LANGUAGES: readonly (Language | 'any')[] = ['any', 'en', 'vi', 'es', 'ru', 'pt']
const CLASS_BITS = 0xffff
const LANGUAGE_AT = 16
const LANGUAGE_BITS = 7
const NEUTRAL_SIGN = 1 << 20
const VALUE_SIGN = 1 << 21
export const classOfTerm = (signs: number): number => signs & CLASS_BITS
export const languageOfTerm = (signs: number): Language | 'any' =>
  LANGUAGES[(signs >> LANGUAGE_AT) & LANGUAGE_BITS] as Language | 'any'
export const isNeutral = (signs: number): boolean => (signs & NEUTRAL_SIGN) !== 0

export interface Lexicon {
  /** `en1.es1.…`, goes into readings and traces. */
  readonly version: string
  readonly weights: Weights
  readonly taxonomy: TaxonomyFile
  readonly topicRefs: TopicRefs
  readonly terms: PhraseGraph
  readonly termEntries: TermEntries
  readonly patterns: PhraseGraph
  /** Groups of telling words the text in work has. */
  readonly present: PresentGroups
  /** Words of the text in work. */
  readonly words: TextWords
  readonly patternEntries: readonly PatternEntry[]
  readonly vocabulary: Vocabulary
  readonly gazetteer: Gazetteer
  readonly wording: Wording | undefined
  /** Number of a class; −1 for a class no file has. */
  classOf(name: string): number
  readonly classNames: readonly string[]
}

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
/** Goes up with every change of what an image holds. */
const IMAGE_FORMAT = 1

/** Parses, checks and compiles all lexicon files. Throws K2Error LEXICON_INVALID or LEXICON_PHRASE. */
export function compileLexicon(sources: LexiconSources): Lexicon {
  return assemble(finished(buildingImage(sources)))
}

/** The same in steps of some hundredths of a second, for callers with other work to do in between. */
export function* compilingLexicon(sources: LexiconSources): Generator<undefined, Lexicon, undefined> {
  return assemble(yield* buildingImage(sources))
}

/** What `restoreLexicon` takes: everything the files come to, as JSON. Throws as `compileLexicon` does. */
export function lexiconImage(sources: LexiconSources): string {
  return JSON.stringify({ format: IMAGE_FORMAT, ...finished(buildingImage(sources)) })
}

/** The lexicon an image was made of, in a tenth of the time of compiling it. Throws K2Error LEXICON_INVALID. */
export function restoreLexicon(image: string): Lexicon {
  let value: LexiconImage & { readonly format: number }
  try {
    value = JSON.parse(image)
  } catch (cause) {
    throw new K2Error({ code: 'LEXICON_INVALID', kind: 'config', message: 'the built lexicon is not readable', cause })
  }
  if (value.format !== IMAGE_FORMAT)
    throw new K2Error({ code: 'LEXICON_INVALID', kind: 'config', message: 'the built lexicon is of another version' })
  return assemble(value)
}

function finished<T>(work: Generator<undefined, T, undefined>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

function assemble(image: LexiconImage): Lexicon {
  const { files, weights, taxonomy, classNames } = image
  const gazetteer = image.gazetteer === undefined ? EMPTY_GAZETTEER : compileGazetteer(image.gazetteer)
  const classes = new Map(classNames.map((name, id) => [name, id]))
  // Phrases of one list share an entry.
  const termEntries: TermEntry[] = []
  const numbers = new Map<string, number>()
  const entryOf: number[] = []
  for (const { name, lang, value } of termsOf({ files, taxonomy, places: gazetteer.plain })) {
    const key = `${name} ${lang} ${value ?? '\0'}`
    const known = numbers.get(key)
    if (known === undefined) {
      numbers.set(key, termEntries.length)
      termEntries.push({ cls: classes.get(name) as number, lang, value, neutral: NEUTRAL.has(name) })
    }
    entryOf.push(known ?? termEntries.length - 1)
  }
  const terms = new PhraseGraph(image.terms, entryOf)
  const patterns = new PhraseGraph(image.patterns)
  return {
    version: [
      ...files.map((f) => `${f.lang}${f.version}`),
      `w${weights.version}`,
      `t${taxonomy.version}`,
      `g${gazetteer.version}`,
      ...(image.wording === undefined ? [] : [`m${image.wording.version}`]),
    ].join('.'),
    weights,
    taxonomy,
    topicRefs: new TopicRefs(taxonomy),
    terms,
    termEntries: new TermEntries(termEntries, classNames),
    patterns,
    patternEntries: [...patternsOf(files)],
    present: new PresentGroups(image.groups),
    words: new TextWords(),
    vocabulary: new Vocabulary(image.vocabulary, {
      languages: functionWords(files),
      typos: new Map(image.typos),
      terms,
      patterns,
    }),
    gazetteer,
    wording: image.wording === undefined ? undefined : new Wording(image.wording),
    classOf: (name) => classes.get(name) ?? -1,
    classNames,
  }
}

function functionWords(files: readonly LexiconFile[]): Map<string, Language[]> {
  const out = new Map<string, Language[]>()
  for (const { lang, function_words } of files) {
    for (const word of function_words) {
      const lower = word.toLowerCase()
      const langs = out.get(lower)
      if (langs === undefined) out.set(lower, [lang])
      else if (!langs.includes(lang)) langs.push(lang)
    }
  }
  return out
}
