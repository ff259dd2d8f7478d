import { type CompileOptions, compilingRules } from './compile.ts'
import { checkingExamples, type ExampleReader } from './examples.ts'
import type { RuleProblem } from './problem.ts'
import type { RuleSet } from './rule-set.ts'
import type { RuleFile } from './source.ts'

/** One stored version of the rule files. */
export interface RuleVersion {
  readonly version: string
  readonly files: readonly RuleFile[]
  readonly loaded_at: number
  readonly author: string
  readonly difference: RuleDifference
}

export interface RuleDifference {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** The running rule set and the versions before it; the newest last. Immutable: a reload answers a new one. */
export interface RuleLibrary {
  readonly current: RuleSet | null
  readonly versions: readonly RuleVersion[]
}

export interface ReloadOptions extends CompileOptions {
  readonly now: number
  readonly author: string
  /** Runs the examples; without it they are not run. */
  readonly read?: ExampleReader
}

export interface Reload {
  readonly library: RuleLibrary
  /** False: the set that ran goes on running. */
  readonly swapped: boolean
  readonly problems: readonly RuleProblem[]
}

const MAX_VERSIONS = 50
export const EMPTY_LIBRARY: RuleLibrary = { current: null, versions: [] }

/**
 * Compiles on the side, runs the examples, and only then answers a library with the new set (section 11.6), in small steps: the
 * longest is the parsing of one file. The running set goes on running until the answer is taken.
 */
export function* reloadingRules(
  library: RuleLibrary,
  files: readonly RuleFile[],
  options: ReloadOptions,
): Generator<void, Reload> {
  const compiled = yield* compilingRules(files, options)
  if (!compiled.ok) return { library, swapped: false, problems: compiled.problems }
  const { ruleSet } = compiled
  if (ruleSet.version === library.current?.version) return { library, swapped: false, problems: compiled.problems }
  const problems = [...compiled.problems, ...(options.read === undefined ? [] : yield* checkingExamples(ruleSet, options.read))]
  if (problems.some((p) => p.severity === 'error')) return { library, swapped: false, problems }
  const version: RuleVersion = {
    version: ruleSet.version,
    files: files.map(({ path, text }) => ({ path, text })),
    loaded_at: options.now,
    author: options.author,
    difference: differenceOf(library.current, ruleSet),
  }
  return { library: { current: ruleSet, versions: [...library.versions, version].slice(-MAX_VERSIONS) }, swapped: true, problems }
}

/**
 * Loads a stored version again, as a new one; an unknown version or one that no longer compiles changes nothing. In small steps, as
 * `reloadingRules`.
 */
export function* rollingBackRules(library: RuleLibrary, version: string, options: ReloadOptions): Generator<void, Reload> {
  const matching = library.versions.filter((v) => v.version === version || v.version.slice('sha256:'.length).startsWith(version))
  const distinct = new Set(matching.map((v) => v.version))
  const stored = matching[matching.length - 1]
  if (stored !== undefined && distinct.size === 1) return yield* reloadingRules(library, stored.files, options)
  const message =
    distinct.size > 1 ? `several versions begin with ${version.slice(0, 80)}` : `there is no version ${version.slice(0, 80)}`
  return {
    library,
    swapped: false,
    problems: [
      { severity: 'error', file: '', line: 1, column: 1, path: '', message, hint: '`rules history` lists the versions' },
    ],
  }
}

/** Rule ids that came, went or changed. */
export function differenceOf(before: RuleSet | null, after: RuleSet): RuleDifference {
  const old = before?.texts ?? new Map<string, string>()
  const ids = [...after.texts.keys()]
  return {
    added: ids.filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !after.texts.has(id)),
    changed: ids.filter((id) => old.has(id) && old.get(id) !== after.texts.get(id)),
  }
}
