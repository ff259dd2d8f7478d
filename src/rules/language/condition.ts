import type { PassContext } from './context.ts'
import type { Leaf, LeafScope, Truth } from './leaf.ts'
import { LEAVES } from './leaves.ts'
import { type Path, pathText } from './problem.ts'

/** A condition made ready: `parts` in the order of the file, `byCost` cheapest first. */
export type Node =
  | { readonly kind: 'leaf'; readonly path: string; readonly cost: number; readonly leaf: Leaf }
  | { readonly kind: 'not'; readonly path: string; readonly cost: number; readonly part: Node }
  | {
      readonly kind: 'all' | 'any' | 'at_least'
      readonly path: string
      readonly cost: number
      readonly n: number
      readonly parts: readonly Node[]
      readonly byCost: readonly Node[]
    }

const MAX_DEPTH = 6
const MAX_LEAVES = 50
const COMBINATORS = ['all', 'any', 'not', 'at_least'] as const
const WORDS = [...COMBINATORS, ...LEAVES.keys()]

/** Compiles `if`; undefined after a fault, which the report has. */
export function compileCondition(value: unknown, scope: LeafScope, ruleId: string): Node | undefined {
  const count = { leaves: 0 }
  const node = compileNode(value, { ...scope, ruleId, count, depth: 1 })
  if (count.leaves > MAX_LEAVES)
    scope.report.error(scope.path, `has ${count.leaves} leaves; at most ${MAX_LEAVES}`, 'split the rule, or use a list')
  return node
}

interface Scope extends LeafScope {
  readonly ruleId: string
  readonly count: { leaves: number }
  readonly depth: number
}

function compileNode(value: unknown, scope: Scope): Node | undefined {
  const { path, report } = scope
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report.error(path, 'must be a map of conditions', `one of ${WORDS.slice(0, 8).join(', ')}, …`)
    return undefined
  }
  if (scope.depth > MAX_DEPTH) {
    report.error(path, `conditions nested deeper than ${MAX_DEPTH}`)
    return undefined
  }
  const entries = Object.entries(value)
  if (entries.length === 0) {
    report.error(path, 'is empty', 'leave `if` out for a rule that always holds')
    return undefined
  }
  const parts: Node[] = []
  for (const [key, inner] of entries) {
    const at = [...path, key]
    const part = isCombinator(key) ? combine(key, inner, { ...scope, path: at }) : compileLeaf(key, inner, { ...scope, path: at })
    if (part !== undefined) parts.push(part)
  }
  if (parts.length === 1 && entries.length === 1) return parts[0]
  return group('all', path, parts, parts.length)
}

const isCombinator = (key: string): key is (typeof COMBINATORS)[number] => (COMBINATORS as readonly string[]).includes(key)

function compileLeaf(key: string, value: unknown, scope: Scope): Node | undefined {
  scope.count.leaves++
  const compiler = LEAVES.get(key)
  if (compiler === undefined) {
    scope.report.unknown(scope.path, 'condition', key, WORDS, 'key')
    return undefined
  }
  const leaf = compiler(value, scope, scope.ruleId)
  return leaf === undefined ? undefined : { kind: 'leaf', path: pathText(scope.path), cost: leaf.cost, leaf }
}

function combine(key: (typeof COMBINATORS)[number], value: unknown, scope: Scope): Node | undefined {
  const { path, report } = scope
  if (key === 'not') {
    const part = compileNode(value, { ...scope, depth: scope.depth + 1 })
    return part === undefined ? undefined : { kind: 'not', path: pathText(path), cost: part.cost, part }
  }
  let list: unknown = value
  let listPath: Path = path
  let n = 1
  if (key === 'at_least') {
    const shape = value as { n?: unknown; of?: unknown } | null
    const extra =
      typeof shape === 'object' && shape !== null ? Object.keys(shape).find((k) => k !== 'n' && k !== 'of') : undefined
    if (extra !== undefined) report.unknown([...path, extra], 'key', extra, ['n', 'of'], 'key')
    if (typeof shape?.n !== 'number' || !Number.isInteger(shape.n) || shape.n < 1) {
      report.error([...path, 'n'], 'needs a whole number `n` of at least 1')
      return undefined
    }
    n = shape.n
    list = shape.of
    listPath = [...path, 'of']
  }
  if (!Array.isArray(list) || list.length === 0) {
    report.error(listPath, 'must be a list of conditions')
    return undefined
  }
  const parts: Node[] = []
  for (const [i, inner] of list.entries()) {
    const part = compileNode(inner, { ...scope, path: [...listPath, i], depth: scope.depth + 1 })
    if (part !== undefined) parts.push(part)
  }
  if (key === 'at_least' && n > list.length) report.warning(path, `can never hold: ${n} of only ${list.length}`)
  return group(key, path, parts, key === 'all' ? parts.length : n)
}

function group(kind: 'all' | 'any' | 'at_least', path: Path, parts: readonly Node[], n: number): Node {
  const byCost = [...parts].sort((a, b) => a.cost - b.cost)
  return { kind, path: pathText(path), cost: parts.reduce((sum, p) => sum + p.cost, 0), n, parts, byCost }
}

/** Three-valued answer, cheapest leaves first; the order never changes the answer. */
export function evaluateNode(node: Node, c: PassContext): Truth {
  switch (node.kind) {
    case 'leaf':
      return node.leaf.test(c)
    case 'not': {
      const inner = evaluateNode(node.part, c)
      return inner === 'unknown' ? inner : !inner
    }
    case 'all': {
      let answer: Truth = true
      for (const part of node.byCost) {
        const inner = evaluateNode(part, c)
        if (inner === false) return false
        if (inner === 'unknown') answer = inner
      }
      return answer
    }
    default: {
      let [yes, maybe] = [0, 0]
      for (const part of node.byCost) {
        const inner = evaluateNode(part, c)
        if (inner === true && ++yes >= node.n) return true
        if (inner === 'unknown') maybe++
      }
      return yes + maybe >= node.n ? 'unknown' : false
    }
  }
}

export interface Failure {
  readonly path: string
  readonly actual: string
  readonly wanted: string
  readonly truth: false | 'unknown'
}

/** First leaf in the order of the file that keeps the condition from holding; undefined when it holds. */
export function firstFailure(node: Node, c: PassContext, negated = false): Failure | undefined {
  const truth = evaluateNode(node, c)
  const goal = !negated
  if (truth === goal) return undefined
  const failed = truth === 'unknown' ? 'unknown' : false
  if (node.kind === 'leaf') {
    return {
      path: node.path,
      actual: node.leaf.actual(c),
      wanted: negated ? `not ${node.leaf.wanted}` : node.leaf.wanted,
      truth: failed,
    }
  }
  if (node.kind === 'not') return firstFailure(node.part, c, !negated)
  let unknown: Failure | undefined
  for (const part of node.parts) {
    const failure = firstFailure(part, c, negated)
    if (failure === undefined) continue
    // A definite failure explains more than an unknown one, when the whole is false.
    if (failure.truth === false || failed === 'unknown') return failure
    unknown ??= failure
  }
  return unknown
}

/** True when all but one of several parts at the top hold. */
export function isNearMiss(node: Node, c: PassContext): boolean {
  if (node.kind !== 'all' || node.parts.length < 2) return false
  return node.parts.filter((part) => evaluateNode(part, c) !== true).length === 1
}

/** Values of a leaf that every match must have: `intent` or `topic` at the top or under `all`. For the trigger index. */
export function requiredLeaf(node: Node | undefined, name: string): Leaf | undefined {
  if (node === undefined) return undefined
  if (node.kind === 'leaf') return node.leaf.name === name ? node.leaf : undefined
  if (node.kind !== 'all') return undefined
  for (const part of node.parts) {
    const leaf = requiredLeaf(part, name)
    if (leaf !== undefined) return leaf
  }
  return undefined
}

/** What is left to ask of a condition where these leaves are known to hold; undefined when nothing is. */
export function without(node: Node | undefined, known: ReadonlySet<Leaf>): Node | undefined {
  if (node === undefined || (node.kind === 'leaf' && known.has(node.leaf))) return undefined
  if (node.kind !== 'all') return node
  const parts = node.byCost.flatMap((part) => without(part, known) ?? [])
  return parts.length < 2 ? parts[0] : { ...node, n: parts.length, parts, byCost: parts }
}
