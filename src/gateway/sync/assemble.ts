import { join } from 'node:path'
import { TaskGroup } from '../../base/async.ts'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import type { BlobStore } from '../../core/blobs/index.ts'
import type { NamespaceId } from '../../core/docs/index.ts'
import type { Connection, Identity, K2Node } from '../../core/index.ts'
import { SyncBook } from '../../core/sync/index.ts'
import { openDownloads } from '../blobs/downloads.ts'
import type { SyncConfig } from '../config/sync.ts'
import type { PgPool } from '../db/pool.ts'
import { createSealer } from '../db/sealer.ts'
import type { OpenDocs } from '../docs/open-docs.ts'
import type { JobBackend } from '../jobs/backend.ts'
import type { JobQueues } from '../jobs/queues.ts'
import { SyncEngine } from './engine.ts'
import { KEEP_INVITATIONS_MS } from './invitation-life.ts'
import { InvitationDesk } from './invitations.ts'
import { SyncJobs } from './jobs.ts'
import { LinkDesk } from './links.ts'
import { SyncService } from './service.ts'
import { type Invitation, SyncStore } from './store.ts'
import { Trash } from './trash.ts'

/** ms between two rounds of tidying. */
const TIDY_MS = 3_600_000

export interface SyncParts {
  readonly config: { readonly dataDir: string; readonly sync: SyncConfig }
  readonly db: { readonly pool: PgPool }
  readonly backend: JobBackend
  readonly queues: JobQueues
  readonly identity: Identity
  readonly node: K2Node
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly log: Logger
}

/** Folder sync, running. */
export interface RunningSync {
  readonly service: SyncService
  serve(connection: Connection): Promise<void>
  drain(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** Everything of folder sync, loaded when documents are open. `invited` is told of invitations that wait; must not reject. */
export async function assembleSync(
  parts: SyncParts,
  { docs, client, contacts }: OpenDocs,
  invited: (invitation: Invitation) => Promise<void>,
): Promise<RunningSync> {
  const { config, db, backend, queues, identity, node, blobs, clock, log } = parts
  const dir = join(config.dataDir, 'sync')
  const store = new SyncStore(db.pool, node.id, createSealer(identity.seed()))
  const book = await SyncBook.open(client)
  const trash = new Trash(join(dir, 'trash'), { maxBytes: config.sync.trash.maxSize, keepMs: config.sync.trash.keep })
  const downloads = openDownloads({ store: blobs, endpoint: () => node.endpoint, reach: node.settings, clock })
  const tasks = new TaskGroup((err) => log.warn({ ev: 'sync-task', err }, 'background work of folder sync failed'))
  const engine = new SyncEngine({
    config: config.sync,
    docs,
    book,
    blobs,
    downloads,
    store,
    trash,
    wake: async (step, folder, flags) => {
      await working()
      await jobs.wake(step, folder, flags)
    },
    clock,
    log,
  })
  const links = new LinkDesk({ node, docs, book, store, changed: (folder) => engine.update(folder), clock, log })
  let tidiedAt = Number.NEGATIVE_INFINITY
  const tidy = async (): Promise<void> => {
    if (clock.monotonic() - tidiedAt < TIDY_MS) return
    tidiedAt = clock.monotonic()
    await trash.tidy(clock.now())
    await store.pruneInvitations(clock.now() - KEEP_INVITATIONS_MS)
  }
  const jobs = new SyncJobs({
    backend,
    queues,
    node: node.id,
    session: toHex(cryptoRng.bytes(4)),
    run: (step, folder, flags, context) => engine.run(step, folder, flags, context),
    round: async (signal) => {
      await engine.round()
      await links.round(new Set(), signal)
      await tidy()
    },
    clock,
    log,
  })
  // Gateways without folders have no workers.
  let started: Promise<void> | undefined
  const working = (): Promise<void> => {
    started ??= jobs.start()
    return started
  }
  const stopping = new AbortController()
  const invite = async (folder: NamespaceId): Promise<void> => {
    tasks.add(links.round(new Set([folder]), stopping.signal))
  }
  const service = new SyncService({
    docs,
    book,
    store,
    engine,
    links,
    invite,
    root: config.sync.root ?? join(config.dataDir, 'folders'),
    dataDir: config.dataDir,
    clock,
  })
  const desk = new InvitationDesk({ policy: config.sync.invitations, store, book, contacts, arrived: invited, clock, log })
  await engine.start()
  return {
    service,
    serve: (connection) => desk.serve(connection),
    drain: async (signal) => {
      stopping.abort()
      engine.stop()
      if (started !== undefined) await jobs.drain(signal)
    },
    stop: async () => {
      stopping.abort()
      engine.stop()
      if (started !== undefined) await jobs.stop()
      await tasks.settled()
      await downloads.stop()
    },
  }
}
