import type { Clock } from '../../base/clock.ts'
import type { Rng } from '../../base/random.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { EventBuffer } from './event-buffer.ts'
import type { TopicEvent } from './proto/events.ts'
import { Rejoin } from './proto/rejoin.ts'

/** The local side of one topic: who reads its events, who its neighbours are, and when to ask again to be joined. */
export class TopicHub {
  readonly topic: TopicId
  readonly #clock: Clock
  readonly #rejoin: Rejoin
  readonly #readers = new Set<EventBuffer>()
  readonly #neighbors = new Set<PeerId>()
  readonly #waiting = new Set<() => void>()

  constructor(topic: TopicId, clock: Clock, rng: Rng) {
    this.topic = topic
    this.#clock = clock
    this.#rejoin = new Rejoin(rng)
  }

  get readers(): number {
    return this.#readers.size
  }

  get neighbors(): readonly PeerId[] {
    return [...this.#neighbors]
  }

  /** When `rejoinPeers` should be asked next (monotonic ms). */
  get rejoinAt(): number | undefined {
    return this.#rejoin.dueAt
  }

  /** A new reader first learns of the present neighbours (gossip 9). */
  add(reader: EventBuffer): void {
    for (const peer of this.#neighbors) reader.push({ type: 'neighborUp', peer })
    this.#readers.add(reader)
  }

  remove(reader: EventBuffer): void {
    this.#readers.delete(reader)
    reader.close()
  }

  /** Resolves at once with a neighbour, else at the next NeighborUp or `release`. The second function ends the wait. */
  onNeighbor(resolve: () => void): () => void {
    if (this.#neighbors.size > 0) resolve()
    else this.#waiting.add(resolve)
    return () => this.#waiting.delete(resolve)
  }

  /** The application asked these peers to be joined. */
  joined(peers: readonly PeerId[]): void {
    this.#rejoin.joined(peers, this.#clock.monotonic())
  }

  /** The peers to ask again at that time; sets the next one. */
  rejoinPeers(now: number): PeerId[] {
    return this.#rejoin.due(now)
  }

  deliver(event: TopicEvent): void {
    if (event.type === 'neighborUp') {
      this.#neighbors.add(event.peer)
      this.#rejoin.neighborUp(event.peer)
      for (const resolve of this.#waiting) resolve()
      this.#waiting.clear()
    } else if (event.type === 'neighborDown') {
      this.#neighbors.delete(event.peer)
      this.#rejoin.neighborDown(event.peer, this.#clock.monotonic())
    }
    for (const reader of this.#readers) reader.push(event)
  }
}
