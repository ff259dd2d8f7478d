import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Bridge } from '../bridges/port.ts'
import type { K2Node } from '../core/index.ts'
import type { CommandRegistry } from './commands/registry.ts'
import type { Config } from './config/schema.ts'
import type { Pipeline } from './pipeline/index.ts'
import type { ConfigSource, ReloadReport } from './reload/reloader.ts'

export interface GatewayOptions {
  readonly config: Config
  /** Where it came from, to be read again; undefined: it never changes. */
  readonly source?: ConfigSource | undefined
  readonly log: Logger
  readonly clock?: Clock
}

/** A running gateway. */
export interface Gateway {
  /** Address of pages and control API. */
  readonly url: string
  readonly node: K2Node
  readonly pipeline: Pipeline
  readonly bridges: readonly Bridge[]
  /** Everything people and operators can ask of it. */
  readonly commands: CommandRegistry
  /** Rooms of the web chat. */
  readonly rooms: readonly string[]
  /** Reads the configuration again. Rejects `ConfigError` when it cannot be used; then nothing changes. */
  reload(by: 'signal' | 'command'): Promise<ReloadReport>
  /** Stops everything in reverse order within the configured time. Idempotent. */
  stop(): Promise<void>
}
