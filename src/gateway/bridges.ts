import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'

import type { Network } from '../bridges/model/place.ts'
import type { OwnIdentities } from '../bridges/own-identities.ts'
import { P2pBridge, type PeerPort } from '../bridges/p2p/index.ts'
import type { Bridge } from '../bridges/port.ts'
import { TelegramBridge } from '../bridges/telegram/index.ts'
import { WebChatBridge } from '../bridges/webchat/index.ts'
import type { K2Node } from '../core/index.ts'
import type { Config } from './config/schema.ts'
import type { Database } from './db/database.ts'
import { cursorStore } from './db/repos/cursors.ts'
import { intentStore } from './db/repos/peer-intents.ts'
import { aliasStore } from './db/repos/telegram-aliases.ts'
import { webChatStore } from './db/repos/webchat-messages.ts'
import { type Sealer, webhookRegistry } from './db/repos/webhooks.ts'
import type { Pipeline, RouteDefinition } from './pipeline/index.ts'

export interface BridgeParts {
  readonly config: Config
  readonly db: Pick<Database<unknown>, 'pool'>
  readonly pipeline: Pipeline
  readonly port: PeerPort
  readonly node: K2Node
  readonly own: OwnIdentities
  readonly routes: readonly RouteDefinition[]
  readonly rooms: readonly string[]
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: Logger
}

/** One bridge for each configured account, for K2 and for the web chat. Nothing connects before its `start`. */
export async function openBridges(parts: BridgeParts): Promise<Bridge[]> {
  const { config, db, pipeline, port, node, clock } = parts
  const now = (): number => clock.now()
  const logFor = (mod: string): Logger => parts.log.child({ mod })
  const bridges: Bridge[] = [
    new P2pBridge({
      port,
      sink: pipeline.sink('self'),
      clock,
      log: logFor('p2p'),
      intents: intentStore(db.pool, 'self', now),
      contactName: (id) => node.contacts().find((c) => c.addr.id === id)?.name,
    }),
  ]
  if (config.web.enabled) {
    bridges.push(
      new WebChatBridge({
        sink: pipeline.sink('main'),
        store: webChatStore(db.pool),
        log: logFor('web'),
        rooms: () => parts.rooms,
        history: config.web.history,
        maxSessions: config.http.maxSessions,
        clock,
      }),
    )
  }
  const aliases = aliasStore(db.pool)
  for (const [account, { token, apiUrl, ambiguous }] of Object.entries(config.accounts.telegram)) {
    bridges.push(
      new TelegramBridge({
        account,
        token,
        sink: pipeline.sink(account),
        own: parts.own,
        log: logFor('telegram'),
        ambiguous,
        ...(apiUrl !== undefined && { apiRoot: apiUrl.replace(/\/+$/, '') }),
        bridgedChats: () => channelsOf(parts.routes, 'telegram', account),
        aliases: await aliases.list(account),
        onMigrated: (from, to) => aliases.save(account, from, to),
        clock,
      }),
    )
  }
  return bridges
}

function channelsOf(routes: readonly RouteDefinition[], network: Network, account: string): string[] {
  const places = routes.flatMap((r) => r.members.map((m) => m.place))
  return [...new Set(places.filter((p) => p.network === network && p.account === account).map((p) => p.channel))]
}
