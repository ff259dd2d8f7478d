import { localTime } from '../alert/local-time.ts'
import { type Action, compileAction, compileTemplates } from './actions.ts'
import { check } from './check.ts'
import { compileCondition, type Node, requiredLeaf, without } from './condition.ts'
import { parseCron } from './cron.ts'
import { canonicalJson, digestOf, sha256Hex } from './hash.ts'
import type { CountWindow } from './leaf.ts'
import { lintRules } from './lint.ts'
import type { Path, RuleProblem } from './problem.ts'
import type { CompiledRule, RuleSet } from './rule-set.ts'
import { type FileBody, fileSchema, ruleSchema } from './schema.ts'
import { parseSource, type RuleFile, type Source } from './source.ts'
import { finished } from './steps.ts'
import type { Template } from './template.ts'

export interface CompileOptions {
  /** Slugs of the taxonomy; others are warned of. */
  readonly knownTopics?: ReadonlySet<string>
}

export type CompileResult =
  | { readonly ok: true; readonly ruleSet: RuleSet; readonly problems: readonly RuleProblem[] }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] }

const MAX_RULES = 5_000
const MAX_PATTERNS = 2_000
const MAX_PATTERNS_PER_RULE = 10

interface Build {
  readonly options: CompileOptions
  readonly rules: CompiledRule[]
  readonly windows: Map<string, CountWindow>
  readonly texts: Map<string, string>
  readonly ids: Map<string, string>
  patterns: number
}

/** Rules compiled between two pauses. */
const RULES_PER_STEP = 20

/** Compiles rule files; every fault of every file is reported at once. Examples are run by `checkExamples`. */
export function compileRuleFiles(files: readonly RuleFile[], options: CompileOptions = {}): CompileResult {
  return finished(compilingRules(files, options))
}

/** The same in small steps, so that the caller may do other things between them. */
export function* compilingRules(files: readonly RuleFile[], options: CompileOptions = {}): Generator<void, CompileResult> {
  const build: Build = { options, rules: [], windows: new Map(), texts: new Map(), ids: new Map(), patterns: 0 }
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const problems: RuleProblem[] = []
  const canonical: [string, unknown][] = []
  for (const file of sorted) {
    const source = parseSource(file)
    yield
    yield* compileFile(source, build)
    problems.push(...source.report.problems)
    canonical.push([file.path, source.data])
  }
  if (build.rules.length > MAX_RULES)
    problems.push(
      fileProblem(
        sorted[0]?.path ?? '',
        `${build.rules.length} rules; at most ${MAX_RULES} in all files together`,
        'join rules by lists, or drop some',
      ),
    )
  if (files.length === 0)
    problems.push(fileProblem('', 'there is no rule file', 'an empty set is a file with `version: 1` and `rules: []`'))
  if (problems.some((p) => p.severity === 'error')) return { ok: false, problems }
  build.rules.sort((a, b) => b.priority - a.priority || (a.file < b.file ? -1 : a.file > b.file ? 1 : a.position - b.position))
  problems.push(...lintRules(build.rules))
  const text = canonicalJson(canonical)
  const ruleSet: RuleSet = {
    version: `sha256:${sha256Hex(text)}`,
    canonical: text,
    rules: build.rules,
    windows: [...build.windows.values()],
    texts: build.texts,
    warnings: problems,
  }
  return { ok: true, ruleSet, problems }
}

const fileProblem = (file: string, message: string, hint: string): RuleProblem => ({
  severity: 'error',
  file,
  line: 1,
  column: 1,
  path: '',
  message,
  hint,
})

function* compileFile(source: Source, build: Build): Generator<void, void> {
  const { report, data } = source
  if (report.failed) return
  const file = check(fileSchema, data, [], report)
  if (file === undefined) {
    // The rules are checked all the same: every fault at once.
    const rules = (data as { rules?: unknown } | null)?.rules
    if (Array.isArray(rules)) for (const [i, rule] of rules.entries()) check(ruleSchema, rule, ['rules', i], report)
    return
  }
  const templates = compileTemplates(file.templates, report)
  const lists = new Map(Object.entries(file.lists))
  for (const [i, value] of file.rules.entries()) {
    if (i % RULES_PER_STEP === RULES_PER_STEP - 1) yield
    compileRule(value, i, { source, file, templates, lists, build })
  }
}

interface FileScope {
  readonly source: Source
  readonly file: FileBody
  readonly templates: ReadonlyMap<string, Template>
  readonly lists: ReadonlyMap<string, readonly string[]>
  readonly build: Build
}

function compileRule(value: unknown, position: number, scope: FileScope): void {
  const { source, file, build } = scope
  const { report } = source
  const path: Path = ['rules', position]
  const id = (value as { id?: unknown } | null)?.id
  const body = check(ruleSchema, value, path, report)
  const raw = (value ?? {}) as { if?: unknown; then?: unknown }
  let patterns = 0
  let heavy = false
  const windows: CountWindow[] = []
  let condition: Node | undefined
  if (raw.if !== undefined) {
    condition = compileCondition(
      raw.if,
      {
        path: [...path, 'if'],
        report,
        lists: scope.lists,
        knownTopics: build.options.knownTopics,
        countPattern: () => {
          heavy = true
          return ++patterns <= MAX_PATTERNS_PER_RULE && ++build.patterns <= MAX_PATTERNS
        },
        addWindow: (window) => windows.push(window),
      },
      typeof id === 'string' ? id : '',
    )
  }
  const actions: Action[] = []
  if (Array.isArray(raw.then)) {
    for (const [k, entry] of raw.then.entries()) {
      const action = compileAction(entry, scope.templates, [...path, 'then', k], report)
      if (action !== undefined) actions.push(action)
    }
  }
  if (body === undefined) return
  const other = build.ids.get(body.id)
  if (other !== undefined)
    report.error([...path, 'id'], `the id \`${body.id}\` is taken by ${other}`, 'ids are unique over all files')
  build.ids.set(body.id, `${source.file} rules[${position}]`)
  const trigger = body.when ?? {}
  if (trigger.events?.includes('schedule') === true && trigger.cron === undefined)
    report.error([...path, 'when', 'events'], 'the event `schedule` needs `cron`', 'cron: "0 9 * * 1"')
  // The first look at a zone takes longer than a rule may.
  if (trigger.cron !== undefined || body.active !== undefined) localTime(0, body.active?.time_zone ?? 'UTC')
  const mode = body.mode ?? file.defaults.mode ?? 'live'
  if (body.examples.length === 0 && mode === 'live') report.warning(path, `rule \`${body.id}\` has no examples`)
  for (const window of windows)
    build.windows.set(`${window.rule ?? ''}|${window.of}|${window.within}|${window.per.join('+')}`, window)
  const byIntent = requiredLeaf(condition, 'intent')
  const byTopic = requiredLeaf(condition, 'topic')
  build.texts.set(body.id, canonicalJson({ file: source.file, defaults: file.defaults, rule: value }))
  build.rules.push({
    id: body.id,
    file: source.file,
    position,
    ...report.placeOf(path),
    mode,
    priority: body.priority ?? file.defaults.priority ?? 0,
    tags: file.tags,
    trigger,
    cron: trigger.cron === undefined ? undefined : parseCron(trigger.cron),
    condition,
    actions,
    digests: actions.map((_, i) => digestOf(body.id, i)),
    cooldown: body.cooldown ?? file.defaults.cooldown,
    limit: body.limit ?? file.defaults.limit,
    stop: body.stop,
    active: body.active,
    examples: body.examples,
    examplePlaces: body.examples.map((_, i) => report.placeOf([...path, 'examples', i])),
    intents: byIntent?.accepts,
    topics: byTopic?.accepts,
    selected: without(condition, new Set([byIntent, byTopic].flatMap((l) => (l?.accepts === undefined ? [] : l)))),
    heavy,
  })
}
