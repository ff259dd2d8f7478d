import { BoundedMap } from '../../base/bounded-map.ts'

const TOPICS = 10_000

/** Strictly increasing ms timestamps per topic: receivers merge two messages of one sender in the same millisecond. */
export class StampClock {
  readonly #last = new BoundedMap<string, number>({ max: TOPICS })

  /** The next timestamp of a topic, `now` or just above the last one. */
  next(topic: string, now: number): number {
    const stamp = Math.max(Math.floor(now), (this.#last.get(topic, 0) ?? 0) + 1)
    this.#last.set(topic, stamp, 0)
    return stamp
  }

  /** A timestamp used earlier, e.g. before a restart. */
  observe(topic: string, stamp: number): void {
    if (stamp > (this.#last.get(topic, 0) ?? 0)) this.#last.set(topic, stamp, 0)
  }
}
