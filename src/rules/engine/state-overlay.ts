import type { RuleStateView, StateChange, StateKind } from '../language/state.ts'

/** The state of the rules with changes that are not taken yet: several evaluations of one message see each other's. */
export class StateOverlay implements RuleStateView {
  readonly #base: RuleStateView
  readonly #changes = new Map<string, StateChange>()

  constructor(base: RuleStateView) {
    this.#base = base
  }

  get changes(): readonly StateChange[] {
    return [...this.#changes.values()]
  }

  apply(changes: readonly StateChange[]): void {
    for (const change of changes) this.#changes.set(`${change.kind}\u0000${change.rule}\u0000${change.key}`, change)
  }

  get(kind: StateKind, rule: string, key: string, now: number): readonly number[] | undefined {
    const change = this.#changes.get(`${kind}\u0000${rule}\u0000${key}`)
    if (change === undefined) return this.#base.get(kind, rule, key, now)
    return change.expires_at > now ? change.value : undefined
  }

  wasHeld(rule: string): boolean {
    return this.#base.wasHeld(rule) || this.changes.some((c) => c.rule === rule && (c.kind === 'suspend' || c.kind === 'mute'))
  }
}
