// What a process that carries a large blob is like meanwhile.
import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { LoopDelay, Watched } from './blobs-fetch-process.ts'

export interface Cost {
  /** Largest resident memory above that before, MiB, and the part of it no file stands behind. */
  readonly memoryAboveIdleMiB: number
  readonly anonymousAboveIdleMiB: number
  readonly loopDelayMs: LoopDelay
}

export const MIB = 1 << 20
/** Bar of a large blob, MiB above idle. */
export const MOST_MEMORY_MIB = 64

export const round1 = (value: number): number => Math.round(value * 10) / 10

export const costOf = ({ idle, peak, loopDelayMs }: Omit<Watched, 'took'>): Cost => ({
  memoryAboveIdleMiB: round1(peak.rss - idle.rss),
  anonymousAboveIdleMiB: round1(peak.anonymous - idle.anonymous),
  loopDelayMs: {
    p99: round1(loopDelayMs.p99),
    max: round1(loopDelayMs.max),
    longestTurn: round1(loopDelayMs.longestTurn),
    longestUnexplained: round1(loopDelayMs.longestUnexplained),
    longestOwn: round1(loopDelayMs.longestOwn),
  },
})

/** Writes a file nothing can compress or guess. */
export async function randomFile(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'w')
  for (let i = 0; i < mebibytes; i++) await file.write(randomBytes(MIB))
  await file.close()
}
