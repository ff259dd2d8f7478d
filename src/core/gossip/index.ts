export type { GossipEvent } from './event-buffer.ts'
export {
  GOSSIP_ALPN,
  Gossip,
  type GossipEndpoint,
  type GossipOptions,
  type SubscribeOptions,
} from './gossip.ts'
export type { NetLimits } from './limits.ts'
export type { GossipStats } from './metrics.ts'
export { DEFAULT_CONFIG, type GossipConfig } from './proto/config.ts'
export type { Scope } from './proto/messages.ts'
export { TopicHandle } from './topic-handle.ts'
