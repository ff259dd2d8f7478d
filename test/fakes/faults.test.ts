import { expect, test } from 'vitest'
import { FaultPlan, type FaultSubject } from './faults.ts'

const get = (route: string): FaultSubject => ({ on: 'request', method: 'GET', route })

test('an empty plan does nothing', () => {
  expect(new FaultPlan().take(get('/a'))).toEqual([])
})

test('matches method and route, counts, and stops after `times`', () => {
  const plan = new FaultPlan()
  plan.add({ name: 'gone', method: 'POST', route: '/messages', times: 2, effect: { kind: 'response-lost' } })
  const post = { on: 'request', method: 'POST', route: '/channels/1/messages' } as const
  expect(plan.take(get('/channels/1/messages'))).toEqual([])
  expect([plan.take(post), plan.take(post), plan.take(post)].map((e) => e.length)).toEqual([1, 1, 0])
  expect(plan.counts()).toEqual({ gone: 2 })
})

test('nth, every and regular expressions', () => {
  const plan = new FaultPlan()
  plan.add({ route: '/^.b$/', nth: 2, effect: { kind: 'reset-before' } })
  plan.add({ route: 'c', every: 3, effect: { kind: 'drop-event' } })
  expect(['/b', '/bb', '/b', '/b'].map((r) => plan.take(get(r)).length)).toEqual([0, 0, 1, 0])
  expect(['c', 'c', 'c', 'c', 'c', 'c'].map((r) => plan.take(get(r)).length)).toEqual([0, 0, 1, 0, 0, 1])
})

test('probability repeats with the seed', () => {
  const run = (): number[] => {
    const plan = new FaultPlan(7)
    plan.add({ probability: 0.5, effect: { kind: 'drop-event' } })
    return Array.from({ length: 50 }, () => plan.take(get('/')).length)
  }
  expect(run()).toEqual(run())
  expect(new Set(run()).size).toBe(2)
})

test('a rule with an unknown field is refused', () => {
  expect(() => new FaultPlan().add({ effect: { kind: 'reset-before' }, chance: 1 } as never)).toThrow()
})

test('rules over time begin and end by the clock', () => {
  let now = 1_000
  const plan = new FaultPlan(1, () => now)
  plan.add({ fromMs: 100, untilMs: 200, effect: { kind: 'disk-full' } })
  const hits = [0, 99, 100, 199, 200].map((ms) => {
    now = 1_000 + ms
    return plan.take(get('/a')).length
  })
  expect(hits).toEqual([0, 0, 1, 1, 0])
})
