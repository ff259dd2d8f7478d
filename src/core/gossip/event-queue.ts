interface Entry<T> {
  readonly at: number
  readonly seq: number
  readonly value: T
}

const before = <T>(a: Entry<T>, b: Entry<T>): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq)

/** Priority queue ordered by (time, insertion): a binary heap. */
export class EventQueue<T> {
  readonly #heap: Entry<T>[] = []
  #seq = 0

  get size(): number {
    return this.#heap.length
  }

  /** Time of the earliest entry. */
  get nextAt(): number | undefined {
    return this.#heap[0]?.at
  }

  push(at: number, value: T): void {
    const entry: Entry<T> = { at, seq: this.#seq++, value }
    const heap = this.#heap
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(entry, heap[parent] as Entry<T>)) break
      heap[i] = heap[parent] as Entry<T>
      i = parent
    }
    heap[i] = entry
  }

  pop(): { readonly at: number; readonly value: T } | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Entry<T>, heap[child] as Entry<T>)) child++
      if (!before(heap[child] as Entry<T>, last)) break
      heap[i] = heap[child] as Entry<T>
      i = child
    }
    heap[i] = last
    return first
  }
}
