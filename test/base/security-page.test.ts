import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const TESTS = join(import.meta.dirname, '..')
const FOLDERS = new Set(readdirSync(TESTS))

interface Named {
  readonly path: string
  /** Words of its title. */
  readonly words: readonly string[]
}

/** Tests a page names: a path in backquotes, then perhaps beginnings of titles in brackets; `same` repeats the path before. */
function namedTests(page: string): Named[] {
  const found: Named[] = []
  let path = ''
  const rows = page.split('\n').filter((line) => line.startsWith('|'))
  for (const [, file, titles] of rows
    .join('\n')
    .matchAll(/(?:`([a-z0-9-]+\/[\w./-]*)`|\bsame)(?: \(((?:"[^"]*"(?:, )?)+)\))?/g)) {
    path = file ?? path
    if (!FOLDERS.has(path.split('/', 1)[0] as string)) continue
    const words = [...(titles ?? '').matchAll(/"([^"]*)"/g)].flatMap(([, title]) => (title ?? '').split('…').map((w) => w.trim()))
    found.push({ path, words: words.filter((w) => w !== '') })
  }
  return found
}

test.each([
  ['security.md', 60],
  ['rules.md', 35],
])('every test that docs/%s names is there', (page, least) => {
  const named = namedTests(readFileSync(join(TESTS, '../docs', page), 'utf8'))
  expect(named.length).toBeGreaterThan(least)
  const missing = named.flatMap(({ path, words }) => {
    const file = join(TESTS, path.replace('*', ''))
    if (!existsSync(file)) return [`${path}: no such file`]
    if (statSync(file).isDirectory()) return words.length === 0 ? [] : [`${path}: a folder has no titles`]
    const text = readFileSync(file, 'utf8').replaceAll(/\\(['`])/g, '$1')
    return words.filter((word) => !text.includes(word)).map((word) => `${path}: "${word}"`)
  })
  expect(missing).toEqual([])
})

test('every point of the acceptance list of the rules has a row', () => {
  const page = readFileSync(join(TESTS, '../docs/rules.md'), 'utf8')
  const rows = page.slice(page.indexOf('## What is tested where')).matchAll(/^\| (\d+) [^|]+\| [^|]*(?:`[a-z]+\/|npm run)/gmu)
  expect([...new Set([...rows].map(([, point]) => Number(point)))]).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
})
