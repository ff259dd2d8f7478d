import { describe, expect, it } from 'vitest'
import { readSources } from '../../../scripts/eval.ts'
import { rowOf, WORDING_CLASSES, WORDING_ROWS, Wording } from '../../../src/rules/lexicon/wording.ts'
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

  it('counts every sign once, whatever the reading before was', () => {
    const bytes = Buffer.alloc(WORDING_ROWS * WORDING_CLASSES.length)
    bytes.writeInt8(40, rowOf(7) * WORDING_CLASSES.length + 1)
    const wording = new Wording({
      version: 1,
      step: 0.1,
      bias: [0, 0, 0, 0, 0, 0],
      vote: 1,
      silence: 0,
      weights: bytes.toString('base64'),
    })
    for (let reading = 0; reading < 70_000; reading++) {
      wording.begin()
      wording.add(7)
      wording.add(7)
      if (reading % 997 === 0 || reading > 65_500) expect(wording.end()).toEqual([0, 4, 0, 0, 0, 0])
    }
  })

  it('is refused when it is not what training writes', () => {
    for (const wording of ['{}', '{"version":1,"step":0,"bias":[0],"vote":1,"silence":0,"weights":""}', '{"version":1'])
      expect(() => compileLexicon({ ...bare, wording })).toThrow(expect.objectContaining({ code: 'LEXICON_INVALID' }))
  })
})
