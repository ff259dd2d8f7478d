import type { z } from 'zod'
import { knownHint } from './hints.ts'
import type { Path, Report } from './problem.ts'
import { nearest } from './suggest.ts'

type Issue = z.core.$ZodIssue

/** Checks a value and reports every fault with its place; undefined when there was one. */
export function check<T extends z.ZodType>(schema: T, value: unknown, path: Path, report: Report): z.output<T> | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) reportIssue(issue, value, path, report, schema)
  return undefined
}

function reportIssue(issue: Issue, value: unknown, path: Path, report: Report, schema: unknown): undefined {
  const at = [...path, ...issue.path.filter((p): p is string | number => typeof p !== 'symbol')]
  if (issue.code === 'invalid_union') {
    const branch = bestBranch(issue.errors)
    if (branch.length === 0) report.error(at, issue.message)
    for (const inner of branch)
      reportIssue({ ...inner, path: [...issue.path, ...inner.path] } as Issue, value, path, report, schema)
    return
  }
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path)
    for (const key of issue.keys) {
      report.error(
        [...at, key],
        `unknown key \`${key.slice(0, 60)}\``,
        known.length === 0 ? undefined : knownHint(key, known),
        'key',
      )
    }
    return
  }
  if (issue.code === 'invalid_value') {
    const options = issue.values.map(String)
    const actual = valueAt(value, issue.path)
    if (actual === undefined) return report.error(at, 'is missing', `one of ${options.join(', ')}`)
    const near = typeof actual === 'string' ? nearest(actual, options) : undefined
    return report.error(
      at,
      `\`${shown(actual)}\` is not allowed`,
      near === undefined ? `one of ${options.join(', ')}` : `did you mean \`${near}\`?`,
    )
  }
  if (issue.code === 'invalid_type' && valueAt(value, issue.path) === undefined)
    return report.error(at, `is missing (${issue.expected} needed)`)
  report.error(at, issue.message.replace(/^Invalid input: /, ''))
}

/** The alternative that came closest: the one whose fault lies deepest, a wrong type at the top last. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const rank = (issues: readonly Issue[]): number => {
    const first = issues[0]
    if (first === undefined) return -1
    return first.path.length * 2 + (first.code === 'invalid_type' && first.path.length === 0 ? 0 : 1)
  }
  return [...branches].sort((a, b) => rank(b) - rank(a))[0] ?? []
}

/** Keys the object schema at a path knows, for suggestions. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  let at = unwrap(schema)
  for (const part of path) {
    if (at === undefined) return []
    at = unwrap(
      typeof part === 'number'
        ? (at as { element?: unknown }).element
        : (at as { shape?: Record<PropertyKey, unknown> }).shape?.[part],
    )
  }
  const shape = (at as { shape?: object } | undefined)?.shape
  return shape === undefined ? [] : Object.keys(shape)
}

interface Wrapper {
  readonly shape?: unknown
  readonly element?: unknown
  readonly def?: { readonly innerType?: unknown; readonly in?: unknown; readonly options?: readonly unknown[] }
}

function unwrap(schema: unknown): unknown {
  let at = schema as Wrapper | undefined
  for (let depth = 0; depth < 8 && at !== undefined; depth++) {
    if (at.shape !== undefined || at.element !== undefined) return at
    const options = at.def?.options
    at = (at.def?.innerType ?? at.def?.in ?? options?.find((o) => unwrap(o) !== undefined)) as Wrapper | undefined
  }
  return at?.shape === undefined && at?.element === undefined ? undefined : at
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value
  for (const part of path) at = typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[part] : undefined
  return at
}

const shown = (value: unknown): string => (typeof value === 'object' ? 'this' : String(value).slice(0, 40))
