import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isK2Error } from '../../../src/base/errors.ts'
import { decodeDocTicket } from '../../../src/core/docs/proto/doc-ticket.ts'
import { entryId, type SignedEntry } from '../../../src/core/docs/proto/entry.ts'
import { decodeGossipOp, encodeGossipOp } from '../../../src/core/docs/proto/gossip-op.ts'
import { decodeHeads } from '../../../src/core/docs/proto/heads.ts'
import { decodeSyncFrame, encodeSyncFrame } from '../../../src/core/docs/proto/message.ts'
import { decodePolicy, parseKeyFilter, printKeyFilter, wantsContent } from '../../../src/core/docs/proto/policy.ts'
import { openingMessage } from '../../../src/core/docs/reconcile.ts'
import { Replica } from '../../../src/core/docs/replica.ts'
import { signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import { AUTHOR, complete, entryOf, NAMESPACE, step, strict, T, tombstone } from './entries.ts'

const OTHER = signerOfSeed(new Uint8Array(32).fill(9))
const replica = (...entries: SignedEntry[]): Replica => {
  const r = new Replica(NAMESPACE.publicKey)
  for (const entry of entries) r.put(entry)
  return r
}
const keys = (r: Replica): string[] => [...r.index.rows()].map(({ entry }) => new TextDecoder().decode(entry.id.subarray(64)))

describe('which value of a slot stays', () => {
  it('the later one; of equally old ones that with the larger hash; the same one changes nothing', () => {
    const [one, two] = [entryOf('k', '1', T), entryOf('k', '2', T)]
    const [larger, smaller] = one.hash > two.hash ? [one, two] : [two, one]
    const big = larger.hash.toString() > smaller.hash.toString() ? larger : smaller
    const r = replica(entryOf('k', '0', T - 1n))
    expect(r.put(one)).toMatchObject({ kind: 'inserted' })
    expect(r.put(one)).toMatchObject({ kind: 'refused' })
    expect(r.put(entryOf('k', 'old', T - 2n))).toMatchObject({ kind: 'refused' })
    expect(r.index.size).toBe(1)
    expect(big.id).toEqual(one.id)
  })

  it('a key takes older ones away that begin with it, of the same author only', () => {
    const r = replica(
      entryOf('foobar', '1', T),
      entryOf('foo/x', '1', T + 5n),
      entryOf('foobar', '1', T, NAMESPACE, OTHER),
      entryOf('fop', '1', T),
    )
    const outcome = r.put(entryOf('foo', '2', T + 1n))
    expect(outcome).toMatchObject({ kind: 'inserted', removed: [{ entry: { timestamp: T } }] })
    expect(keys(r).sort()).toEqual(['foo', 'foo/x', 'foobar', 'fop'])
  })

  it('nothing older comes back under a deletion, something newer does', () => {
    const r = replica(entryOf('a/b', '1', T))
    r.put(tombstone('a', T + 1n))
    expect(r.put(entryOf('a/b', '1', T))).toMatchObject({ kind: 'refused' })
    expect(r.put(entryOf('a', '1', T))).toMatchObject({ kind: 'refused' })
    expect(r.put(entryOf('a/b', '2', T + 2n))).toMatchObject({ kind: 'inserted' })
    expect(keys(r)).toEqual(['a', 'a/b'])
  })

  it('the empty key stands above all keys of its author', () => {
    const r = replica(entryOf('', '1', T))
    expect(r.put(entryOf('x', '1', T - 1n))).toMatchObject({ kind: 'refused' })
    expect(r.put(entryOf('x', '1', T + 1n))).toMatchObject({ kind: 'inserted' })
    expect(r.put(tombstone('', T + 2n))).toMatchObject({ kind: 'inserted' })
    expect(r.index.size).toBe(1)
  })

  it('keys of 255s do not reach beyond themselves', () => {
    const key = (...bytes: number[]): SignedEntry => ({
      ...entryOf('x', '1', T),
      id: entryId(NAMESPACE.publicKey, AUTHOR.publicKey, Uint8Array.from(bytes)),
    })
    const r = replica(key(2), { ...key(255), timestamp: T - 1n }, key(255, 255))
    r.put({ ...key(1, 255), timestamp: T + 1n })
    expect(r.index.size).toBe(4)
    r.put({ ...key(255), timestamp: T + 1n })
    expect(r.index.size).toBe(3)
  })

  it('agrees with a search through everything', () => {
    const short = fc.uint8Array({ maxLength: 5, max: 2 })
    fc.assert(
      fc.property(fc.array(fc.tuple(short, fc.nat({ max: 8 })), { maxLength: 40 }), (list) => {
        const r = replica()
        let naive: { key: Uint8Array; time: bigint }[] = []
        const base = entryOf('x', '1', T)
        for (const [key, t] of list) {
          const time = T + BigInt(t)
          const isPrefix = (a: Uint8Array, b: Uint8Array): boolean => a.length <= b.length && a.every((v, i) => v === b[i])
          const refused = naive.some((p) => isPrefix(p.key, key) && p.time >= time)
          const kind = r.put({ ...base, id: entryId(NAMESPACE.publicKey, AUTHOR.publicKey, key), timestamp: time }).kind
          expect(kind).toBe(refused ? 'refused' : 'inserted')
          if (!refused) naive = [...naive.filter((d) => !isPrefix(key, d.key) || d.time > time), { key, time }]
        }
        expect(r.index.size).toBe(naive.length)
      }),
      { numRuns: 500 },
    )
  })
})

describe('what strangers send', () => {
  const now = T
  const judge = { now, verify: strict }
  const offered = (entry: SignedEntry, r = replica()): unknown => {
    const outcome = r.offer(entry, judge)
    return outcome.kind === 'invalid' ? outcome.fault : outcome.kind
  }
  const good = entryOf('k', 'v', T)

  it.each([
    ['nothing wrong', good, 'inserted'],
    ['another document', entryOf('k', 'v', T, OTHER), 'foreign-namespace'],
    ['forged by an author', { ...good, authorSignature: new Uint8Array(64).fill(1) }, 'bad-signature'],
    ['forged for the document', { ...good, namespaceSignature: good.authorSignature }, 'bad-signature'],
    [
      'signatures exchanged',
      { ...good, authorSignature: good.namespaceSignature, namespaceSignature: good.authorSignature },
      'bad-signature',
    ],
    ['exactly ten minutes ahead', entryOf('k', 'v', now + 600_000_000n), 'inserted'],
    ['more than ten minutes ahead', entryOf('k', 'v', now + 600_000_001n), 'future'],
    ['the end of time', { ...good, timestamp: 0xffff_ffff_ffff_ffffn }, 'future'],
    ['no content but a length', { ...tombstone('k', T), len: 3n }, 'inconsistent-empty'],
    ['content without length', { ...good, len: 0n }, 'inconsistent-empty'],
    [
      'a small-order author',
      {
        ...good,
        id: entryId(NAMESPACE.publicKey, Uint8Array.of(1, ...new Uint8Array(31)), Uint8Array.of(1)),
        authorSignature: Uint8Array.of(1, ...new Uint8Array(63)),
      },
      'bad-signature',
    ],
  ] as readonly (readonly [string, SignedEntry, string])[])('%s', (_, entry, expected) => {
    expect(offered(entry)).toBe(expected)
  })

  it('invalid values are skipped, counted, and leave no trace in heads', () => {
    const r = replica()
    const result = step(r, [
      {
        kind: 'items',
        range: { x: good.id, y: good.id },
        values: [{ ...good, authorSignature: new Uint8Array(64) }, entryOf('later', 'v', T + 9_999_999_999n), good].map(
          (entry) => ({ entry, status: 'complete' as const }),
        ),
        haveLocal: true,
      },
    ])
    expect(result.invalid).toEqual(['bad-signature', 'future'])
    expect(result.received).toBe(3)
    expect([...result.heads.values()]).toEqual([T])
    expect(r.index.size).toBe(1)
  })

  it('forged old entries make us repeat nothing', () => {
    const r = replica(tombstone('k', T + 5n))
    const forged = { ...good, authorSignature: new Uint8Array(64) }
    const message = (entry: SignedEntry) => [
      {
        kind: 'items' as const,
        range: { x: good.id, y: good.id },
        values: [{ entry, status: 'complete' as const }],
        haveLocal: true,
      },
    ]
    expect(step(r, message(forged)).reply).toBeUndefined()
    expect(step(r, message(good)).reply).toMatchObject([
      { kind: 'items', haveLocal: true, rows: [{ entry: { timestamp: T + 5n } }] },
    ])
  })
})

describe('decoders', () => {
  const valid = [
    encodeSyncFrame({ kind: 'sync', message: openingMessage(replica(entryOf('a', '1', T))) }),
    encodeSyncFrame({
      kind: 'sync',
      message: complete([
        {
          kind: 'items',
          range: { x: new Uint8Array(64), y: new Uint8Array(64) },
          rows: [...replica(entryOf('a', '1', T)).index.rows()],
          haveLocal: false,
        },
      ]),
    }),
    encodeGossipOp({ kind: 'put', entry: entryOf('a', '1', T) }),
  ]
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.tuple(fc.constantFrom(...valid), fc.nat({ max: 400 }), fc.nat({ max: 255 })).map(([v, at, value]) => {
      const copy = v.slice()
      if (at < copy.length) copy[at] = value
      return copy
    }),
    fc.tuple(fc.constantFrom(...valid), fc.nat({ max: 400 })).map(([v, end]) => v.slice(0, end)),
  )
  it.each([
    ['frames', (b: Uint8Array) => decodeSyncFrame(b)],
    ['notices', (b: Uint8Array) => decodeGossipOp(b)],
    ['heads', (b: Uint8Array) => decodeHeads(b)],
    ['policies', (b: Uint8Array) => decodePolicy(b)],
    ['tickets', (b: Uint8Array) => decodeDocTicket(`doc${Buffer.from(b).toString('latin1')}`)],
  ] as const)('of %s throw nothing but our errors', (_, decode) => {
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          decode(input)
        } catch (error) {
          if (!isK2Error(error)) throw error
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('a claimed count costs no memory', () => {
    expect(() => decodeSyncFrame(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x0f))).toThrow(
      expect.objectContaining({ code: 'WIRE_TRUNCATED' }),
    )
  })
})

describe('download policies', () => {
  it('by prefix and by key', () => {
    const filters = [parseKeyFilter('prefix:utf8:notes/'), parseKeyFilter('exact:hex:00ff')]
    expect(filters.map(printKeyFilter)).toEqual(['prefix:utf8:notes/', 'exact:hex:00ff'])
    const key = (text: string): Uint8Array => new TextEncoder().encode(text)
    expect(wantsContent({ kind: 'nothing-except', filters }, key('notes/a'))).toBe(true)
    expect(wantsContent({ kind: 'nothing-except', filters }, key('note'))).toBe(false)
    expect(wantsContent({ kind: 'everything-except', filters }, Uint8Array.of(0, 255))).toBe(false)
    expect(wantsContent({ kind: 'everything-except', filters }, Uint8Array.of(0, 255, 1))).toBe(true)
  })
})
