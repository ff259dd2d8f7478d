import { type StateChange, StateEntries, type StateKind } from './state-entries.ts'

export type { StateChange, StateKind }

/** What evaluation reads of the state. */
export interface RuleStateView {
  get(kind: StateKind, rule: string, key: string, now: number): readonly number[] | undefined
  /** False for rules that were never muted or suspended: nothing to look up. */
  wasHeld(rule: string): boolean
}

const MAX_ENTRIES = 200_000
/** Ids that vanish from the rule set lose their state after a day. */
const VANISHED_MS = 86_400_000

/**
 * Cooldowns, buckets and counters by rule id. Evaluation only reads it and answers the changes; the caller applies them (a dry
 * run does not). Bounded: when full, the entry written longest ago goes first.
 */
export class RuleState implements RuleStateView {
  readonly #entries = new StateEntries()
  readonly #vanished = new Map<string, number>()
  /** Rules that were muted or suspended at some time; most never are. */
  readonly #held = new Set<string>()
  readonly #max: number

  constructor(max = MAX_ENTRIES) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  get(kind: StateKind, rule: string, key: string, now: number): readonly number[] | undefined {
    const entry = this.#entries.get(kind, rule, key)
    return entry === undefined || entry.expires_at <= now ? undefined : entry.value
  }

  wasHeld(rule: string): boolean {
    return this.#held.size > 0 && this.#held.has(rule)
  }

  apply(changes: readonly StateChange[]): void {
    for (const change of changes) {
      this.#entries.put(change)
      if (change.kind === 'mute' || change.kind === 'suspend') this.#held.add(change.rule)
      if (this.#entries.size > this.#max) this.#entries.delete(this.#entries.values().next().value as StateChange)
    }
  }

  /** All rows, for storage; feed them to `apply` after a restart. */
  rows(): StateChange[] {
    return [...this.#entries.values()]
  }

  /** Drops what has expired, and what belongs to rules gone for a day. `rules`: ids of the running set. */
  sweep(now: number, rules: ReadonlySet<string>): void {
    for (const entry of this.#entries.values()) {
      if (entry.expires_at <= now) this.#entries.delete(entry)
      else if (!rules.has(entry.rule) && entry.kind !== 'counter') {
        const since = this.#vanished.get(entry.rule) ?? now
        this.#vanished.set(entry.rule, since)
        if (now - since >= VANISHED_MS) this.#entries.delete(entry)
      }
    }
    this.#held.clear()
    for (const { kind, rule } of this.#entries.values()) if (kind === 'mute' || kind === 'suspend') this.#held.add(rule)
    for (const rule of this.#vanished.keys()) if (rules.has(rule)) this.#vanished.delete(rule)
  }
}

/** Emergency off switch of one rule; ends by itself. */
export function muteRule(rule: string, until: number): StateChange {
  return { kind: 'mute', rule, key: '', value: [until], expires_at: until }
}

/** Steps a sliding window is counted in. */
const STEPS = 60

/** Adds to a sliding-window counter, written as pairs of step number and count. */
export function countUp(pairs: readonly number[] | undefined, within: number, by: number, now: number): number[] {
  const step = Math.floor(now / Math.max(1, within / STEPS))
  const out: number[] = []
  for (let i = 0; pairs !== undefined && i + 1 < pairs.length; i += 2) {
    if ((pairs[i] as number) > step - STEPS && pairs[i] !== step) out.push(pairs[i] as number, pairs[i + 1] as number)
    else if (pairs[i] === step) by += pairs[i + 1] as number
  }
  out.push(step, by)
  return out
}

/** Events within the window, exact to a sixtieth of it. */
export function countWithin(pairs: readonly number[] | undefined, within: number, now: number): number {
  if (pairs === undefined) return 0
  const step = Math.floor(now / Math.max(1, within / STEPS))
  let sum = 0
  for (let i = 0; i + 1 < pairs.length; i += 2) if ((pairs[i] as number) > step - STEPS) sum += pairs[i + 1] as number
  return sum
}
