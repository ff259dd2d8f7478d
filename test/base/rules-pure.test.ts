import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

const RULES = join(import.meta.dirname, '../../src/rules')
const files = readdirSync(RULES, { recursive: true, withFileTypes: true })
  .filter((f) => f.isFile() && f.name.endsWith('.ts'))
  .map((f) => join(f.parentPath, f.name))
  .map((path) => ({
    name: relative(RULES, path),
    tree: ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true),
  }))

/** Packages that compute and do nothing else; SHA-256 is the only thing taken from the platform. */
const PURE = new Set(['chrono-node', 're2js', 'yaml', 'zod', '@noble/hashes/sha2.js', '@noble/hashes/utils.js'])

function nodes(tree: ts.Node): ts.Node[] {
  const out: ts.Node[] = []
  const walk = (node: ts.Node): void => {
    out.push(node)
    ts.forEachChild(node, walk)
  }
  walk(tree)
  return out
}

test('the rules engine imports nothing but itself, shapes of the base, and packages that compute', () => {
  const found = files.flatMap(({ name, tree }) =>
    nodes(tree)
      .filter((n): n is ts.ImportDeclaration | ts.ExportDeclaration => ts.isImportDeclaration(n) || ts.isExportDeclaration(n))
      .map((n) => n.moduleSpecifier?.getText().slice(1, -1))
      .filter(
        (from): from is string =>
          from !== undefined && !from.startsWith('.') && ![...PURE].some((p) => from === p || from.startsWith(`${p}/`)),
      )
      .map((from) => `${name}: ${from}`),
  )
  expect(files.length).toBeGreaterThan(130)
  expect(found).toEqual([])
})

test('the rules engine asks neither clock nor chance nor the machine', () => {
  const impure = new Set([
    'Date.now',
    'Math.random',
    'performance.now',
    'crypto.randomUUID',
    'crypto.getRandomValues',
    'process.env',
    'process.hrtime',
  ])
  const globals = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'process', 'performance'])
  const found = files.flatMap(({ name, tree }) =>
    nodes(tree).flatMap((n) => {
      if (ts.isPropertyAccessExpression(n) && impure.has(n.getText())) return [`${name}: ${n.getText()}`]
      if (ts.isNewExpression(n) && n.expression.getText() === 'Date' && (n.arguments?.length ?? 0) === 0)
        return [`${name}: new Date()`]
      if (ts.isCallExpression(n) && globals.has(n.expression.getText())) return [`${name}: ${n.expression.getText()}`]
      // The locale of the machine must not show in a reading.
      if (ts.isCallExpression(n) && /\.(?:toLocale\w+|localeCompare)$/.test(n.expression.getText()) && n.arguments.length === 0)
        return [`${name}: ${n.expression.getText()}`]
      return []
    }),
  )
  expect(found).toEqual([])
})
