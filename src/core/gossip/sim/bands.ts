import type { Workload } from './simulator.ts'

export interface Range {
  readonly min: number
  readonly max: number
}

/** Per-seed means of upstream's machine and simulator over its four seeds (gossip 17 B.3). */
export interface Band {
  readonly nodes: number
  readonly workload: Workload
  readonly rounds: number
  readonly rmr: Range
  readonly ldh: Range
  readonly durationMs: Range
}

const between = (min: number, max: number): Range => ({ min, max })

/** Latency 10–50 ms, everybody joins node 0, nothing missed. */
export const UPSTREAM_BANDS: readonly Band[] = [
  { workload: 'single', nodes: 20, rounds: 30, rmr: between(0.13, 0.15), ldh: between(2, 4), durationMs: between(79, 100) },
  { workload: 'single', nodes: 100, rounds: 30, rmr: between(0.08, 0.14), ldh: between(5, 7), durationMs: between(142, 215) },
  { workload: 'single', nodes: 1000, rounds: 30, rmr: between(0.07, 0.07), ldh: between(13, 16), durationMs: between(339, 411) },
  { workload: 'multi', nodes: 20, rounds: 30, rmr: between(0.19, 0.6), ldh: between(4.3, 5.4), durationMs: between(133, 199) },
  { workload: 'multi', nodes: 100, rounds: 30, rmr: between(0.49, 0.55), ldh: between(9.9, 10.7), durationMs: between(306, 339) },
  { workload: 'multi', nodes: 1000, rounds: 30, rmr: between(0.47, 0.52), ldh: between(20, 23), durationMs: between(559, 646) },
  { workload: 'all', nodes: 20, rounds: 30, rmr: between(1.12, 1.48), ldh: between(5.4, 6.2), durationMs: between(463, 514) },
  { workload: 'all', nodes: 100, rounds: 5, rmr: between(1, 1.12), ldh: between(9.6, 12), durationMs: between(657, 768) },
]

export const BAND_LATENCY = { minMs: 10, maxMs: 50 } as const

/** How far above the middle of a band a seed-averaged figure may lie (gossip 17). */
const TOLERANCE = 0.15

export const upstreamBand = (workload: Workload, nodes: number): Band | undefined =>
  UPSTREAM_BANDS.find((b) => b.workload === workload && b.nodes === nodes)

/** The largest acceptable seed-averaged value. */
export const limitOf = (range: Range): number => ((range.min + range.max) / 2) * (1 + TOLERANCE)
