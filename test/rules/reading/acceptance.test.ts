import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readSources } from '../../../scripts/eval.ts'
import { readingSchema } from '../../../src/rules/model.ts'
import { compileLexicon, MAX_STEPS, readMessage, readPrice } from '../../../src/rules/reading/index.ts'
import { shippedLexicon } from '../support/lexicon.ts'
import { type Labelled, type PriceCase, predict, priceCaseFails, score } from '../support/score.ts'

const lexicon = shippedLexicon()
const LANGUAGES = ['en', 'vi', 'es', 'ru', 'pt'] as const
const lines = <T>(name: string): T[] =>
  readFileSync(fileURLToPath(new URL(`../data/${name}`, import.meta.url)), 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l) as T)
const read = (text: string) => readMessage({ id: 'm', text }, { lexicon })

describe('acceptance 1: prices', () => {
  it('reads all price cases', () => {
    expect(priceCaseFails(lexicon, lines<PriceCase>('price-cases.jsonl'))).toEqual([])
  })

  const grouped = (n: number, sign: string): string => String(n).replace(/\B(?=(\d{3})+$)/gu, sign)
  const STYLES: readonly (readonly [string, (n: number) => string])[] = [
    ['$1,000', (n) => `$${grouped(n, ',')}`],
    ['1.000 €', (n) => `${grouped(n, '.')} €`],
    ["CHF 1'000", (n) => `CHF ${grouped(n, "'")}`],
    ['1 000 ₽', (n) => `${grouped(n, ' ')} ₽`],
    ['1\u202f000 €', (n) => `${grouped(n, '\u202f')} €`],
    ['£1,000.50', (n) => `£${grouped(n, ',')}.50`],
    ['1.000,50€', (n) => `${grouped(n, '.')},50€`],
    ['1000 USD', (n) => `${n} USD`],
    ['USD 1000', (n) => `USD ${n}`],
    ['€1000', (n) => `€${n}`],
  ]
  it.each(STYLES)('reads any number written like %s back', (name, write) => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 999_999_999 }), (n) => {
        const price = readPrice(lexicon, `selling my desk, ${write(n)}`, 'sell')
        expect(price?.max).toBe(name.includes('50') ? `${n}.5` : String(n))
        expect(price?.currency).not.toBeNull()
      }),
      { numRuns: 60 },
    )
  })

  it('never throws on arbitrary text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 4096, unit: 'binary' }), (text) => {
        readPrice(lexicon, text, 'sell')
      }),
      { numRuns: 150 },
    )
  })

  it.each([
    '1',
    '1 ',
    '$5 for ',
    '1.000.',
    '10-',
    '[H] ',
    'selling my ',
    'anyone selling a ',
    'tr5 ',
    'a\u0301',
    '👨‍👩‍👧 ',
    '"x" ',
    'от 5 до ',
    '(',
  ])('takes work in proportion to the length of %j', (piece) => {
    const steps = (n: number): number => read(piece.repeat(Math.ceil(n / piece.length)).slice(0, n)).trace.steps
    const [half, full] = [steps(1000), steps(2000)]
    expect(full).toBeLessThanOrEqual(MAX_STEPS)
    expect(full).toBeLessThanOrEqual(half * 2.3 + 200)
  })
})

describe('acceptance 2: evaluation', () => {
  it('meets every bar on the development set', () => {
    const { figures } = score(lines<Labelled>('intents-dev.jsonl'), (row) => predict(lexicon, row))
    expect(figures.macroF1).toBeGreaterThanOrEqual(0.9)
    expect(figures.noneFpr).toBeLessThanOrEqual(0.03)
    expect(figures.priceExact).toBeGreaterThanOrEqual(0.95)
    expect(figures.inventedPrice).toBeLessThanOrEqual(0.05)
    expect(figures.topic).toBeGreaterThanOrEqual(0.85)
    expect(figures.condition).toBeGreaterThanOrEqual(0.8)
    expect(figures.quantity).toBeGreaterThanOrEqual(0.8)
    expect(figures.place).toBeGreaterThanOrEqual(0.75)
  })

  it('gives readings in the shape of the data model', () => {
    for (const row of lines<Labelled>('intents-dev.jsonl')) {
      const reading = readMessage({ id: row.id, text: row.text, sent_at: Date.UTC(2026, 2, 2) }, { lexicon })
      const checked = readingSchema.safeParse(reading)
      expect([row.id, checked.error?.issues ?? []]).toEqual([row.id, []])
    }
  })
})

describe('acceptance 4: determinism', () => {
  const texts = lines<Labelled>('intents-dev.jsonl').map((r) => r.text)
  const all = (order: readonly string[], with_ = lexicon): ReadonlyMap<string, string> =>
    new Map(order.map((text) => [text, JSON.stringify(readMessage({ id: 'm', text, sent_at: 1 }, { lexicon: with_ }))]))

  it('reads the same twice, in another order and with a lexicon compiled anew', { timeout: 120_000 }, () => {
    const first = all(texts)
    expect(all(texts)).toEqual(first)
    expect(new Map([...all(texts.toReversed())].toReversed())).toEqual(first)
    expect(all(texts, compileLexicon(readSources()))).toEqual(first)
  })
})

describe("acceptance 12: what is not the author's own open statement", () => {
  const listing = 'WTS RTX 3080 $400 shipped'
  it.each([
    ['block quote in text', `> ${listing}`],
    ['multi-line quote in text', `>>> ${listing}\nmore`],
    ['whole message in quotation marks', `"${listing}"`],
    ['typographic quotation marks', `“${listing}”`],
    ['forward line', `Forwarded from Deals\n${listing}`],
    ['Russian forward line', `Переслано от Барахолка\n${listing}`],
    ['Vietnamese forward line', `Chuyển tiếp từ Chợ\n${listing}`],
    ['Spanish forward line', `Reenviado\n${listing}`],
    ['fenced code', `\`\`\`\n${listing}\n\`\`\``],
    ['struck text', `~~${listing}~~`],
    ['struck text and closing word', `~~${listing}~~ gone`],
    ['closed prefix', `[SOLD] ${listing}`],
    ['closed suffix', `${listing}\nEdit: SOLD`],
    ['Russian closing', `ПРОДАНО. ${listing}`],
    ['Spanish closing', `[VENDIDO] ${listing}`],
    ['quoted cue in a sentence', '"for sale: baby shoes, never worn" always gets me'],
  ])('%s opens nothing', (_, text) => {
    expect(read(text).intent).toBe('none')
  })

  it.each(['quote', 'code', 'strike'] as const)('a %s entity opens nothing, whatever the normal form of the text', (kind) => {
    for (const text of [listing, 'bán iPhone 12 giá 5tr'.normalize('NFD')]) {
      const entities = [{ kind, start: 0, end: text.length }]
      expect(readMessage({ id: 'm', text, entities }, { lexicon }).intent).toBe('none')
    }
  })

  it('a forward mark of the platform opens nothing unless the channel counts forwards', () => {
    expect(readMessage({ id: 'm', text: listing, forwarded: true }, { lexicon }).intent).toBe('none')
    const profile = { forwards: 'as_author' as const }
    expect(readMessage({ id: 'm', text: listing, forwarded: true }, { lexicon, profile }).intent).toBe('sell')
  })
})

describe('acceptance 14: lexica', () => {
  const files = LANGUAGES.map((lang) => {
    const path = fileURLToPath(new URL(`../../../config/lexicon/${lang}.yaml`, import.meta.url))
    type Group = { phrases: string[]; intent?: string; kind?: string }
    return { lang, file: parse(readFileSync(path, 'utf8')) as { cues: Group[]; guards: Group[] } }
  })

  it.each(files)('$lang has no cue that is a guard too', ({ file }) => {
    const guards = new Set(file.guards.flatMap((g) => g.phrases))
    expect(file.cues.flatMap((c) => c.phrases).filter((p) => guards.has(p))).toEqual([])
  })

  it.each(files)('$lang has no single-letter cue without structure', ({ file }) => {
    const single = file.cues.flatMap((c) => c.phrases).filter((p) => /^\p{L}$/u.test(p.replace(/^\^+\s*|\s*\$$/gu, '').trim()))
    expect(single).toEqual([])
  })

  it.each(files)('$lang has every intent and every guard that speaks against one', ({ file }) => {
    expect(new Set(file.cues.map((c) => c.intent))).toEqual(
      new Set(['sell', 'buy', 'exchange', 'service_wanted', 'service_offered']),
    )
    const kinds = new Set(file.guards.map((g) => g.kind))
    for (const kind of [
      'closed',
      'past',
      'negated',
      'price_question',
      'advice',
      'hypothetical',
      'third_person',
      'warning',
      'shop_talk',
      'finance',
      'game',
      'moderation',
      'reply_interest',
      'reply_negotiate',
      'reply_question',
      'bump',
      'giveaway',
      'free_help',
    ])
      expect([kind, kinds.has(kind)]).toEqual([kind, true])
  })

  it.each([
    ['en', 'sell', 'selling my desk, 40 euros'],
    ['en', 'buy', 'looking to buy a used monitor'],
    ['en', 'exchange', 'trading my bike for a scooter'],
    ['en', 'service_wanted', 'can anyone recommend a plumber?'],
    ['en', 'service_offered', 'commissions open, portraits from $30'],
    ['es', 'sell', 'vendo mesa de comedor, 90 €'],
    ['es', 'buy', 'busco lavadora de segunda mano'],
    ['es', 'exchange', 'cambio mi guitarra por un bajo'],
    ['es', 'service_wanted', 'necesito un fontanero en Murcia'],
    ['es', 'service_offered', 'doy clases de inglés, 15 €/hora'],
    ['ru', 'sell', 'продам велосипед, 9000 руб'],
    ['ru', 'buy', 'куплю ноутбук до 30к'],
    ['ru', 'exchange', 'обменяю гитару на синтезатор'],
    ['ru', 'service_wanted', 'посоветуйте хорошего электрика'],
    ['ru', 'service_offered', 'делаю маникюр, 1500 руб'],
    ['pt', 'sell', 'vendo geladeira, R$ 600'],
    ['pt', 'buy', 'procuro bicicleta usada até 400 reais'],
    ['pt', 'exchange', 'troco meu violão por um teclado'],
    ['pt', 'service_wanted', 'alguém indica um eletricista?'],
    ['pt', 'service_offered', 'dou aulas de inglês, R$ 50 a hora'],
    ['vi', 'sell', 'cần bán tủ lạnh cũ 2tr'],
    ['vi', 'buy', 'tìm mua laptop cũ dưới 8 triệu'],
    ['vi', 'exchange', 'đổi máy ảnh lấy điện thoại'],
    ['vi', 'service_wanted', 'cần tìm thợ sửa máy lạnh'],
    ['vi', 'service_offered', 'nhận sửa laptop tại nhà, 200k'],
  ])('%s: %s is read from %j', (lang, intent, text) => {
    const reading = read(text)
    expect(reading.intent).toBe(intent)
    // Short lines without a function word show no language.
    expect([lang, 'und']).toContain(reading.lang)
  })
})

describe('slots with a time of sending', () => {
  const at = Date.parse('2026-03-02T12:00:00Z')
  const slots = (text: string) =>
    readMessage({ id: 'm', text, sent_at: at }, { lexicon, profile: { timezone: 'Europe/London' } }).slots

  it('resolves deadlines, places and radius', () => {
    expect(slots('WTS desk $80, pick up by friday in Leeds').deadline?.at).toBe(Date.parse('2026-03-06T12:00:00Z'))
    expect(slots('Продам велосипед 14к, самовывоз до пятницы, Мытищи')).toMatchObject({
      deadline: { at: Date.parse('2026-03-06T12:00:00Z') },
      place: { text: 'Мытищи', country: 'RU', city: 'Mytishchi' },
    })
    expect(slots('need a van within 20 km of Porto tomorrow').place).toMatchObject({ country: 'PT', radius_km: 20 })
  })

  it('masks numbers and addresses and keeps them out of every other slot', () => {
    const all = slots('selling my bike, 90 eur, call +44 7700 900123 or me@mail.example')
    expect(all.contact).toEqual({ kinds: ['phone', 'email'], masked: ['+44•••••123', 'm•••@mail.example'] })
    expect(JSON.stringify(all)).not.toMatch(/7700|900123|me@/u)
    expect(all.price?.max).toBe('90')
  })

  it('labels further prices', () => {
    expect(slots('Vendo mesa 50€ y 4 sillas 40€, Valencia').extra_prices).toMatchObject([
      { item: '4 sillas', price: { max: '40', currency: 'EUR' } },
    ])
  })
})
