import { beforeAll, beforeEach, expect, test } from 'vitest'
import { cryptoRng, seededRng } from '../../../src/base/random.ts'
import { hashOf } from '../../../src/core/ids.ts'
import { createVerifier } from '../../../src/core/keys/ed25519.ts'
import { type Identity, identityOfSeed, newIdentity } from '../../../src/core/keys/identity.ts'
import {
  type AnnounceKind,
  type Content,
  encodeTrackerResponse,
  type SignedAnnounce,
  signAnnounce,
} from '../../../src/core/tracker/messages.ts'
import { TrackerStore } from '../../../src/core/tracker/tracker-store.ts'

const NOW = 1_750_000_000_000
const HOUR = 3600_000
const contentOf = (n: number): Content => ({ hash: hashOf(new Uint8Array(32).fill(n)), format: 'raw' })
const content = contentOf(1)
const host = (n: number): Identity => identityOfSeed(new Uint8Array(32).fill(n))
const row = (from: Identity, at: number, what = content, kind: AnnounceKind = 'complete'): SignedAnnounce =>
  signAnnounce(from, { content: what, kind, timestamp: BigInt(at) * 1000n })
const asked = (what = content, complete = false, verified = false) => ({ content: what, complete, verified })

let crowd: SignedAnnounce[]
beforeAll(() => {
  crowd = Array.from({ length: 300 }, () => row(newIdentity(cryptoRng), NOW))
})

let store: TrackerStore
beforeEach(() => {
  store = new TrackerStore({ verify: createVerifier(), rng: seededRng(1) })
})

test('replaces a row by a strictly newer one only', () => {
  const a = host(1)
  expect(store.announce(row(a, NOW), NOW)).toBe(true)
  expect(store.announce(row(a, NOW - 1), NOW)).toBe(false)
  expect(store.announce(row(a, NOW), NOW)).toBe(false)
  expect(store.announce(row(a, NOW + 1), NOW)).toBe(true)
  expect(store.size).toBe(1)
  expect(store.query(asked(), NOW)[0]?.timestamp).toBe(BigInt(NOW + 1) * 1000n)
})

test('refuses forged and untimely announcements, takes forwarded ones', () => {
  const genuine = row(host(1), NOW)
  const forged = { ...genuine, host: host(2).id }
  expect(() => store.announce(forged, NOW)).toThrow(expect.objectContaining({ code: 'TRACKER_BAD_SIGNATURE' }))
  for (const at of [NOW - 12 * HOUR - 1, NOW + 10 * 60_000 + 1]) {
    expect(() => store.announce(row(host(1), at), NOW)).toThrow(expect.objectContaining({ code: 'TRACKER_BAD_TIME' }))
  }
  expect(() => store.announce({ ...genuine, timestamp: 2n ** 64n - 1n }, NOW)).toThrow(
    expect.objectContaining({ code: 'TRACKER_BAD_TIME' }),
  )
  expect(store.announce(genuine, NOW)).toBe(true)
})

test('answers by hash whatever the format, by kind when asked, and never claims to have probed', () => {
  store.announce(row(host(1), NOW), NOW)
  store.announce(row(host(2), NOW, { ...content, format: 'hash-seq' }, 'partial'), NOW)
  expect(store.query(asked(), NOW)).toHaveLength(2)
  expect(store.query(asked(content, true), NOW).map((r) => r.host)).toEqual([host(1).id])
  expect(store.query(asked(content, false, true), NOW)).toEqual([])
  expect(store.query(asked(contentOf(9)), NOW)).toEqual([])
})

test('forgets after twelve hours', () => {
  store.announce(row(host(1), NOW), NOW)
  expect(store.query(asked(), NOW + 12 * HOUR)).toHaveLength(1)
  expect(store.query(asked(), NOW + 12 * HOUR + 1)).toHaveLength(0)
  expect(store.sweep(NOW + 12 * HOUR)).toBe(0)
  expect(store.sweep(NOW + 12 * HOUR + 1)).toBe(1)
  expect([store.size, store.hosts, store.contents]).toEqual([0, 0, 0])
})

test('an answer fits what Rust clients read, and over many answers everybody is named', () => {
  for (const one of crowd) store.announce(one, NOW)
  const seen = new Map<string, number>()
  for (let i = 0; i < 100; i++) {
    const rows = store.query(asked(), NOW)
    expect(rows).toHaveLength(118)
    if (i === 0) expect(encodeTrackerResponse(rows).length).toBeLessThanOrEqual(16_384)
    for (const { host: id } of rows) seen.set(id, (seen.get(id) ?? 0) + 1)
  }
  expect(seen.size).toBe(300)
  expect(Math.min(...seen.values())).toBeGreaterThan(15)
})

test('one host, one content and all together are bounded; the oldest go', () => {
  const small = new TrackerStore({
    verify: createVerifier(),
    rng: seededRng(1),
    limits: { perHost: 3, perContent: 10, total: 12 },
  })
  const a = host(1)
  for (let i = 0; i < 5; i++) small.announce(row(a, NOW, contentOf(10 + i)), NOW)
  expect([small.size, small.query(asked(contentOf(10)), NOW), small.query(asked(contentOf(14)), NOW).length]).toEqual([3, [], 1])
  for (const one of crowd.slice(0, 11)) small.announce(one, NOW)
  expect(small.query(asked(), NOW)).toHaveLength(10)
  expect(small.size).toBe(12)
})
