/**
 * Pieces of memory of one length, for one response after another. Without it each response leaves its own behind, outside the
 * engine's heap and so until it collects old garbage: a fetch thread does that once a minute, and has some fifty responses by then.
 */
export class SpareMemory {
  readonly #length: number
  readonly #most: number
  readonly #spare: Uint8Array[] = []

  constructor(length: number, most: number) {
    this.#length = length
    this.#most = most
  }

  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(this.#length)
  }

  /** Nothing may read or write it any more: what a failed call still may write into is not given back. */
  giveBack(memory: Uint8Array | undefined): void {
    if (memory !== undefined && this.#spare.length < this.#most) this.#spare.push(memory)
  }
}
