import { type Band, limitOf, type Range } from './bands.ts'
import type { RoundResult, ScenarioResult, Workload } from './simulator.ts'

interface Spread {
  readonly mean: number
  readonly min: number
  readonly max: number
}

/** Figures of one workload and size over several seeds; spreads are over the per-seed means. */
export interface Row {
  readonly workload: Workload
  readonly nodes: number
  readonly rounds: number
  readonly seeds: readonly number[]
  readonly rmr: Spread
  readonly ldh: Spread
  readonly durationMs: Spread
  /** Over all seeds and rounds, see RoundResult. */
  readonly missed: number
  readonly cutOff: number
  readonly received: number
  readonly deliveredTwice: number
  readonly isolated: number
  readonly band?: Band
  /** Whether the row keeps upstream's band: nothing missed or doubled, nobody isolated, RMR and LDH within tolerance. */
  readonly withinBand?: boolean
}

/** Condenses results of the same scenario with different seeds. */
export function summarize(results: readonly ScenarioResult[], band?: Band): Row {
  const [first] = results
  if (first === undefined) throw new RangeError('no results to summarize')
  const spreadOf = (figure: (round: RoundResult) => number): Spread => spread(results.map((r) => mean(r.rounds.map(figure))))
  const total = (figure: (result: ScenarioResult) => number): number => results.reduce((sum, r) => sum + figure(r), 0)
  const countOf = (figure: (round: RoundResult) => number): number =>
    total((r) => r.rounds.reduce((sum, round) => sum + figure(round), 0))
  const row: Row = {
    workload: first.scenario.workload,
    nodes: first.scenario.nodes,
    rounds: first.scenario.rounds,
    seeds: results.map((r) => r.scenario.seed),
    rmr: spreadOf((round) => round.rmr),
    ldh: spreadOf((round) => round.ldh),
    durationMs: spreadOf((round) => round.durationMs),
    missed: countOf((round) => round.missed),
    cutOff: countOf((round) => round.cutOff),
    received: countOf((round) => round.received),
    deliveredTwice: total((r) => r.deliveredTwice),
    isolated: total((r) => r.isolated),
  }
  if (band === undefined) return row
  const sound = row.missed === 0 && row.deliveredTwice === 0 && row.isolated === 0
  const close = row.rmr.mean <= limitOf(band.rmr) && row.ldh.mean <= limitOf(band.ldh)
  return { ...row, band, withinBand: sound && close }
}

/** The rows as a text table, ours beside upstream's. */
export function printRows(rows: readonly Row[]): string {
  const head = [
    'workload',
    'N',
    'seeds',
    'RMR',
    'upstream',
    'LDH',
    'upstream',
    'ms',
    'upstream',
    'missed',
    'twice',
    'alone',
    'ok',
  ]
  const body = rows.map((row) => [
    row.workload,
    `${row.nodes}`,
    `${row.seeds.length}`,
    printSpread(row.rmr, 2),
    printRange(row.band?.rmr),
    printSpread(row.ldh, 1),
    printRange(row.band?.ldh),
    printSpread(row.durationMs, 0),
    printRange(row.band?.durationMs),
    `${row.missed}`,
    `${row.cutOff}`,
    `${row.received}`,
    `${row.deliveredTwice}`,
    `${row.isolated}`,
    row.withinBand === undefined ? '-' : row.withinBand ? 'yes' : 'NO',
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => (cells[i] as string).length)))
  return [head, ...body]
    .map((cells) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const printSpread = (s: Spread, digits: number): string =>
  `${s.mean.toFixed(digits)} (${s.min.toFixed(digits)}–${s.max.toFixed(digits)})`

const printRange = (range: Range | undefined): string =>
  range === undefined ? '-' : range.min === range.max ? `${range.min}` : `${range.min}–${range.max}`

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length

const spread = (values: readonly number[]): Spread => ({
  mean: mean(values),
  min: Math.min(...values),
  max: Math.max(...values),
})
