import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Connection } from '../../core/index.ts'
import type { ActionIds } from '../commands/action-ids.ts'
import type { ApprovalSource } from '../commands/approvals.ts'
import type { ActionDefinition, CommandDefinition } from '../commands/definition.ts'
import type { Notifier } from '../commands/notifier.ts'
import type { GatewayDocs } from '../docs/open.ts'
import { syncActions } from './actions.ts'
import type { RunningSync, SyncParts } from './assemble.ts'
import { syncCommands } from './commands.ts'
import { deviceCommands } from './commands-devices.ts'
import { syncError } from './errors.ts'
import { KEEP_INVITATIONS_MS } from './invitation-life.ts'
import { invitationNotice } from './notices.ts'
import type { SyncService } from './service.ts'
import type { Invitation } from './store.ts'

export interface OpenSyncParts extends SyncParts {
  readonly docs: Pick<GatewayDocs, 'open' | 'onOpen'>
  readonly ids: ActionIds
  readonly notifier: () => Pick<Notifier, 'post'>
}

/** Folder sync of the gateway. */
export interface GatewaySync {
  readonly commands: readonly CommandDefinition[]
  readonly actions: readonly ActionDefinition[]
  /** Invitations that wait. Rejects while documents cannot be opened. */
  readonly approvals: ApprovalSource
  /** Of the ALPN `k2/sync-invite/1`, for the node's handlers. */
  serve(connection: Connection): Promise<void>
  /** Rejects as opening the documents does, or `SYNC_OFF` while it stops. */
  service(): Promise<SyncService>
  /** To be started after documents, so that it stops before them. */
  readonly part: Lifecycle
}

/** Begins when documents are open; everything heavy is loaded then. */
export function openSync(parts: OpenSyncParts): GatewaySync {
  const log = parts.log.child({ mod: 'sync' })
  const stopping = new AbortController()
  let running: Promise<RunningSync> | undefined
  const invited = async (invitation: Invitation): Promise<void> => {
    for (const place of parts.config.sync.notices) {
      await parts
        .notifier()
        .post({ kind: 'place', place }, invitationNotice(invitation, parts.ids), stopping.signal)
        .catch((err: unknown) => log.warn({ ev: 'sync-notice', err }, 'an invitation could not be told'))
    }
  }
  parts.docs.onOpen(async (open) => {
    const { assembleSync } = await import('./assemble.ts')
    running = assembleSync({ ...parts, log }, open, invited)
    await running
  })
  const opened = async (): Promise<RunningSync> => {
    await parts.docs.open()
    if (running === undefined || stopping.signal.aborted)
      throw syncError('SYNC_OFF', 'closed', 'folders cannot be synchronised now: see the log of the gateway')
    return running
  }
  const service = async (): Promise<SyncService> => (await opened()).service
  const overview = { service, ids: parts.ids, clock: parts.clock }
  return {
    approvals: async () =>
      (await (await service()).invitations()).map(({ folder, peer, name, at }) => ({
        kind: 'folder',
        id: folder,
        from: peer.slice(0, 10),
        what: `invites to the folder "${name}"`,
        since: at,
        until: at + KEEP_INVITATIONS_MS,
        approve: `sync accept ${folder.slice(0, 10)}`,
        reject: `sync reject ${folder.slice(0, 10)}`,
      })),
    commands: [...syncCommands(overview), ...deviceCommands(service)],
    actions: syncActions(overview),
    serve: async (connection) => (await opened()).serve(connection),
    service,
    part: {
      name: 'sync',
      drain: async (signal) => {
        stopping.abort()
        const sync = await running?.catch(() => undefined)
        await sync?.drain(signal)
      },
      stop: async () => {
        stopping.abort()
        const sync = await running?.catch(() => undefined)
        await sync?.stop()
      },
    },
  }
}
