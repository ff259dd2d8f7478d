/** What rules remember between messages: rows of the table `rule_state`. */
export type StateKind = 'cooldown' | 'bucket' | 'counter' | 'suspend' | 'overrun' | 'mute' | 'tag'

export interface StateChange {
  readonly kind: StateKind
  /** Rule id; counters shared by rules carry the counter's name. */
  readonly rule: string
  readonly key: string
  readonly value: readonly number[]
  readonly expires_at: number
}

type ByKey = Map<string, StateChange>

/**
 * What rules remember, by kind, rule and key, in the order it was written. Rule ids and keys are strings that are there anyway:
 * looking for an entry makes no string of its own, and every rule that might fire looks for one.
 */
export class StateEntries {
  readonly #kinds = new Map<StateKind, Map<string, ByKey>>()
  readonly #written = new Set<StateChange>()

  get size(): number {
    return this.#written.size
  }

  get(kind: StateKind, rule: string, key: string): StateChange | undefined {
    return this.#kinds.get(kind)?.get(rule)?.get(key)
  }

  /** Takes the place of what was there. */
  put(change: StateChange): void {
    const keys = this.#keysOf(change)
    const before = keys.get(change.key)
    if (before !== undefined) this.#written.delete(before)
    keys.set(change.key, change)
    this.#written.add(change)
  }

  #keysOf({ kind, rule }: StateChange): ByKey {
    let rules = this.#kinds.get(kind)
    if (rules === undefined) {
      rules = new Map()
      this.#kinds.set(kind, rules)
    }
    let keys = rules.get(rule)
    if (keys === undefined) {
      keys = new Map()
      rules.set(rule, keys)
    }
    return keys
  }

  delete(change: StateChange): void {
    const rules = this.#kinds.get(change.kind)
    const keys = rules?.get(change.rule)
    if (keys?.get(change.key) !== change) return
    this.#written.delete(change)
    keys.delete(change.key)
    if (keys.size === 0) rules?.delete(change.rule)
  }

  /** Written longest ago first. */
  values(): IterableIterator<StateChange> {
    return this.#written.values()
  }
}
