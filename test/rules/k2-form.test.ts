import { describe, expect, it } from 'vitest'
import { k2Form, readMessage } from '../../src/rules/reading/index.ts'
import { shippedLexicon } from './support/lexicon.ts'

const form = (text: string) => k2Form(readMessage({ id: 'm', text }, { lexicon: shippedLexicon() }), text)

describe('K2 form', () => {
  it('maps sides and topics', () => {
    expect(form('WTS ThinkPad X1 Carbon, $700 shipped')).toMatchObject({
      topic: 'Goods',
      action: 'sell',
      priceRange: { min: 700, max: 700, currency: 'USD' },
    })
    expect(form('[Hiring] logo designer, budget $150')).toMatchObject({
      topic: 'Freelance Job',
      action: 'buy',
      priceRange: { min: 0, max: 150 },
    })
    expect(form('good morning')).toBeUndefined()
  })

  it('writes stable coins as dollars, satoshi as bitcoin, and keeps the true price in words', () => {
    expect(form('WTS steam key, 20 USDT')).toMatchObject({ priceRange: { min: 20, max: 20, currency: 'USD' } })
    expect(form('WTS steam key, 20 USDT')?.description).toMatch(/^Price: 20 USDT\n/u)
    expect(form('WTS steam key, 25k sats')).toMatchObject({ priceRange: { min: 0.00025, max: 0.00025, currency: 'BTC' } })
  })
})
