import { hintFor, knownHint } from './hints.ts'

/** One finding about a rule file; errors refuse the set, warnings do not. */
export interface RuleProblem {
  readonly severity: 'error' | 'warning'
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly column: number
  /** `rules[3].then[0].alert.to`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  /** What to do about it; every error has one. */
  readonly hint?: string
}

export type Path = readonly (string | number)[]

/** Most findings reported per file; a broken file repeats itself. */
const MAX_PROBLEMS = 200

export interface Place {
  readonly line: number
  readonly column: number
}

/** Collects findings of one file and knows where each path is written. */
export class Report {
  readonly problems: RuleProblem[] = []
  readonly #file: string
  readonly #locate: (path: Path, at: 'key' | 'value') => Place

  constructor(file: string, locate: (path: Path, at: 'key' | 'value') => Place) {
    this.#file = file
    this.#locate = locate
  }

  get failed(): boolean {
    return this.problems.some((p) => p.severity === 'error')
  }

  placeOf(path: Path): Place {
    return this.#locate(path, 'value')
  }

  error(path: Path, message: string, hint?: string, at: 'key' | 'value' = 'value'): undefined {
    this.#add('error', path, message, hint, at)
  }

  warning(path: Path, message: string, hint?: string): void {
    this.#add('warning', path, message, hint, 'value')
  }

  /** "unknown x `name`" with the nearest known one, or all of them, as hint. */
  unknown(path: Path, what: string, name: string, known: Iterable<string>, at: 'key' | 'value' = 'value'): undefined {
    this.error(path, `unknown ${what} \`${name}\``, knownHint(name, known), at)
  }

  #add(severity: 'error' | 'warning', path: Path, message: string, hint: string | undefined, at: 'key' | 'value'): void {
    if (this.problems.length >= MAX_PROBLEMS) return
    const text = pathText(path)
    if (this.problems.some((p) => p.path === text && p.message === message)) return
    const problem = { severity, file: this.#file, ...this.#locate(path, at), path: text, message }
    if (severity === 'error') this.problems.push({ ...problem, hint: hint ?? hintFor(text, message) })
    else this.problems.push(hint === undefined ? problem : { ...problem, hint })
  }
}

export function pathText(path: Path): string {
  let out = ''
  for (const part of path) out += typeof part === 'number' ? `[${part}]` : out === '' ? part : `.${part}`
  return out
}

/** `file:line:column: path: message (hint)` */
export function problemLine(p: RuleProblem): string {
  const place = p.path === '' ? '' : `${p.path}: `
  return `${p.file}:${p.line}:${p.column}: ${p.severity}: ${place}${p.message}${p.hint === undefined ? '' : ` (${p.hint})`}`
}
