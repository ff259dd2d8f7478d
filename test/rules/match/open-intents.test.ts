import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Match, OpenIntents, type SearchOptions } from '../../../src/rules/match/index.ts'
import type { Slots, StoredIntent } from '../../../src/rules/model.ts'
import { berlin, hanoi, munich, NOW, potsdam, price, RATES, stored } from './support.ts'

const OPTIONS: SearchOptions = { now: NOW, rates: RATES, minScore: 0 }
function search(offer: StoredIntent, want: StoredIntent, options: Partial<SearchOptions> = {}): Match | undefined {
  const index = new OpenIntents()
  index.insert(offer)
  return index.search(want, { ...OPTIONS, ...options })[0]
}
const item = (text: string, ...model_tokens: string[]): Slots['item'] => ({ text, head: null, model_tokens, brand: null })

describe('pairs and hard filters', () => {
  it('a wanted noun in another language finds a series of it', () => {
    const offer = stored('sell', 'ThinkPad X1 Carbon', {
      slots: { price: price(700, 700) },
      text: 'WTS ThinkPad X1 Carbon, shipped',
    })
    const want = stored('buy', 'ноут', { slots: { price: price(null, 800) } })
    expect(search(offer, want)?.score).toBeGreaterThan(0.7)
    const index = new OpenIntents()
    index.insert(want)
    expect(index.search(offer, { ...OPTIONS, minScore: 0.7 })).toHaveLength(1)
  })

  const thinkpad = (slots: Partial<Slots> = {}, part: Partial<StoredIntent> = {}) =>
    stored('sell', 'ThinkPad T14', { ...part, slots: { price: price(500, 500), ...slots } } as never)
  const wanted = (slots: Partial<Slots> = {}, part: Partial<StoredIntent> = {}) =>
    stored('buy', 'ThinkPad T14', { ...part, slots } as never)
  it.each<[string, StoredIntent, StoredIntent, boolean]>([
    ['plain', thinkpad(), wanted(), true],
    ['same owner', thinkpad({}, { owner: 'x' }), wanted({}, { owner: 'x' }), false],
    ['draft', thinkpad({}, { status: 'draft' }), wanted(), false],
    ['expired', thinkpad({}, { expires_at: NOW }), wanted(), false],
    ['two sellers', thinkpad(), stored('sell', 'ThinkPad T14'), false],
    [
      'another topic',
      thinkpad({}, { topic: { slug: 'tools', k2_topic: 'Goods', selection: { subtopic: 'Home & Living' }, source: 'x' } }),
      wanted(),
      false,
    ],
    ['unclear topic', thinkpad({}, { topic: null }), wanted(), true],
    ['another model', thinkpad({ item: item('ThinkPad T14', 't14') }), wanted({ item: item('ThinkPad X1', 'x1') }), false],
    [
      'another model, or similar',
      thinkpad({ item: item('ThinkPad T14', 't14') }),
      wanted({ item: item('ThinkPad X1', 'x1') }, { text: 'ThinkPad X1 or similar' }),
      true,
    ],
    ['10 % above budget', thinkpad(), wanted({ price: price(null, 460) }), true],
    ['over tolerance', thinkpad(), wanted({ price: price(null, 450) }), false],
    [
      'negotiable',
      thinkpad({ price: price(500, 500, 'USD', { flags: ['negotiable'] }) }),
      wanted({ price: price(null, 420) }),
      true,
    ],
    ['firm', thinkpad({ price: price(500, 500, 'USD', { flags: ['firm'] }) }), wanted({ price: price(null, 499) }), false],
    ['converted', thinkpad(), wanted({ price: price(null, 450, 'EUR') }), true],
    ['converted, too dear', thinkpad(), wanted({ price: price(null, 400, 'EUR') }), false],
    ['no rate', thinkpad(), wanted({ price: price(null, 1, 'XAU') }), true],
    [
      'per hour against item',
      thinkpad({ price: price(5, 5, 'USD', { unit: 'hour' }) }),
      wanted({ price: price(null, 500) }),
      false,
    ],
    [
      'pickup near',
      thinkpad({ place: berlin, delivery: { pickup: true, ship: null, ship_to: [] } }),
      wanted({ place: potsdam }),
      true,
    ],
    [
      'pickup far',
      thinkpad({ place: berlin, delivery: { pickup: true, ship: null, ship_to: [] } }),
      wanted({ place: munich }),
      false,
    ],
    [
      'ships inland',
      thinkpad({ place: berlin, delivery: { pickup: null, ship: true, ship_to: [] } }),
      wanted({ place: munich }),
      true,
    ],
    [
      'ships abroad',
      thinkpad({ place: berlin, delivery: { pickup: null, ship: true, ship_to: [] } }),
      wanted({ place: hanoi }),
      false,
    ],
    [
      'ships worldwide',
      thinkpad({ place: berlin, delivery: { pickup: null, ship: true, ship_to: ['worldwide'] } }),
      wanted({ place: hanoi }),
      true,
    ],
    ['used for new', thinkpad({ condition: 'used' }), wanted({ condition: 'new' }), false],
    ['new for like new', thinkpad({ condition: 'new' }), wanted({ condition: 'like_new' }), true],
    ['broken unasked', thinkpad({ condition: 'for_parts' }), wanted({ condition: 'used' }), false],
    ['too few', thinkpad({ quantity: { value: 1, unit: null } }), wanted({ quantity: { value: 2, unit: null } }), false],
  ])('%s', (_, offer, want, expected) => {
    expect(search(offer, want) !== undefined).toBe(expected)
  })

  it('exchanges need both directions; linked owners are kept apart', () => {
    const a = stored('exchange', 'ThinkPad T14', { slots: { want_item: item('steam deck') } })
    const b = stored('exchange', 'steam deck', { slots: { want_item: item('ThinkPad T14') } })
    const c = stored('exchange', 'steam deck', { slots: { want_item: item('guitar') } })
    expect(search(a, b)).toBeDefined()
    expect(search(a, c)).toBeUndefined()
    expect(search(a, b, { apart: () => true })).toBeUndefined()
  })
})

describe('score', () => {
  it('gives parts, rounds to four decimals and lowers for what is not known', () => {
    const offer = stored('sell', 'ThinkPad T14', { slots: { price: price(500, 500), place: berlin } })
    const full = search(offer, stored('buy', 'ThinkPad T14', { slots: { price: price(null, 600), place: berlin } })) as Match
    expect(full.parts).toEqual({ text: 1, topic: 1, price: 1, place: 1, condition: 0.5, freshness: 1 })
    expect(full.score).toBe(0.975)
    const bare = search(offer, stored('buy', 'ThinkPad T14')) as Match
    expect(bare.parts).toMatchObject({ price: null, place: null })
    expect(bare.score).toBeLessThan(full.score * 0.83)
    expect(
      search(offer, stored('buy', 'ThinkPad T14', { slots: { price: price(null, 600) } }), { median: () => 2000 })?.flags,
    ).toEqual(['suspicious_price'])
  })
})

const WORDS = ['thinkpad', 'macbook', 'carbon', 'charger', 'dock', 'sleeve', 'pro', 'air']
const anyIntent = (kind: 'sell' | 'buy') =>
  fc
    .record({
      words: fc.uniqueArray(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }),
      amount: fc.option(fc.integer({ min: 1, max: 40 })),
      age: fc.integer({ min: 0, max: 3 }),
      where: fc.constantFrom(null, berlin, munich),
    })
    .map(({ words, amount, age, where }) =>
      stored(kind, words.join(' '), {
        created_at: NOW - age * 86_400_000,
        updated_at: NOW - age * 86_400_000,
        slots: { place: where, price: amount === null ? null : price(kind === 'sell' ? amount * 10 : null, amount * 10) },
      }),
    )

describe('OpenIntents', () => {
  it('finds the same as scoring every pair alone, in any order of insertion, during and after compaction', () => {
    fc.assert(
      fc.property(
        fc.array(anyIntent('sell'), { minLength: 1, maxLength: 40 }),
        fc.array(anyIntent('sell'), { maxLength: 40 }),
        anyIntent('buy'),
        (kept, removed, want) => {
          const one = new OpenIntents()
          for (const intent of [...removed, ...kept]) one.insert(intent)
          for (const intent of removed) one.remove(intent.intent_id)
          const two = new OpenIntents()
          for (const intent of [...kept].reverse()) two.insert(intent)
          const brief = (list: Match[]) => list.map((m) => [m.intent.intent_id, m.score])
          const all = brief(two.search(want, { ...OPTIONS, limit: 1000 }))
          expect(brief(two.search(want, { ...OPTIONS, limit: 5 }))).toEqual(all.slice(0, 5))
          expect(brief(one.search(want, { ...OPTIONS, limit: 5 }))).toEqual(all.slice(0, 5))
          one.compactStep(2)
          for (const intent of removed) one.insert(intent)
          for (const intent of removed) one.remove(intent.intent_id)
          while (one.compactStep(3));
          expect(brief(one.search(want, { ...OPTIONS, limit: 5 }))).toEqual(all.slice(0, 5))
          expect(brief(one.search(want, { ...OPTIONS, minScore: 0.6 }))).toEqual(
            all.filter(([, s]) => (s as number) >= 0.6).slice(0, 20),
          )
        },
      ),
      { numRuns: 150 },
    )
  })

  it('tells those who say the same apart by owner, age and life, also as some change or leave', () => {
    const DAY = 86_400_000
    const copy = (kind: 'sell' | 'buy', i: number, part: Partial<StoredIntent> = {}) =>
      stored(kind, 'ThinkPad T14 dock', {
        intent_id: `${kind}${i}`,
        owner: `person${i % 5}`,
        created_at: NOW - (i % 7) * DAY,
        updated_at: NOW - (i % 7) * DAY,
        expires_at: i % 11 === 0 ? NOW : NOW + DAY,
        ...part,
      } as never)
    const byAge = (a: StoredIntent, b: StoredIntent) => b.created_at - a.created_at || (a.intent_id < b.intent_id ? -1 : 1)
    for (const [kind, other] of [
      ['sell', 'buy'],
      ['buy', 'sell'],
    ] as const) {
      const index = new OpenIntents()
      const open = new Map(Array.from({ length: 60 }, (_, i) => [`${kind}${i}`, copy(kind, i)]))
      for (const one of open.values()) index.insert(one)
      const query = copy(other, 1)
      const expectBest = (query: StoredIntent, limit: number) => {
        const fitting = [...open.values()].filter((i) => i.owner !== query.owner && i.expires_at > NOW).sort(byAge)
        const found = index.search(query, { ...OPTIONS, limit })
        expect(found.map((m) => m.intent)).toEqual(fitting.slice(0, limit))
      }
      expectBest(query, 7)
      for (let i = 0; i < 60; i += 3) {
        index.remove(`${kind}${i}`)
        open.delete(`${kind}${i}`)
      }
      expectBest(query, 100)
      // One says something else now, another comes back younger.
      index.insert(copy(kind, 1, { text: 'Brompton', slots: { item: item('Brompton') } } as never))
      open.delete(`${kind}1`)
      open.set(`${kind}0`, copy(kind, 0, { created_at: NOW + 1, updated_at: NOW + 1, expires_at: NOW + DAY }))
      index.insert(open.get(`${kind}0`) as StoredIntent)
      expectBest(query, 100)
      // The index holds the query's own kind and person too.
      index.insert(query)
      expectBest(query, 100)
      while (index.compactStep(1));
      expectBest(query, 3)
      for (const id of open.keys()) index.remove(id)
      expect(index.search(query, OPTIONS)).toEqual([])
    }
  })

  it('replaces revisions, takes out what is closed or over, and is bounded', () => {
    const index = new OpenIntents({ max: 2 })
    const offer = stored('sell', 'dock', { intent_id: 'a', slots: { price: price(90, 90) } })
    index.insert(offer)
    index.insert({ ...offer, revision: 2, slots: { ...offer.slots, price: price(80, 80) } })
    expect(index.size).toBe(1)
    expect(index.search(stored('buy', 'dock'), OPTIONS)[0]?.intent.revision).toBe(2)
    index.insert(stored('sell', 'charger', { intent_id: 'b', expires_at: NOW + 5 }))
    expect(() => index.insert(stored('sell', 'sleeve'))).toThrow(expect.objectContaining({ code: 'INTENTS_FULL' }))
    expect(index.expire(NOW + 5).map((i) => i.intent_id)).toEqual(['b'])
    index.insert({ ...offer, status: 'closed' })
    expect(index.size).toBe(0)
  })
})
