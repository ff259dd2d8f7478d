import { describe, expect, it } from 'vitest'
import { emptySlots } from '../../../src/rules/model.ts'
import {
  buildRequest,
  cacheKey,
  completionBody,
  mergeOpinion,
  nextFormat,
  notAsked,
  retryAfterMs,
} from '../../../src/rules/second-opinion/index.ts'
import { money } from '../language/support.ts'
import { Talk, types } from '../thread/support.ts'
import { answer, completion, doubtful, lexicon, opinionOn, read } from './support.ts'

const TEXT = 'would let my thinkpad x1 go for $700 in Berlin if someone wants it'
const on = { enabled: true }

describe('when a model is asked (15.2)', () => {
  const words = 'my old thinkpad maybe for somebody'
  it.each<[string, Parameters<typeof notAsked>, string | null]>([
    ['a doubtful reading', [doubtful(), words, on], null],
    [
      'a sure one with a second intent',
      [doubtful({ confidence: 0.95, secondary: [{ intent: 'buy', score: 5, span: [0, 1] }] }), words, on],
      null,
    ],
    ['not switched on', [doubtful(), words, { enabled: false }], 'not switched on'],
    ['a sure one', [doubtful({ confidence: 0.95 }), words, on], 'no doubt'],
    ['a hopeless one', [doubtful({ confidence: 0.1 }), words, on], 'no doubt'],
    ['quoted', [doubtful({ flags: ['quoted'] }), words, on], 'not the own words of the author'],
    ['forwarded', [doubtful({ flags: ['forwarded'] }), words, on], 'not the own words of the author'],
    ['code', [doubtful({ flags: ['code'] }), words, on], 'not the own words of the author'],
    ['a command', [doubtful({ source: 'command' }), words, on], 'not read by rules'],
    ['two words', [doubtful(), 'my thinkpad', on], 'too short'],
    ['a veto', [doubtful({ trace: { guards: [{ points: 'veto', applied: true }] } }), words, on], 'a veto stands'],
  ])('%s', (_, args, why) => expect(notAsked(...args)).toBe(why))
})

describe('request (15.1, 15.5)', () => {
  const text =
    'selling my <b>thinkpad</b> for $700, @joe or joe@example.org, +49 170 1234567, https://example.org/x?id=1 <@123456789012345678>'
  it('holds the masked text as data in one user message', () => {
    const request = buildRequest(read(text), text, { channelTopic: 'laptops' })
    const body = completionBody(request, 'some-model', 'json_schema')
    expect(body).toMatchObject({ model: 'some-model', temperature: 0, max_tokens: 300, n: 1, stream: false })
    expect(body.messages.map((m) => m.role)).toEqual(['system', 'user'])
    expect(JSON.parse(body.messages[1]?.content ?? '')).toEqual(request)
    expect(JSON.stringify(body)).not.toMatch(/joe|example\.org|1234567|123456789012345678/)
    expect(body).not.toHaveProperty('tools')
    expect(request.text).toContain('$700')
    expect(buildRequest(read(text), 'long '.repeat(1_000)).text.length).toBeLessThanOrEqual(1_500)
  })

  it('asks for JSON the way the endpoint takes it', () => {
    const request = buildRequest(read(text), text)
    expect(completionBody(request, 'm', 'json_schema').response_format).toMatchObject({ json_schema: { strict: true } })
    expect(completionBody(request, 'm', 'json_object').response_format).toEqual({ type: 'json_object' })
    expect(completionBody(request, 'm', 'text')).not.toHaveProperty('response_format')
    expect(nextFormat('json_schema', 400, '{"error":"response_format json_schema is not supported"}')).toBe('json_object')
    expect(nextFormat('json_object', 400, 'json_object not supported')).toBe('text')
    expect(nextFormat('text', 400, 'json_object not supported')).toBe(undefined)
    expect(nextFormat('json_schema', 400, 'model not found')).toBe(undefined)
    expect(nextFormat('json_schema', 500, 'response_format')).toBe(undefined)
  })

  it('tries again once after a short 429', () => {
    expect(retryAfterMs(0, 429, '1.5')).toBe(1_500)
    for (const [attempt, status, header] of [
      [1, 429, '1'],
      [0, 503, '1'],
      [0, 429, '3'],
      [0, 429, null],
      [0, 429, 'tomorrow'],
    ] as const)
      expect(retryAfterMs(attempt, status, header)).toBe(undefined)
  })

  it('the same words have the same key, other models and other words not', () => {
    const key = (t: string, model = 'm') => cacheKey(model, buildRequest(doubtful(), t))
    expect(key('My  Thinkpad')).toBe(key('my thinkpad'))
    expect(new Set([key('my thinkpad'), key('my thinkpad', 'n'), key('my desk')]).size).toBe(3)
  })
})

describe('merging (15.4)', () => {
  const quote = { evidence: ['let my thinkpad x1 go'] }

  it('agreement raises confidence and fills gaps with what the text says', () => {
    const { reading, draft } = opinionOn(
      TEXT,
      doubtful(),
      completion(
        answer({
          ...quote,
          item: 'thinkpad x1',
          price_min: 700,
          price_max: 700,
          currency: 'USD',
          place: 'Berlin',
          condition: 'used',
        }),
      ),
    )
    expect(draft).toBe(null)
    expect(reading).toMatchObject({
      intent: 'sell',
      confidence: 0.97,
      source: 'merged',
      slots: {
        item: { text: 'thinkpad x1', model_tokens: ['x1'] },
        price: { min: '700', max: '700', currency: 'USD', role: 'asking' },
        place: { text: 'Berlin' },
        condition: 'used',
      },
    })
  })

  it('slots the rules read stand', () => {
    const rules = doubtful({ slots: { ...emptySlots(), price: money(500, 500) } })
    const { reading } = opinionOn(TEXT, rules, completion(answer({ ...quote, price_min: 700, price_max: 700, currency: 'USD' })))
    expect(reading.slots.price).toEqual(money(500, 500))
  })

  it('ungrounded fields are dropped, the rest stays', () => {
    const { reading } = opinionOn(
      TEXT,
      doubtful(),
      completion(
        answer({ ...quote, item: 'thinkpad x9', price_min: 1, price_max: 700, currency: 'EUR', place: 'Paris', quantity: 3 }),
      ),
    )
    expect(reading.slots).toMatchObject({ item: null, price: null, place: null, quantity: null })
  })

  it('numbers are read by the price grammar: 15tr is fifteen million', () => {
    const text = 'ai cần laptop thì mình để lại 15tr nhé'
    const priced = { evidence: ['mình để lại'], price_min: 15_000_000, price_max: 15_000_000, currency: 'VND' }
    expect(opinionOn(text, doubtful(), completion(answer(priced))).reading.slots.price).toMatchObject({
      max: '15000000',
      currency: 'VND',
    })
    expect(opinionOn(text, doubtful(), completion(answer({ ...priced, price_max: 15, price_min: 15 }))).reading.slots.price).toBe(
      null,
    )
  })

  it('"none" counts from 0.8 and against a doubtful reading only', () => {
    const none = (confidence: number) => answer({ intent: 'none', confidence })
    expect(mergeOpinion(doubtful(), none(0.9), lexicon).reading).toMatchObject({ intent: 'none', source: 'merged' })
    expect(mergeOpinion(doubtful(), none(0.7), lexicon).reading.intent).toBe('sell')
    expect(mergeOpinion(doubtful({ confidence: 0.85 }), none(1), lexicon).reading.intent).toBe('sell')
  })

  it('another intent is a draft below the alert threshold, and the own one stays', () => {
    const { reading, draft } = mergeOpinion(doubtful(), answer({ intent: 'buy', confidence: 1, item: 'thinkpad x1' }), lexicon)
    expect(reading).toEqual(doubtful())
    expect(draft).toMatchObject({ intent: 'buy', confidence: 0.75, source: 'model', slots: { item: { text: 'thinkpad x1' } } })
  })
})

describe('a late opinion in the conversation', () => {
  it('opens only drafts, refines or takes back only what it was asked about', () => {
    const talk = new Talk()
    const { id, reading: before } = talk.say('a', 'WTS RTX 3080, $380')
    const remembered = talk.state.entries[0]
    if (before === null || remembered === undefined) throw new Error('the message is read and remembered')
    const give = (reading: typeof before, draft: typeof before | null) =>
      talk.step({ kind: 'opinion', message: remembered.message, before, reading, draft })
    const merged = mergeOpinion(before, answer({ condition: 'used' }), lexicon)
    expect(types(give(merged.reading, null).events)).toEqual(['updated'])
    expect([...talk.book.records()][0]?.intent.slots.condition).toBe('used')
    const other = mergeOpinion(before, answer({ intent: 'exchange', item: 'rtx 3080' }), lexicon)
    expect(give(other.reading, other.draft).events).toMatchObject([{ type: 'opened', record: { intent: { status: 'draft' } } }])
    expect(give({ ...before, intent: 'none' }, null).events).toMatchObject([
      { type: 'withdrawn', reason: 'opinion', record: { intent: { intent: 'sell' } } },
    ])
    // After an edit the opinion is about other words.
    talk.edit(id, 'a', 'WTS Nikon D750 camera, $500')
    expect(give(merged.reading, other.draft).events).toEqual([])
  })
})
