import type { language } from '../../rules/index.ts'

/** Steps up to this long are believed to the wall clock, ms: asking for processor time costs as much as a small rule. */
const SHORT_MS = 0.5

/**
 * Processor time in ms: budgets are about work, and a machine that is busy elsewhere makes no rule slow. Only where much time passed
 * since the last look is the processor time asked for (`processorMs`): then it decides whether that was work or waiting. Never more
 * than the wall clock says.
 */
export function workClock(wallMs: () => number, processorMs: () => number): language.Stopwatch {
  let worked = 0
  let lastWall = wallMs()
  let lastProcessor = processorMs()
  return () => {
    const wall = wallMs()
    const step = wall - lastWall
    lastWall = wall
    if (step <= SHORT_MS) worked += step
    else {
      const processor = processorMs()
      worked += Math.min(step, processor - lastProcessor)
      lastProcessor = processor
    }
    return worked
  }
}

export const stopwatch: language.Stopwatch = workClock(
  () => performance.now(),
  () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
)
