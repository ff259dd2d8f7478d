import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_RATES, TelegramLimits, UNLIMITED_RATES } from '../../../src/bridges/telegram/limits.ts'

/** Sends as fast as allowed for `ms`; answers the times of the sends. */
function run(limits: TelegramLimits, chats: readonly string[], ms: number, start = 0): number[] {
  const sent: number[] = []
  let now = start
  let turn = 0
  const blocked = new Map<string, number>()
  while (now < start + ms) {
    const chat = chats[turn++ % chats.length] as string
    const wait = (blocked.get(chat) ?? 0) > now ? { afterMs: 1, scope: 'lane' } : limits.reserve(chat, now)
    if (wait === undefined) sent.push(now)
    else if (chats.length === 1) now += wait.afterMs
    else {
      if (wait.scope === 'lane' && wait.afterMs > 1) blocked.set(chat, now + wait.afterMs)
      now += 1
    }
  }
  return sent
}

describe('TelegramLimits', () => {
  it('lets three go to a person at once, then one a second', () => {
    const sent = run(new TelegramLimits(DEFAULT_RATES, 0), ['42'], 10_000)
    expect(sent).toEqual([0, 0, 0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000])
  })

  it('lets twenty go to a group within the first minute at the pace of a chat, then one every three seconds', () => {
    const sent = run(new TelegramLimits(DEFAULT_RATES, 0), ['-1001'], 240_000)
    expect(sent.filter((t) => t < 17_500)).toHaveLength(20)
    for (let i = 30; i < sent.length; i++) expect((sent[i] as number) - (sent[i - 1] as number)).toBeGreaterThanOrEqual(2999)
    expect(sent.length).toBeGreaterThanOrEqual(0.95 * (20 + 80))
  })

  it('lets thirty a second go over all chats', () => {
    const people = Array.from({ length: 500 }, (_, i) => String(i + 1))
    const sent = run(new TelegramLimits(DEFAULT_RATES, 0), people, 10_000)
    expect(sent.length).toBeGreaterThan(310)
    expect(sent.length).toBeLessThanOrEqual(30 + 300)
  })

  it('names what has to wait', () => {
    const limits = new TelegramLimits(DEFAULT_RATES, 0)
    for (let i = 0; i < 3; i++) limits.reserve('1', 0)
    expect(limits.reserve('1', 0)).toEqual({ afterMs: 1000, scope: 'lane' })
    for (let i = 2; i <= 28; i++) limits.reserve(String(i), 0)
    expect(limits.reserve('99', 0)).toMatchObject({ scope: 'account' })
  })

  it('halves its pace after a refusal and recovers in minutes', () => {
    const limits = new TelegramLimits(DEFAULT_RATES, 0)
    expect(limits.refused('1', 30_000, 0)).toEqual({ afterMs: 30_000, scope: 'lane' })
    expect(limits.reserve('1', 29_000)).toEqual({ afterMs: 1000, scope: 'lane' })
    const slow = run(limits, ['1'], 60_000, 30_000)
    expect(slow.length).toBeGreaterThanOrEqual(29)
    expect(slow.length).toBeLessThanOrEqual(32)
    run(limits, ['1'], 15 * 60_000, 90_000)
    expect(run(limits, ['1'], 60_000, 20 * 60_000).length).toBeGreaterThanOrEqual(59)
  })

  it('takes refusals of several chats as the account’s', () => {
    const limits = new TelegramLimits(DEFAULT_RATES, 0)
    expect(limits.refused('1', 5000, 0).scope).toBe('lane')
    expect(limits.refused('2', 5000, 100).scope).toBe('lane')
    expect(limits.refused('3', 5000, 200).scope).toBe('account')
    expect(limits.reserve('4', 300)).toEqual({ afterMs: 4900, scope: 'account' })
  })

  it('can be without limits but still honours refusals', () => {
    const limits = new TelegramLimits(UNLIMITED_RATES, 0)
    for (let i = 0; i < 10_000; i++) expect(limits.reserve('-1', 0)).toBeUndefined()
    limits.refused('-1', 1000, 0)
    expect(limits.reserve('-1', 500)).toEqual({ afterMs: 500, scope: 'lane' })
    expect(limits.reserve('-1', 1000)).toBeUndefined()
    expect(limits.reserve('-1', 1000)).toBeUndefined()
  })

  it('always lets the next message go after the wait it named', () => {
    const step = fc.record({ chat: fc.constantFrom('1', '2', '-3'), gap: fc.nat(3000), refuse: fc.integer({ min: 0, max: 9 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const limits = new TelegramLimits(DEFAULT_RATES, 0)
        let now = 0
        for (const { chat, gap, refuse } of steps) {
          now += gap
          if (refuse === 0) now += limits.refused(chat, 2000, now).afterMs
          for (let tries = 0; ; tries++) {
            const wait = limits.reserve(chat, now)
            if (wait === undefined) break
            expect(tries).toBeLessThan(4)
            now += wait.afterMs
          }
        }
      }),
      { numRuns: 500, seed: 11 },
    )
  })
})
