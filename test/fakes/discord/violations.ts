/** Something a correct client would not have done. Tests fail on any they did not expect. */
export interface Violation {
  readonly kind:
    | 'unauthenticated'
    | 'unknown-route'
    | 'unknown-field'
    | 'bad-payload'
    | 'implicit-mentions'
    | 'secret-in-message'
    | 'rate-limit-ignored'
    | 'no-wait'
    | 'gateway'
  readonly detail: string
}

const MAX_KEPT = 1000

export class Violations {
  readonly #list: Violation[] = []
  #total = 0

  add(kind: Violation['kind'], detail: string): void {
    this.#total++
    if (this.#list.length < MAX_KEPT) this.#list.push({ kind, detail: detail.slice(0, 500) })
  }

  get total(): number {
    return this.#total
  }

  list(): readonly Violation[] {
    return [...this.#list]
  }

  /** Forgets and answers those of one kind, for tests that provoke them. */
  take(kind: Violation['kind']): Violation[] {
    const taken = this.#list.filter((v) => v.kind === kind)
    const kept = this.#list.filter((v) => v.kind !== kind)
    this.#list.splice(0, this.#list.length, ...kept)
    this.#total -= taken.length
    return taken
  }
}
