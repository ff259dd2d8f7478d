import { z } from 'zod'
import { check } from './check.ts'
import type { PassContext } from './context.ts'
import type { Path, Report } from './problem.ts'
import { type TextSpec, wordsFit } from './text-spec.ts'
import { type Comparison, compares, type KeyPart, listOf } from './values.ts'

/** Unknown is neither true nor false: the data a leaf asks for is missing. */
export type Truth = true | false | 'unknown'

export interface Leaf {
  readonly name: string
  /** Relative cost; cheaper leaves are asked first. */
  readonly cost: number
  readonly wanted: string
  test(c: PassContext): Truth
  actual(c: PassContext): string
  /** The only values that can make it true, for the index of rules by intent and topic. */
  readonly accepts?: ReadonlySet<string>
}

/** What compiling a leaf may look up and must report. */
export interface LeafScope {
  readonly path: Path
  readonly report: Report
  readonly lists: ReadonlyMap<string, readonly string[]>
  readonly knownTopics: ReadonlySet<string> | undefined
  /** Counts one more pattern; false when there are too many. */
  countPattern(): boolean
  /** Tells the rule set which windows to count. */
  addWindow(window: CountWindow): void
}

/** A sliding window some rule asks about. */
export interface CountWindow {
  readonly of: string
  readonly per: readonly KeyPart[]
  readonly within: number
  readonly rule: string | undefined
}

export type Compiler = (value: unknown, scope: LeafScope, ruleId: string) => Leaf | undefined

export const words = (max = 50) => listOf(z.string().min(1).max(200), max)
export const joined = (list: readonly string[]): string => list.join(' | ')

export function leaf<T extends z.ZodType>(
  name: string,
  cost: number,
  schema: T,
  make: (value: z.output<T>, scope: LeafScope, ruleId: string) => Omit<Leaf, 'name' | 'cost'> | undefined,
): readonly [string, Compiler] {
  const compiler: Compiler = (value, scope, ruleId) => {
    const read = check(schema, value, scope.path, scope.report)
    const made = read === undefined ? undefined : make(read, scope, ruleId)
    return made === undefined ? undefined : { name, cost, ...made }
  }
  return [name, compiler]
}

/** A leaf on one text that is always there. */
export const oneOf = (list: readonly string[], read: (c: PassContext) => string | undefined): Omit<Leaf, 'name' | 'cost'> => {
  const set = new Set(list)
  return {
    wanted: joined(list),
    test: (c) => {
      const actual = read(c)
      return actual === undefined ? 'unknown' : set.has(actual)
    },
    actual: (c) => read(c) ?? 'nothing known',
  }
}

export function compare(
  wanted: Comparison,
  read: (c: PassContext) => number | undefined,
  show: (n: number) => string,
): Omit<Leaf, 'name' | 'cost'> {
  return {
    wanted: wanted.text,
    test: (c) => {
      const actual = read(c)
      return actual === undefined ? 'unknown' : compares(actual, wanted)
    },
    actual: (c) => {
      const actual = read(c)
      return actual === undefined ? 'nothing known' : show(actual)
    },
  }
}

export function textTest(spec: TextSpec, view: 'clean' | 'raw' | 'title' | 'item'): (c: PassContext) => Truth {
  return (c) => {
    const text = c.view(view)
    if (!wordsFit(spec, text)) return false
    for (const pattern of spec.patterns) {
      const found = c.timed(() => pattern.find(text.text, text.lower))
      if (found === undefined) return 'unknown'
      if (found === null) return false
      c.captures = found
    }
    return true
  }
}

export const short = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text)
