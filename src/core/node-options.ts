import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/random.ts'
import type { NodeConfig, NodeSettings } from './config.ts'
import type { SendJournal } from './k2/send-journal.ts'
import type { Identity } from './keys/identity.ts'
import type { AlpnHandler, K2Endpoint } from './net/index.ts'
import type { RecentPeer } from './recent-peers.ts'

export interface K2NodeOptions {
  readonly identity: Identity
  readonly config?: NodeConfig
  /** Remembers sent lines across restarts; in memory when omitted. */
  readonly journal?: SendJournal
  /** Neighbours of earlier runs, see `K2Node.recentPeers`. */
  readonly recent?: readonly RecentPeer[]
  readonly clock?: Clock
  readonly rng?: Rng
  readonly log?: Logger
  /** Further protocols by ALPN, e.g. blobs; connections without a stream are ordinary pings to every one of them. */
  readonly handlers?: Readonly<Record<string, AlpnHandler>>
  /** Messages are kept back until `release`, so that none comes before those who read them are there. */
  readonly held?: boolean
  /** Instead of a QUIC endpoint, for tests. */
  readonly openEndpoint?: (settings: NodeSettings) => Promise<K2Endpoint>
}

export interface PingOptions {
  /** Protocol to ask for; reference nodes answer `/iroh-bytes/4` and gossip. */
  readonly alpn?: string
  readonly deadlineMs?: number
}

export type PingResult = { readonly online: true; readonly ms: number } | { readonly online: false; readonly code: string }
