import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { SubscribeOptions, TopicHandle } from '../gossip/index.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { CallOptions, Connection, PeerAddr } from '../net/transport.ts'
import type { ContentStore } from './content.ts'
import type { NamespaceId } from './ids.ts'
import type { Capability } from './proto/capability.ts'
import type { SessionLimits } from './session.ts'
import type { DocStore } from './store.ts'

/** What documents need of the endpoint. */
export interface DocsEndpoint {
  readonly id: PeerId
  dial(peer: PeerId, alpn: string, options?: CallOptions): Promise<Connection>
  handle(alpn: string, handler: (connection: Connection) => void | Promise<void>): () => void
  learn(addr: PeerAddr, source: 'ticket'): void
}

export interface DocsOptions {
  readonly endpoint: DocsEndpoint
  readonly gossip: { subscribe(topic: TopicId, options?: SubscribeOptions): TopicHandle }
  readonly store: DocStore
  readonly contents: ContentStore
  readonly limits?: Partial<SessionLimits>
  readonly clock?: Clock
  readonly rng?: Rng
  readonly log?: Logger
}

export interface DocStatus {
  readonly id: NamespaceId
  readonly kind: Capability['kind']
  readonly syncing: boolean
  readonly entries: number
  /** Over all entries, as peers compute it (docs 6.2), 64 hex digits: equal where the same entries are. */
  readonly fingerprint: string
}
