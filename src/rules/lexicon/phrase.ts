import { K2Error } from '../../base/errors.ts'
import { tokenize } from '../text/tokens.ts'

/** One step of a phrase: a word, the beginning of a word, a token class, or a gap of tokens. */
export type Atom =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'class'; readonly name: string }
  | { readonly kind: 'gap'; readonly min: number; readonly max: number }

/** Alternatives at one place of a phrase; an empty one may be left out. */
export type Part = readonly (readonly Atom[])[]

export interface Phrase {
  readonly parts: readonly Part[]
  /** 0 anywhere, 1 at the start of a clause (`^`), 2 at the start of the message (`^^`). */
  readonly anchor: 0 | 1 | 2
  /** Ends with its clause (`$`). */
  readonly end: boolean
}

const MAX_OPTIONS = 200
const MAX_PARTS = 24
const MAX_PHRASE = 4000
const GAP = /^\{(\d),(\d)\}$/u

/**
 * Reads the phrase syntax of the lexicon files: words, `(a|b c|)`, `{m,n}`, `<class>`, `word*`, `^`, `^^`, `$`.
 * Throws K2Error LEXICON_PHRASE.
 */
export function parsePhrase(source: string): Phrase {
  if (source.length > MAX_PHRASE) throw fault(source, 'is too long')
  let rest = source.trim()
  let anchor: 0 | 1 | 2 = 0
  if (rest.startsWith('^^')) [anchor, rest] = [2, rest.slice(2).trim()]
  else if (rest.startsWith('^')) [anchor, rest] = [1, rest.slice(1).trim()]
  const end = rest.endsWith(' $')
  if (end) rest = rest.slice(0, -2).trim()
  const parts: (readonly (readonly Atom[])[])[] = []
  for (const part of split(rest, source)) {
    if (part.startsWith('(')) {
      const options = part.slice(1, -1).split('|')
      if (options.length > MAX_OPTIONS) throw fault(source, 'has too many alternatives')
      parts.push(options.map((o) => atoms(o.trim(), source)))
    } else for (const atom of atoms(part, source)) parts.push([[atom]])
  }
  if (parts.length > MAX_PARTS) throw fault(source, 'has too many parts')
  if (!parts.some((p) => p.every((o) => o.some((a) => a.kind !== 'gap')))) throw fault(source, 'may match nothing')
  if (parts[0]?.some((o) => o[0]?.kind === 'gap')) throw fault(source, 'begins with a gap')
  return { parts, anchor, end }
}

/** The same phrase with every word changed. */
export function mapWords(phrase: Phrase, change: (text: string) => string): Phrase {
  const step = (a: Atom): Atom => (a.kind === 'word' || a.kind === 'prefix' ? { kind: a.kind, text: change(a.text) } : a)
  return { ...phrase, parts: phrase.parts.map((p) => p.map((o) => o.map(step))) }
}

/** Parts at spaces outside brackets. */
function split(text: string, source: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i <= text.length; i++) {
    const char = text[i]
    if (char === '(' && (i === from || depth > 0)) depth++
    else if (char === ')' && depth > 0) depth--
    if (depth > 1) throw fault(source, 'nests alternatives')
    if (i === text.length || (char === ' ' && depth === 0)) {
      if (i > from) parts.push(text.slice(from, i))
      from = i + 1
    } else if (char === ')' && depth === 0 && text[from] === '(') {
      parts.push(text.slice(from, i + 1))
      from = i + 1
    }
  }
  if (depth !== 0) throw fault(source, 'has an open bracket')
  return parts
}

function atoms(text: string, source: string): Atom[] {
  const out: Atom[] = []
  for (const piece of text.split(' ')) {
    if (piece === '') continue
    const gap = GAP.exec(piece)
    if (gap !== null) {
      const [min, max] = [Number(gap[1]), Number(gap[2])]
      if (max > 6 || min > max) throw fault(source, 'has a gap outside 0 to 6')
      out.push({ kind: 'gap', min, max })
    } else if (piece.length > 2 && piece.startsWith('<') && piece.endsWith('>'))
      out.push({ kind: 'class', name: piece.slice(1, -1) })
    else if (piece.endsWith('*') && piece.length > 1) {
      const text = piece.slice(0, -1).toLowerCase()
      if (text.length < 4) throw fault(source, 'has a beginning of fewer than four letters')
      out.push({ kind: 'prefix', text })
    } else for (const token of tokenize(piece)) out.push({ kind: 'word', text: token.text })
  }
  return out
}

const fault = (source: string, what: string): K2Error =>
  new K2Error({ code: 'LEXICON_PHRASE', kind: 'config', message: `phrase "${source.slice(0, 80)}" ${what}` })
