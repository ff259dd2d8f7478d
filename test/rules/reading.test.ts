import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileLexicon, INTENTS, MAX_STEPS, readMessage, readPrice } from '../../src/rules/reading/index.ts'
import { shippedLexicon } from './support/lexicon.ts'
import { type Labelled, type PriceCase, predict, priceCaseFails, score } from './support/score.ts'

const lexicon = shippedLexicon()
const lines = <T>(name: string): T[] =>
  readFileSync(fileURLToPath(new URL(`./data/${name}`, import.meta.url)), 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l) as T)
const read = (text: string) => readMessage({ id: 'm', text }, { lexicon })

describe('evaluation', () => {
  it('meets the bars on the development set', () => {
    const { figures } = score(lines<Labelled>('intents-dev.jsonl'), (row) => predict(lexicon, row))
    expect(figures.macroF1).toBeGreaterThanOrEqual(0.9)
    expect(figures.noneFpr).toBeLessThanOrEqual(0.03)
    expect(figures.priceExact).toBeGreaterThanOrEqual(0.95)
    expect(figures.inventedPrice).toBeLessThanOrEqual(0.05)
  })

  it('meets the bars on own phrasings', () => {
    const { figures } = score(lines<Labelled>('own-cases.jsonl'), (row) => predict(lexicon, row))
    expect(figures.macroF1).toBeGreaterThanOrEqual(0.9)
    expect(figures.noneFpr).toBeLessThanOrEqual(0.03)
    expect(figures.priceExact).toBeGreaterThanOrEqual(0.95)
  })

  it('reads all price cases', () => {
    const cases = lines<PriceCase>('price-cases.jsonl')
    expect(cases).toHaveLength(123)
    expect(priceCaseFails(lexicon, cases)).toEqual([])
  })
})

describe('own statement', () => {
  it.each([
    ['Forwarded from Deals:\nSelling iPhone 15 $700', 'forwarded'],
    ['> WTS 3080 $400', 'quoted'],
    ['"WTS RTX 3060 $150"', 'quoted'],
    ['for i in $(seq 1 10); do echo $i; done', 'code'],
    ['const price = `$${amount.toFixed(2)}`;', 'code'],
  ])('does not open an intent from %j', (text, flag) => {
    const r = read(text)
    expect(r.intent).toBe('none')
    expect(r.flags).toContain(flag)
  })

  it('takes quotes and strikes from platform entities', () => {
    const text = 'WTS 3080 $400'
    expect(readMessage({ id: 'm', text, entities: [{ kind: 'quote', start: 0, end: text.length }] }, { lexicon }).intent).toBe(
      'none',
    )
    expect(readMessage({ id: 'm', text, entities: [{ kind: 'strike', start: 0, end: text.length }] }, { lexicon }).intent).toBe(
      'none',
    )
    expect(readMessage({ id: 'm', text, forwarded: true }, { lexicon }).intent).toBe('none')
  })

  it('reads the text below a quote', () => {
    expect(read("> WTS 3080 $400\nI'll sell you mine for 370").slots.price?.max).toBe('370')
  })

  it('reads a name in backticks, not the code around it', () => {
    expect(read('WTS `Zowie EC2` $45').intent).toBe('sell')
  })
})

describe('acts', () => {
  it.each([
    ['[SOLD] WTS RTX 3070 $250', 'close'],
    ['still available?', 'interest'],
    ['would you take 250?', 'negotiate'],
    ['bump', 'bump'],
    ['do you ship?', 'question'],
    ['WTS RTX 3070 $250', 'open'],
  ])('%j is %s', (text, act) => {
    expect(read(text).act).toBe(act)
  })
})

describe('contact data', () => {
  it('is masked and never a price', () => {
    const r = read('WTS bike, $90, call 555-123-4567, me@example.org')
    expect(r.slots.price?.max).toBe('90')
    expect(JSON.stringify(r.slots.contact)).not.toContain('555')
    expect(JSON.stringify(r.slots.contact)).not.toContain('me@')
  })
})

describe('properties', () => {
  const words = fc.constantFrom(
    'WTS',
    'selling',
    'bán',
    'куплю',
    'vendo',
    '$',
    '12',
    '1.5k',
    '3tr5',
    '[',
    ']',
    'H',
    'W',
    ':',
    '\n',
    '>',
    '~~',
    '`',
    '"',
    '😀',
    'not',
    '?',
    'sold',
    'iphone',
    '́',
  )
  const texts = fc.oneof(
    fc.string({ maxLength: 300, unit: 'binary' }),
    fc.array(words, { maxLength: 60 }).map((w) => w.join(' ')),
  )

  it('never throws, is deterministic, keeps spans in bounds', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const a = read(text)
        expect(JSON.stringify(a)).toBe(JSON.stringify(read(text)))
        expect(INTENTS).toContain(a.intent)
        expect(a.confidence).toBeGreaterThanOrEqual(0)
        expect(a.confidence).toBeLessThanOrEqual(1)
        const limit = Math.max(text.normalize('NFC').length, text.length)
        for (const e of [...a.trace.evidence, ...a.trace.guards, ...a.trace.price.candidates]) {
          if (!('span' in e) || e.span === undefined) continue
          expect(e.span[0]).toBeLessThanOrEqual(e.span[1])
          expect(e.span[1]).toBeLessThanOrEqual(limit)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('reads amounts back in the listed styles', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 9_999_999 }), fc.constantFrom(',', '.'), (n, sign) => {
        const text = String(n).replace(/\B(?=(\d{3})+$)/gu, sign)
        expect(readPrice(lexicon, `asking €${text}`, 'sell')?.max).toBe(String(n))
      }),
    )
  })
})

describe('adversarial text', () => {
  it.each([
    ['brackets', '['.repeat(4096)],
    ['digits', '1'.repeat(4096)],
    ['spaced digits', '1 '.repeat(2048)],
    ['combining marks', `a${'\u0301'.repeat(4095)}`],
    ['quotes', '> '.repeat(2048)],
    ['strikes', '~~'.repeat(2048)],
    ['backticks', '`a'.repeat(2048)],
    ['cues', 'selling my '.repeat(372)],
    ['money', '$5 for '.repeat(585)],
    ['openers', 'hi hey '.repeat(585)],
    ['slashes', 'select from where '.repeat(227)],
  ])('%s end within the bounds', (_, text) => {
    const r = read(text)
    expect(r.trace.steps).toBeLessThanOrEqual(MAX_STEPS + 1)
  })

  it('cuts long texts and says so', () => {
    expect(read('x '.repeat(5000)).flags).toContain('truncated')
  })
})

describe('lexicon files', () => {
  it('name the file and the place of an error', () => {
    expect(() => compileLexicon({ languages: [{ name: 'xx.yaml', text: 'lang: xx' }], weights: '', taxonomy: '' })).toThrow(
      /xx\.yaml: lang/u,
    )
  })

  it('have cues of every intent in all five languages', () => {
    for (const lang of ['en', 'vi', 'es', 'ru', 'pt']) {
      const intents = new Set(lexicon.patternEntries.flatMap((e) => (e.kind === 'cue' && e.lang === lang ? [e.cue.intent] : [])))
      expect([lang, intents.size]).toEqual([lang, 5])
    }
  })
})
