import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { type Path, type Place, Report } from './problem.ts'

/** One rule file as read from disk or a database. */
export interface RuleFile {
  readonly path: string
  readonly text: string
}

const MAX_BYTES = 1_048_576
const MAX_ALIASES = 100
const MAX_DEPTH = 20
/** Syntax faults reported of one file; the first says most. */
const MAX_FAULTS = 50
const START: Place = { line: 1, column: 1 }

/** A parsed file: plain data (maps without prototype pollution), and where each path stands. */
export interface Source {
  readonly file: string
  readonly data: unknown
  readonly report: Report
}

/** YAML 1.2 core schema: no custom tags, no merge keys, duplicate keys are errors, few aliases, bounded depth and size. */
export function parseSource(file: RuleFile): Source {
  const counter = new LineCounter()
  if (new TextEncoder().encode(file.text).length > MAX_BYTES) {
    const report = new Report(file.path, () => START)
    report.error([], 'the file is larger than 1 MB', 'split it into several files')
    return { file: file.path, data: undefined, report }
  }
  const doc = parseDocument(file.text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    strict: true,
    prettyErrors: false,
    lineCounter: counter,
    keepSourceTokens: false,
  })
  const report = new Report(file.path, (path, at) => locate(doc, counter, path, at))
  for (const fault of [...doc.errors, ...doc.warnings].slice(0, MAX_FAULTS)) {
    const { line, col } = counter.linePos(fault.pos[0])
    const place = { line: Math.max(1, line), column: Math.max(1, col) }
    const at = new Report(file.path, () => place)
    const hint = fault.code === 'DUPLICATE_KEY' ? 'write each key once' : undefined
    at.error(pathTo(doc.contents, fault.pos[0]), yamlMessage(fault.message), hint)
    report.problems.push(...at.problems)
  }
  if (report.failed) return { file: file.path, data: undefined, report }
  const walk = measure(doc.contents)
  if (walk.oddKey) report.error([], 'keys must be plain text')
  if (walk.tag !== undefined) report.error([], `tags such as \`${walk.tag}\` are not allowed`)
  if (walk.depth > MAX_DEPTH) report.error([], `nested deeper than ${MAX_DEPTH} levels`)
  if (walk.aliases > MAX_ALIASES) report.error([], `more than ${MAX_ALIASES} aliases`)
  if (report.failed) return { file: file.path, data: undefined, report }
  try {
    return { file: file.path, data: doc.toJS({ maxAliasCount: MAX_ALIASES }), report }
  } catch (error) {
    report.error([], `cannot be read: ${error instanceof Error ? error.message.slice(0, 200) : 'invalid'}`)
    return { file: file.path, data: undefined, report }
  }
}

const yamlMessage = (message: string): string => message.split('\n', 1)[0]?.slice(0, 200) ?? 'not valid YAML'

function measure(root: unknown): { depth: number; aliases: number; tag: string | undefined; oddKey: boolean } {
  const out = { depth: 0, aliases: 0, tag: undefined as string | undefined, oddKey: false }
  const stack: [unknown, number][] = [[root, 1]]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [node, depth] = next
    out.depth = Math.max(out.depth, depth)
    if (depth > MAX_DEPTH) return out
    if (isAlias(node)) out.aliases++
    else if (isMap(node)) {
      for (const pair of node.items) {
        if (!isScalar(pair.key)) out.oddKey = true
        stack.push([pair.key, depth], [pair.value, depth + 1])
      }
    } else if (isSeq(node)) for (const item of node.items) stack.push([item, depth + 1])
    const tag = (node as Node | null)?.tag
    if (typeof tag === 'string' && !tag.startsWith('tag:yaml.org,2002:')) out.tag = tag
  }
  return out
}

/** Place of the deepest part of the path that is written. */
function locate(doc: Document, counter: LineCounter, path: Path, at: 'key' | 'value'): Place {
  let node: unknown = doc.contents
  let offset = startOf(node) ?? 0
  for (const [i, part] of path.entries()) {
    const resolved: unknown = isAlias(node) ? node.resolve(doc) : node
    let key: unknown
    let value: unknown
    if (isMap(resolved)) {
      const pair = resolved.items.find((p: Pair) => (isScalar(p.key) ? String(p.key.value) : '') === String(part))
      if (pair === undefined) break
      ;[key, value] = [pair.key, pair.value]
    } else if (isSeq(resolved) && typeof part === 'number') {
      value = resolved.items[part]
      if (value === undefined) break
    } else break
    const wantKey = at === 'key' && i === path.length - 1
    offset = (wantKey ? startOf(key) : undefined) ?? startOf(value) ?? startOf(key) ?? offset
    node = value
  }
  const { line, col } = counter.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/** Path of the innermost value that holds a position. */
function pathTo(root: unknown, offset: number): Path {
  const path: (string | number)[] = []
  let node = root
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (isMap(node)) {
      const pair = node.items.findLast((p: Pair) => (startOf(p.key) ?? Number.POSITIVE_INFINITY) <= offset)
      if (pair === undefined || !isScalar(pair.key)) break
      path.push(String(pair.key.value).slice(0, 60))
      node = pair.value
    } else if (isSeq(node)) {
      const at = node.items.findLastIndex((item) => (startOf(item) ?? Number.POSITIVE_INFINITY) <= offset)
      if (at < 0) break
      path.push(at)
      node = node.items[at]
    } else break
  }
  return path
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
