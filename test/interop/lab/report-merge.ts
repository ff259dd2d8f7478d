import { readFile, writeFile } from 'node:fs/promises'
import { between, blocksOf, COLUMNS, figures, machine, reasons, section, WORD } from './report.ts'
import type { Result } from './runner.ts'

// A run of some scenarios replaces their rows in the report and leaves the others as the last run of those left them.

interface Row {
  readonly cells: Map<string, string>
  what: string
}

/** Puts results into an existing report. `order` names all scenarios there are; rows of others go. */
export async function mergeReport(path: string, results: readonly Result[], order: readonly string[]): Promise<void> {
  const text = await readFile(path, 'utf8')
  const rows = readRows(section(text, 'matrix'))
  for (const { scenario, direction, status } of results) {
    const row = rows.get(scenario.name) ?? { cells: new Map(), what: '' }
    row.what = scenario.what
    row.cells.set(direction, WORD[status])
    rows.set(scenario.name, row)
  }
  const kept = order.flatMap((name) => {
    const row = rows.get(name)
    return row === undefined ? [] : [[name, row] as const]
  })
  const notes = [...notesKept(section(text, 'matrix'), kept, results), ...reasons(results).split('\n')].filter((n) => n !== '')
  const table = `${print(kept)}${notes.length === 0 ? '' : `\n\n${notes.join('\n')}`}\n\n${count(kept)}.`
  const measured = new Map([...blocksOf(section(text, 'figures')), ...blocksOf(figures(results))])
  const blocks = order.flatMap((name) => measured.get(name) ?? [])
  const updated = between(text, 'matrix', table)
  await writeFile(
    path,
    between(updated, 'figures', `Machine: ${machine()}. Times include whatever else ran on it.\n\n${blocks.join('\n\n')}`),
  )
}

function readRows(table: string): Map<string, Row> {
  const rows = new Map<string, Row>()
  let columns: string[] = []
  for (const line of table.split('\n')) {
    const parts = line.split('|').map((part) => part.trim())
    if (parts[1] === 'scenario') columns = parts.slice(2, -2)
    const name = /^`(.+)`$/.exec(parts[1] ?? '')?.[1]
    if (name === undefined) continue
    const cells = new Map(columns.map((column, i) => [column, parts[i + 2] ?? '']))
    rows.set(name, { cells, what: parts[columns.length + 2] ?? '' })
  }
  return rows
}

function print(rows: readonly (readonly [string, Row])[]): string {
  const used = COLUMNS.filter((column) => rows.some(([, row]) => (row.cells.get(column) ?? '') !== ''))
  const lines = [`| scenario | ${used.join(' | ')} | what |`, `|---|${used.map(() => '---|').join('')}---|`]
  for (const [name, { cells, what }] of rows)
    lines.push(`| \`${name}\` | ${used.map((column) => cells.get(column) ?? '').join(' | ')} | ${what} |`)
  return lines.join('\n')
}

/** Earlier notes whose subject was not run now and still stands. */
function notesKept(old: string, rows: readonly (readonly [string, Row])[], results: readonly Result[]): string[] {
  const ran = new Set(results.map((r) => r.scenario.name))
  const parts = new Set(
    rows.flatMap(([name, row]) => ([...row.cells.values()].includes(WORD.pending) ? [name.split('.')[0] ?? ''] : [])),
  )
  return old.split('\n').filter((line) => {
    if (!line.startsWith('- ')) return false
    const part = /does not offer (\w+)/.exec(line)?.[1]
    if (part !== undefined) return parts.has(part)
    const name = /^- `([^`]+)`/.exec(line)?.[1]
    return name === undefined || (!ran.has(name) && rows.some(([n]) => n === name))
  })
}

function count(rows: readonly (readonly [string, Row])[]): string {
  const words = rows.flatMap(([, row]) => [...row.cells.values()])
  const of = (...wanted: string[]): number => words.filter((word) => wanted.includes(word)).length
  return `${of(WORD.passed)} passed, ${of(WORD.failed)} failed, ${of(WORD.pending, WORD.skipped)} skipped`
}
