import type { Clock } from '../../../base/clock.ts'
import type { ContentArea } from './backend.ts'
import { diskFull } from './errors.ts'

/** How long an answer of the file system is believed, ms. */
const FRESH_MS = 1000

/** Refuses writes while there is still room for everybody else on the disk. */
export class DiskGuard {
  readonly #area: ContentArea
  readonly #minFreeBytes: number
  readonly #clock: Clock
  #free = Number.POSITIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: { area: ContentArea; minFreeBytes: number; clock: Clock }) {
    this.#area = options.area
    this.#minFreeBytes = options.minFreeBytes
    this.#clock = options.clock
  }

  /**
   * Rejects `BLOB_STORE_DISK_FULL` when writing `bytes` would leave less than the minimum free. `next` of them are written next,
   * the others are looked at again before they are.
   */
  async expect(bytes: number, next = bytes): Promise<void> {
    const stale = this.#clock.monotonic() - this.#askedAt >= FRESH_MS
    // Nobody is refused because of what was true a moment ago.
    if (stale || this.#free - bytes < this.#minFreeBytes) await this.#ask()
    if (this.#free - bytes < this.#minFreeBytes) throw diskFull()
    this.#free -= next
  }

  async #ask(): Promise<void> {
    this.#free = (await this.#area.freeBytes()) ?? Number.POSITIVE_INFINITY
    this.#askedAt = this.#clock.monotonic()
  }
}
