import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { Access } from '../commands/access.ts'
import type { ActionIds } from '../commands/action-ids.ts'
import type { ApprovalSource } from '../commands/approvals.ts'
import type { ActionDefinition, CommandDefinition } from '../commands/definition.ts'
import { openNotifier } from '../commands/open.ts'
import type { Config } from '../config/schema.ts'
import type { PgPool } from '../db/pool.ts'
import { accessStore } from '../db/repos/access.ts'
import type { BridgeSet, Pipeline } from '../pipeline/index.ts'
import type { RouteBook } from '../reload/route-book.ts'
import { Announcements } from './announce.ts'
import { moderationCommands } from './commands.ts'
import { CrowdNotices } from './crowd.ts'
import { mentionSink } from './mentions.ts'
import { privacyCommands } from './privacy.ts'
import { LISTED, quarantineActions, quarantineCommands } from './quarantine.ts'
import { Moderation } from './service.ts'
import { ModerationStore } from './store.ts'
import { targets } from './target.ts'

export interface ModerationParts {
  readonly db: { readonly pool: PgPool }
  readonly book: RouteBook
  readonly pipeline: Pipeline
  readonly bridges: BridgeSet
  readonly ids: ActionIds
  readonly clock: Clock
  readonly log: Logger
}

export interface OpenModeration {
  readonly service: Moderation
  readonly sink: Moderation['sink']
  /** To be started after the pipeline and before anything is received. */
  readonly part: Lifecycle
  readonly commands: readonly CommandDefinition[]
  readonly actions: readonly ActionDefinition[]
  /** Messages that wait for a moderator. */
  readonly approvals: ApprovalSource
}

/** Bans, slow mode, raids, quarantine and privacy (bridging 18). */
export function openModeration(parts: ModerationParts): OpenModeration {
  const { db, book, bridges, ids, clock } = parts
  const { routes } = book
  const config = (): Config => book.config
  const pipeline = (): Pipeline => parts.pipeline
  const log = parts.log.child({ mod: 'moderation' })
  const store = new ModerationStore(db.pool)
  const service = new Moderation({ store, pipeline, routes, holdMs: () => config().moderation.holdFor, clock, log })
  const announcements = new Announcements({
    store,
    quarantine: () => pipeline().quarantine,
    notifier: () => openNotifier(() => bridges.all(), db),
    ids,
    channel: () => config().moderation.channel,
    clock,
    log,
  })
  service.onLooked = async (gone) => {
    if (gone.length > 0) await announcements.settle(gone, 'Nobody decided, or the author took it back.')
    announcements.look()
  }
  const crowds = new CrowdNotices({
    notifier: () => openNotifier(() => bridges.all(), db),
    counters: parts.pipeline.counters,
    log,
  })
  const rights = new Access(
    accessStore(db.pool),
    () => config().access,
    () => false,
  )
  const shared = {
    service,
    announcements,
    pipeline,
    routes,
    clock,
    pool: db.pool,
    targets: targets({ pipeline, routes, roleOf: (account) => rights.roleOfAccount(account) }),
  }
  return {
    service,
    sink: (inner) => service.sink(mentionSink(inner, (account) => service.accountsOf(account))),
    part: {
      name: service.name,
      start: async () => {
        await service.start()
        pipeline().onFlagged(announcements.flagged)
        pipeline().onCrowded((envelope) => crowds.tell(envelope))
      },
      drain: async () => {
        await Promise.all([service.drain(), announcements.drain(), crowds.drain()])
      },
    },
    approvals: async () =>
      (await pipeline().quarantine.list(LISTED)).map(({ eventId, envelope, reason, since }) => ({
        kind: 'message',
        id: eventId,
        from: envelope.author.displayName,
        what: `held because of ${reason}`,
        since,
        until: since + config().moderation.holdFor,
        approve: `mod approve ${eventId}`,
        reject: `mod reject ${eventId}`,
      })),
    commands: [...moderationCommands(shared), ...quarantineCommands(shared), ...privacyCommands(shared)],
    actions: quarantineActions(shared),
  }
}
