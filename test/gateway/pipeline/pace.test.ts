import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Arrival, type AuthorRate, Pacer, type Turn } from '../../../src/gateway/pipeline/pace.ts'

const RATE: AuthorRate = { burst: 10, everyMs: 1_000, waiting: 50 }
let next = 0
const arrival = (at: number, over: Partial<Arrival> = {}): Arrival => ({
  eventId: `e${next++}`,
  author: 'ann',
  place: 'here',
  at,
  routes: [{ id: 'r', rate: RATE }],
  ...over,
})
const kinds = (turns: readonly Turn[]): string => turns.map((t) => t.kind[0]).join('')

describe('turns of authors', () => {
  it('lets a burst through, then one a second, then drops and tells once', () => {
    const pacer = new Pacer()
    const turns = Array.from({ length: 65 }, () => pacer.turn(arrival(0), 0))
    expect(kinds(turns)).toBe('n'.repeat(10) + 'w'.repeat(50) + 'f'.repeat(5))
    expect(turns.slice(10, 60).map((t) => t.kind === 'wait' && t.until)).toEqual(
      Array.from({ length: 50 }, (_, i) => (i + 1) * 1_000),
    )
    expect(turns.slice(60).map((t) => t.kind === 'full' && t.tell)).toEqual([true, false, false, false, false])
    expect(pacer.turn(arrival(0, { author: 'bea' }), 0)).toEqual({ kind: 'now' })
    expect(pacer.turn(arrival(0, { place: 'there', routes: [{ id: 'other', rate: RATE }] }), 0)).toEqual({ kind: 'now' })
  })

  it('answers the same event the same, and tells again after a pause', () => {
    const pacer = new Pacer()
    const all = Array.from({ length: 62 }, () => arrival(0))
    const first = all.map((a) => pacer.turn(a, 0))
    expect(all.map((a) => pacer.turn(a, 5_000))).toEqual(first)
    expect(pacer.waiting).toBe(50)
    for (const a of all) pacer.done(a.eventId)
    expect(pacer.next()).toBeUndefined()
    const later = 200_000
    const again = Array.from({ length: 62 }, () => pacer.turn(arrival(later), later))
    expect(again.filter((t) => t.kind === 'full' && t.tell)).toHaveLength(1)
  })

  it('lets what was written at its pace pass at its pace, however late it comes in', () => {
    const pacer = new Pacer()
    const turns = Array.from({ length: 400 }, (_, n) => pacer.turn(arrival(n * 1_000), 3_600_000))
    expect(new Set(turns.map((t) => t.kind))).toEqual(new Set(['now']))
  })

  it('lets nothing overtake what waits, whatever routes it goes to', () => {
    const pacer = new Pacer()
    for (let n = 0; n < 11; n++) pacer.turn(arrival(0), 0)
    // Its own bucket is full; its author's line is not over.
    expect(pacer.turn(arrival(1, { routes: [{ id: 'other', rate: RATE }] }), 1)).toEqual({ kind: 'wait', until: 1_000 })
  })

  it('goes on after a restart in order, at the rate, and never earlier than before', () => {
    const pacer = new Pacer()
    const waiting = Array.from({ length: 5 }, (_, n) => ({ a: arrival(0), until: (n + 1) * 1_000 }))
    const dues = waiting.map(({ a, until }) => pacer.resume(a, until, 60_000))
    expect(dues).toEqual([60_000, 61_000, 62_000, 63_000, 64_000])
    expect(pacer.turn(arrival(60_000), 60_000)).toEqual({ kind: 'wait', until: 65_000 })
    expect(pacer.next()).toBe(60_000)
    expect(pacer.due(61_000)).toHaveLength(2)
  })

  it('keeps order per author and place, the rate per author and route, and its bounds', () => {
    const rate = fc.record({
      burst: fc.integer({ min: 1, max: 5 }),
      everyMs: fc.constantFrom(100, 1_000),
      waiting: fc.integer({ min: 0, max: 8 }),
    })
    const step = fc.record({
      gap: fc.constantFrom(0, 0, 0, 10, 100, 1_000, 7_000),
      author: fc.constantFrom('ann', 'bea'),
      place: fc.constantFrom('here', 'there'),
      routes: fc.subarray(['r', 's'], { minLength: 1 }),
      old: fc.constantFrom(0, 0, 50, 5_000),
    })
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const pacer = new Pacer()
        let now = 100_000
        const waits: { id: string; until: number }[] = []
        const went: { line: string; keys: string[]; nth: number; due: number }[] = []
        steps.forEach(({ gap, author, place, routes, old }, nth) => {
          now += gap
          for (const w of waits.filter((one) => one.until <= now)) pacer.done(w.id)
          waits.splice(0, waits.length, ...waits.filter((one) => one.until > now))
          expect(pacer.due(now)).toEqual([])
          const a = arrival(now - old, { eventId: `p${nth}`, author, place, routes: routes.map((id) => ({ id, rate: limit })) })
          const turn = pacer.turn(a, now)
          if (turn.kind === 'wait') waits.push({ id: a.eventId, until: turn.until })
          // When it counts: what was written earlier counts from then.
          const due = turn.kind === 'wait' ? turn.until : now
          if (turn.kind !== 'full') went.push({ line: `${author} ${place}`, keys: routes.map((r) => `${author} ${r}`), nth, due })
          expect(pacer.waiting).toBe(waits.length)
        })
        for (const line of new Set(went.map((w) => w.line))) {
          const dues = went.filter((w) => w.line === line).map((w) => w.due)
          expect(dues).toEqual([...dues].sort((x, y) => x - y))
        }
        if (steps.some((s) => s.old > 0)) return
        for (const key of new Set(went.flatMap((w) => w.keys))) {
          const dues = went
            .filter((w) => w.keys.includes(key))
            .map((w) => w.due)
            .sort((x, y) => x - y)
          dues.forEach((from, i) => {
            for (let j = i; j < dues.length; j++)
              expect(j - i + 1).toBeLessThanOrEqual(limit.burst + Math.floor(((dues[j] as number) - from) / limit.everyMs))
          })
        }
      }),
      { numRuns: 500 },
    )
  })
})
