import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import type { SignedEntry } from '../../../src/core/docs/proto/entry.ts'
import { openingMessage } from '../../../src/core/docs/reconcile.ts'
import { Replica } from '../../../src/core/docs/replica.ts'
import { signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import { AUTHOR, complete, entryOf, frames, NAMESPACE, step, T, tombstone, trusting } from './entries.ts'

const AUTHORS = [AUTHOR, signerOfSeed(new Uint8Array(32).fill(3)), signerOfSeed(new Uint8Array(32).fill(4))]

const written = fc
  .record({
    key: fc.string({ unit: fc.constantFrom('a', 'b', 'ÿ'), minLength: 1, maxLength: 3 }),
    time: fc.integer({ min: 0, max: 5 }),
    content: fc.constantFrom('1', '2'),
    author: fc.constantFrom(...AUTHORS),
    isGone: fc.boolean(),
  })
  .map(({ key, time, content, author, isGone }) =>
    isGone ? tombstone(key, T + BigInt(time), NAMESPACE, author) : entryOf(key, content, T + BigInt(time), NAMESPACE, author),
  )

type Event =
  /** A peer writes, and the gossip of it reaches those of the list. */
  | { readonly kind: 'write'; readonly at: number; readonly entry: SignedEntry; readonly heard: readonly number[] }
  /** A session that breaks off after so many messages. */
  | { readonly kind: 'session'; readonly from: number; readonly to: number; readonly messages: number }
  /** A process ends: what it has stored is all it has. */
  | { readonly kind: 'restart'; readonly at: number }

const event = (peers: number): fc.Arbitrary<Event> => {
  const peer = fc.nat(peers - 1)
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        at: peer,
        entry: written,
        heard: fc.array(peer, { maxLength: 3 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('session' as const), from: peer, to: peer, messages: fc.nat(5) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), at: peer }) },
  )
}

class Peers {
  readonly #replicas: Replica[]

  constructor(count: number) {
    this.#replicas = Array.from({ length: count }, () => new Replica(NAMESPACE.publicKey))
  }

  run(events: readonly Event[]): void {
    for (const e of events) {
      if (e.kind === 'write') for (const at of [e.at, ...e.heard]) this.#at(at).put(e.entry)
      else if (e.kind === 'restart') this.#restart(e.at)
      else if (e.from !== e.to) this.#broken(this.#at(e.from), this.#at(e.to), e.messages)
    }
  }

  /** One whole session of every pair, in the order given, until two rounds have passed. */
  meet(order: readonly (readonly [number, number])[]): void {
    for (let round = 0; round < 2; round++) for (const [a, b] of order) frames(this.#at(a), this.#at(b), trusting)
  }

  contents(): string[][] {
    return this.#replicas.map(shown)
  }

  #at(peer: number): Replica {
    return this.#replicas[peer] as Replica
  }

  #restart(at: number): void {
    const stored = [...this.#at(at).index.rows()].map(({ entry }) => entry)
    const fresh = new Replica(NAMESPACE.publicKey)
    for (const entry of stored) fresh.load(entry)
    this.#replicas[at] = fresh
  }

  #broken(dialer: Replica, acceptor: Replica, messages: number): void {
    let message: ReturnType<typeof complete> | undefined = openingMessage(dialer)
    for (let n = 0; n < messages && message !== undefined; n++) {
      const { reply } = step(n % 2 === 0 ? acceptor : dialer, message, trusting)
      message = reply === undefined ? undefined : complete(reply)
    }
  }
}

const shown = (replica: Replica): string[] =>
  [...replica.index.rows()].map(({ entry }) => `${toHex(entry.id)} ${entry.timestamp} ${toHex(entry.hash)}`)

describe('replicas that write at any time, miss gossip, lose sessions half way and are restarted', () => {
  for (const [count, pairs] of [
    [2, [[0, 1]]],
    [
      3,
      [
        [0, 1],
        [1, 2],
        [2, 0],
      ],
    ],
  ] as const) {
    it(`${count} of them end equal, with what folding everything ever written gives`, () => {
      fc.assert(
        fc.property(
          fc.array(event(count), { maxLength: 30 }),
          fc.shuffledSubarray([...pairs], { minLength: pairs.length }),
          (events, order) => {
            const peers = new Peers(count)
            peers.run(events)
            peers.meet(order)
            const all = new Replica(NAMESPACE.publicKey)
            for (const e of events) if (e.kind === 'write') all.put(e.entry)
            for (const content of peers.contents()) expect(content).toEqual(shown(all))
          },
        ),
        { numRuns: 400 },
      )
    })
  }
})
