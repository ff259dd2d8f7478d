import { describe, expect, it } from 'vitest'
import { hostileTexts, shippedPatterns } from './shipped.ts'

/** Bytes of hostile text, and how long a pattern may take for it (rules specification, 16.1). */
const LENGTH = 65_536
const MOST_MS = 50
/** A machine that is busy elsewhere interrupts; the least of so many runs is the pattern's own time. */
const RUNS = 12

/** ms of one search; stops trying again once it was fast enough. */
function leastTime(regex: RegExp, text: string, enough: number): number {
  const once = new RegExp(regex.source, regex.flags.replaceAll(/[gy]/g, ''))
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS && least > enough; run++) {
    const begun = performance.now()
    once.test(text)
    least = Math.min(least, performance.now() - begun)
  }
  return least
}

/** Small steps first: what grows with two to the power of the length is found before it takes for ever. */
const LENGTHS = [16, 20, 24, 28, 32, 64, 256, 1_024, 4_096, 16_384, LENGTH]

/** The first text at which a pattern is too slow for its length. */
function tooSlow(regex: RegExp): string | undefined {
  for (const piece of hostileTexts(regex, LENGTH)) {
    for (const length of LENGTHS) {
      const text = piece.slice(0, length - 1) + piece.slice(-1)
      const enough = (MOST_MS * length) / LENGTH + 2
      const ms = leastTime(regex, text, enough)
      if (ms > enough) return `${Math.round(ms)} ms for ${length} × ${JSON.stringify(piece.slice(0, 8))}`
    }
  }
  return undefined
}

describe('patterns that read what people write', () => {
  it('a slow one is found', () => {
    expect(tooSlow(/^(?:a+)+$/)).toMatch(/ms for \d\d ×/)
    expect(tooSlow(/\s+$/)).toMatch(/ms for/)
    expect(tooSlow(/a+b/)).toMatch(/ms for/)
    expect(tooSlow(/(?<!a)a+b/)).toBeUndefined()
  })

  const all = ['rules', 'gateway/market', 'gateway/rules'].flatMap((folder) => shippedPatterns(folder))
  const folders = [...new Set(all.map((p) => p.at.replace(/\/[^/]+$/, '')))]

  it('are found', () => {
    expect(all.length).toBeGreaterThan(180)
  })

  it.each(folders)('those of %s take no more than 50 ms for 64 kB, whatever the text', { timeout: 120_000 }, (folder) => {
    const slow = all
      .filter((p) => p.at.replace(/\/[^/]+$/, '') === folder)
      .flatMap(({ at, regex }) => {
        const found = tooSlow(regex)
        return found === undefined ? [] : [`${at} ${regex}: ${found}`]
      })
    expect(slow).toEqual([])
  })
})
