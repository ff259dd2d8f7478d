// What happens to documents in the properties of convergence: writes, gossip that is missed, sessions that break off, restarts.
import fc from 'fast-check'
import type { SignedEntry } from '../../../src/core/docs/proto/entry.ts'
import { signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import { AUTHOR, entryOf, NAMESPACE, T, tombstone } from './entries.ts'

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

export type Event =
  /** A peer writes, and the gossip of it reaches those of the list. */
  | { readonly kind: 'write'; readonly at: number; readonly entry: SignedEntry; readonly heard: readonly number[] }
  /** A session that breaks off after so many messages. */
  | { readonly kind: 'session'; readonly from: number; readonly to: number; readonly messages: number }
  /** A process ends: what it has stored is all it has. */
  | { readonly kind: 'restart'; readonly at: number }

/** What may happen among so many peers. */
export const event = (peers: number): fc.Arbitrary<Event> => {
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
