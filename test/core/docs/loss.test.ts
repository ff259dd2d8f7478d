import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { openingMessage } from '../../../src/core/docs/reconcile.ts'
import { Replica } from '../../../src/core/docs/replica.ts'
import { complete, frames, NAMESPACE, step, trusting } from './entries.ts'
import { type Event, event } from './random-events.ts'

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
