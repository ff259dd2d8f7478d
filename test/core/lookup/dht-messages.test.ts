import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import { type Bencode, decodeBencode, encodeBencode } from '../../../src/core/lookup/bencode.ts'
import { decodeDhtAnswer, encodeDhtQuery } from '../../../src/core/lookup/dht-messages.ts'
import { DhtSearch } from '../../../src/core/lookup/dht-search.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'none'
  } catch (error) {
    return isK2Error(error) ? error.code : `foreign: ${String(error)}`
  }
}

describe('bencode', () => {
  const { value } = fc.letrec<{ value: Bencode }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
      fc.uint8Array({ maxLength: 20 }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc
        .array(fc.tuple(fc.string({ unit: 'binary-ascii', maxLength: 5 }), tie('value')), { maxLength: 4 })
        .map((list) => new Map(list)),
    ),
  }))

  test('is read as it was written', () => {
    fc.assert(
      fc.property(value, (v) => {
        expect(decodeBencode(encodeBencode(v))).toEqual(v)
      }),
    )
  })

  test('examples, and what is none', () => {
    expect(
      Buffer.from(
        encodeBencode(
          new Map<string, Bencode>([
            ['b', 1n],
            ['a', [utf8('x')]],
          ]),
        ),
      ).toString(),
    ).toBe('d1:al1:xe1:bi1ee')
    for (const bad of [
      '',
      'i01e',
      'i-0e',
      'ie',
      'i1',
      '2:a',
      '01:a',
      'l',
      'd1:ae',
      'd1:ai1e1:ai1ee',
      'i1ei1e',
      'x',
      `${'l'.repeat(20)}`,
      `i${'9'.repeat(30)}e`,
      `l${'i1e'.repeat(2000)}e`,
    ]) {
      expect([bad.slice(0, 20), codeOf(() => decodeBencode(utf8(bad)))]).toEqual([bad.slice(0, 20), 'LOOKUP_BAD_BENCODE'])
    }
  })
})

describe('messages of the DHT', () => {
  const id = new Uint8Array(20).fill(7)

  test('a question says that it comes from a client', () => {
    const text = Buffer.from(encodeDhtQuery(0x6162, id, { q: 'get', target: new Uint8Array(20).fill(65) })).toString('latin1')
    expect(text).toBe(`d1:ad2:id20:${'\x07'.repeat(20)}6:target20:${'A'.repeat(20)}e1:q3:get2:roi1e1:t2:ab1:y1:qe`)
  })

  test('answers, refusals, and questions of others', () => {
    const nodes = Uint8Array.of(...new Array(20).fill(9), 127, 0, 0, 1, 1, 2)
    const answer = (r: Map<string, Bencode>): Uint8Array =>
      encodeBencode(
        new Map<string, Bencode>([
          ['t', utf8('ab')],
          ['y', utf8('r')],
          ['r', r],
        ]),
      )
    expect(
      decodeDhtAnswer(
        answer(
          new Map<string, Bencode>([
            ['id', id],
            ['nodes', nodes],
            ['token', utf8('t')],
          ]),
        ),
      ),
    ).toEqual({
      type: 'answer',
      transaction: 0x6162,
      id,
      nodes: [{ id: new Uint8Array(20).fill(9), addr: '127.0.0.1:258' }],
      token: utf8('t'),
      item: undefined,
    })
    const item = new Map<string, Bencode>([
      ['id', id],
      ['k', new Uint8Array(32)],
      ['seq', 5n],
      ['sig', new Uint8Array(64)],
      ['v', utf8('v')],
    ])
    expect(decodeDhtAnswer(answer(item))).toMatchObject({ item: { seq: 5n } })
    for (const [name, value] of [
      ['k', new Uint8Array(31)],
      ['seq', -1n],
      ['sig', 1n],
      ['v', new Uint8Array(1001)],
    ] as [string, Bencode][]) {
      expect(decodeDhtAnswer(answer(new Map(item).set(name, value)))).toMatchObject({ item: undefined })
    }
    const refusal = new Map<string, Bencode>([
      ['t', utf8('ab')],
      ['y', utf8('e')],
      ['e', [302n, utf8('old')]],
    ])
    expect(decodeDhtAnswer(encodeBencode(refusal))).toEqual({ type: 'refusal', transaction: 0x6162, code: 302 })
    expect(decodeDhtAnswer(encodeDhtQuery(1, id, { q: 'find_node', target: id }))).toBeUndefined()
    for (const bad of [
      answer(new Map()),
      answer(
        new Map<string, Bencode>([
          ['id', id],
          ['nodes', utf8('x')],
        ]),
      ),
      utf8('i1e'),
      utf8('le'),
      new Uint8Array(3000),
    ]) {
      expect(codeOf(() => decodeDhtAnswer(bad))).toMatch(/^LOOKUP_BAD_(RPC|BENCODE)$/)
    }
  })
})

describe('a walk', () => {
  const nodeOf = (n: number) => ({ id: Uint8Array.of(n, ...new Array(19).fill(0)), addr: `10.0.0.${n}:1` })

  test('goes towards the target, a few nodes at a time, and ends at the nearest', () => {
    // Node n knows the nodes n/2 and n-1 … n-4: nearer to 0.
    const search = new DhtSearch(new Uint8Array(20), [nodeOf(200)])
    let asked = 0
    for (let batch = search.next(); batch.length > 0; batch = search.next()) {
      expect(batch.length).toBeLessThanOrEqual(4)
      for (const { id, addr } of batch) {
        asked++
        const n = id[0] as number
        if (n === 3) search.failed(addr)
        else search.answered(addr, id, utf8('t'), [n >> 1, n - 1, n - 2, n - 3, n - 4].filter((m) => m > 0).map(nodeOf))
      }
    }
    expect(search.found().map(({ node }) => node.id[0])).toEqual([1, 2, 4, 5, 6, 7, 8, 9])
    expect(asked).toBeLessThan(60)
  })

  test('strangers who name node after node are not followed for ever', () => {
    const search = new DhtSearch(new Uint8Array(20), [{ id: new Uint8Array(20).fill(255), addr: '1.1.1.1:1' }])
    let asked = 0
    for (let batch = search.next(); batch.length > 0; batch = search.next()) {
      for (const { addr } of batch) {
        asked++
        const nearer = Array.from({ length: 30 }, (_, i) => ({
          id: Uint8Array.of(255 - (asked % 250), ...new Array(19).fill(i)),
          addr: `1.${asked}.1.${i}:1`,
        }))
        search.answered(addr, new Uint8Array(20).fill(254), undefined, nearer)
      }
    }
    expect(asked).toBeLessThanOrEqual(80)
  })
})
