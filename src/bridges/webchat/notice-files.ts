import { BoundedMap } from '../../base/bounded-map.ts'
import { toBase32 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Rng } from '../../base/random.ts'
import type { OutFile } from '../interaction.ts'

/** How long a file of a notice can be fetched, ms. */
const FILE_MS = 60 * 60_000
const MAX_FILES = 1_000
const ID_BYTES = 20

/** Path under which pages fetch files of notices. */
export const NOTICE_FILES = '/notice-files'

/** Files of notices, each under an address nobody can guess. */
export class NoticeFiles {
  readonly #files = new BoundedMap<string, OutFile>({ max: MAX_FILES, ttlMs: FILE_MS })
  readonly #clock: Clock
  readonly #rng: Rng

  constructor(clock: Clock, rng: Rng) {
    this.#clock = clock
    this.#rng = rng
  }

  add(file: OutFile): string {
    const id = toBase32(this.#rng.bytes(ID_BYTES))
    this.#files.set(id, file, this.#clock.monotonic())
    return `${NOTICE_FILES}/${id}`
  }

  get(id: string): OutFile | undefined {
    return this.#files.get(id, this.#clock.monotonic())
  }
}
