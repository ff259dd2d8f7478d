import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SearchDocument } from '../../../src/rules/match/document.ts'
import { hasPhrase } from '../../../src/rules/match/terms.ts'
import { vocabularyOf } from '../../../src/rules/match/vocabulary.ts'
import {
  SubscriptionIndex,
  type SubscriptionInput,
  type SubscriptionQuery,
  subscriptionQuerySchema,
} from '../../../src/rules/subscribe/index.ts'

const WORDS = ['alfa', 'beto', 'gamo', 'delto', 'epsilo', 'zeto']
const TOPICS = ['laptops', 'phones', 'tools']
const VOCABULARY = vocabularyOf([])

const some = (max: number) => fc.uniqueArray(fc.constantFrom(...WORDS), { maxLength: max })
const query = fc.record({
  want: fc.constantFrom('offers' as const, 'requests' as const, 'both' as const),
  all: fc.oneof(some(4), fc.constant<string[]>(['alfa beto'])),
  any: fc.array(fc.uniqueArray(fc.constantFrom(...WORDS, 'gamo delto'), { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
  none: some(1),
  topics: fc.uniqueArray(fc.constantFrom(...TOPICS), { maxLength: 2 }),
  price: fc.option(
    fc
      .tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50 }), fc.constantFrom('USD', 'EUR'))
      .map(([a, b, currency]) => ({ min: Math.min(a, b) / 3, max: Math.max(a, b) / 3, currency })),
    { nil: undefined },
  ),
  include_unpriced: fc.boolean(),
  country: fc.constantFrom(undefined, 'DE', 'VN'),
  condition: fc.constantFrom<'new'[]>([], ['new']),
})
type Query = typeof query extends fc.Arbitrary<infer Q> ? Q : never
const toQuery = ({ country, price, ...q }: Query): SubscriptionQuery => {
  const input: SubscriptionInput = {
    ...q,
    ...(price === undefined ? {} : { price }),
    ...(country === undefined ? {} : { place: { country } }),
  }
  if (q.all.length + q.any.length + q.topics.length === 0) input.topics = ['tools']
  return subscriptionQuerySchema.parse(input)
}

const document: fc.Arbitrary<SearchDocument> = fc
  .record({
    side: fc.constantFrom('offer' as const, 'want' as const, 'exchange' as const),
    words: fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 8 }),
    topic: fc.constantFrom(...TOPICS, null),
    country: fc.constantFrom('DE', 'VN', null),
    condition: fc.constantFrom('new' as const, 'used' as const, null),
    price: fc.option(
      fc
        .tuple(fc.integer({ min: 0, max: 50 }), fc.constantFrom('USD', 'EUR'))
        .map(([n, currency]) => ({ min: n / 3, max: n / 3, currency })),
    ),
  })
  .map((d) => ({
    ...d,
    keys: new Set(d.words),
    k2_topic: 'Goods',
    platform: 'discord',
    channel: 'c',
    city: null,
    lat: null,
    lon: null,
    trust: 'verified',
  }))

/** The meaning of a query, written down as plainly as possible. */
function wanted(q: SubscriptionQuery, d: SearchDocument): boolean {
  const has = (term: string) => hasPhrase(d.words, term.split(' '))
  if (q.want !== 'both' && d.side !== 'exchange' && (q.want === 'offers') !== (d.side === 'offer')) return false
  if (!q.all.every(has) || !q.any.every((g) => g.some(has)) || q.none.some(has)) return false
  if (q.topics.length > 0 && !q.topics.includes(d.topic ?? '')) return false
  if (q.place?.country !== undefined && q.place.country !== d.country) return false
  if (q.condition.length > 0 && !q.condition.includes(d.condition as 'new')) return false
  if (q.price === undefined) return true
  if (d.price === null || d.price.currency !== q.price.currency) return q.include_unpriced
  return d.price.min <= (q.price.max as number) && d.price.max >= (q.price.min as number)
}

describe('SubscriptionIndex', () => {
  it('acceptance 9: equals brute force under random adds, replacements and removals, also during a rebuild', () => {
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.tuple(fc.constant('add' as const), fc.integer({ min: 0, max: 30 }), query) },
      { weight: 2, arbitrary: fc.tuple(fc.constant('remove' as const), fc.integer({ min: 0, max: 30 }), query) },
      { weight: 2, arbitrary: fc.tuple(fc.constant('step' as const), fc.integer({ min: 1, max: 20 }), query) },
    )
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        fc.array(document, { minLength: 1, maxLength: 4 }),
        (actions, documents) => {
          const index = new SubscriptionIndex({ vocabulary: VOCABULARY })
          const model = new Map<string, SubscriptionQuery>()
          const check = (d: SearchDocument) => {
            const expected = [...model].filter(([, q]) => wanted(q, d)).map(([id]) => id)
            const { handles } = index.match(d)
            expect([...handles].map((h) => index.id(h)).sort()).toEqual(expected.sort())
          }
          for (const [i, [kind, n, q]] of actions.entries()) {
            if (kind === 'add') {
              index.add(`s${n}`, toQuery(q))
              model.set(`s${n}`, toQuery(q))
            } else if (kind === 'remove') expect(index.remove(`s${n}`)).toBe(model.delete(`s${n}`))
            else index.rebuildStep(n)
            const d = documents[i % documents.length] as SearchDocument
            index.observe(d)
            check(d)
          }
          for (const d of documents) check(d)
          expect(index.size).toBe(model.size)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('splits hot anchors and stays equal to brute force', () => {
    const [queries] = fc.sample(fc.array(query, { minLength: 1500, maxLength: 1500 }), { numRuns: 1, seed: 7 }) as [Query[]]
    const index = new SubscriptionIndex({ vocabulary: VOCABULARY })
    const plain = queries.map(toQuery)
    for (const [i, q] of plain.entries()) index.add(`s${i}`, q)
    while (index.rebuildStep(400));
    expect(index.deltaSize).toBe(0)
    for (const d of fc.sample(document, { numRuns: 200, seed: 8 })) {
      const expected = plain.flatMap((q, i) => (wanted(q, d) ? [`s${i}`] : []))
      expect([...index.match(d).handles].map((h) => index.id(h)).sort()).toEqual(expected.sort())
    }
  })

  it('gives back the room that a rebuild leaves, whatever is added meanwhile', () => {
    const index = new SubscriptionIndex({ vocabulary: VOCABULARY })
    const one = subscriptionQuerySchema.parse({ all: ['alfa', 'beto'] })
    // Large enough for its arrays to be trimmed, which small ones are not.
    for (let i = 0; i < 75_000; i++) index.add(`s${i}`, one)
    let late = 0
    while (index.rebuildStep(10_000)) for (let k = 0; k < 500; k++) index.add(`late ${late++}`, one)
    expect(index.rebuildDue).toBe(false)
    expect(late).toBeGreaterThan(400)
    const d = { ...(fc.sample(document, 1)[0] as SearchDocument), side: 'offer' as const, keys: new Set(['alfa', 'beto']) }
    const found = new Set([...index.match(d).handles].map((h) => index.id(h)))
    for (let i = 0; i < 75_000; i += 997) expect(found.has(`s${i}`)).toBe(true)
    for (let k = 0; k < late; k++) expect(found.has(`late ${k}`)).toBe(true)
    index.remove('late 7')
    expect([...index.match(d).handles].map((h) => index.id(h))).not.toContain('late 7')
  })

  it('ranks the most specific search first and refuses more than it holds', () => {
    const index = new SubscriptionIndex({ vocabulary: VOCABULARY, max: 2 })
    index.add('wide', subscriptionQuerySchema.parse({ all: ['alfa'] }))
    index.add('narrow', subscriptionQuerySchema.parse({ all: ['alfa', 'beto'] }))
    const d = {
      ...(fc.sample(document, 1)[0] as SearchDocument),
      side: 'offer' as const,
      words: ['alfa', 'beto'],
      keys: new Set(['alfa', 'beto']),
    }
    expect([...index.match(d).handles].map((h) => index.id(h))).toEqual(['narrow', 'wide'])
    expect(() => index.add('third', subscriptionQuerySchema.parse({ all: ['gamo'] }))).toThrow(
      expect.objectContaining({ code: 'SUBSCRIPTIONS_FULL' }),
    )
  })
})
