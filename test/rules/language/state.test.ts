import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { muteRule, RuleState, type StateChange } from '../../../src/rules/language/index.ts'

const KINDS: readonly StateChange['kind'][] = ['cooldown', 'bucket', 'counter', 'suspend', 'mute']
const NOW = 1_000_000

const change = fc.record({
  kind: fc.constantFrom(...KINDS),
  // Names that look alike once they are put together.
  rule: fc.constantFrom('a', 'b', 'a\u0000b', ''),
  key: fc.constantFrom('', 'x', 'b\u0000x', 'author:1'),
  value: fc.tuple(fc.nat(99)),
  expires_at: fc.constantFrom(NOW - 1, NOW, NOW + 1, NOW + 60_000),
})
const nameOf = ({ kind, rule, key }: StateChange): string => JSON.stringify([kind, rule, key])

describe('what rules remember', () => {
  it('is what was written last, and of too much what was written longest ago goes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (changes, max) => {
        const state = new RuleState(max)
        const model = new Map<string, StateChange>()
        for (const one of changes) {
          state.apply([one])
          model.delete(nameOf(one))
          model.set(nameOf(one), one)
          if (model.size > max) model.delete(model.keys().next().value as string)
        }
        expect(state.rows()).toEqual([...model.values()])
        for (const one of changes) {
          const known = model.get(nameOf(one))
          const expected = known !== undefined && known.expires_at > NOW ? known.value : undefined
          expect(state.get(one.kind, one.rule, one.key, NOW)).toEqual(expected)
        }
        const again = new RuleState(max)
        again.apply(state.rows())
        expect(again.rows()).toEqual(state.rows())
      }),
    )
  })

  it('is swept of what has expired, and of rules gone for a day', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const state = new RuleState()
        state.apply(changes)
        const before = state.rows()
        state.sweep(NOW, new Set(['a', 'b']))
        expect(state.rows()).toEqual(before.filter((one) => one.expires_at > NOW))
        const later = NOW + 86_400_000
        state.apply(before.map((one) => ({ ...one, expires_at: later + 1 })))
        state.sweep(NOW, new Set(['a']))
        state.sweep(later, new Set(['a']))
        expect(state.rows().every(({ rule, kind }) => rule === 'a' || kind === 'counter')).toBe(true)
        expect(state.rows().filter((one) => one.rule === 'a')).toHaveLength(before.filter((one) => one.rule === 'a').length)
      }),
    )
  })

  it('holds a change that is written twice once', () => {
    const state = new RuleState()
    const one = muteRule('a', NOW + 1)
    state.apply([one, one])
    expect(state.size).toBe(1)
    expect(state.get('mute', 'a', '', NOW)).toEqual([NOW + 1])
    expect(state.wasHeld('a')).toBe(true)
    state.sweep(NOW + 1, new Set(['a']))
    expect(state.size).toBe(0)
    expect(state.wasHeld('a')).toBe(false)
  })
})
