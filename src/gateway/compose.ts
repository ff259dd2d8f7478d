import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { type Lifecycle, LifecycleGroup } from '../base/lifecycle.ts'
import { cryptoRng } from '../base/random.ts'
import { OwnIdentities } from '../bridges/own-identities.ts'
import type { Bridge } from '../bridges/port.ts'
import { ChatFiles, type WebChatBridge } from '../bridges/webchat/index.ts'
import { BLOBS_ALPN, BlobProvider, FsBlobStore } from '../core/blobs/index.ts'
import { DOCS_ALPN } from '../core/docs/alpn.ts'
import { K2Node } from '../core/index.ts'
import { INVITE_ALPN } from '../core/k2/sync-invite.ts'
import { Avatars } from './avatars/avatars.ts'
import { DatabaseSnapshots } from './backup/snapshots.ts'
import { openBlobs } from './blobs/open.ts'
import { providerLimits } from './blobs/policy.ts'
import { type BridgeParts, hookedBridges, openAccount, openBridges } from './bridges.ts'
import { randomToken, removeControlFile, writeControlFile } from './cli/control-file.ts'
import { createActionIds } from './commands/action-ids.ts'
import { approvalsCommand } from './commands/approvals.ts'
import { openCommands, openNotifier } from './commands/open.ts'
import { pipelineLimitsOf } from './config/pipeline-limits.ts'
import type { Config } from './config/schema.ts'
import { createControl } from './control.ts'
import { openDatabase } from './db/database.ts'
import { openSendJournal } from './db/repos/send-journal.ts'
import { webChatStore } from './db/repos/webchat-messages.ts'
import { createSealer } from './db/sealer.ts'
import { routeOf } from './direct/model.ts'
import { openDirect } from './direct/open.ts'
import { DirectStore } from './direct/store.ts'
import { openDocs } from './docs/open.ts'
import type { Gateway, GatewayOptions } from './gateway.ts'
import { databaseConfig, hookSecrets, lockPart, settledValue } from './groundwork.ts'
import { openServer } from './http/open.ts'
import { createJobBackend } from './jobs/backend.ts'
import { DELIVER, JobQueues } from './jobs/queues.ts'
import { JobUpkeep } from './jobs/upkeep.ts'
import { QueueWorker } from './jobs/workers.ts'
import { cardButtonOf } from './market/card-button.ts'
import { openMarket } from './market/open.ts'
import { connectSource, openMedia } from './media/open.ts'
import { openModeration } from './moderation/open.ts'
import { nodeConfigOf } from './node-config.ts'
import { loadOrCreateNodeKey } from './node-key.ts'
import { openMetrics } from './observe/open.ts'
import { NodePeerPort, RecentPeersFile, readRecentPeers } from './peers/index.ts'
import { PinSync } from './pins/sync.ts'
import { BridgeSet, bootName, createPipeline, openSentLog } from './pipeline/index.ts'
import { Reactions } from './reactions/service.ts'
import { ReactionStore } from './reactions/store.ts'
import { openReload, openRouteBook } from './reload/open.ts'
import { openLexiconInSteps } from './rules/lexicon.ts'
import { openSync } from './sync/open.ts'
import { openThreads } from './threads/open.ts'
import { openTrust } from './trust/open.ts'
import { typingRelay } from './typing/relay.ts'

/** Jobs of the delivery queue handled at once by one process. */
const DELIVER_CONCURRENCY = 32

/**
 * Builds and starts everything in order: lock, database, jobs, node, bridges, pipeline, HTTP. When one part cannot start,
 * the started ones are stopped and its error is thrown. The signal ends a start under way.
 */
export async function startGateway(options: GatewayOptions, signal: AbortSignal): Promise<Gateway> {
  const { config, log, clock = systemClock } = options
  const group = new LifecycleGroup({ log, drainMs: config.shutdownTimeout * 0.7, stopMs: config.shutdownTimeout * 0.3 })
  const use = async <T extends Lifecycle>(part: T): Promise<T> => {
    await group.start(part, signal)
    signal.throwIfAborted()
    return part
  }
  try {
    await use(await lockPart(config.dataDir, clock))
    // The word lists are read while the database opens in its thread.
    const [opening, key, words] = await Promise.allSettled([
      openDatabase(databaseConfig(config), { log: log.child({ mod: 'db' }), clock }),
      loadOrCreateNodeKey(config.dataDir),
      config.market.enabled ? openLexiconInSteps(config) : undefined,
    ])
    const db = await use(settledValue(opening))
    const { identity } = settledValue(key)
    const lexicon = settledValue(words)
    const jobLog = log.child({ mod: 'jobs' })
    const backend = createJobBackend(
      config.queue.driver === 'redis'
        ? { driver: 'redis', url: config.queue.url.reveal(), allowEviction: config.queue.allowEviction }
        : { driver: 'database', pool: db.jobsPool },
      { log: jobLog },
    )
    await use(backend)
    const queues = await use(new JobQueues(backend, jobLog))

    const directStore = new DirectStore(db.pool)
    const conversations = await directStore.open()
    const book = await openRouteBook({ config, db, direct: conversations.map(routeOf), log })
    const { routes, rooms } = book
    const own = new OwnIdentities()
    const bridgeSet = new BridgeSet()
    const threads = openThreads({ bridges: bridgeSet, book, pool: db.pool, clock, log })
    const pipeline = createPipeline({
      db,
      // On a database server another machine may take a lane over, and could not read this one's notes.
      sent:
        config.database.driver === 'embedded'
          ? openSentLog(config.dataDir, bootName(), log.child({ mod: 'pipeline' }))
          : undefined,
      jobs: queues,
      bridges: threads.bridges,
      routes: routes(),
      rules: config.rules,
      instance: identity.id.slice(0, 16),
      own,
      advise: (envelope) => market?.advise(envelope),
      moderate: (envelope, route, again) => moderation.service.judge(envelope, route, again),
      personOf: (author) => moderation.service.accountsOf(author)[0] ?? author,
      limits: pipelineLimitsOf(config),
      clock,
      log,
    })
    const worker = new QueueWorker({
      backend,
      queue: DELIVER,
      handlers: { wake: ({ lane }) => pipeline.runLane(lane) },
      concurrency: DELIVER_CONCURRENCY,
      log: jobLog,
      clock,
    })
    // K2 applications see whether somebody is online by connecting with this protocol (k2-application 0.7).
    const blobLog = log.child({ mod: 'blobs' })
    const store = new FsBlobStore({
      dir: join(config.dataDir, 'blobs'),
      maxBytes: config.blobs.storeSize,
      named: () => docs.contents(),
      clock,
      log: blobLog,
    })
    const docs = openDocs({
      config,
      identity,
      node: () => node,
      blobs: () => store,
      media: () => media.library,
      clock,
      log,
    })
    await use({ name: 'blob-store', stop: () => store.close() })
    const blobs = new BlobProvider({ store, clock, limits: providerLimits(config.blobs), log: blobLog })
    const recentPath = join(config.dataDir, 'recent-peers.json')
    const node = new K2Node({
      identity,
      config: nodeConfigOf(config),
      handlers: {
        [BLOBS_ALPN]: (connection) => blobs.serve(connection),
        [DOCS_ALPN]: docs.serve,
        [INVITE_ALPN]: (connection) => sync.serve(connection),
      },
      journal: await openSendJournal(db.pool, () => clock.now()),
      recent: await readRecentPeers(recentPath, log),
      held: true,
      clock,
      log: log.child({ mod: 'node' }),
    })
    const trust = openTrust({ db, node, clock, log: log.child({ mod: 'trust' }) })
    const port = new NodePeerPort(node, log.child({ mod: 'peers' }))
    const files = openBlobs({
      config,
      db,
      backend,
      queues,
      identity,
      node,
      store,
      routes,
      media: () => media,
      baseUrl: () => server.url,
      clock,
      log,
    })
    const media = await openMedia({ config, clock, log })
    const chatFiles = new ChatFiles({ media: media.library, store: webChatStore(db.pool), clock, rng: cryptoRng })
    // Pictures are fetched where platforms can get them from us.
    const portraits = { bridges: bridgeSet, media: media.library, enabled: config.blobs.publicUrl !== undefined }
    const avatars = new Avatars({ ...portraits, clock, log: log.child({ mod: 'avatars' }) })
    const pins = new PinSync({ bridges: bridgeSet, routes, pool: db.pool, log: log.child({ mod: 'pins' }) })
    const reactions = new Reactions({
      store: new ReactionStore(db.pool),
      bridges: bridgeSet,
      routes,
      clock,
      log: log.child({ mod: 'reactions' }),
    })
    media.library.addSource('blob', '', files.source)
    media.library.setLinks(files.links)
    const actionIds = createActionIds(identity.seed())
    const moderation = openModeration({ db, book, pipeline, bridges: bridgeSet, ids: actionIds, clock, log })
    const direct = openDirect({
      store: directStore,
      conversations,
      book,
      db,
      wakeLane: (lane) => queues.wakeLane(lane),
      pipeline,
      bridges: bridgeSet,
      node: () => node,
      control: () => control,
      own,
      port,
      isBanned: (account) => moderation.service.isBanned(account),
      accountsOf: (account) => moderation.service.accountsOf(account),
      clock,
      log,
    })
    const bridgeParts: BridgeParts = {
      cardButton: config.market.enabled ? cardButtonOf(actionIds) : undefined,
      config,
      media: media.library,
      share: files.shareFile,
      sink: (account) =>
        direct.sink(account, moderation.sink(threads.sink(pins.sink(reactions.sink(avatars.sink(pipeline.sink(account))))))),
      ownSink: (account, inner) => direct.sink(account, inner),
      chatFiles,
      db,
      pipeline,
      port,
      node,
      own,
      routes,
      rooms,
      typing: typingRelay({ bridges: bridgeSet, routes, isBarred: (account) => moderation.service.isBarred(account), clock }),
      onMoved: (account, from, to) => book.useMove(account, from, to),
      sealer: createSealer(identity.seed()),
      hookSecret: hookSecrets(identity.seed()),
      clock,
      log,
    }
    const opened = await openBridges(bridgeParts)
    for (const bridge of opened) {
      bridgeSet.add(bridge)
      connectSource(media.library, bridge)
    }
    const bridges = (): readonly Bridge[] => bridgeSet.all()
    const ownBridges = opened.filter((bridge) => bridge.network === 'p2p' || bridge.network === 'web')
    const reload = openReload({
      book,
      source: options.source,
      db,
      pipeline,
      node,
      bridges: bridgeSet,
      accounts: opened.filter((bridge) => !ownBridges.includes(bridge)),
      build: (network, account, next) => openAccount(bridgeParts, network, account, next),
      connect: (bridge) => {
        connectSource(media.library, bridge)
        commands.connect(bridge)
      },
      clock,
      log,
    })

    const market = lexicon
      ? await openMarket({
          config,
          lexicon,
          db,
          backend,
          queues,
          node,
          port,
          pipeline,
          bridges,
          ids: actionIds,
          instance: identity.id.slice(0, 16),
          clock,
          log,
        })
      : undefined

    const sync = openSync({
      config,
      db,
      backend,
      queues,
      identity,
      node,
      blobs: store,
      docs,
      ids: actionIds,
      notifier: () => openNotifier(bridges, db),
      clock,
      log,
    })

    const current = (): Config => book.config
    const control = createControl({
      config: current,
      node,
      port,
      pipeline,
      metrics: () => metrics,
      parts: () => [...group.parts, ...reload.accounts.list()],
      clock,
    })
    const commands = openCommands({
      config: current,
      db,
      node,
      pipeline,
      control,
      bridges,
      routes,
      ids: actionIds,
      // Capabilities add their commands and buttons here.
      definitions: [
        ...files.commands,
        ...docs.commands,
        ...sync.commands,
        ...(market?.commands ?? []),
        ...reload.commands,
        ...direct.commands,
        ...trust.commands,
        ...moderation.commands,
        approvalsCommand([direct.approvals, sync.approvals, moderation.approvals], () => clock.now()),
      ],
      actions: [...sync.actions, ...moderation.actions, ...(market?.actions ?? [])],
      moderation: moderation.service,
      clock,
      log,
    })

    await use(media.part)
    if (market) await use(market.early)
    await use(pipeline)
    await use(moderation.part)
    // What waited over the restart is judged again, by the decisions that are read now.
    await use(pipeline.pacing)
    await use(worker)
    await use(new JobUpkeep({ backend, queues, log: jobLog, clock }))
    await use(trust.part)
    await use(node)
    await use(new RecentPeersFile({ path: recentPath, node, clock, log: log.child({ mod: 'peers' }) }))
    await use(docs.part)
    await use(sync.part)
    await use(commands.part)
    await use(reactions)
    await use(avatars)
    await use(threads)
    await use(pins)
    await use(direct.part)
    for (const bridge of ownBridges) await use(bridge)
    await use(reload.accounts)
    if (market) await use(market.part)
    // Everybody who reads what comes over K2 is there.
    node.release()

    const web = ownBridges.find((b) => b.network === 'web') as WebChatBridge | undefined
    const metrics = openMetrics({
      pipeline,
      node,
      blobs,
      gauged: [docs, ...(market ? [market.market] : []), direct, moderation.service],
      bridges,
      mediaBytes: () => media.library.stats().fetched,
      control,
    })
    const token = config.http.adminToken ?? randomToken()
    const server = await use(
      await openServer({
        http: config.http,
        web,
        chatFiles,
        token,
        control,
        commands: commands.operator,
        files,
        profile: docs.profile,
        hooks: hookedBridges(bridgeSet),
        snapshots: new DatabaseSnapshots({ dataDir: config.dataDir, db, clock }),
        log: log.child({ mod: 'http' }),
      }),
    )
    // Links name the server's address.
    for (const part of files.lifecycle) await use(part)
    await use(reload.reloader)
    await writeControlFile(config.dataDir, { url: server.url, token, pid: process.pid })
    return {
      url: server.url,
      node,
      pipeline,
      bridges: bridges(),
      commands: commands.registry,
      rooms: rooms(),
      reload: (by) => reload.reloader.reload(by),
      async stop() {
        await removeControlFile(config.dataDir)
        await group.stop()
      },
    }
  } catch (error) {
    await group.stop()
    throw error
  }
}
