import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { targetFolder } from './build.ts'
import { figures, matrix, reasons, summary, writeReport } from './report.ts'
import { mergeReport } from './report-merge.ts'
import type { Result } from './runner.ts'
import type { Direction, Figures, Scenario } from './scenario.ts'

const scenario = (name: string): Scenario => ({ name, what: `what ${name} shows`, directions: [], run: async () => undefined })
const [join1, load] = [scenario('gossip.join'), scenario('gossip.load')]
const result = (
  s: Scenario,
  direction: Direction,
  status: Result['status'],
  more: { reason?: string; figures?: Figures } = {},
): Result => ({
  scenario: s,
  direction,
  status,
  seconds: 1,
  ...more,
})
const RESULTS: readonly Result[] = [
  result(join1, 'ts→rust', 'passed'),
  result(join1, 'rust→ts', 'failed', { reason: 'no neighbour' }),
  result(load, 'mixed', 'passed', { figures: { 'p99 ms': 12 } }),
  result(load, 'rust→rust', 'skipped', { reason: 'not here' }),
]

describe('some scenarios run again', () => {
  it('replaces their rows, figures and notes, keeps the others and counts all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'k2gw-report-'))
    try {
      const path = join(folder, 'report.md')
      await writeFile(path, '<!-- matrix:begin --><!-- matrix:end -->\n<!-- figures:begin --><!-- figures:end -->\n')
      const blobs = scenario('blobs.ticket')
      const notOffered = { reason: 'the TypeScript node does not offer blobs in the lab yet' }
      await writeReport(path, [...RESULTS, result(blobs, 'ts→rust', 'pending', notOffered)])
      const again = [result(join1, 'rust→ts', 'passed'), result(blobs, 'raw→ts', 'passed', { figures: { ms: 3 } })]
      const order = ['blobs.ticket', 'gossip.join', 'gossip.load', 'not.there']
      await mergeReport(path, [...again, result(blobs, 'ts→rust', 'passed')], order)
      const text = await readFile(path, 'utf8')
      const rows = text.split('\n').filter((line) => /^\| (`|scenario)/.test(line))
      expect(rows).toEqual([
        '| scenario | ts→rust | rust→ts | mixed | raw→ts | rust→rust | what |',
        '| `blobs.ticket` | pass |  |  | pass |  | what blobs.ticket shows |',
        '| `gossip.join` | pass | pass |  |  |  | what gossip.join shows |',
        '| `gossip.load` |  |  | pass |  | skipped | what gossip.load shows |',
        '| `blobs.ticket` | raw→ts |',
        '| `gossip.load` | mixed |',
      ])
      expect(text.split('\n').filter((line) => line.startsWith('- '))).toEqual(['- skipped: not here'])
      expect(text).toContain('5 passed, 0 failed, 1 skipped.')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('the report of a run', () => {
  it('has a row per scenario and a column per direction in use', () => {
    expect(matrix(RESULTS).split('\n')).toEqual([
      '| scenario | ts→rust | rust→ts | mixed | rust→rust | what |',
      '|---|---|---|---|---|---|',
      '| `gossip.join` | pass | **FAIL** |  |  | what gossip.join shows |',
      '| `gossip.load` |  |  | pass | skipped | what gossip.load shows |',
    ])
  })

  it('says why something is missing, and what was measured', () => {
    expect(reasons(RESULTS)).toBe('- `gossip.join` rust→ts: no neighbour\n- skipped: not here')
    const second = result(join1, 'ts→rust', 'passed', { reason: 'passed at the second try; the first: late' })
    expect(reasons([second])).toBe('- `gossip.join` ts→rust: passed at the second try; the first: late')
    expect(figures(RESULTS)).toBe('| `gossip.load` | mixed |\n|---|---|\n| p99 ms | 12 |')
  })

  it('counts pending ones as skipped, never as passed', () => {
    expect(summary([...RESULTS, result(join1, 'mixed', 'pending')])).toBe('2 passed, 1 failed, 2 skipped')
  })

  it('replaces what stands between the markers and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'k2gw-report-'))
    try {
      const path = join(folder, 'report.md')
      const frame = (m: string, f: string): string =>
        `before\n<!-- matrix:begin -->${m}<!-- matrix:end -->\nmiddle\n<!-- figures:begin -->${f}<!-- figures:end -->\nafter\n`
      await writeFile(path, frame('\nold\n', '\n'))
      await writeReport(path, RESULTS)
      const once = await readFile(path, 'utf8')
      expect(once).toMatch(/^before\n<!-- matrix:begin -->\n\| scenario/)
      expect(once).toContain('\nmiddle\n')
      expect(once).toMatch(/<!-- figures:end -->\nafter\n$/)
      expect(once).not.toContain('old')
      await writeReport(path, RESULTS)
      expect(await readFile(path, 'utf8')).toBe(once)
      await writeFile(path, 'no markers')
      await expect(writeReport(path, RESULTS)).rejects.toThrow('markers')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('the folder of the build', () => {
  it('lies outside the clone and can be chosen', () => {
    expect(targetFolder({ K2_INTEROP_TARGET: '/x/y' })).toBe('/x/y')
    expect(targetFolder({ XDG_CACHE_HOME: '/cache' })).toBe('/cache/k2gw-interop/target')
    expect(targetFolder({})).toMatch(/\.cache\/k2gw-interop\/target$/)
  })
})
