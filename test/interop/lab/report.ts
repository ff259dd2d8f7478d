import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import type { Result, Status } from './runner.ts'
import type { Direction } from './scenario.ts'

export const COLUMNS: readonly Direction[] = ['ts→rust', 'rust→ts', 'mixed', 'raw→ts', 'raw→rust', 'rust→rust']
export const WORD: Record<Status, string> = { passed: 'pass', failed: '**FAIL**', pending: 'pending', skipped: 'skipped' }

const byScenario = (results: readonly Result[]): Map<string, Result[]> => {
  const rows = new Map<string, Result[]>()
  for (const result of results) {
    const row = rows.get(result.scenario.name) ?? []
    row.push(result)
    rows.set(result.scenario.name, row)
  }
  return rows
}

/** The matrix as a Markdown table: scenarios down, directions across. */
export function matrix(results: readonly Result[]): string {
  const used = COLUMNS.filter((column) => results.some((r) => r.direction === column))
  const lines = [`| scenario | ${used.join(' | ')} | what |`, `|---|${used.map(() => '---|').join('')}---|`]
  for (const [name, row] of byScenario(results)) {
    const cells = used.map((column) => {
      const result = row.find((r) => r.direction === column)
      return result === undefined ? '' : WORD[result.status]
    })
    lines.push(`| \`${name}\` | ${cells.join(' | ')} | ${row[0]?.scenario.what} |`)
  }
  return lines.join('\n')
}

/** Everything measured, as tables. */
export function figures(results: readonly Result[]): string {
  const blocks: string[] = []
  for (const [name, row] of byScenario(results)) {
    const measured = row.filter((r) => r.figures !== undefined)
    const names = [...new Set(measured.flatMap((r) => Object.keys(r.figures ?? {})))]
    if (names.length === 0) continue
    const lines = [
      `| \`${name}\` | ${measured.map((r) => r.direction).join(' | ')} |`,
      `|---|${measured.map(() => '---|').join('')}`,
    ]
    for (const figure of names) lines.push(`| ${figure} | ${measured.map((r) => r.figures?.[figure] ?? '').join(' | ')} |`)
    blocks.push(lines.join('\n'))
  }
  return blocks.join('\n\n')
}

/** Why something is not there. */
export function reasons(results: readonly Result[]): string {
  const seen = new Set<string>()
  for (const { scenario, status, reason, direction } of results) {
    if (reason === undefined) continue
    seen.add(
      status === 'failed' || status === 'passed'
        ? `- \`${scenario.name}\` ${direction}: ${reason}`
        : `- ${WORD[status]}: ${reason}`,
    )
  }
  return [...seen].join('\n')
}

export const count = (results: readonly Result[], status: Status): number => results.filter((r) => r.status === status).length

/** The last line of every run. Pending ones count as skipped: they prove nothing. */
export const summary = (results: readonly Result[]): string => {
  const skipped = count(results, 'skipped') + count(results, 'pending')
  return `${count(results, 'passed')} passed, ${count(results, 'failed')} failed, ${skipped} skipped`
}

export const machine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`

/** Puts the results between the markers of a document; the text around them stays. Throws when a marker is missing. */
export async function writeReport(path: string, results: readonly Result[]): Promise<void> {
  let text = await readFile(path, 'utf8')
  const notes = reasons(results)
  text = between(text, 'matrix', `${matrix(results)}${notes === '' ? '' : `\n\n${notes}`}\n\n${summary(results)}.`)
  text = between(text, 'figures', `Machine: ${machine()}. Times include whatever else ran on it.\n\n${figures(results)}`)
  await writeFile(path, text)
}

/** Puts content between the markers of a section. Throws when one is missing. */
export function between(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the report has no ${name} markers`)
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`
}

/** What stands between the markers of a section. */
export function section(text: string, name: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  return from < 0 || to < from ? '' : text.slice(from + begin.length, to)
}

/** The tables of figures by the scenario they belong to. */
export function blocksOf(figuresText: string): Map<string, string> {
  const blocks = new Map<string, string>()
  for (const block of figuresText.trim().split('\n\n')) {
    const name = /^\| `([^`]+)`/.exec(block)?.[1]
    if (name !== undefined) blocks.set(name, block)
  }
  return blocks
}
