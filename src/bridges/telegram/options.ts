import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { Secret } from '../../base/secret.ts'
import type { MediaPort } from '../media.ts'
import type { OwnIdentities } from '../own-identities.ts'
import type { BridgeSink } from '../port.ts'
import type { AmbiguousPolicy, SendCounters } from './execute.ts'
import type { DropReason } from './inbound.ts'
import type { TelegramRates } from './limits.ts'
import type { WebhookSettings } from './webhook.ts'

export interface TelegramBridgeOptions {
  readonly account: string
  readonly token: Secret
  readonly sink: BridgeSink
  readonly own: OwnIdentities
  readonly log: Logger
  /** Bot API server, without a trailing slash. Default the public one. */
  readonly apiRoot?: string
  /** Long poll in seconds, 1–50; default 30. */
  readonly pollTimeoutSec?: number
  /** Time limit of every other call in seconds; default 30. */
  readonly callTimeoutSec?: number
  /** Files of other networks; without, they are only named in the text. */
  readonly media?: MediaPort
  /** Receive by webhook instead of polling. */
  readonly webhook?: WebhookSettings | undefined
  /** Predicted limits; `off` for servers without any. */
  readonly rates?: TelegramRates | 'off'
  /** Texts that wait long for a group are sent as one message; default true. Not where there are no limits. */
  readonly coalesce?: boolean
  /** Creates that may have arrived already are sent again (default) or dropped; both are counted. */
  readonly ambiguous?: AmbiguousPolicy
  /** Chats of the routes: ids or @names. Names are then used for what arrives; groups are checked for privacy mode. */
  readonly bridgedChats?: () => readonly string[]
  /** Known moves of groups, old chat id → new one. */
  readonly aliases?: ReadonlyMap<string, string>
  /** A group moved; resolves after it is remembered. */
  readonly onMigrated?: (from: string, to: string) => Promise<void>
  /** Our standing in a chat changed (`member`, `administrator`, `left`, `kicked`): lanes may be worth a new try. */
  readonly onMembership?: (channel: string, status: string) => void
  /** A topic was opened again. */
  readonly onReopened?: (channel: string, thread: string) => void
  readonly clock?: Clock
  readonly rng?: Rng
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface TelegramStats extends SendCounters {
  /** Updates taken, and those that led to nothing by reason. */
  readonly updates: number
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
}
