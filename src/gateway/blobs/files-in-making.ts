/**
 * Files whose blob is tagged already and whose row is not written yet: tidying must not take their tags for what a crash left
 * behind.
 */
export class FilesInMaking {
  readonly #now = new Map<string, number>()
  readonly #watches = new Set<Set<string>>()

  /** Runs what makes the file of this id. */
  async run<T>(id: string, make: () => Promise<T>): Promise<T> {
    this.#now.set(id, (this.#now.get(id) ?? 0) + 1)
    for (const seen of this.#watches) seen.add(id)
    try {
      return await make()
    } finally {
      const others = (this.#now.get(id) ?? 1) - 1
      if (others > 0) this.#now.set(id, others)
      else this.#now.delete(id)
    }
  }

  /** Runs `work` with the ids that are in the making now or begin to be meanwhile. */
  async during<T>(work: (ids: ReadonlySet<string>) => Promise<T>): Promise<T> {
    const seen = new Set(this.#now.keys())
    this.#watches.add(seen)
    try {
      return await work(seen)
    } finally {
      this.#watches.delete(seen)
    }
  }
}
