import type { Action } from './actions.ts'
import type { Node } from './condition.ts'
import type { Cron } from './cron.ts'
import type { CountWindow } from './leaf.ts'
import type { Place, RuleProblem } from './problem.ts'
import type { Cooldown, Example, Limit, Mode, RuleBody, Trigger } from './schema.ts'

/** One rule made ready. */
export interface CompiledRule {
  readonly id: string
  readonly file: string
  /** Index in its file, for problems. */
  readonly position: number
  readonly line: number
  readonly column: number
  readonly mode: Mode
  readonly priority: number
  readonly tags: readonly string[]
  readonly trigger: Trigger
  readonly cron: Cron | undefined
  readonly condition: Node | undefined
  readonly actions: readonly Action[]
  /** Per action, half of the ids of its effects. */
  readonly digests: readonly Uint8Array[]
  readonly cooldown: Cooldown | undefined
  readonly limit: Limit | undefined
  readonly stop: boolean
  readonly active: RuleBody['active']
  readonly examples: readonly Example[]
  readonly examplePlaces: readonly Place[]
  /** Intents and topics outside which the condition cannot hold. */
  readonly intents: ReadonlySet<string> | undefined
  readonly topics: ReadonlySet<string> | undefined
  /** What of the condition is left to ask where the index by intent and topic chose the rule. */
  readonly selected: Node | undefined
  /** Its leaves may take long: time is looked at around it. */
  readonly heavy: boolean
}

/** Rules in the order of evaluation: priority, file, position. Immutable. */
export interface RuleSet {
  /** `sha256:…` over the canonical form. */
  readonly version: string
  /** Parsed files with sorted keys, without comments. */
  readonly canonical: string
  readonly rules: readonly CompiledRule[]
  readonly windows: readonly CountWindow[]
  /** Canonical text of each rule by id, for differences between versions. */
  readonly texts: ReadonlyMap<string, string>
  readonly warnings: readonly RuleProblem[]
}
