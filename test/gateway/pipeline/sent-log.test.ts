import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import type { ResultRow } from '../../../src/gateway/db/sql/step.ts'
import { openSentLog, type SentLog } from '../../../src/gateway/pipeline/sent-log.ts'

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

const result = (n: number): ResultRow => ({
  id: id(n),
  lane: 'telegram/main/-1/',
  fence: 3,
  state: 'done',
  attempt: 1,
  not_before: 0,
  ambiguous_since: null,
  failed_since: null,
  parked_at: null,
  parts: [{ part: 0, ref: { network: 'telegram', account: 'main', channel: '-1', id: String(n) } }],
  code: null,
  message: null,
})

describe('the log of what was sent', () => {
  let folder: string
  const open = (boot: string | null = 'boot-1'): SentLog => openSentLog(folder, boot, nullLogger)
  /** A log that a process before left in order. */
  const settled = (boot: string | null = 'boot-1'): SentLog => {
    const log = open(boot)
    log.settled()
    return log
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2-sent-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('tells the next process what was begun and what was sent', () => {
    const log = settled()
    log.begun(id(1))
    log.sent({ result: result(1), copies: [] })
    log.begun(id(2))
    const { sent, begun } = open().left
    expect(sent).toEqual([{ result: result(1), copies: [] }])
    expect(begun).toEqual([id(1), id(2)])
  })

  it('proves nothing about what is missing at the first start, on another run of the machine, or where none is named', () => {
    expect(open().left.begun).toBeUndefined()
    const log = settled()
    log.begun(id(1))
    log.sent({ result: result(1), copies: [] })
    const other = open('boot-2').left
    expect(other.begun).toBeUndefined()
    expect(other.sent).toHaveLength(1)
    const nameless = settled(null)
    nameless.begun(id(2))
    expect(open(null).left.begun).toBeUndefined()
  })

  it('proves nothing when a line is broken, and still reads the others', async () => {
    const log = settled()
    log.sent({ result: result(1), copies: [] })
    await appendFile(join(folder, 'sent-0.log'), '{"begun":"0000')
    const { sent, begun } = open().left
    expect(begun).toBeUndefined()
    expect(sent).toHaveLength(1)
  })

  it('survives a file of rubbish', async () => {
    await writeFile(join(folder, 'sent-1.log'), Buffer.from([0, 255, 10, 123, 10, 91, 93, 10]))
    expect(open().left).toEqual({ sent: [], begun: undefined })
  })

  it('forgets what is settled', async () => {
    const log = settled()
    log.begun(id(1))
    const next = open()
    next.settled()
    expect(open().left).toEqual({ sent: [], begun: [] })
    expect(await readFile(join(folder, 'sent-0.log'), 'utf8')).toBe('{"boot":"boot-1"}\n')
  })

  it('stays small however much goes through it', async () => {
    const log = settled()
    let largest = 0
    for (let n = 1; n <= 20_000; n++) {
      log.begun(id(n))
      log.sent({ result: result(n), copies: [] })
      // The last few are never recorded, as in a burst.
      if (n > 8) log.recorded([id(n - 8)])
      if (n % 1000 === 0) {
        const sizes = await Promise.all(['sent-0.log', 'sent-1.log'].map((name) => stat(join(folder, name))))
        largest = Math.max(largest, ...sizes.map((s) => s.size))
      }
    }
    expect(largest).toBeLessThan(1024 * 1024)
    const { sent, begun } = open().left
    // What a process that ends here leaves in doubt contains everything that is not recorded.
    const open8 = Array.from({ length: 8 }, (_, i) => id(19_993 + i))
    expect(begun).toEqual(expect.arrayContaining(open8))
    expect(sent.map((s) => s.result.id)).toEqual(expect.arrayContaining(open8))
  })

  it('takes nothing when it is full, and again when it is recorded', () => {
    const log = settled()
    let n = 0
    while (log.begun(id(++n))) if (n > 200_000) throw new Error('it never fills')
    log.recorded(Array.from({ length: n }, (_, i) => id(i + 1)))
    expect(log.begun(id(1))).toBe(true)
  })

  it('takes nothing after its end', () => {
    const log = settled()
    log.close()
    log.close()
    expect(log.begun(id(1))).toBe(false)
  })
})
