import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSources } from '../../../scripts/eval.ts'
import { WORDING_CLASSES, Wording } from '../../../src/rules/lexicon/wording.ts'
import { compileLexicon, readMessage } from '../../../src/rules/reading/index.ts'
import { shippedLexicon } from '../support/lexicon.ts'

const { wording: _, ...bare } = readSources()
const cuesAlone = compileLexicon(bare)
const read = (text: string, lexicon = shippedLexicon()) => readMessage({ id: 'm', text }, { lexicon })

describe('wording', () => {
  it('is heard where no cue tells an offer, and says so in the trace', () => {
    const text = 'We are closing our office at 44 Fenchurch St and have 14 ergonomic chairs to dispose of at £85 + VAT per chair'
    expect(read(text, cuesAlone).intent).toBe('none')
    const heard = read(text)
    expect(heard.intent).toBe('sell')
    expect(heard.slots.price).toMatchObject({ min: '85', currency: 'GBP' })
    expect(heard.trace.evidence.some((e) => e.why === 'wording' && e.intent === 'sell')).toBe(true)
    expect(heard.score).toBeGreaterThanOrEqual(4)
  })

  it('tells talk from an offer in spite of a cue', () => {
    const text = 'For sale signs are popping up all over our street, makes me a bit nervous'
    expect(read(text, cuesAlone).intent).toBe('sell')
    const heard = read(text)
    expect(heard.intent).toBe('none')
    expect(heard.score).toBeLessThan(4)
    expect(heard.trace.guards.some((g) => g.kind === 'wording' && g.applied)).toBe(true)
  })

  it('changes nothing of a veto', () => {
    const text = '[SOLD] RTX 3080, $380 shipped'
    expect(read(text).intent).toBe('none')
    expect(read(text).act).toBe('close')
  })

  const table = (signs: readonly number[], weights: readonly number[]) => ({
    version: 2 as const,
    step: 0.1,
    bias: [0, 0, 0, 0, 0, 0],
    vote: 1,
    silence: 0,
    signs: Buffer.from(Int32Array.from(signs).buffer).toString('base64'),
    weights: Buffer.from(Int8Array.from(weights).buffer).toString('base64'),
  })

  it('counts every sign once, whatever the reading before was', () => {
    const wording = new Wording(table([7], [0, 40, 0, 0, 0, 0]))
    for (let reading = 0; reading < 70_000; reading++) {
      wording.begin()
      wording.add(7)
      wording.add(7)
      if (reading % 997 === 0 || reading > 65_500) expect(wording.end()).toEqual([0, 4, 0, 0, 0, 0])
    }
  })

  it('lets every sign speak for itself alone, however many there are', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }), { minLength: 1, maxLength: 3_000 }),
        (all) => {
          const known = all.filter((_, k) => k % 2 === 0)
          const wording = new Wording(
            table(
              known,
              known.flatMap((_, k) => WORDING_CLASSES.map((_, c) => ((k + c) % 250) - 125)),
            ),
          )
          for (const sign of all) {
            wording.begin()
            wording.add(sign)
            const k = known.indexOf(sign)
            expect(wording.end()).toEqual(WORDING_CLASSES.map((_, c) => (k < 0 ? 0 : (((k + c) % 250) - 125) * 0.1)))
          }
        },
      ),
      { numRuns: 20 },
    )
  })

  it('is refused when it is not what training writes', () => {
    const short = JSON.stringify({ ...table([1, 2], [1, 2, 3, 4, 5, 6]) })
    for (const wording of [
      '{}',
      '{"version":2,"step":0,"bias":[0],"vote":1,"silence":0,"signs":"","weights":""}',
      '{"version":2',
      short,
    ])
      expect(() => compileLexicon({ ...bare, wording })).toThrow(expect.objectContaining({ code: 'LEXICON_INVALID' }))
  })

  it('names the thing a story is about, not how the story begins', () => {
    const heard = read(
      'I leave Lyon on the 3rd and this cannot come with me: Bosch washing machine, 120 euros, third floor with lift',
    )
    expect(heard.intent).toBe('sell')
    expect(heard.slots.item?.text).toMatch(/washing machine/u)
    expect(heard.topic?.slug).toBe('home')
  })
})
