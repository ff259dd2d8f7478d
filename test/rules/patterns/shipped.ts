import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'

const SRC = join(import.meta.dirname, '../../../src')

export interface ShippedPattern {
  /** `rules/text/code-test.ts:12`. */
  readonly at: string
  readonly regex: RegExp
}

/** Every regular expression written in the sources. */
export function shippedPatterns(under = ''): ShippedPattern[] {
  const files = readdirSync(join(SRC, under), { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile() && f.name.endsWith('.ts'))
    .map((f) => join(f.parentPath, f.name))
    .sort()
  return files.flatMap((path) => {
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest)
    const found: ShippedPattern[] = []
    const walk = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/')
        const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
        found.push({ at: `${relative(SRC, path)}:${line}`, regex: new RegExp(node.text.slice(1, end), node.text.slice(end + 1)) })
      }
      ts.forEachChild(node, walk)
    }
    walk(source)
    return found
  })
}

/** Texts of `length` characters made to send a backtracking engine astray: what the pattern itself looks for, over and over. */
export function hostileTexts({ source }: RegExp, length: number): string[] {
  const fill = (piece: string, end: string): string =>
    piece.repeat(Math.ceil(length / piece.length)).slice(0, length - end.length) + end
  const pieces = new Set(GENERAL)
  const letters = [...new Set(charactersOf(source))].slice(0, 14)
  for (const a of letters) {
    pieces.add(a)
    pieces.add(`${a} `)
    pieces.add(`${a}1`)
    for (const b of letters.slice(0, 6)) pieces.add(a + b)
  }
  for (const word of source.match(/\p{L}{2,}/gu)?.slice(0, 12) ?? []) {
    pieces.add(`${word} `)
    pieces.add(word)
  }
  return [...pieces].flatMap((piece) => [fill(piece, ''), fill(piece, '\u0000')])
}

const GENERAL = [
  'a',
  '1',
  ' ',
  '\n',
  '.',
  'a ',
  '1 ',
  'a.',
  '1.',
  '1,',
  'a-',
  "a'",
  '(',
  '[',
  '"',
  '\t ',
  'é',
  'e\u0301',
  'ж',
  'đ',
  '😀',
  '/',
  '@a.',
]

/** Characters a pattern names, and one of each class it uses. */
function charactersOf(source: string): string[] {
  const out: string[] = []
  const classes: Record<string, string> = { d: '7', w: 'w', s: ' ', b: 'b', D: 'x', W: '-', S: 'x', n: '\n', t: '\t', r: '\r' }
  for (let i = 0; i < source.length; i++) {
    const c = source[i] as string
    if (c === '\\') {
      const next = source[++i] as string
      if (next === 'p' || next === 'P') {
        const end = source.indexOf('}', i)
        out.push(source.slice(i, end).includes('N') ? '7' : source.slice(i, end).includes('M') ? '\u0301' : 'q')
        i = end
      } else if (next === 'u' || next === 'x') {
        const hex = /^(?:\{([0-9a-f]+)\}|([0-9a-f]{2,4}))/i.exec(source.slice(i + 1))
        const code = hex?.[1] ?? hex?.[2]
        if (code !== undefined) {
          out.push(String.fromCodePoint(Number.parseInt(code, 16)))
          i += hex?.[0].length ?? 0
        }
      } else out.push(classes[next] ?? next)
    } else if (!'()[]{}|?*+^$.'.includes(c)) out.push(c)
  }
  return out
}
