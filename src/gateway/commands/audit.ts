import type { CommandOrigin, Role } from './definition.ts'
import type { RegisteredCommand } from './registry.ts'

/** One line of the audit log: who did what from where, and how it ended. */
export interface AuditEntry {
  /** ms */
  readonly at: number
  readonly surface: 'discord' | 'telegram' | 'web' | 'p2p' | 'cli' | 'http'
  readonly place?: string
  readonly actorKey: string
  readonly actorName: string
  readonly role: Role
  /** `file get`, `button:<name>`, `form:<command>`. */
  readonly command: string
  readonly args: Readonly<Record<string, unknown>>
  readonly outcome: 'done' | 'refused' | 'failed'
  /** Error code of what was refused or failed. */
  readonly code?: string
  readonly ms: number
}

const MAX_VALUE = 100

/** Arguments as the audit log keeps them: what people wrote at length, such as messages, only by its length. */
export function auditedArguments(
  command: RegisteredCommand | undefined,
  args: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const long = new Set(command?.arguments.filter((spec) => spec.rest).map((spec) => spec.name))
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, long.has(name) ? lengthOf(value) : shown(value)]))
}

const lengthOf = (value: unknown): string => `${String(value).length} characters`

function shown(value: unknown): unknown {
  if (typeof value === 'string') return value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value
  if (typeof value !== 'object' || value === null) return value
  return 'name' in value ? { file: String(value.name).slice(0, MAX_VALUE) } : lengthOf(JSON.stringify(value))
}

export function surfaceOf(origin: CommandOrigin): AuditEntry['surface'] {
  return origin.surface === 'chat' ? origin.interaction.network : origin.surface
}
