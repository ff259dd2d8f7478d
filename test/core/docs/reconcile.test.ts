import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, toHex } from '../../../src/base/bytes.ts'
import { below, seededRng } from '../../../src/base/random.ts'
import { rangeFingerprint } from '../../../src/core/docs/entry-index.ts'
import { entryId, type SignedEntry } from '../../../src/core/docs/proto/entry.ts'
import { decodeSyncFrame, encodeSyncFrame, type SyncMessage } from '../../../src/core/docs/proto/message.ts'
import { openingMessage, spansOf } from '../../../src/core/docs/reconcile.ts'
import { Replica } from '../../../src/core/docs/replica.ts'
import { signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import { AUTHOR, complete, entryOf, frames, NAMESPACE, step, T, tombstone, trusting } from './entries.ts'
import { UpstreamReplica } from './upstream.ts'

const SECOND = signerOfSeed(new Uint8Array(32).fill(3))

/** Short keys over few letters force prefixes; few times force ties. */
const entries = (tombstones: boolean) =>
  fc
    .record({
      key: fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', 'ÿ'), minLength: 1, maxLength: 4 }),
      time: fc.integer({ min: 0, max: 6 }),
      content: fc.constantFrom('1', '2', '3'),
      author: fc.constantFrom(AUTHOR, SECOND),
      gone: fc.integer({ min: 0, max: tombstones ? 2 : 0 }),
    })
    .map(({ key, time, content, author, gone }) =>
      gone === 2
        ? tombstone(key, T + BigInt(time), NAMESPACE, author)
        : entryOf(key, content, T + BigInt(time), NAMESPACE, author),
    )

const setOf = (tombstones = true) => fc.array(entries(tombstones), { maxLength: 25 })

function replicaOf(list: readonly SignedEntry[]): Replica {
  const replica = new Replica(NAMESPACE.publicKey)
  for (const entry of list) replica.put(entry)
  return replica
}
const shown = (list: Iterable<SignedEntry>): string[] => [...list].map((e) => `${toHex(e.id)} ${e.timestamp} ${toHex(e.hash)}`)
const contentOf = (replica: Replica): string[] => shown([...replica.index.rows()].map((row) => row.entry))

/** Ours against upstream's rules; the dialer of each session is the first. */
function sessionWith(ours: Replica, theirs: UpstreamReplica, weDial: boolean): void {
  let message: SyncMessage | undefined = weDial ? openingMessage(ours) : theirs.opening()
  let ourTurn = !weDial
  for (let n = 0; message !== undefined; n++, ourTurn = !ourTurn) {
    if (n > 200) throw new Error('the session does not end')
    if (!ourTurn) {
      message = theirs.answer(message)
      continue
    }
    const { reply } = step(ours, message, trusting)
    message = reply === undefined ? undefined : complete(reply)
  }
}

describe('two replicas', () => {
  it('are equal after one session, and equal to the fold of both in any order', () => {
    fc.assert(
      fc.property(setOf(), setOf(), fc.infiniteStream(fc.nat()), (left, right, order) => {
        const [a, b] = [replicaOf(left), replicaOf(right)]
        frames(a, b, trusting)
        expect(contentOf(a)).toEqual(contentOf(b))
        const mixed = [...left, ...right].map((e) => [order.next().value as number, e] as const).sort(([x], [y]) => x - y)
        expect(contentOf(replicaOf(mixed.map(([, e]) => e)))).toEqual(contentOf(a))
      }),
      { numRuns: 400 },
    )
  })

  it('need few messages, and repeat a value at most once, to mend', () => {
    fc.assert(
      fc.property(setOf(false), setOf(false), (left, right) => {
        const [a, b] = [replicaOf(left), replicaOf(right)]
        const n = Math.max(2, a.index.size + b.index.size)
        const sent = frames(a, b, trusting)
        expect(sent.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(n)) + 4)
        for (const side of [0, 1]) {
          const ids = sent
            .filter((_, i) => i % 2 === side)
            .flatMap((bytes) => {
              const frame = decodeSyncFrame(bytes)
              return frame.kind === 'sync'
                ? frame.message.flatMap((p) => (p.kind === 'items' ? p.values.map((v) => shown([v.entry])[0]) : []))
                : []
            })
          for (const id of ids) expect(ids.filter((other) => other === id).length).toBeLessThanOrEqual(2)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('three converge whatever the order of the sessions', () => {
    fc.assert(
      fc.property(
        fc.tuple(setOf(), setOf(), setOf()),
        fc.array(fc.constantFrom([0, 1], [1, 2], [2, 0], [1, 0]), { maxLength: 5 }),
        (lists, extra) => {
          const three = lists.map(replicaOf)
          for (const [i, j] of [...extra, [0, 1], [1, 2], [2, 0], [0, 1]])
            frames(three[i as number] as Replica, three[j as number] as Replica, trusting)
          expect(contentOf(three[1] as Replica)).toEqual(contentOf(three[0] as Replica))
          expect(contentOf(three[2] as Replica)).toEqual(contentOf(three[0] as Replica))
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('with a node of upstream rules, whose deletions do not hold', () => {
  it.each([true, false])('equal after at most two sessions (we dial: %s)', (weDial) => {
    fc.assert(
      fc.property(setOf(), setOf(), (left, right) => {
        const ours = replicaOf(left)
        const theirs = new UpstreamReplica()
        for (const entry of right) theirs.put(entry)
        sessionWith(ours, theirs, weDial)
        sessionWith(ours, theirs, weDial)
        expect(shown(theirs.entries)).toEqual(contentOf(ours))
      }),
      { numRuns: 500 },
    )
  })

  it('answers byte for byte as upstream where no deletion is involved', () => {
    fc.assert(
      fc.property(setOf(false), setOf(false), (left, right) => {
        const ours = replicaOf(left)
        const model = new UpstreamReplica()
        for (const entry of left) model.put(entry)
        const peer = replicaOf(right)
        let message: SyncMessage | undefined = openingMessage(peer)
        for (let turn = 0; message !== undefined; turn++) {
          const replica = turn % 2 === 0 ? ours : peer
          const expected: SyncMessage | undefined = turn % 2 === 0 ? model.answer(message) : undefined
          const { reply } = step(replica, message, trusting)
          message = reply === undefined ? undefined : complete(reply)
          // Older values under a newer parent make us say so, which upstream does not.
          if (turn % 2 === 0 && (message?.length ?? 0) === (expected?.length ?? 0) && message && expected)
            expect(toHex(encodeSyncFrame({ kind: 'sync', message }))).toBe(
              toHex(encodeSyncFrame({ kind: 'sync', message: expected })),
            )
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('ranges', () => {
  const anyId = fc.oneof(
    entries(false).map((e) => e.id),
    fc.uint8Array({ minLength: 64, maxLength: 68 }),
    fc.constant(new Uint8Array(64)),
    fc.constant(new Uint8Array(64).fill(255)),
  )

  it('hold what a filter over all ids holds, and never an entry of another document', () => {
    fc.assert(
      fc.property(setOf(), anyId, anyId, (list, x, y) => {
        const { index } = replicaOf(list)
        const inRange = (id: Uint8Array): boolean => {
          const order = compareBytes(x, y)
          if (order === 0) return true
          return order < 0
            ? compareBytes(id, x) >= 0 && compareBytes(id, y) < 0
            : compareBytes(id, x) >= 0 || compareBytes(id, y) < 0
        }
        const spans = spansOf({ x, y }, index)
        const got = spans.flatMap(([from, to]) => [...index.rows(from, to)])
        expect(new Set(got.map((r) => toHex(r.entry.id)))).toEqual(
          new Set([...index.rows()].filter((r) => inRange(r.entry.id)).map((r) => toHex(r.entry.id))),
        )
        expect(got.length).toBe(new Set(got).size)
        const again = replicaOf(got.map((r) => r.entry))
        expect(rangeFingerprint(spans, index)).toEqual(rangeFingerprint([[0, again.index.size]], again.index))
      }),
      { numRuns: 400 },
    )
  })

  it('fingerprints follow thousands of changes', () => {
    const replica = new Replica(NAMESPACE.publicKey)
    const rng = seededRng(7)
    const base = entryOf('x', '1', T)
    const make = (n: number, time: number): SignedEntry => ({
      ...base,
      id: entryId(NAMESPACE.publicKey, AUTHOR.publicKey, new TextEncoder().encode(`k${String(n).padStart(5, '0')}.`)),
      timestamp: T + BigInt(time),
    })
    for (let i = 0; i < 6000; i++) replica.put(make(below(rng, 4000), i))
    const all = [...replica.index.rows()]
    expect(all.length).toBe(replica.index.size)
    expect(all.length).toBeGreaterThan(2000)
    const fresh = new Replica(NAMESPACE.publicKey)
    for (const row of all) fresh.load(row.entry)
    for (const [from, to] of [
      [0, all.length],
      [1, 2],
      [500, 1700],
      [1023, 1025],
    ] as const) {
      expect(rangeFingerprint([[from, to]], replica.index)).toEqual(rangeFingerprint([[from, to]], fresh.index))
    }
    for (const at of [0, 1, 511, 512, 513, all.length - 1]) expect(replica.index.at(at)).toEqual(all[at])
    for (const at of [0, 700, all.length - 1]) expect(replica.index.position((all[at] as (typeof all)[0]).text)).toBe(at)
  })
})
