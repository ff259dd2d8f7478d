import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listenChanges } from '../../../src/gateway/db/listen-text.ts'

describe('listenChanges', () => {
  it.each([
    ['LISTEN jobs', ['jobs'], []],
    ['-- first\n/* second; LISTEN no */\n  listen Jobs;', ['jobs'], []],
    ['listen "Jobs ""x"""', ['Jobs "x"'], []],
    ['select 1; listen a; listen b', ['a', 'b'], []],
    ['unlisten a; listen b', ['b'], ['a']],
    ['UNLISTEN *', [], ['*']],
    ["select 'a; listen b'", [], []],
    ["select E'a\\'; listen b'", [], []],
    ['select $$; listen b$$; listen c', ['c'], []],
    ['select $t$; listen $$b$t$; listen c', ['c'], []],
    ['select listen from t', [], []],
    ['listen', [], []],
    ['listen größe', ['größe'], []],
    ['', [], []],
  ])('reads %j', (text, listen, unlisten) => {
    expect(listenChanges(text)).toEqual({ listen, unlisten })
  })

  it('never throws and always ends', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => void listenChanges(text)))
  })
})
