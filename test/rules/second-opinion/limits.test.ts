import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS, OpinionGate, type OpinionLimits, type OpinionResult } from '../../../src/rules/second-opinion/index.ts'
import { answer } from './support.ts'

const good: OpinionResult = { answer: answer() }
const bad: OpinionResult = { failure: { kind: 'timeout', detail: '' } }
const DAY = 86_400_000
const gate = (part: Partial<OpinionLimits> = {}) => new OpinionGate({ ...DEFAULT_LIMITS, ...part })

describe('limits (15.3)', () => {
  it('four at once, a hundred wait, the rest goes without', () => {
    const g = gate({ perMinute: 1_000 })
    const results = Array.from({ length: 105 }, (_, i) => g.admit(`k${i}`, 0).result)
    expect(results.slice(0, 4)).toEqual(Array(4).fill('start'))
    expect(results.slice(4, 104)).toEqual(Array(100).fill('wait'))
    expect(g.admit('k200', 0)).toMatchObject({ result: 'refused', failure: { kind: 'budget' } })
    expect(g.settle('k0', good, 100, 10)).toEqual({ start: ['k4'], dropped: [] })
    expect([g.running, g.waiting]).toEqual([4, 99])
    expect(g.settle('k0', good, 100, 10)).toEqual({ start: [], dropped: [] })
  })

  it('the same question is asked once and answered from the cache for seven days, failures for ten minutes', () => {
    const g = gate()
    expect(g.admit('k', 0).result).toBe('start')
    expect(g.admit('k', 1).result).toBe('joined')
    g.settle('k', good, 100, 2)
    expect(g.admit('k', 7 * DAY)).toEqual({ result: 'cached', cached: good })
    expect(g.admit('k', 7 * DAY + 3).result).toBe('start')
    g.admit('f', 0)
    g.settle('f', bad, undefined, 0)
    expect(g.admit('f', 600_000)).toEqual({ result: 'cached', cached: bad })
    expect(g.admit('f', 600_001).result).toBe('start')
  })

  it('sixty a minute', () => {
    const g = gate()
    const ask = (i: number, now: number) => {
      const { result } = g.admit(`k${i}`, now)
      if (result === 'start') g.settle(`k${i}`, good, 1, now)
      return result
    }
    expect(Array.from({ length: 61 }, (_, i) => ask(i, 0)).filter((r) => r === 'start')).toHaveLength(60)
    expect(ask(100, 1_000)).toBe('start')
    expect(ask(101, 1_000)).toBe('refused')
  })

  it('tokens and money of a day are a hard stop until midnight', () => {
    const g = gate({ tokensPerDay: 4_000 })
    g.admit('a', 0)
    g.settle('a', good, 3_000, 0)
    expect(g.admit('b', 1)).toMatchObject({ result: 'refused', failure: { kind: 'budget' } })
    expect(g.admit('b', DAY).result).toBe('start')
    const paid = gate({ moneyPerDay: 0.002, moneyPerMillionTokens: 1 })
    expect(paid.admit('a', 0).result).toBe('start')
    expect(paid.admit('b', 0)).toMatchObject({ failure: { kind: 'budget' } })
  })

  it('five failures in thirty seconds open the circuit for a minute; then one probe decides', () => {
    const g = gate()
    for (let i = 0; i < 5; i++) {
      g.admit(`k${i}`, i * 1_000)
      g.settle(`k${i}`, bad, undefined, i * 1_000)
    }
    expect(g.circuit(4_000)).toBe('open')
    expect(g.admit('x', 63_999)).toMatchObject({ failure: { kind: 'open_circuit' } })
    expect(g.admit('x', 64_000).result).toBe('start')
    expect(g.admit('y', 64_001)).toMatchObject({ failure: { kind: 'open_circuit' } })
    g.settle('x', bad, undefined, 65_000)
    expect(g.circuit(124_999)).toBe('open')
    expect(g.admit('z', 125_000).result).toBe('start')
    g.settle('z', good, 10, 125_001)
    expect(g.circuit(125_002)).toBe('closed')
  })

  it('slow failures and bad answers of a working endpoint open nothing', () => {
    const g = gate()
    for (let i = 0; i < 10; i++) {
      g.admit(`k${i}`, i * 10_000)
      g.settle(`k${i}`, i % 2 === 0 ? bad : { failure: { kind: 'ungrounded', detail: '' } }, 10, i * 10_000)
    }
    expect(g.circuit(100_000)).toBe('closed')
  })

  it('what waited too long is dropped, not asked late', () => {
    const g = gate({ concurrency: 1 })
    g.admit('a', 0)
    g.admit('b', 0)
    expect(g.settle('a', good, 10, 6_001)).toEqual({ start: [], dropped: ['b'] })
  })

  it('never runs or holds more than allowed, whatever happens', () => {
    const event = fc.record({ key: fc.nat(30), ask: fc.boolean(), good: fc.boolean(), wait: fc.nat(20_000) })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const g = gate({ concurrency: 2, queue: 3, perMinute: 20 })
        let now = 0
        const running = new Set<string>()
        for (const e of events) {
          now += e.wait
          const key = `k${e.key}`
          if (e.ask) {
            if (g.admit(key, now).result === 'start') running.add(key)
          } else if (running.delete(key)) for (const next of g.settle(key, e.good ? good : bad, 10, now).start) running.add(next)
          expect(g.running).toBe(running.size)
          expect(running.size).toBeLessThanOrEqual(2)
          expect(g.waiting).toBeLessThanOrEqual(3)
        }
      }),
    )
  })
})
