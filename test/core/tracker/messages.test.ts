import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import { seededRng } from '../../../src/base/random.ts'
import { parseHash } from '../../../src/core/ids.ts'
import { topicIdOfName, trackerHashOf } from '../../../src/core/k2/topics.ts'
import { endpointAddr } from '../../../src/core/keys/address.ts'
import { createVerifier } from '../../../src/core/keys/ed25519.ts'
import { identityOfSeed } from '../../../src/core/keys/identity.ts'
import {
  announceBytes,
  type Content,
  decodeRow,
  decodeTrackerRequest,
  decodeTrackerResponse,
  encodeRow,
  encodeTrackerRequest,
  encodeTrackerResponse,
  isGenuine,
  type SignedAnnounce,
  signAnnounce,
} from '../../../src/core/tracker/messages.ts'
import { isTimely, rankHosts } from '../../../src/core/tracker/rows.ts'

const identity = identityOfSeed(new Uint8Array(32).fill(1))
const content: Content = { hash: trackerHashOf(topicIdOfName('laptops')), format: 'raw' }
const TIMESTAMP = 1_750_000_000_000_000n
const NOW = 1_750_000_000_000
const verify = createVerifier()
const signed = signAnnounce(identity, { content, kind: 'complete', timestamp: TIMESTAMP })

const PREIMAGE =
  '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c4f0a9ea759c2fca430ce88fd6aa524a2031f5c617067965a2235eb041be29fa6000180c0ed82daf38d03'
const SIGNATURE =
  'cb6900b22a9aed717e39f193922714c2acdf4d1adabcf4f155fb89deb166399a7eb1694414a22cb679ece18d112fa996ab7591cbaf991fda19c625f57e21a009'
const HASH = '4f0a9ea759c2fca430ce88fd6aa524a2031f5c617067965a2235eb041be29fa6'

const ours = (work: () => unknown): void => {
  try {
    work()
  } catch (error) {
    if (!isK2Error(error)) throw error
  }
}

describe('messages of the tracker', () => {
  it('are those of the specification', () => {
    expect(content.hash).toBe(HASH)
    expect(toHex(announceBytes(signed))).toBe(PREIMAGE)
    expect(toHex(signed.signature)).toBe(SIGNATURE)
    const announce = encodeTrackerRequest({ type: 'announce', announce: signed })
    expect(toHex(announce)).toBe(`00${PREIMAGE}${SIGNATURE}`)
    expect(announce).toHaveLength(139)
    const plain = encodeTrackerRequest({ type: 'query', query: { content, complete: false, verified: false } })
    expect(toHex(plain)).toBe(`01${HASH}000000`)
    const strict = encodeTrackerRequest({ type: 'query', query: { content, complete: true, verified: true } })
    expect(toHex(strict)).toBe(`01${HASH}000101`)
    expect(toHex(encodeTrackerResponse([]))).toBe('0000')
    expect(toHex(encodeTrackerResponse([signed]))).toBe(`0001${PREIMAGE}${SIGNATURE}`)
    expect(encodeTrackerResponse(Array.from({ length: 118 }, () => signed))).toHaveLength(16_286)
  })

  it('are read back as they were written', () => {
    for (const request of [
      { type: 'announce', announce: signed } as const,
      { type: 'query', query: { content, complete: false, verified: true } } as const,
    ]) {
      expect(decodeTrackerRequest(encodeTrackerRequest(request))).toEqual(request)
    }
    expect(decodeTrackerResponse(encodeTrackerResponse([signed, signed]))).toEqual({ rows: [signed, signed], seen: [] })
    expect(decodeRow(encodeRow(signed))).toEqual(signed)
  })

  it('are refused when cut, continued or of unknown kinds', () => {
    const bytes = encodeTrackerRequest({ type: 'announce', announce: signed })
    for (let cut = 0; cut < bytes.length; cut++) expect(() => decodeTrackerRequest(bytes.subarray(0, cut))).toThrow()
    expect(() => decodeTrackerRequest(Uint8Array.of(...bytes, 0))).toThrow(
      expect.objectContaining({ code: 'WIRE_TRAILING_BYTES' }),
    )
    for (const at of [0, 65, 66]) {
      const changed = bytes.slice()
      changed[at] = 9
      expect(() => decodeTrackerRequest(changed)).toThrow(expect.objectContaining({ code: 'WIRE_UNKNOWN_VARIANT' }))
    }
    expect(decodeTrackerResponse(fromHex(`0001${PREIMAGE}${SIGNATURE}ffff`)).rows).toHaveLength(1)
  })

  it('carry where hosts were seen behind the rows, as far as Rust clients read on', () => {
    const addr = endpointAddr(signed.host, [], ['10.0.0.1:4433', '[2001:db8::1]:1'])
    const bytes = encodeTrackerResponse([signed], [addr])
    expect(decodeTrackerResponse(bytes)).toEqual({ rows: [signed], seen: [addr] })
    const plain = encodeTrackerResponse([signed])
    expect(bytes.subarray(0, plain.length)).toEqual(plain)
    const rows = Array.from({ length: 110 }, () => signed)
    const full = encodeTrackerResponse(
      rows,
      Array.from({ length: 110 }, () => addr),
    )
    expect(full.length).toBeLessThanOrEqual(16_384)
    expect(decodeTrackerResponse(full).seen.length).toBeGreaterThan(5)
    expect(
      encodeTrackerResponse(
        Array.from({ length: 118 }, () => signed),
        [addr, addr, addr],
      ).length,
    ).toBeLessThanOrEqual(16_384)
  })

  it('throw nothing but our errors on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        ours(() => decodeTrackerRequest(bytes))
        ours(() => decodeTrackerResponse(bytes))
        ours(() => decodeRow(bytes))
      }),
      { numRuns: 3000 },
    )
  })

  it('are signed over the canonical bytes: any change is noticed, a padded varint too', () => {
    expect(isGenuine(signed, verify)).toBe(true)
    expect(isGenuine({ ...signed, timestamp: TIMESTAMP + 1n }, verify)).toBe(false)
    expect(isGenuine({ ...signed, kind: 'partial' }, verify)).toBe(false)
    expect(isGenuine({ ...signed, host: identityOfSeed(new Uint8Array(32).fill(2)).id }, verify)).toBe(false)
    const padded = fromHex(`00${PREIMAGE.replace(/03$/, '8300')}${SIGNATURE}`)
    const read = decodeTrackerRequest(padded)
    expect(read.type === 'announce' && isGenuine(read.announce, verify)).toBe(true)
    expect(read.type === 'announce' && toHex(announceBytes(read.announce))).toBe(PREIMAGE)
  })
})

describe('hosts of an answer', () => {
  const rowOf = (seed: number, change: Partial<SignedAnnounce> = {}): SignedAnnounce => {
    const { kind = 'complete', timestamp = TIMESTAMP, content: what = content } = change
    return signAnnounce(identityOfSeed(new Uint8Array(32).fill(seed)), { content: what, kind, timestamp })
  }
  const rank = (rows: readonly SignedAnnounce[], seed = 1): string[] =>
    rankHosts(rows, { me: identity.id, hash: content.hash, verify, now: NOW, rng: seededRng(seed) })

  it('are genuine, timely, about the topic, others than ourselves, and each once', () => {
    const good = rowOf(2)
    const rows = [
      good,
      rowOf(2, { kind: 'partial' }),
      signed,
      { ...rowOf(3), signature: good.signature },
      rowOf(4, { timestamp: BigInt(NOW - 12 * 3600_000 - 1) * 1000n }),
      rowOf(5, { timestamp: BigInt(NOW + 600_001) * 1000n }),
      rowOf(6, { content: { hash: parseHash('ab'.repeat(32)), format: 'raw' } }),
    ]
    expect(rank(rows)).toEqual([good.host])
  })

  it('come fresh before old, and otherwise in an order that no tracker chooses', () => {
    const fresh = Array.from({ length: 8 }, (_, i) => rowOf(10 + i))
    const old = Array.from({ length: 4 }, (_, i) => rowOf(30 + i, { timestamp: TIMESTAMP - 5n * 3_600_000_000n }))
    const ranked = rank([...old, ...fresh])
    expect(new Set(ranked.slice(0, 8))).toEqual(new Set(fresh.map((row) => row.host)))
    expect(ranked).toHaveLength(12)
    const orders = new Set([1, 2, 3, 4].map((seed) => rank(fresh, seed).join()))
    expect(orders.size).toBeGreaterThan(1)
  })

  it('may be 12 hours old and ten minutes ahead, on the edge', () => {
    expect(isTimely(BigInt(NOW - 12 * 3600_000) * 1000n, NOW)).toBe(true)
    expect(isTimely(BigInt(NOW - 12 * 3600_000) * 1000n - 1n, NOW)).toBe(false)
    expect(isTimely(BigInt(NOW + 600_000) * 1000n, NOW)).toBe(true)
    expect(isTimely(BigInt(NOW + 600_001) * 1000n, NOW)).toBe(false)
  })
})
