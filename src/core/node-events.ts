import type { Hash, PeerId } from './ids.ts'
import type { DirectLinkStats } from './k2/direct-link.ts'
import type { InboundMessage, TopicInfo } from './k2/inbound.ts'
import type { LookupStats } from './node-lookups.ts'
import type { TrackerHealth } from './tracker/index.ts'

/** What a node tells its application. */
export type K2Event =
  | { readonly type: 'message'; readonly message: InboundMessage }
  /** A later copy of a claimed message came straight from its sender. */
  | { readonly type: 'verified'; readonly messageId: Hash; readonly peer: PeerId }
  | { readonly type: 'neighborUp' | 'neighborDown'; readonly topic: TopicInfo; readonly peer: PeerId }

export interface TopicStatus {
  readonly name: string
  readonly id: string
  /** Set for direct messages. */
  readonly contact?: PeerId
  readonly neighbors: readonly PeerId[]
  /** A message sent now has somebody to go to. */
  readonly heard: boolean
}

export interface NodeStats {
  readonly topics: number
  readonly neighbors: number
  readonly received: number
  /** Messages that went no further, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  /** Messages lost because the application was too slow. */
  readonly lagged: number
  readonly lines: { readonly lines: number; readonly repeats: number; readonly unconfirmed: number }
  readonly receipts: { readonly sent: number; readonly received: number; readonly dropped: number }
  /** Messages over connections of their own. */
  readonly direct: DirectLinkStats
  readonly trackers: readonly TrackerHealth[]
  /** mDNS and the DHT, where they are used. */
  readonly services: LookupStats
  readonly lookups: { readonly queries: number; readonly announces: number; readonly failures: number; readonly found: number }
  readonly offers: { readonly active: number; readonly published: number; readonly unheard: number }
}
