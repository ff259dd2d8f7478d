import type { Clock } from '../../../src/base/clock.ts'

const DISCORD_EPOCH_MS = 1_420_070_400_000
const PER_MS = 4096

/** Ids as Discord makes them: 42 bits of clock time, 10 bits of worker, 12 bits of sequence. Strictly increasing. */
export class Snowflakes {
  readonly #clock: Clock
  readonly #worker: bigint
  #ms = 0
  #seq = 0

  constructor(clock: Clock, worker: number) {
    this.#clock = clock
    this.#worker = BigInt(worker & 0x3ff) << 12n
  }

  next(): string {
    const now = this.#clock.now() - DISCORD_EPOCH_MS
    if (now > this.#ms) {
      this.#ms = now
      this.#seq = 0
    } else if (++this.#seq === PER_MS) {
      this.#ms++
      this.#seq = 0
    }
    return ((BigInt(this.#ms) << 22n) | this.#worker | BigInt(this.#seq)).toString()
  }

  /** The id a message written at `ms` since the epoch would have. */
  at(ms: number): string {
    return (BigInt(Math.max(0, Math.floor(ms) - DISCORD_EPOCH_MS)) << 22n).toString()
  }
}

export function snowflakeMs(id: string): number {
  return Number(BigInt(id) >> 22n) + DISCORD_EPOCH_MS
}

/** Numeric order of ids. */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}
