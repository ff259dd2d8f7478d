import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { errorCode, K2Error } from '../../base/errors.ts'
import { type Locate, locate, position, printPath } from './locate.ts'
import { type ConfigLocation, defaultDataDir } from './paths.ts'
import { type Config, configSchema } from './schema.ts'
import { resolveReference } from './secrets.ts'

/** Largest config file read, bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024
/** Aliases expanded at most: a guard against YAML bombs. */
const MAX_YAML_ALIASES = 100

export interface ConfigProblem {
  /** 1-based; 0 when the value does not come from the file (default or environment). */
  readonly line: number
  readonly column: number
  /** Dotted, e.g. `routes[0].members[1].place`. */
  readonly path: string
  readonly message: string
}

/** A config that cannot be used; `problems` names every place. Exit code 3. */
export class ConfigError extends K2Error {
  override readonly name = 'ConfigError'
  readonly file: string
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[], cause?: unknown) {
    super({
      code: 'CONFIG_INVALID',
      kind: 'config',
      message: problems.map((p) => `${file}:${p.line}:${p.column} ${p.path ? `${p.path}: ` : ''}${p.message}`).join('\n'),
      cause,
    })
    this.file = file
    this.problems = problems
  }
}

export interface LoadedConfig {
  readonly config: Config
  /** Undefined when the built-in defaults are used. */
  readonly file: string | undefined
}

/** Looks at what the schema cannot: answers the place of the first fault. */
export type ConfigCheck = (config: Config) => { readonly path: readonly PropertyKey[]; readonly message: string } | undefined

export interface LoadOptions {
  readonly location: ConfigLocation | undefined
  readonly env: NodeJS.ProcessEnv
  /** `checkRoutes` for those who run or check the whole; costs its imports. */
  readonly check?: ConfigCheck
}

/** Reads, overrides from the environment, resolves secrets, validates. Throws `ConfigError` with every problem found. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const file = options.location?.path
  let text = ''
  if (file !== undefined) {
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      const problem = {
        line: 0,
        column: 0,
        path: '',
        message: `cannot be read (${errorCode(error)}): check the path and its permissions`,
      }
      throw new ConfigError(file, [problem], error)
    }
  }
  const { env, check } = options
  return { config: parseConfig(text, { file: file ?? 'built-in defaults', env, ...(check && { check }) }), file }
}

/** As `loadConfig`, for a text already read. `file` is used in messages and as base of relative secret files. */
export function parseConfig(text: string, options: { file: string; env: NodeJS.ProcessEnv; check?: ConfigCheck }): Config {
  const { file, env } = options
  if (text.length > MAX_CONFIG_BYTES)
    throw new ConfigError(file, [{ line: 0, column: 0, path: '', message: 'the file is larger than 1 MiB' }])
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  if (doc.errors.length > 0) {
    throw new ConfigError(
      file,
      doc.errors.map((e) => ({ ...position(lines, e.pos[0]), path: '', message: e.message })),
    )
  }
  const problems: ConfigProblem[] = []
  const at: Locate = (path, key) => locate(doc, lines, path, key)
  let raw: unknown
  try {
    raw = doc.toJS({ maxAliasCount: MAX_YAML_ALIASES }) ?? {}
  } catch (error) {
    throw new ConfigError(file, [{ line: 1, column: 1, path: '', message: 'too many aliases' }], error)
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new ConfigError(file, [{ line: 1, column: 1, path: '', message: 'expected a mapping of options at the top' }])
  }
  const tree = applyEnvironment(raw as Record<string, unknown>, env)
  const resolved = resolveTree(
    tree,
    [],
    (path, problem) => problems.push({ ...at(path), path: printPath(path), message: problem }),
    {
      env,
      baseDir: dirname(file),
    },
  ) as Record<string, unknown>
  if (resolved.dataDir === undefined) resolved.dataDir = defaultDataDir(env)
  const parsed = configSchema.safeParse(resolved, { reportInput: true })
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(...explain(issue, at))
  }
  if (problems.length > 0) throw new ConfigError(file, problems)
  const config = parsed.data as Config
  const wrong = options.check?.(config)
  if (wrong) throw new ConfigError(file, [{ ...at(wrong.path), path: printPath(wrong.path), message: wrong.message }])
  return Object.freeze(config)
}

function explain(issue: z.core.$ZodIssue, at: Locate): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      return {
        ...at(path, true),
        path: printPath(path),
        message: 'unknown option: check the spelling, or see config/k2gw.example.yaml',
      }
    })
  }
  // A token may have landed in a wrong place of its entry: never print what stands near a secret.
  const secret = issue.path.some((key) => /token|secret|password|url/i.test(String(key)))
  const found = !secret && 'input' in issue && issue.input !== undefined ? `, found ${describe(issue.input)}` : ''
  return [
    {
      ...at(issue.path),
      path: printPath(issue.path),
      message: `${issue.message}${issue.message.includes('received') ? '' : found}`,
    },
  ]
}

/** Short form of a wrong value. Secrets are already behind `Secret` or replaced, but long texts may be one: cut hard. */
function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `a text of ${value.length} characters` : JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a mapping' : typeof value
}

function resolveTree(
  value: unknown,
  path: PropertyKey[],
  report: (path: PropertyKey[], problem: string) => void,
  sources: { env: NodeJS.ProcessEnv; baseDir: string },
): unknown {
  if (typeof value === 'string') {
    const result = resolveReference(value, sources)
    if ('value' in result) return result.value
    report(path, result.problem)
    return value
  }
  if (Array.isArray(value)) return value.map((item, i) => resolveTree(item, [...path, i], report, sources))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, resolveTree(item, [...path, key], report, sources)]),
    )
  }
  return value
}

/** `K2__HTTP__PORT=9000` sets `http.port`; numbers, true/false and JSON lists or mappings are read as such. */
export function applyEnvironment(tree: Record<string, unknown>, env: NodeJS.ProcessEnv): Record<string, unknown> {
  const out = structuredClone(tree)
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('K2__') || text === undefined) continue
    const parts = name.slice(4).split('__')
    let node = out
    for (const [i, part] of parts.entries()) {
      const key = matchKey(node, part)
      if (i === parts.length - 1) {
        node[key] = parseScalar(text)
      } else {
        const child = node[key]
        const next =
          typeof child === 'object' && child !== null && !Array.isArray(child) ? (child as Record<string, unknown>) : {}
        node[key] = next
        node = next
      }
    }
  }
  return out
}

const KNOWN_CAMEL = ['dataDir', 'shutdownTimeout', 'adminToken', 'publicUrl', 'maxAge', 'trustProxy']

/** Environment names have no case: HTTP → http, DATADIR or DATA_DIR → dataDir. */
function matchKey(node: Record<string, unknown>, part: string): string {
  const wanted = part.replaceAll('_', '').toLowerCase()
  return [...Object.keys(node), ...KNOWN_CAMEL].find((key) => key.toLowerCase() === wanted) ?? part.toLowerCase()
}

function parseScalar(text: string): unknown {
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^[[{]/.test(text)) {
    try {
      return JSON.parse(text) as unknown
    } catch {
      // Not JSON after all: an ordinary text that starts with a bracket.
      return text
    }
  }
  return text
}
