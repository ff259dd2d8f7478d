import type { Clock } from '../../../base/clock.ts'
import type { Rng } from '../../../base/random.ts'
import type { Bridge } from '../../../bridges/port.ts'
import type { K2Node } from '../../../core/index.ts'
import type { Config } from '../../config/schema.ts'
import type { Control } from '../../http/control.ts'
import type { Pipeline, RouteDefinition } from '../../pipeline/index.ts'
import type { AccessStore } from '../access.ts'
import type { CommandRegistry } from '../registry.ts'
import type { CommandLog } from '../service.ts'
import type { TopicChoices } from './topic-choices.ts'

/** What the gateway's own commands work with. */
export interface BuiltinParts {
  /** As it is at the moment. */
  readonly config: () => Config
  readonly node: K2Node
  readonly pipeline: Pipeline
  readonly control: Control
  readonly bridges: () => readonly Bridge[]
  readonly routes: () => readonly RouteDefinition[]
  readonly access: AccessStore
  readonly log: CommandLog
  readonly topics: TopicChoices
  readonly registry: () => CommandRegistry
  readonly clock: Clock
  readonly rng: Rng
}
