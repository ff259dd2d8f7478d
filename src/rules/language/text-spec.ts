import { z } from 'zod'
import { isK2Error } from '../../base/errors.ts'
import { wordSource, wordsOf } from '../match/terms.ts'
import type { Path, Report } from './problem.ts'
import { compilePattern, type SafePattern } from './regex.ts'
import { listOf } from './values.ts'

const phrases = listOf(z.string().min(1).max(200), 500)
export const textSpecSchema = z.strictObject({
  any: phrases.optional(),
  all: phrases.optional(),
  none: phrases.optional(),
  regex: listOf(z.string().min(1).max(512), 10).optional(),
  in: z.enum(['clean', 'raw', 'title']).default('clean'),
})
export type TextSpecInput = z.output<typeof textSpecSchema>

/** Looks for plain pieces of a text before it is taken apart into words. */
const MAX_LOOKS = 64

/** A text prepared for phrases and patterns; parts are made when first asked for. */
export class TextView {
  readonly text: string
  #words: readonly string[] | undefined
  #set: ReadonlySet<string> | undefined
  #lower: string | undefined
  #source: string | undefined
  #asked = 0

  constructor(text: string) {
    this.text = text
  }
  get words(): readonly string[] {
    this.#words ??= wordsOf(this.text)
    return this.#words
  }
  get set(): ReadonlySet<string> {
    this.#set ??= new Set(this.words)
    return this.#set
  }
  /** False when the text cannot hold the word; spares most texts being taken apart. Many questions are worth the words. */
  mayHold(word: string): boolean {
    if (this.#words !== undefined || ++this.#asked > MAX_LOOKS) return true
    this.#source ??= wordSource(this.text)
    return this.#source.includes(word)
  }
  get lower(): string {
    this.#lower ??= this.text.toLowerCase()
    return this.#lower
  }
}

type Atom =
  | { readonly kind: 'word' | 'prefix' | 'suffix' | 'inside'; readonly text: string }
  | { readonly kind: 'gap'; readonly min: number; readonly max: number }
export interface Phrase {
  readonly source: string
  readonly atoms: readonly Atom[]
}

const MAX_VARIANTS = 64
const MAX_GAP = 6

/** Words, `word*`, `*word`, `*word*`, `(a|b)` and `{m,n}` gaps; undefined when nothing can be found by it. */
export function parsePhrase(source: string): readonly Phrase[] | undefined {
  let variants: Atom[][] = [[]]
  for (const part of source.match(/\([^()]*\)|\{\d,\d\}|[^\s(){}]+/g) ?? []) {
    const options = part.startsWith('(') ? part.slice(1, -1).split('|').map(atomsOf) : [atomsOf(part)]
    variants = variants.flatMap((v) => options.map((o) => [...v, ...o]))
    if (variants.length > MAX_VARIANTS) return undefined
  }
  const kept = variants.filter((v) => v.some((a) => a.kind !== 'gap') && v.every((a) => a.kind !== 'gap' || a.max <= MAX_GAP))
  return kept.length === variants.length && kept.length > 0 ? kept.map((atoms) => ({ source, atoms })) : undefined
}

function atomsOf(text: string): Atom[] {
  const gap = /^\{(\d),(\d)\}$/.exec(text)
  if (gap !== null) return [{ kind: 'gap', min: Number(gap[1]), max: Number(gap[2]) }]
  const out: Atom[] = []
  for (const piece of text.split(/\s+/)) {
    const [front, back] = [piece.startsWith('*'), piece.endsWith('*') && piece.length > 1]
    const words = wordsOf(piece)
    for (const [i, word] of words.entries()) {
      const open = front && i === 0
      const ends = back && i === words.length - 1
      out.push({ kind: open && ends ? 'inside' : open ? 'suffix' : ends ? 'prefix' : 'word', text: word })
    }
  }
  return out
}

export function phraseFound(phrase: Phrase, view: TextView): boolean {
  const first = phrase.atoms[0] as Atom
  if (first.kind !== 'gap' && !view.mayHold(first.text)) return false
  if (first.kind === 'word' && !view.set.has(first.text)) return false
  if (first.kind === 'word' && phrase.atoms.length === 1) return true
  const { words } = view
  for (let i = 0; i < words.length; i++) if (matchesAt(phrase.atoms, 0, words, i)) return true
  return false
}

/** Depth is the number of atoms, width of a gap at most six: bounded work. */
function matchesAt(atoms: readonly Atom[], a: number, words: readonly string[], i: number): boolean {
  const atom = atoms[a]
  if (atom === undefined) return true
  if (atom.kind === 'gap') {
    for (let k = atom.min; k <= atom.max && i + k <= words.length; k++) if (matchesAt(atoms, a + 1, words, i + k)) return true
    return false
  }
  const word = words[i]
  if (word === undefined) return false
  const fits =
    atom.kind === 'word'
      ? word === atom.text
      : atom.kind === 'prefix'
        ? word.startsWith(atom.text)
        : atom.kind === 'suffix'
          ? word.endsWith(atom.text)
          : word.includes(atom.text)
  return fits && matchesAt(atoms, a + 1, words, i + 1)
}

export interface TextSpec {
  readonly any: readonly Phrase[] | undefined
  /** One list of variants per entry. */
  readonly all: readonly (readonly Phrase[])[]
  readonly none: readonly Phrase[]
  readonly patterns: readonly SafePattern[]
  readonly wanted: string
}

/** Resolves `$lists`, reads phrases, compiles patterns; faults go to the report. */
export function compileTextSpec(
  input: TextSpecInput,
  lists: ReadonlyMap<string, readonly string[]>,
  path: Path,
  report: Report,
  countPattern: () => boolean,
): TextSpec {
  const read = (entries: readonly string[], key: string): (readonly Phrase[])[] =>
    entries.flatMap((entry, i) => {
      const at = [...path, key, i]
      const list = entry.startsWith('$') ? lists.get(entry.slice(1)) : [entry]
      if (list === undefined) {
        report.unknown(
          at,
          'list',
          entry,
          [...lists.keys()].map((k) => `$${k}`),
        )
        return []
      }
      return list.map((text) => {
        const variants = parsePhrase(text)
        if (variants === undefined)
          report.error(at, `\`${text.slice(0, 60)}\` is no phrase`, 'words, word*, *word, (a|b), {0,3} for a gap of words')
        return variants ?? []
      })
    })
  const patterns: SafePattern[] = []
  for (const [i, source] of (input.regex ?? []).entries()) {
    const at = [...path, 'regex', i]
    if (!countPattern()) {
      report.error(at, 'more patterns than allowed (10 per rule, 2,000 in all)')
      continue
    }
    try {
      const pattern = compilePattern(source)
      if (pattern.literal === '')
        report.warning(at, 'no plain text of three characters to filter by; this pattern runs on every message')
      patterns.push(pattern)
    } catch (error) {
      report.error(at, isK2Error(error) ? error.message : 'not a valid pattern')
    }
  }
  const any = input.any === undefined ? undefined : read(input.any, 'any').flat()
  if (
    any === undefined &&
    input.all === undefined &&
    input.none === undefined &&
    patterns.length === 0 &&
    input.regex === undefined
  )
    report.error(path, 'looks for nothing', 'give any, all, none or regex')
  return {
    any,
    all: input.all === undefined ? [] : read(input.all, 'all'),
    none: input.none === undefined ? [] : read(input.none, 'none').flat(),
    patterns,
    wanted: wantedText(input),
  }
}

function wantedText(input: TextSpecInput): string {
  const parts: string[] = []
  for (const key of ['any', 'all', 'none', 'regex'] as const) {
    const list = input[key]
    if (list !== undefined) parts.push(`${key} of ${list.slice(0, 5).join(', ')}${list.length > 5 ? ', …' : ''}`)
  }
  return parts.join('; ').slice(0, 200)
}

/** Whether the words fit; patterns are the caller's, who watches the time they take. */
export function wordsFit(spec: TextSpec, view: TextView): boolean {
  if (spec.any !== undefined && !spec.any.some((p) => phraseFound(p, view))) return false
  if (spec.all.some((variants) => !variants.some((p) => phraseFound(p, view)))) return false
  return !spec.none.some((p) => phraseFound(p, view))
}
