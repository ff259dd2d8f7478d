import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { converter, parseAmount, revisionChange } from '../../../src/rules/match/index.ts'
import { NOW, price, stored } from './support.ts'

describe('amounts', () => {
  it.each([
    ['400 USD', 400, 'USD'],
    ['$1,200.50', 1200.5, 'USD'],
    ['1.350 €', 1350, 'EUR'],
    ['1.5k eur', 1500, 'EUR'],
    ['15tr', 15e6, 'VND'],
    ['50 тыс', 50_000, 'RUB'],
    ['900usd', 900, 'USD'],
    ['0.0125 BTC', 0.0125, 'BTC'],
    ['usd 40', 40, 'USD'],
    ['250', 250, null],
  ])('%s', (text, value, currency) => {
    expect(parseAmount(text)).toEqual({ value, currency })
  })
  it.each(['', 'cheap', '5 apples', '1e999', '-5', '400 USD EUR', '99999999999999999999'])('%s is none', (text) => {
    expect(parseAmount(text)).toBeUndefined()
  })
  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => void parseAmount(text)))
  })
})

describe('rates', () => {
  it('needs a fresh rate, except for equal currencies, dollar coins and SATS', () => {
    const rates = { base: 'USD', time: NOW, rates: { EUR: 0.8, BTC: 0.00001 } }
    expect(converter(rates, NOW).factor('EUR', 'USD')).toBeCloseTo(1.25)
    expect(converter(rates, NOW).factor('USDT', 'EUR')).toBeCloseTo(0.8)
    expect(converter(rates, NOW + 7 * 86_400_000 + 1).factor('EUR', 'USD')).toBeUndefined()
    expect(converter(undefined, NOW).factor('USDC', 'USD')).toBe(1)
    expect(converter(undefined, NOW).factor('SATS', 'BTC')).toBe(1e-8)
    expect(converter(rates, NOW).factor('constructor', 'USD')).toBeUndefined()
  })
})

describe('revisions', () => {
  it('only a fall of five percent, a reopening or a changed fact is news', () => {
    const at = (n: number, part = {}) => stored('sell', 'dock', { intent_id: 'r', slots: { price: price(n, n) }, ...part })
    expect(revisionChange(at(100), at(96))).toBe('same')
    expect(revisionChange(at(100), at(95))).toBe('price_drop')
    expect(revisionChange(at(100, { status: 'closed' }), at(100))).toBe('reopened')
    expect(revisionChange(at(100), stored('sell', 'dock', { slots: { price: price(100, 100), condition: 'new' } }))).toBe(
      'changed',
    )
  })
})
