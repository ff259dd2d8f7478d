import { type Document, isMap, isNode, isScalar, isSeq, type LineCounter } from 'yaml'

export function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}

/** Line and column of the deepest node on `path` that the file really has; `key`: of its name rather than its value. */
export function locate(
  doc: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
  key = false,
): { line: number; column: number } {
  for (let n = path.length; n > 0; n--) {
    const node = doc.getIn(path.slice(0, n), true)
    if (isNode(node) && node.range) {
      // For a mapping entry the key is what a person looks for.
      const parent = n === 1 ? doc.contents : doc.getIn(path.slice(0, n - 1), true)
      if ((key || isMap(node) || isSeq(node)) && isMap(parent)) {
        const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path[n - 1])
        if (pair && isNode(pair.key) && pair.key.range) return position(lines, pair.key.range[0])
      }
      return position(lines, node.range[0])
    }
  }
  return { line: 0, column: 0 }
}

export type Locate = (path: readonly PropertyKey[], key?: boolean) => { line: number; column: number }

/** `routes[0].members[1].place` */
export function printPath(path: readonly PropertyKey[]): string {
  let out = ''
  for (const part of path) out += typeof part === 'number' ? `[${part}]` : out === '' ? String(part) : `.${String(part)}`
  return out
}
