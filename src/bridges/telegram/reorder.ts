/** A missing number is given up when nothing has come for this long, ms (bridging 5.5), */
const REORDER_MS = 2_000
/** and at the latest when a later one has waited so long: its sender wants an answer. */
const MAX_WAIT_MS = 7_000
/** Nobody knows the first number after a start: others may overtake it by this, ms. */
const FIRST_MS = 300
/** Numbers restart anywhere after a silent week: a larger step is no gap. */
const MAX_GAP = 1_000

/** Puts numbered items back into the order of their numbers; a missing one holds the later ones up for a while. Pure. */
export class ReorderBuffer<T> {
  readonly #waiting = new Map<number, { readonly item: T; readonly at: number }>()
  #last: number | undefined
  #newest = 0

  get size(): number {
    return this.#waiting.size
  }

  get(id: number): T | undefined {
    return this.#waiting.get(id)?.item
  }

  add(id: number, item: T, now: number): void {
    this.#waiting.set(id, { item, at: now })
    this.#newest = now
  }

  /** What may go now, in order. */
  ready(now: number, limit: number): { readonly id: number; readonly item: T }[] {
    const out: { id: number; item: T }[] = []
    for (const id of this.#ids()) {
      if (out.length >= limit || now < this.#goesAt(id)) break
      const { item } = this.#waiting.get(id) as { item: T }
      this.#waiting.delete(id)
      this.#last = this.#last === undefined || Math.abs(id - this.#last) > MAX_GAP ? id : Math.max(this.#last, id)
      out.push({ id, item })
    }
    return out
  }

  /** When the first of what waits goes at the latest. */
  dueAt(): number | undefined {
    const [first] = this.#ids()
    return first === undefined ? undefined : this.#goesAt(first)
  }

  clear(): { readonly id: number; readonly item: T }[] {
    const all = this.#ids().map((id) => ({ id, item: (this.#waiting.get(id) as { item: T }).item }))
    this.#waiting.clear()
    return all
  }

  #ids(): number[] {
    return [...this.#waiting.keys()].sort((a, b) => a - b)
  }

  #goesAt(id: number): number {
    const { at } = this.#waiting.get(id) as { at: number }
    if (this.#last === undefined) return Math.min(this.#newest + FIRST_MS, at + MAX_WAIT_MS)
    const isEarly = id > this.#last + 1 && id - this.#last <= MAX_GAP
    return isEarly ? Math.min(this.#newest + REORDER_MS, at + MAX_WAIT_MS) : at
  }
}
