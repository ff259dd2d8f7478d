import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_VOCABULARY } from '../../../src/rules/match/vocabulary.ts'
import { acceptQuery, type ParseOptions, parseQuery, type SubscriptionQuery } from '../../../src/rules/subscribe/index.ts'

function read(text: string, options: ParseOptions = {}): SubscriptionQuery {
  const parsed = parseQuery(text, options)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.query
}

describe('searches in words', () => {
  it.each([
    ['thinkpad under 800 eur', { all: ['thinkpad'], price: { max: 800, currency: 'EUR' } }],
    ['thinkpad x1 <900usd', { all: ['thinkpad', 'x1'], price: { max: 900, currency: 'USD' } }],
    ['rtx 4090', { all: ['rtx', '4090'] }],
    [
      'rtx 4090 OR "rx 7900 xtx" -broken topic:computers price:<900usd',
      { all: [], any: [['rtx 4090', 'rx 7900 xtx']], none: ['broken'], topics: ['computers'] },
    ],
    [
      'thinkpad (x1 or t14) 500-800 eur',
      { all: ['thinkpad'], any: [['x1', 't14']], price: { min: 500, max: 800, currency: 'EUR' } },
    ],
    ['ноутбук до 50к', { all: ['ноутбук'], price: { max: 50_000, currency: 'RUB' } }],
    ['xe máy dưới 15tr', { all: ['xe', 'máy'], price: { max: 15e6, currency: 'VND' } }],
    ['sofa between 100 and 200 eur', { all: ['sofa'], price: { min: 100, max: 200, currency: 'EUR' } }],
    ['bike over $50 without kids', { all: ['bike'], price: { min: 50, currency: 'USD' }, none: ['kids'] }],
    ['desk near berlin 50km', { all: ['desk'], place: { city: 'berlin', within_km: 50 } }],
    ['desk within 20 km of Hanoi', { all: ['desk'], place: { city: 'Hanoi', within_km: 20 } }],
    [
      'gpu near:berlin 50km condition:new,like_new',
      { all: ['gpu'], place: { city: 'berlin', within_km: 50 }, condition: ['new', 'like_new'] },
    ],
    ['laptop at most 700 eur every:day want:requests', { delivery: { mode: 'daily' }, want: 'requests' }],
    ['camera price:100-200 eur unpriced:no', { price: { min: 100, max: 200, currency: 'EUR' }, include_unpriced: false }],
  ])('%s', (text, expected) => {
    expect(read(text)).toMatchObject(expected)
  })

  it.each([
    ['topik:laptops x', 'unknown field `topik`'],
    ['"open quote', 'the quotation mark is never closed'],
    ['(a or b', 'this bracket is never closed'],
    ['OR thing', 'OR needs a term on both sides'],
    ['thing OR', 'OR needs a term on both sides'],
    ['thing price:cheap', '`cheap` is no price'],
    ['thing under 500', 'the price has no currency'],
    ['condition:shiny thing', '`shiny` is no condition'],
    ['', 'nothing to look for'],
    ['-only', 'nothing to look for'],
  ])('refuses %s with a reason', (text, message) => {
    const parsed = parseQuery(text)
    expect(parsed.ok).toBe(false)
    if (!parsed.ok) expect(parsed.problems.map((p) => p.message)).toContain(message)
  })

  it('takes currency, places and topics from outside', () => {
    const options: ParseOptions = {
      currency: 'EUR',
      topics: new Set(['laptops']),
      findPlace: () => ({ city: 'Berlin', country: 'DE', lat: 52.5, lon: 13.4 }),
    }
    expect(read('topic:laptops max 500 near bln', options)).toMatchObject({
      price: { max: 500, currency: 'EUR' },
      place: { city: 'Berlin', country: 'DE' },
    })
    const wrong = parseQuery('topic:laptop x', options)
    expect(wrong).toMatchObject({ ok: false, problems: [{ span: [0, 12] }] })
  })

  it('takes phrases in the quotation marks of all languages', () => {
    for (const text of ['"oak desk" berlin', '“oak desk” berlin', '”oak desk” berlin', '„oak desk“ berlin', '«oak desk» berlin'])
      expect(read(text)).toEqual(read('"oak desk" berlin'))
  })

  it('comes to an end whatever character a word begins with', () => {
    for (let code = 0; code < 0x1_0000; code++) {
      const char = String.fromCharCode(code)
      parseQuery(`a ${char}`)
      parseQuery(`-${char}b`)
    }
    expect(parseQuery('x ”y')).toMatchObject({ ok: false, problems: [{ span: [2, 4] }] })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => void parseQuery(text)),
      { numRuns: 500 },
    )
    const pieces = fc.constantFrom(
      '(',
      ')',
      'or',
      '"',
      '”',
      '„',
      '»',
      '-',
      'price:',
      'near',
      '50',
      'km',
      'under',
      'between',
      'and',
      'eur',
      ':',
      'a',
      '<',
      '5-',
      'within',
      'of',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (list) => void parseQuery(list.join(' '))),
      { numRuns: 2000 },
    )
  })
})

describe('searches in five languages', () => {
  const eur = (max: number, min?: number) => ({ currency: 'EUR', max, ...(min === undefined ? {} : { min }) })
  const vnd = (max: number, min?: number) => ({ ...eur(max, min), currency: 'VND' })
  const rub = (max: number, min?: number) => ({ ...eur(max, min), currency: 'RUB' })
  const brl = (max: number, min?: number) => ({ ...eur(max, min), currency: 'BRL' })
  it.each<[string, object]>([
    ['looking for a thinkpad for less than 800 euros', { all: ['thinkpad'], price: eur(800) }],
    ['thinkpad 800 eur or less', { all: ['thinkpad'], price: eur(800) }],
    ['someone selling a ps5 under 300$', { all: ['ps5'], price: { max: 300, currency: 'USD' } }],
    ['a bike cheaper than 200 pounds within 30 km of Porto', { all: ['bike'], place: { city: 'Porto', within_km: 30 } }],
    ['graphics card from 200 to 400 usd', { all: ['graphics', 'card'], price: { min: 200, max: 400, currency: 'USD' } }],
    ['iphone 13 500 eur', { all: ['iphone', '13'], price: eur(500) }],
    [
      'flat in New York up to 2 grand usd',
      { all: ['flat'], place: { city: 'New York' }, price: { max: 2_000, currency: 'USD' } },
    ],
    ['tìm laptop thinkpad tối đa 15 triệu', { all: ['laptop', 'thinkpad'], price: vnd(15e6) }],
    ['iphone 13 từ 5 đến 8 triệu', { all: ['iphone', '13'], price: vnd(8e6, 5e6) }],
    ['xe máy không quá 20 triệu ở Hà Nội', { all: ['xe', 'máy'], price: vnd(20e6), place: { city: 'Hà Nội' } }],
    ['bàn làm việc dưới 2tr gần Hà Nội', { all: ['bàn', 'làm', 'việc'], price: vnd(2e6), place: { city: 'Hà Nội' } }],
    ['iphone 13 không nứt dưới 8tr', { all: ['iphone', '13'], none: ['nứt'] }],
    ['busco thinkpad por menos de 800 euros', { all: ['thinkpad'], price: eur(800) }],
    ['portátil máximo 600 euros cerca de Madrid', { all: ['portátil'], place: { city: 'Madrid' } }],
    ['bici entre 100 y 200 euros sin golpes', { all: ['bici'], none: ['golpes'], price: eur(200, 100) }],
    ['mesa de 50 a 100 euros', { all: ['mesa'], price: eur(100, 50) }],
    ['ищу ноутбук дешевле 50 000 руб', { all: ['ноутбук'], price: rub(50_000) }],
    ['тинкпад до 50 тысяч рублей', { all: ['тинкпад'], price: rub(50_000) }],
    ['велосипед от 5000 до 10000 руб в Москве', { all: ['велосипед'], price: rub(10_000, 5_000), place: { city: 'Москве' } }],
    ['айфон 13 не дороже 40к без сколов', { all: ['айфон', '13'], none: ['сколов'], price: rub(40_000) }],
    ['procuro thinkpad por menos de R$ 3.000', { all: ['thinkpad'], price: brl(3_000) }],
    ['bicicleta entre 500 e 900 reais', { all: ['bicicleta'], price: brl(900, 500) }],
    ['celular sem risco até 1,5 mil reais', { all: ['celular'], none: ['risco'], price: brl(1_500) }],
    ['sofá abaixo de 800 reais perto de Lisboa', { all: ['sofá'], price: brl(800), place: { city: 'Lisboa' } }],
  ])('%s', (text, expected) => expect(read(text)).toMatchObject(expected))

  it('years and model numbers are no prices', () => {
    expect(read('camry from 2018')).toMatchObject({ all: ['camry', '2018'] })
    expect(read('rtx 3080 ti')).toMatchObject({ all: ['rtx', '3080', 'ti'] })
    expect(read('macbook pro 14')).toMatchObject({ all: ['macbook', 'pro', '14'] })
  })

  it('only words that say nothing are nothing to look for', () => {
    for (const text of ['looking for something', 'ищу', 'busco', 'tìm mua'])
      expect(parseQuery(text)).toMatchObject({
        ok: false,
        problems: [{ message: 'nothing to look for', hint: expect.any(String) }],
      })
  })
})

describe('limits against misuse', () => {
  const accept = (text: string, share?: (key: string) => number) => () =>
    acceptQuery(read(text), { vocabulary: DEFAULT_VOCABULARY, ...(share && { share }) })
  it('needs a telling word, or a topic with a price or place', () => {
    expect(accept('thinkpad')).not.toThrow()
    expect(accept('thinkpad', () => 0.5)).toThrow(expect.objectContaining({ code: 'SUBSCRIPTION_BROAD' }))
    expect(accept('x1')).toThrow(expect.objectContaining({ code: 'SUBSCRIPTION_BROAD' }))
    expect(accept('topic:laptops')).toThrow(expect.objectContaining({ code: 'SUBSCRIPTION_BROAD' }))
    expect(accept('topic:laptops every:day')).not.toThrow()
    expect(accept('topic:laptops under 500 eur')).not.toThrow()
  })
  it.each(['@maria laptop', 'laptop 0912345678', '"+49 170 1234567" phone', 'https://t.me/x'])(
    'never searches for people: %s',
    (text) => {
      const parsed = parseQuery(text)
      if (parsed.ok)
        expect(() => acceptQuery(parsed.query, { vocabulary: DEFAULT_VOCABULARY })).toThrow(
          expect.objectContaining({ code: 'SUBSCRIPTION_PERSONAL' }),
        )
    },
  )
})
