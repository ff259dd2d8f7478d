import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SendOutcome } from '../../../src/bridges/port.ts'
import { AccountGate, CIRCUIT } from '../../../src/gateway/pipeline/account-gate.ts'
import { BotBreaker, BREAKER } from '../../../src/gateway/pipeline/breaker.ts'
import {
  type AttemptState,
  ended,
  interrupted,
  judge,
  probeDelayMs,
  retryDelayMs,
  untouched,
} from '../../../src/gateway/pipeline/outcomes.ts'

const fresh: AttemptState = { attempt: 0, sentAt: 1_000, ambiguousSince: null, failedSince: null, parkedAt: null }
const context = { now: 2_000, unit: 0.5, headTimeoutMs: 10_000 }
const bad = { code: 'E', message: 'why' }

describe('judge', () => {
  it('ends what was done, and buries what never can be', () => {
    expect(judge({ kind: 'done', parts: [] }, fresh, context)).toMatchObject({ goOn: true, next: { state: 'done', attempt: 1 } })
    expect(judge({ kind: 'permanent', ...bad }, fresh, context)).toMatchObject({
      goOn: true,
      next: { state: 'dead', attempt: 1, code: 'E', message: 'why' },
    })
  })

  it('retries what was not sent, with growing jittered waits', () => {
    const first = judge({ kind: 'not-sent', ...bad }, fresh, context)
    expect(first).toMatchObject({
      goOn: false,
      answered: false,
      next: { state: 'pending', attempt: 1, failedSince: 2_000, notBefore: 2_250 },
    })
    expect(retryDelayMs(3, 1)).toBe(4_000)
    expect(retryDelayMs(1_000, 1)).toBe(60_000)
    expect(retryDelayMs(5, 0)).toBe(0)
  })

  it('remembers since when a delivery is in doubt, through every later failure', () => {
    const lost = judge({ kind: 'ambiguous', ...bad }, fresh, context).next
    expect(lost).toMatchObject({ state: 'ambiguous', ambiguousSince: 1_000 })
    const again = judge({ kind: 'not-sent', ...bad }, { ...fresh, ...lost, sentAt: 5_000 }, context).next
    expect(again).toMatchObject({ state: 'ambiguous', ambiguousSince: 1_000 })
    expect(
      judge({ kind: 'rate-limited', afterMs: 5, scope: 'lane' }, { ...fresh, ...lost, sentAt: 5_000 }, context).next,
    ).toMatchObject({
      state: 'ambiguous',
      ambiguousSince: 1_000,
    })
  })

  it('asks a silent destination of a healthy account again soon, and blames the account for nothing', () => {
    const tenth = { ...fresh, attempt: 10 }
    const lane = judge({ kind: 'ambiguous', ...bad, scope: 'lane' }, tenth, { ...context, unit: 1 })
    expect(lane).toMatchObject({ answered: true, goOn: false, next: { state: 'ambiguous', attempt: 11, notBefore: 17_000 } })
    const whole = judge({ kind: 'ambiguous', ...bad }, tenth, { ...context, unit: 1 })
    expect(whole).toMatchObject({ answered: false, next: { notBefore: 62_000 } })
  })

  it('waits as long as a rate limit says, without counting the attempt', () => {
    const lane = judge({ kind: 'rate-limited', afterMs: 1_500, scope: 'lane' }, fresh, context)
    expect(lane).toMatchObject({
      goOn: false,
      next: { state: 'pending', attempt: 0, notBefore: 3_500 },
      effect: { kind: 'lane-wait', until: 3_500 },
    })
    expect(judge({ kind: 'later', afterMs: 1_500 }, fresh, context)).toEqual(lane)
    expect(judge({ kind: 'rate-limited', afterMs: 1, scope: 'account' }, fresh, context).effect?.kind).toBe('account-wait')
  })

  it('stops lane or account for what no retry helps', () => {
    expect(judge({ kind: 'lane-failed', ...bad }, fresh, context)).toMatchObject({
      goOn: false,
      next: { state: 'pending', attempt: 0 },
      effect: { kind: 'lane-suspended', ...bad },
    })
    expect(judge({ kind: 'account-failed', ...bad }, fresh, context).effect).toEqual({ kind: 'account-failed', ...bad })
  })

  it('parks a head that fails too long, and keeps it parked', () => {
    const failing: AttemptState = { ...fresh, attempt: 9, failedSince: 2_000 }
    const parked = judge({ kind: 'not-sent', ...bad }, failing, { ...context, now: 12_000 })
    expect(parked).toMatchObject({ goOn: true, next: { state: 'parked', parkedAt: 12_000 } })
    expect(parked.next.notBefore).toBeGreaterThanOrEqual(17_000)
    const again = judge({ kind: 'ambiguous', ...bad }, { ...failing, parkedAt: 12_000 }, { ...context, now: 13_000 })
    expect(again).toMatchObject({ goOn: true, next: { state: 'parked', parkedAt: 12_000, ambiguousSince: 1_000 } })
  })

  it('never loses the doubt, never goes on past an open head, for any outcome', () => {
    const outcome = fc.oneof(
      fc.constantFrom<SendOutcome>(
        { kind: 'done', parts: [] },
        { kind: 'not-sent', ...bad },
        { kind: 'ambiguous', ...bad },
        { kind: 'permanent', ...bad },
      ),
      fc.record({
        kind: fc.constant('rate-limited' as const),
        afterMs: fc.integer({ min: -5, max: 1e6 }),
        scope: fc.constantFrom('lane' as const, 'account' as const),
      }),
      fc.record({ kind: fc.constant('later' as const), afterMs: fc.integer({ min: -5, max: 1e6 }) }),
      fc.constantFrom<SendOutcome>({ kind: 'lane-failed', ...bad }, { kind: 'account-failed', ...bad }),
    )
    const time = fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: null })
    const state = fc.record({
      attempt: fc.nat(100),
      sentAt: fc.nat(20_000),
      ambiguousSince: time,
      failedSince: time,
      parkedAt: time,
    })
    fc.assert(
      fc.property(outcome, state, fc.nat(40_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (out, before, now, unit) => {
        for (const { next, goOn } of [judge(out, before, { now, unit, headTimeoutMs: 10_000 }), interrupted(out, before)]) {
          if (before.ambiguousSince !== null) expect(next.ambiguousSince).toBe(before.ambiguousSince)
          const open = next.state === 'pending' || next.state === 'ambiguous'
          if (open) expect(goOn).toBe(false)
          if (next.state === 'pending') expect(next.ambiguousSince).toBeNull()
          expect(next.attempt - before.attempt).toBeGreaterThanOrEqual(0)
          expect(next.attempt - before.attempt).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('gives back untouched, and counts no attempt for what was never tried', () => {
    expect(untouched({ ...fresh, attempt: 3, parkedAt: 5 }, 9)).toMatchObject({ state: 'parked', attempt: 3, notBefore: 9 })
    expect(ended('expired', fresh).attempt).toBe(0)
    expect(ended('cancelled', fresh, 'X'.repeat(500), 'y'.repeat(5_000))).toMatchObject({ attempt: 0, code: 'X'.repeat(100) })
  })

  it('doubles probes up to an hour', () => {
    expect([0, 1, 2, 3, 4, 50].map(probeDelayMs)).toEqual([300_000, 600_000, 1_200_000, 2_400_000, 3_600_000, 3_600_000])
  })
})

describe('account gate', () => {
  it('opens after failures in a row, lets one probe through, and closes again', () => {
    const gate = new AccountGate()
    let now = 0
    for (let i = 1; i < CIRCUIT.failures; i++) expect(gate.unreachable(now)).toBe(false)
    expect(gate.waitMs(now)).toBe(0)
    expect(gate.unreachable(now)).toBe(true)
    expect(gate.waitMs(now)).toBe(CIRCUIT.firstOpenMs)
    now += CIRCUIT.firstOpenMs
    expect(gate.waitMs(now)).toBe(0)
    gate.begin()
    expect(gate.waitMs(now)).toBe(CIRCUIT.probeWaitMs)
    expect(gate.unreachable(now)).toBe(false)
    expect(gate.waitMs(now)).toBe(2 * CIRCUIT.firstOpenMs)
    now += CIRCUIT.maxOpenMs
    gate.begin()
    expect(gate.answered()).toBe(true)
    expect(gate.waitMs(now)).toBe(0)
    expect(gate.unreachable(now)).toBe(false)
  })

  it('does not open while there are answers in between', () => {
    const gate = new AccountGate()
    for (let i = 0; i < 5 * CIRCUIT.failures; i++) {
      expect(gate.unreachable(0)).toBe(false)
      if (i % 5 === 4) gate.answered()
    }
  })

  it('waits for a rate limit of the account, and for a refused one until it is reset', () => {
    const gate = new AccountGate()
    gate.limited(500)
    expect(gate.waitMs(100)).toBe(400)
    expect(gate.state(100)).toEqual({ state: 'rate-limited', until: 500 })
    expect(gate.failed(100, 'TOKEN', 'revoked')).toBe(true)
    expect(gate.failed(100, 'TOKEN', 'revoked')).toBe(false)
    expect(gate.state(100)).toMatchObject({ state: 'failed', reason: 'TOKEN: revoked' })
    expect(gate.waitMs(100)).toBe(600_000)
    gate.reset()
    expect(gate.waitMs(100)).toBe(0)
  })
})

describe('bot breaker', () => {
  const say = (breaker: BotBreaker, n: number, text: string, now: number): string =>
    breaker.observe({ eventId: `e${n}`, text }, now)

  it('trips when the same text comes a third time, also with a prefix', () => {
    const breaker = new BotBreaker()
    expect(say(breaker, 1, 'The price of K2 is 5', 0)).toBe('pass')
    expect(say(breaker, 2, 'Robot: the  price of K2 is 5', 1_000)).toBe('pass')
    expect(say(breaker, 2, 'Robot: the  price of K2 is 5', 1_000)).toBe('pass')
    expect(say(breaker, 3, 'Echo: Robot: the price of K2 is 5', 2_000)).toBe('tripped-same-text')
    expect(say(breaker, 4, 'anything', 3_000)).toBe('suspended')
    expect(say(breaker, 5, 'anything', 2_000 + BREAKER.suspendMs)).toBe('pass')
  })

  it('does not take slow repetition or different texts for an echo', () => {
    const breaker = new BotBreaker()
    for (let i = 0; i < 20; i++) expect(say(breaker, i, 'hourly greeting to all', i * 31_000)).toBe('pass')
    for (let i = 0; i < 20; i++) expect(say(breaker, 100 + i, `ok ${i}`, 1e7 + i * 400)).toBe('pass')
    for (let i = 0; i < 20; i++) expect(say(breaker, 200 + i, '', 2e7 + i * 400)).toBe('pass')
  })

  it('trips on a flood of any text', () => {
    const breaker = new BotBreaker()
    const verdicts = Array.from({ length: BREAKER.fuseMessages + 1 }, (_, i) => say(breaker, i, `line ${i} of a log`, i * 100))
    expect(verdicts.slice(0, -1).every((v) => v === 'pass')).toBe(true)
    expect(verdicts.at(-1)).toBe('tripped-rate')
  })
})
