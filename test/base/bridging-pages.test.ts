import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const page = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8')

/** The acceptance scenarios of bridging 22, as architecture.md lists them. */
const scenarios = (): string[] => {
  const text = page('architecture.md')
  const section = text.slice(text.indexOf('## Acceptance scenarios'))
  const end = section.indexOf('\n## ', 1)
  return section.slice(0, end < 0 ? undefined : end).split('\n')
}

test('every acceptance scenario of bridging 22 has a row with a test that is there', () => {
  const rows = scenarios().flatMap((line) => {
    const [, letter, rest] = /^\| ([A-O]) ([^\n]*)/.exec(line) ?? []
    return letter === undefined
      ? []
      : [{ letter, tests: [...(rest ?? '').matchAll(/`(test\/[\w./-]+)`/g)].map(([, path]) => path as string) }]
  })
  expect([...new Set(rows.map((row) => row.letter))]).toEqual([...'ABCDEFGHIJKLMNO'])
  expect(rows.filter((row) => row.tests.length === 0)).toEqual([])
  expect(rows.flatMap((row) => row.tests).filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test('every kind of event names a test, and what is known of it beyond the fakes', () => {
  const text = page('events.md')
  const table = text.slice(text.indexOf('| event | → Discord'), text.indexOf('## Text'))
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| event ') && !line.startsWith('| --- '))
  const cells = rows.map((row) => row.slice(2, -2).split(' | '))
  expect(cells.filter((row) => row.length !== 6).map(([name]) => name)).toEqual([])
  expect(cells.filter(([, , , , tests]) => !/`|no test/.test(tests ?? '')).map(([name]) => name)).toEqual([])
  expect(cells.filter(([, , , , , known]) => !/^(?:documented|open|nothing of)/.test(known ?? '')).map(([name]) => name)).toEqual(
    [],
  )
  expect(rows.length).toBeGreaterThan(28)
})

interface Named {
  readonly path: string
  readonly titles: readonly string[]
}

/** Tests a row of events.md names in full: a path without its ending, then perhaps titles. `*` and `…` leave parts out. */
function namedInEvents(): Named[] {
  const rows = page('events.md')
    .split('\n')
    .filter((line) => line.startsWith('|'))
  return rows.flatMap((row) =>
    [...row.matchAll(/`([a-z0-9]+\/[\w./*-]+)`((?:,? ["“][^"”]+["”])*)/g)]
      .filter(([, path]) => existsSync(join(ROOT, 'test', path?.split('/', 1)[0] ?? '')))
      .map(([, path, titles]) => ({
        path: path as string,
        titles: [...(titles ?? '').matchAll(/["“]([^"”]+)["”]/g)].flatMap(([, title]) =>
          (title ?? '').split('…').map((t) => t.trim()),
        ),
      })),
  )
}

/** Files of a name, whatever kind of test they are; undefined for a whole folder. */
function testsAt(path: string): string[] | undefined {
  const full = join(ROOT, 'test', path)
  const folder = dirname(full)
  if (existsSync(full) || (path.endsWith('*') && existsSync(folder))) return undefined
  const names = existsSync(folder) ? readdirSync(folder) : []
  const wanted = names.filter((name) => name.startsWith(`${basename(full)}.`) && name.endsWith('.ts'))
  return wanted.map((name) => join(folder, name))
}

test('every test that docs/events.md names is there, with its titles', () => {
  const named = namedInEvents()
  expect(named.length).toBeGreaterThan(70)
  const missing = named.flatMap(({ path, titles }) => {
    const found = testsAt(path)
    if (found === undefined) return titles.length === 0 ? [] : [`${path}: a folder has no titles`]
    if (found.length === 0) return [`${path}: no such test`]
    const text = found.map((file) => readFileSync(file, 'utf8').replaceAll(/\\(['`])/g, '$1')).join('\n')
    return titles.filter((title) => !text.includes(title)).map((title) => `${path}: "${title}"`)
  })
  expect(missing).toEqual([])
})
