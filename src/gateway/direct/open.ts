import { join } from 'node:path'
import { TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { OwnIdentities } from '../../bridges/own-identities.ts'
import type { BridgeSink } from '../../bridges/port.ts'
import type { ThreadedBridge } from '../../bridges/threads.ts'
import { type K2Node, parseEndpointId, readContact } from '../../core/index.ts'
import type { ApprovalSource } from '../commands/approvals.ts'
import type { CommandDefinition } from '../commands/definition.ts'
import { openNotifier } from '../commands/open.ts'
import type { Config } from '../config/schema.ts'
import type { PgPool } from '../db/pool.ts'
import type { Control } from '../http/control.ts'
import type { NodePeerPort } from '../peers/index.ts'
import type { BridgeSet, Pipeline } from '../pipeline/index.ts'
import { DEFAULT_LIMITS } from '../pipeline/limits.ts'
import { compileRoutes } from '../pipeline/routes.ts'
import { OwnMessages } from '../pipeline/say.ts'
import { derived } from '../reload/derived.ts'
import type { RouteBook } from '../reload/route-book.ts'
import { directCommands } from './commands.ts'
import { DirectHistory } from './history.ts'
import { historyCommands } from './history-commands.ts'
import { Inbox } from './inbox.ts'
import type { DirectConversation } from './model.ts'
import { DirectService } from './service.ts'
import { directSink } from './sink.ts'
import type { DirectStore } from './store.ts'
import { Strangers } from './strangers.ts'

export interface DirectParts {
  readonly store: DirectStore
  readonly conversations: readonly DirectConversation[]
  readonly book: RouteBook
  readonly db: { readonly pool: PgPool }
  readonly wakeLane: (lane: string) => Promise<void>
  readonly pipeline: Pipeline
  readonly bridges: BridgeSet
  readonly node: () => K2Node
  readonly control: () => Control
  readonly port: NodePeerPort
  /** All accounts of a person. */
  readonly accountsOf: (account: string) => readonly string[]
  readonly own: OwnIdentities
  /** Who is not heard at all. */
  readonly isBanned: (account: string) => boolean
  readonly clock: Clock
  readonly log: Logger
}

export interface Direct {
  /** To be started after the node and before the bridges. */
  readonly part: Lifecycle
  readonly inbox: Inbox
  readonly commands: readonly CommandDefinition[]
  /** Nodes that are no contacts, and people who want to talk with contacts. */
  readonly approvals: ApprovalSource
  readonly sink: (account: string, inner: BridgeSink) => BridgeSink
  readonly gauges: () => Readonly<Record<string, number>>
}

const SWEEP_MS = 60_000

/** Direct messages: pairing with K2 contacts and the staff's inbox (bridging 19). */
export function openDirect(parts: DirectParts): Direct {
  const { store, book, db, pipeline, bridges, node, own, clock } = parts
  const log = parts.log.child({ mod: 'direct' })
  const rng = cryptoRng
  const config = (): Config => book.config
  const outbox = new OwnMessages({ pool: db.pool, clock, rng, limits: DEFAULT_LIMITS }, parts.wakeLane)
  const stopping = new AbortController()
  const tasks = new TaskGroup((err) => log.warn({ ev: 'direct-failed', err }, 'a direct conversation could not be looked after'))
  const threaded = (place: Place): ThreadedBridge => {
    const bridge = bridges.find(place.network, place.account) as Partial<ThreadedBridge> | undefined
    if (bridge?.openThread === undefined) throw new Error(`${place.network}/${place.account} has no threads`)
    return bridge as ThreadedBridge
  }
  const service = new DirectService(
    {
      store,
      useRoutes: (routes) => book.useDirect(routes),
      say: (message) => outbox.say(message),
      know: (id) => {
        const known = node().contacts()
        if (known.some((contact) => contact.addr.id === id)) return
        node().addContact(readContact({ name: id.slice(0, 8), id: parseEndpointId(id), addresses: [] }))
      },
      nameOf: (id) =>
        node()
          .contacts()
          .find((contact) => contact.addr.id === id)?.name ?? id.slice(0, 8),
      closeThread: (place) =>
        tasks.add(
          Promise.resolve().then(
            async () => void (await threaded(place).changeThread(place, { kind: 'close' }, stopping.signal)),
          ),
        ),
      idleMs: () => config().direct.idle,
      counters: pipeline.counters,
      clock,
      rng,
      log,
    },
    parts.conversations,
  )
  const inbox = new Inbox({
    store,
    service,
    place: () => config().direct.inbox,
    newPerMinute: () => config().direct.newPerMinute,
    openThread: async (place, title, signal) => threaded(place).openThread(place, title, signal),
    sink: (account) => pipeline.sink(account),
    clock,
    log,
  })
  pipeline.onSuspended((lane, probeAt) => tasks.add(service.stuck(lane, probeAt)))
  const table = derived(book.routes, compileRoutes)
  const sinkParts = {
    service,
    inbox,
    isRouted: (place: Place) => table().reading(place).length > 0,
    isOwn: (key: string) => own.has(key),
    isBanned: parts.isBanned,
  }
  const history = new DirectHistory({ pool: db.pool, port: parts.port, keepMs: config().limits.retention, clock, log })
  const strangers = new Strangers({
    port: parts.port,
    isContact: (peer) =>
      node()
        .contacts()
        .some(({ addr }) => addr.id === peer),
    path: join(config().dataDir, 'strangers.json'),
    clock,
    log,
  })
  let cancelSweep = (): void => {}
  const schedule = (): void => {
    cancelSweep = clock.after(SWEEP_MS, () => tasks.add(service.sweep().finally(schedule)))
  }
  return {
    inbox,
    approvals: async () => [
      ...(await strangers.approvals()),
      ...service.requests().map(({ code, personKey, personName, contact, expiresAt }) => ({
        kind: 'conversation' as const,
        id: code,
        from: `${personName} (${personKey})`,
        what: `wants to talk with ${contact.slice(0, 10)}…`,
        until: expiresAt,
        approve: `dm approve ${code}`,
      })),
    ],
    commands: [
      ...directCommands({
        service,
        config,
        node,
        notifier: openNotifier(() => bridges.all(), db),
        ask: async (id, text) => void (await parts.control().sendDirect(id, text, 'K2 gateway')),
      }),
      ...historyCommands({ history, node, accountsOf: parts.accountsOf }),
    ],
    sink: (account, inner) => directSink(account, inner, sinkParts),
    gauges: () => ({ direct_conversations: service.conversations().length, direct_requests: service.requests().length }),
    part: {
      name: 'direct',
      start: async () => {
        await service.start()
        await inbox.start()
        await strangers.start()
        await history.start()
        schedule()
      },
      drain: async () => {
        cancelSweep()
        stopping.abort()
        await inbox.drain()
        await history.drain()
        await tasks.settled()
      },
      stop: () => strangers.stop(),
      health: () => inbox.health(),
    },
  }
}
