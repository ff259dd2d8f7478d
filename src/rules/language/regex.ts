import { RE2JS } from 're2js'
import { K2Error } from '../../base/errors.ts'

/** A pattern of an operator, matched in linear time (section 16.1). */
export interface SafePattern {
  readonly source: string
  /** Lower-case text that every match contains; empty when none of three characters could be found. */
  readonly literal: string
  /** The match and its groups, or null. `text` is cut to 4,096 characters; `lower` is the same in lower case. */
  find(text: string, lower: string): readonly (string | null)[] | null
}

const MAX_PATTERN = 512
const MAX_TEXT = 4_096
const MAX_PROGRAM = 20_000
const MIN_LITERAL = 3

/** Compiles RE2 syntax, without regard to case. Throws K2Error RULES_PATTERN naming the construct that is not supported. */
export function compilePattern(source: string): SafePattern {
  if (source.length > MAX_PATTERN) throw fault(`longer than ${MAX_PATTERN} characters`)
  if (source.length === 0) throw fault('empty')
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE)
  } catch (error) {
    throw fault(explain(source, error instanceof Error ? error.message : ''), error)
  }
  if (compiled.programSize() > MAX_PROGRAM) throw fault('too large once its repetitions are written out')
  const literal = literalOf(source)
  const groups = compiled.groupCount()
  return {
    source,
    literal,
    find(text, lower) {
      if (literal !== '' && !lower.includes(literal)) return null
      const matcher = compiled.matcher(text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text)
      if (!matcher.find()) return null
      return Array.from({ length: groups + 1 }, (_, i) => matcher.group(i) ?? null)
    },
  }
}

const fault = (what: string, cause?: unknown): K2Error =>
  new K2Error({ code: 'RULES_PATTERN', kind: 'config', message: `this pattern is ${what}`, cause })

function explain(source: string, message: string): string {
  if (/\(\?<?[=!]/.test(source)) return 'not supported: look-ahead and look-behind do not exist in RE2 syntax'
  if (/\\[1-9]/.test(source)) return 'not supported: back-references do not exist in RE2 syntax'
  if (/\(\?>|[*+?}]\+/.test(source)) return 'not supported: atomic groups and possessive quantifiers do not exist in RE2 syntax'
  return `not valid: ${message.replace(/^error parsing regexp: /, '').slice(0, 160)}`
}

const META = new Set('.*+?()[]{}|^$\\')

/** The longest run of plain characters outside groups, classes and alternatives; a repetition may drop the last one. */
function literalOf(source: string): string {
  if (source.includes('|') || source.includes('(?')) return ''
  let best = ''
  let run = ''
  let depth = 0
  const end = (): void => {
    if (run.length > best.length) best = run
    run = ''
  }
  for (let i = 0; i < source.length; i++) {
    const char = source[i] as string
    if (char === '[') {
      end()
      i = classEnd(source, i)
    } else if (char === '(' || char === ')') {
      end()
      depth += char === '(' ? 1 : -1
    } else if (char === '*' || char === '?' || char === '{') {
      run = run.slice(0, -1)
      end()
      if (char === '{') i = Math.max(i, source.indexOf('}', i))
    } else if (char === '\\') {
      const next = source[i + 1] ?? ''
      i++
      if (META.has(next) && depth === 0) run += next
      else {
        end()
        if (next === 'Q' || next === 'p' || next === 'P' || next === 'x') return ''
      }
    } else if (META.has(char)) {
      end()
    } else if (depth === 0) run += char
  }
  end()
  const folded = best.toLowerCase()
  // Folding that changes the length, and letters with unusual case partners (K, ſ), cannot serve as a filter.
  return folded.length >= MIN_LITERAL && /^[\x20-\x7e]*$/.test(folded) && !/[ks]/.test(folded) ? folded : longestPlain(folded)
}

function longestPlain(text: string): string {
  const parts = text.split(/[^\x20-\x7e]|[ks]/)
  const best = parts.reduce((a, b) => (b.length > a.length ? b : a), '')
  return best.length >= MIN_LITERAL ? best : ''
}

function classEnd(source: string, from: number): number {
  let i = from + 1
  if (source[i] === '^') i++
  if (source[i] === ']') i++
  for (; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === ']') return i
    else if (source[i] === '[' && source[i + 1] === ':') i = Math.max(i, source.indexOf(':]', i) + 1)
  }
  return source.length
}
