import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'

import type { Secret } from '../base/secret.ts'
import { DiscordBridge } from '../bridges/discord/index.ts'
import type { MediaPort } from '../bridges/media.ts'
import { type Network, type Place, placeKey } from '../bridges/model/place.ts'
import type { OwnIdentities } from '../bridges/own-identities.ts'
import { P2pBridge, type P2pBridgeOptions, type PeerPort, type ShareFile } from '../bridges/p2p/index.ts'
import type { Bridge, BridgeSink } from '../bridges/port.ts'
import { TelegramBridge } from '../bridges/telegram/index.ts'
import { type ChatFiles, WebChatBridge } from '../bridges/webchat/index.ts'
import type { K2Node } from '../core/index.ts'
import type { Config } from './config/schema.ts'
import type { Database } from './db/database.ts'
import { knownCopies } from './db/repos/copies.ts'
import { cursorStore } from './db/repos/cursors.ts'
import { intentStore } from './db/repos/peer-intents.ts'
import { aliasStore } from './db/repos/telegram-aliases.ts'
import { webChatStore } from './db/repos/webchat-messages.ts'
import { type Sealer, webhookRegistry } from './db/repos/webhooks.ts'
import { type HookedBridge, telegramHookPath } from './http/routes/telegram.ts'
import type { BridgeRegistry, Pipeline, RouteDefinition } from './pipeline/index.ts'
import { derived } from './reload/derived.ts'
import type { AccountNetwork } from './reload/diff.ts'

export interface BridgeParts {
  readonly config: Config
  readonly db: Pick<Database<unknown>, 'pool'>
  readonly pipeline: Pipeline
  readonly port: PeerPort
  readonly node: K2Node
  readonly own: OwnIdentities
  readonly routes: () => readonly RouteDefinition[]
  readonly rooms: () => readonly string[]
  /** A Telegram group has another id from now on. */
  readonly onMoved: (account: string, from: string, to: string) => void
  /** Somebody is writing there. */
  readonly typing: (place: Place, author: string) => void
  readonly sealer: Sealer
  /** What Telegram must send along to the webhook of an account; the same after every restart. */
  readonly hookSecret: (account: string) => Secret
  /** The button below bridged offers of K2 peers; undefined where there is no market. */
  readonly cardButton: P2pBridgeOptions['cardButton']
  readonly media: MediaPort
  readonly chatFiles: ChatFiles
  /** Makes K2 tickets of files, where routes ask for it. */
  readonly share: ShareFile
  /** Around the sink of K2's own bridge. */
  readonly ownSink: (account: string, inner: BridgeSink) => BridgeSink
  /** Where a bridge's events go. */
  readonly sink: (account: string) => BridgeSink
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
      sink: parts.ownSink('self', pipeline.sink('self')),
      clock,
      log: logFor('p2p'),
      intents: intentStore(db.pool, 'self', now),
      share: parts.share,
      contactName: (id) => node.contacts().find((c) => c.addr.id === id)?.name,
      cardButton: parts.cardButton,
    }),
  ]
  if (config.web.enabled) {
    bridges.push(
      new WebChatBridge({
        sink: pipeline.sink('main'),
        store: webChatStore(db.pool),
        log: logFor('web'),
        rooms: parts.rooms,
        history: config.web.history,
        maxSessions: config.http.maxSessions,
        files: parts.chatFiles,
        clock,
      }),
    )
  }
  for (const network of ['discord', 'telegram'] as const) {
    for (const account of Object.keys(config.accounts[network])) bridges.push(await openAccount(parts, network, account, config))
  }
  return bridges
}

/** The bridge of one account as the configuration has it. */
export async function openAccount(parts: BridgeParts, network: AccountNetwork, account: string, config: Config): Promise<Bridge> {
  return network === 'discord'
    ? discordBridge(parts, account, config.accounts.discord[account] as Config['accounts']['discord'][string])
    : telegramBridge(parts, account, config.accounts.telegram[account] as Config['accounts']['telegram'][string])
}

function discordBridge(parts: BridgeParts, account: string, settings: Config['accounts']['discord'][string]): Bridge {
  const { db, routes, clock } = parts
  const { token, apiUrl, webhooks, catchUp } = settings
  const log = parts.log.child({ mod: 'discord' })
  const now = (): number => clock.now()
  const places = derived(routes, (all) => placesOf(all, 'discord', account))
  const routed = derived(places, (all) => new Set(all.map((place) => place.channel)))
  return new DiscordBridge({
    account,
    token,
    sink: parts.sink(account),
    own: parts.own,
    cursors: cursorStore(db.pool),
    webhooks: webhookRegistry({ pool: db.pool, sealer: parts.sealer, now, log }),
    useWebhooks: webhooks,
    catchUp: {
      ...(catchUp?.maxMessages !== undefined && { maxMessages: catchUp.maxMessages }),
      ...(catchUp?.maxAge !== undefined && { maxAgeMs: catchUp.maxAge }),
      ...(catchUp?.recheck !== undefined && { recheck: catchUp.recheck }),
      backfill: (channel) => backfillOf(routes(), account, channel),
    },
    places,
    // Large servers have many channels; only those of routes are of interest, with their threads.
    // Direct conversations begin with a message from a place nobody knew of.
    wanted: (place) => place.space === undefined || routed().has(place.channel),
    knownCopies: knownCopies(db.pool),
    media: parts.media,
    onRights: (what) => mayWork(parts.pipeline, places(), what, log),
    typing: { wanted: () => routes().some((route) => route.typing), heard: parts.typing },
    log,
    ...(apiUrl !== undefined && { apiUrl: apiUrl.replace(/\/+$/, '') }),
    clock,
  })
}

async function telegramBridge(
  parts: BridgeParts,
  account: string,
  settings: Config['accounts']['telegram'][string],
): Promise<Bridge> {
  const { db, pipeline, routes, clock } = parts
  const { token, apiUrl, ambiguous, coalesce, limits, webhook } = settings
  const aliases = aliasStore(db.pool)
  const log = parts.log.child({ mod: 'telegram' })
  const places = derived(routes, (all) => placesOf(all, 'telegram', account))
  const chats = derived(places, (all) => all.map((place) => place.channel))
  return new TelegramBridge({
    account,
    token,
    sink: parts.sink(account),
    own: parts.own,
    log,
    ambiguous,
    coalesce,
    media: parts.media,
    ...(limits === 'off' && { rates: 'off' as const }),
    ...(apiUrl !== undefined && { apiRoot: apiUrl.replace(/\/+$/, '') }),
    ...(webhook && {
      webhook: {
        url: `${webhook.url.replace(/\/+$/, '')}${telegramHookPath(account)}`,
        secret: webhook.secret ?? parts.hookSecret(account),
        maxConnections: webhook.maxConnections,
      },
    }),
    bridgedChats: chats,
    aliases: await aliases.list(account),
    onMigrated: async (from, to) => {
      await aliases.save(account, from, to)
      parts.onMoved(account, from, to)
    },
    onMembership: (channel, status) => {
      if (status === 'member' || status === 'administrator') mayWork(pipeline, places(), { channel }, log)
    },
    onReopened: (channel, thread) => mayWork(pipeline, places(), { channel, thread }, log),
    clock,
  })
}

/** The most any route wants that reads the channel. */
function backfillOf(routes: readonly RouteDefinition[], account: string, channel: string): number {
  const isIt = ({ place, direction }: RouteDefinition['members'][number]): boolean =>
    direction !== 'out' && place.network === 'discord' && place.account === account && (place.thread ?? place.channel) === channel
  return Math.max(0, ...routes.filter((r) => r.members.some(isIt)).map((r) => r.backfill ?? 0))
}

/** Takes up those lanes of the changed part of a platform that stand still. */
function mayWork(
  pipeline: Pipeline,
  places: readonly Place[],
  what: Partial<Pick<Place, 'space' | 'channel' | 'thread'>>,
  log: Logger,
): void {
  const changed = places.filter((place) =>
    (['space', 'channel', 'thread'] as const).every((key) => what[key] === undefined || what[key] === place[key]),
  )
  pipeline
    .lanesMayWork(changed.map(placeKey))
    .catch((err) => log.warn({ ev: 'lanes-may-work', err }, 'lanes could not be taken up again; they are probed later'))
}

/** Telegram accounts by name, for the webhook's requests. */
export function hookedBridges(bridges: BridgeRegistry): (account: string) => HookedBridge | undefined {
  return (account) => {
    const bridge = bridges.find('telegram', account) as Partial<HookedBridge> | undefined
    return bridge?.takeUpdate === undefined ? undefined : (bridge as HookedBridge)
  }
}

/** Places of an account that any route names, each once. */
function placesOf(routes: readonly RouteDefinition[], network: Network, account: string): Place[] {
  const places = routes
    .flatMap((r) => r.members.map((m) => m.place))
    .filter((p) => p.network === network && p.account === account)
  return [...new Map(places.map((place) => [placeKey(place), place])).values()]
}
