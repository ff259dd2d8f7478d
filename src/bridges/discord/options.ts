import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { Secret } from '../../base/secret.ts'
import type { CursorStore } from '../cursor.ts'
import type { MediaPort } from '../media.ts'
import type { Place } from '../model/place.ts'
import type { OwnIdentities } from '../own-identities.ts'
import type { BridgeSink } from '../port.ts'
import type { CatchUpLimits } from './catch-up.ts'
import type { KnownCopies } from './execute-create.ts'
import type { WebhookRegistry } from './webhook-registry.ts'

export interface DiscordBridgeOptions {
  readonly account: string
  readonly token: Secret
  readonly sink: BridgeSink
  readonly own: OwnIdentities
  readonly cursors: CursorStore
  readonly webhooks: WebhookRegistry
  readonly log: Logger
  /** API base without version; default Discord's. The gateway's address comes from the API. */
  readonly apiUrl?: string
  /** Show authors through webhooks where permitted; default true. */
  readonly useWebhooks?: boolean
  /** Bridged places of this account: their past is fetched after an absence. Default: none. */
  readonly places?: () => readonly Place[]
  /** Whether anybody is interested in what happens at a place; default: everywhere. */
  readonly wanted?: (place: Place) => boolean
  /** Messages known to belong to deliveries, for the search after a lost answer. Default: those of this process. */
  readonly knownCopies?: KnownCopies
  readonly catchUp?: Partial<CatchUpLimits>
  /** Files of other networks; without, they are only named in the text. */
  readonly media?: MediaPort
  /** What we may do in a server, a channel or a thread may have changed: lanes may be worth a new try. */
  readonly onRights?: (what: Pick<Place, 'space'> | Pick<Place, 'channel'> | Pick<Place, 'thread'>) => void
  /** ms until an answer must begin; default 15 s. */
  readonly timeoutMs?: number
  /** Requests of the bot per second; default 50, Discord's own limit. */
  readonly globalPerSecond?: number
  /** How long `start` waits for the connection before it goes on in the background; default 5 s. */
  readonly startWaitMs?: number
  /** Whether somebody wants to know who is typing (asked when it connects), and who is told where. Default: nobody. */
  readonly typing?: { readonly wanted: () => boolean; readonly heard: (place: Place, author: string) => void }
  readonly clock?: Clock
  readonly rng?: Rng
}
