import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { below, seededRng } from '../../../src/base/random.ts'
import { TsChild } from '../../support/ts-child.ts'
import { FORGETFUL, type Journaled, REMEMBERING, SOURCES_OF } from './kill-plan.ts'

const CHILD = join(import.meta.dirname, 'kill-child.ts')
const KILLS = 10
/** Per source; three sources into five lanes make 1,050 deliveries. */
const MESSAGES = 150

/** Kills a pipeline `KILLS` times while it works, lets the last one finish, and reads what the outside world has seen. */
export async function killRounds(target: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'k2-kill-'))
  const journalFile = join(dir, 'journal')
  const args = [target, journalFile, join(dir, 'source'), String(MESSAGES)]
  const rng = seededRng(20_262)
  try {
    for (let round = 0; round < KILLS; round++) {
      const child = new TsChild(CHILD, args)
      // A few commits in, at a moment that is different every time.
      const progress = 1 + below(rng, 4)
      await child.until((lines) => lines.filter((l) => l.startsWith('taken')).length >= progress || lines.includes('finished'))
      await child.end('SIGKILL')
      expect(child.lines).not.toContain('finished')
    }
    const last = new TsChild(CHILD, args)
    await last.until((lines) => lines.includes('finished'))
    await last.end('SIGKILL')
    const journal = (await readFile(journalFile, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Journaled)
    judge(journal, target.startsWith('postgres:') ? 2 : 1)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** `inDoubt`: what one lane may have sent without anybody knowing when the process is killed; with the log only what is in flight. */
function judge(journal: readonly Journaled[], inDoubt: number): void {
  let doubles = 0
  for (const channel of [...REMEMBERING, ...FORGETFUL]) {
    const sent = journal.filter((entry) => entry.channel === channel)
    const seen = new Set<string>()
    const first: string[] = []
    for (const entry of sent) {
      if (seen.has(entry.text)) {
        doubles++
        // Sent twice only where the platform cannot tell and the answer may have been lost.
        expect(FORGETFUL).toContain(channel)
        expect(entry.doubtful).toBe(true)
      } else first.push(entry.text)
      seen.add(entry.text)
    }
    for (const source of SOURCES_OF[channel] ?? []) {
      const own = first.filter((text) => text.startsWith(`${source}:`))
      expect(own).toEqual(Array.from({ length: MESSAGES }, (_, i) => `${source}:${i}`))
    }
  }
  expect(doubles).toBeLessThanOrEqual(KILLS * FORGETFUL.length * inDoubt)
}
