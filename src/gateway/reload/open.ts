import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Bridge } from '../../bridges/port.ts'
import { type K2Node, readContact } from '../../core/index.ts'
import type { CommandDefinition } from '../commands/definition.ts'
import { pipelineLimitsOf } from '../config/pipeline-limits.ts'
import type { Config } from '../config/schema.ts'
import type { PgPool } from '../db/pool.ts'
import { aliasStore } from '../db/repos/telegram-aliases.ts'
import type { BridgeSet, Pipeline, RouteDefinition } from '../pipeline/index.ts'
import { ThreadPairStore } from '../threads/pairs.ts'
import { Accounts } from './accounts.ts'
import { routeChoices } from './choices.ts'
import { routeCommands } from './commands.ts'
import type { AccountNetwork, ConfigChange } from './diff.ts'
import { type ConfigSource, Reloader } from './reloader.ts'
import { RouteBook } from './route-book.ts'

/** The routes in use from the start, those of commands, direct conversations and threads included. */
export async function openRouteBook(parts: {
  readonly config: Config
  readonly db: { readonly pool: PgPool }
  readonly direct: readonly RouteDefinition[]
  readonly log: Logger
}): Promise<RouteBook> {
  const choices = await routeChoices(parts.db.pool, parts.log).load()
  const moved = await aliasStore(parts.db.pool).moved()
  const pairs = await new ThreadPairStore(parts.db.pool).all()
  return new RouteBook({ config: parts.config, choices, direct: parts.direct, pairs, moved })
}

export interface ReloadParts {
  readonly book: RouteBook
  readonly source: ConfigSource | undefined
  readonly db: { readonly pool: PgPool }
  readonly pipeline: Pipeline
  readonly node: K2Node
  readonly bridges: BridgeSet
  /** Bridges of the configured accounts, not started. */
  readonly accounts: readonly Bridge[]
  readonly build: (network: AccountNetwork, account: string, config: Config) => Promise<Bridge>
  readonly connect: (bridge: Bridge) => void
  readonly clock: Clock
  readonly log: Logger
}

export interface Reload {
  /** Starts and stops the bridges of accounts. */
  readonly accounts: Accounts
  /** To be started last. */
  readonly reloader: Reloader
  readonly commands: readonly CommandDefinition[]
}

/** Everything that lets routes, accounts and settings change while the gateway runs (bridging 18). */
export function openReload(parts: ReloadParts): Reload {
  const { book, source, db, pipeline, node, bridges, build, connect, clock } = parts
  const log = parts.log.child({ mod: 'config' })
  const choices = routeChoices(db.pool, log)
  book.attach((routes, config) => pipeline.reload(routes, config.rules, pipelineLimitsOf(config)))
  const accounts = new Accounts(
    {
      bridges,
      build,
      connect,
      quiet: (network, account, maxMs) => pipeline.accountQuiet(network, account, maxMs),
      ready: (network, account) => pipeline.accountReady(network, account),
      log,
    },
    parts.accounts,
  )
  const reloader = new Reloader({
    source,
    current: () => book.config,
    apply: async (next, change) => {
      // The only step that can refuse comes first; events are routed by the old or by the new routes, never by parts of both.
      book.useConfig(next)
      followNode(node, next, change, book)
      await accounts.change(change.accounts, next)
    },
    problems: () => book.problems,
    counters: pipeline.counters,
    clock,
    log,
  })
  const commands = routeCommands({
    book,
    reloader,
    contacts: () => node.contacts(),
    choose: async (route, choice, by) => {
      book.useChoice(route, choice)
      await choices.save(route, choice, by, clock.now())
    },
  })
  return { accounts, reloader, commands }
}

/** Topics and contacts of the node. A topic that a command's route needs is kept. */
function followNode(node: K2Node, next: Config, { topics, contacts }: ConfigChange, book: RouteBook): void {
  for (const contact of contacts) node.addContact(readContact(contact))
  for (const topic of topics.join) node.joinTopic(topic)
  const routed = new Set(book.routes().flatMap((r) => r.members.map((m) => m.place.channel)))
  for (const topic of topics.leave) {
    if (routed.has(topic) || next.node.topics.includes(topic)) continue
    node.leaveTopic(topic).catch(() => {})
  }
}
