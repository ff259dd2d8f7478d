/** Keeps work on one id from running twice at once in this process: a call while it runs does nothing. */
export class OncePerId {
  readonly #running = new Set<string>()

  async run(id: string, work: () => Promise<void>): Promise<void> {
    if (this.#running.has(id)) return
    this.#running.add(id)
    try {
      await work()
    } finally {
      this.#running.delete(id)
    }
  }
}
