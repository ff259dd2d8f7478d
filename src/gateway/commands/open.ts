import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { Bridge } from '../../bridges/port.ts'
import type { K2Node } from '../../core/index.ts'
import type { Config } from '../config/schema.ts'
import type { PgPool } from '../db/pool.ts'
import { accessStore } from '../db/repos/access.ts'
import { commandLog } from '../db/repos/command-log.ts'
import { topicChoices } from '../db/repos/topic-choices.ts'
import type { Control } from '../http/control.ts'
import type { Pipeline, RouteDefinition } from '../pipeline/index.ts'
import { derived } from '../reload/derived.ts'
import { Access } from './access.ts'
import type { ActionIds } from './action-ids.ts'
import { welcomeOn } from './builtin/help.ts'
import { applyTopicChoices, builtinCommands } from './builtin/index.ts'
import type { ActionDefinition, CommandDefinition } from './definition.ts'
import { isInteractive, Notifier } from './notifier.ts'
import { OperatorCommands } from './operator.ts'
import { CommandRegistry } from './registry.ts'
import { type CommandLog, CommandService } from './service.ts'

/** What commands ask about people (see `moderation`). */
export interface Discretion {
  isBanned(account: string): boolean
  /** Asked not to be carried anywhere, nor named in logs. */
  isOptedOut(account: string): boolean
  pseudonym(account: string): string
}

export interface CommandParts {
  /** As it is at the moment. */
  readonly config: () => Config
  readonly db: { readonly pool: PgPool }
  readonly node: K2Node
  readonly pipeline: Pipeline
  readonly control: Control
  readonly bridges: () => readonly Bridge[]
  readonly routes: () => readonly RouteDefinition[]
  readonly ids: ActionIds
  /** What capabilities bring beside the gateway's own commands. */
  readonly definitions: readonly CommandDefinition[]
  readonly actions: readonly ActionDefinition[]
  /** Who gives no commands, and who is not named in the audit log. */
  readonly moderation: Discretion
  readonly clock: Clock
  readonly log: Logger
}

export interface Commands {
  /** To be started after the node and before anybody is served. */
  readonly part: Lifecycle
  readonly registry: CommandRegistry
  readonly operator: OperatorCommands
  /** Makes the commands known to a bridge, before it starts. */
  readonly connect: (bridge: Bridge) => void
}

/** The gateway's notices to people; needs nothing of the commands, so that capabilities can take it before they define theirs. */
export function openNotifier(bridges: () => readonly Bridge[], db: { readonly pool: PgPool }): Notifier {
  return new Notifier(bridges, accessStore(db.pool))
}

/** Puts all commands together and connects them to every bridge that can carry them. Call before bridges start. */
export function openCommands(parts: CommandParts): Commands {
  const { config, db, ids, clock, bridges, routes } = parts
  const rng = cryptoRng
  const log = parts.log.child({ mod: 'commands' })
  const access = accessStore(db.pool)
  const store = discreet(commandLog(db.pool), parts.moderation)
  const topics = topicChoices(db.pool)
  const builtins = builtinCommands({ ...parts, access, log: store, topics, registry: () => registry, rng })
  const registry = new CommandRegistry([...builtins, ...parts.definitions], parts.actions)
  const rights = new Access(
    access,
    () => config().access,
    bridgedPlaces(routes),
    (account) => parts.moderation.isBanned(account),
  )
  const service = new CommandService({ registry, access: rights, store, ids, clock, rng, log })
  const connect = (bridge: Bridge): void => {
    if (!isInteractive(bridge) || bridge.network === 'p2p' || !isSwitchedOn(config(), bridge)) return
    bridge.interactions(registry.specsFor(bridge.network), service.handle, welcomeOn(bridge.network, registry))
  }
  for (const bridge of bridges()) connect(bridge)
  const part: Lifecycle = {
    name: service.name,
    start: async () => {
      await applyTopicChoices({ node: parts.node, topics, routes })
      await service.start()
    },
    drain: () => service.drain(),
  }
  return { part, registry, connect, operator: new OperatorCommands({ registry, runner: service.runner, ids, clock, rng }) }
}

function isSwitchedOn({ accounts }: Config, { network, account }: Bridge): boolean {
  if (network !== 'discord' && network !== 'telegram') return true
  return accounts[network][account]?.commands ?? true
}

/** Whether a place belongs to a server or group that a route names. */
function bridgedPlaces(routes: () => readonly RouteDefinition[]): (place: Place) => boolean {
  const key = (p: Place): string =>
    JSON.stringify([p.network, p.account, p.network === 'discord' ? (p.space ?? p.channel) : p.channel])
  const known = derived(routes, (all) => new Set(all.flatMap((r) => r.members.map((m) => key(m.place)))))
  return (place) => known().has(key(place))
}

/** People who opted out are in the log under a name nobody else has (bridging 18). */
function discreet(log: CommandLog, people: Discretion): CommandLog {
  return {
    ...log,
    audit: (entry) => {
      if (!people.isOptedOut(entry.actorKey)) return log.audit(entry)
      const name = people.pseudonym(entry.actorKey)
      return log.audit({ ...entry, actorKey: name, actorName: name, args: {} })
    },
  }
}
