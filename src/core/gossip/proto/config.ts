import { K2Error } from '../../../base/errors.ts'

/** Constants of one gossip network (gossip 1.1). Times in ms, sizes in bytes. */
export interface GossipConfig {
  /**
   * Largest frame body accepted; the largest one sent is one byte less (gossip 2.3). Not negotiated: a node with a larger
   * value has its streams dropped by the others, one with a smaller value drops theirs.
   */
  readonly maxMessageBytes: number
  readonly membership: MembershipConfig
  readonly broadcast: BroadcastConfig
}

/** HyParView. */
interface MembershipConfig {
  /** Neighbours kept. Fewer: the swarm falls apart when nodes leave; more: every message is sent more often until links are pruned. */
  readonly activeCapacity: number
  /** Candidates kept for replacing lost neighbours. Too few: isolation after mass failure. */
  readonly passiveCapacity: number
  /** First TTL of a ForwardJoin: how far from its contact a newcomer is spread. */
  readonly activeWalkLength: number
  /** TTL at which a ForwardJoin also fills the passive view; must be below `activeWalkLength`. */
  readonly passiveWalkLength: number
  /** First TTL of a Shuffle. */
  readonly shuffleWalkLength: number
  readonly shuffleActiveCount: number
  readonly shufflePassiveCount: number
  readonly shuffleIntervalMs: number
  /** How long a refill candidate may take to answer, dial included. Too short: live candidates behind relays are discarded. */
  readonly neighborTimeoutMs: number
  /**
   * After this time an unanswered Neighbor no longer counts. Upstream keeps such entries for ever, also those of evicted
   * neighbours, and may stop refilling its view (gossip 7.4). Too short: an answer still under way counts as a request,
   * and two peers that part and meet at the same moment can keep answering each other.
   */
  readonly pendingTtlMs: number
  /** Entries of one ShuffleReply at most; upstream answers as many as a request claims (gossip 13-D10). */
  readonly shuffleReplyMax: number
  /** Neighbor requests remembered, oldest forgotten first. Too few: as with a short `pendingTtlMs`. */
  readonly pendingMax: number
  /** Peer data remembered for peers outside both views. */
  readonly strangerDataMax: number
}

/** PlumTree. */
interface BroadcastConfig {
  /** From the first IHave to the first Graft. Too short: payloads that are on their way are pulled a second time. */
  readonly graftTimeoutMs: number
  /** From one Graft to the next announcer. */
  readonly graftRetryMs: number
  /** IHave batching window. */
  readonly dispatchMs: number
  /** Hops by which an announcement must be shorter than the tree path before the tree is changed. */
  readonly optimizationThreshold: number
  /** How long payloads can be pulled. Must exceed the time a Graft takes to come back. */
  readonly cacheRetentionMs: number
  /** How long ids are remembered; must exceed `cacheRetentionMs`, or a pulled payload may be delivered twice. */
  readonly idRetentionMs: number
  readonly evictIntervalMs: number
  /** Ids remembered at most, oldest forgotten first; at more than this many messages per retention old copies count as new. */
  readonly idsMax: number
  /** Payload bytes kept at most, oldest dropped first. */
  readonly cacheMaxBytes: number
  /** Announced but not received ids tracked at most. */
  readonly missingMax: number
  /** Announcers remembered per id. */
  readonly announcersMax: number
  /** Direct senders of one message reported to the application. */
  readonly directCopiesMax: number
}

export const DEFAULT_CONFIG: GossipConfig = {
  maxMessageBytes: 4096,
  membership: {
    activeCapacity: 5,
    passiveCapacity: 30,
    activeWalkLength: 6,
    passiveWalkLength: 3,
    shuffleWalkLength: 6,
    shuffleActiveCount: 3,
    shufflePassiveCount: 4,
    shuffleIntervalMs: 60_000,
    neighborTimeoutMs: 500,
    pendingTtlMs: 10_000,
    shuffleReplyMax: 8,
    pendingMax: 4_096,
    strangerDataMax: 128,
  },
  broadcast: {
    graftTimeoutMs: 80,
    graftRetryMs: 40,
    dispatchMs: 5,
    optimizationThreshold: 7,
    cacheRetentionMs: 30_000,
    idRetentionMs: 90_000,
    evictIntervalMs: 1_000,
    idsMax: 100_000,
    cacheMaxBytes: 32 * 1024 * 1024,
    missingMax: 10_000,
    announcersMax: 256,
    directCopiesMax: 8,
  },
}

/** Smallest `maxMessageBytes` upstream accepts. */
const MIN_MESSAGE_BYTES = 512

/** Layer and kind tags, id, scope tag (gossip 4.4). */
const GOSSIP_OVERHEAD = 35
const varintSize = (value: number): number => (value < 0x80 ? 1 : value < 0x4000 ? 2 : 3)

/** Body size of a Gossip message of `contentBytes`; `round` undefined = neighbours scope. */
export const gossipBodySize = (contentBytes: number, round?: number): number =>
  GOSSIP_OVERHEAD + varintSize(contentBytes) + contentBytes + (round === undefined ? 0 : varintSize(round))

/** Largest content a node can author: 4,057 bytes by default (gossip 4.4). Sendable along paths of up to 127 hops. */
export function maxContentBytes(config: GossipConfig): number {
  let size = config.maxMessageBytes - 1 - GOSSIP_OVERHEAD - 1
  while (gossipBodySize(size, 0) >= config.maxMessageBytes) size--
  return size
}

/** IHave entries per message: 116 by default (gossip 4.4). */
export const ihaveChunkLength = (config: GossipConfig): number => Math.floor((config.maxMessageBytes - 33 - 1 - 2) / 35)

/** Throws `GOSSIP_BAD_CONFIG` when the constants contradict each other. */
export function checkConfig(config: GossipConfig): GossipConfig {
  const { membership: m, broadcast: b } = config
  const rules: [boolean, string][] = [
    [config.maxMessageBytes >= MIN_MESSAGE_BYTES, `maxMessageBytes must be at least ${MIN_MESSAGE_BYTES}`],
    [config.maxMessageBytes <= 0x10_0000, 'maxMessageBytes must be at most 1 MiB'],
    [m.activeCapacity >= 1, 'activeCapacity must be at least 1'],
    [m.passiveCapacity >= 1, 'passiveCapacity must be at least 1'],
    [m.passiveWalkLength < m.activeWalkLength, 'passiveWalkLength must be below activeWalkLength'],
    [m.pendingMax >= m.activeCapacity, 'pendingMax must be at least activeCapacity'],
    [m.pendingTtlMs > m.neighborTimeoutMs, 'pendingTtlMs must exceed neighborTimeoutMs'],
    [b.idRetentionMs > b.cacheRetentionMs, 'idRetentionMs must exceed cacheRetentionMs'],
    [b.idsMax >= 1 && b.missingMax >= 1 && b.announcersMax >= 1, 'idsMax, missingMax and announcersMax must be at least 1'],
  ]
  const broken = rules.find(([holds]) => !holds)
  if (broken) throw new K2Error({ code: 'GOSSIP_BAD_CONFIG', kind: 'config', message: `gossip: ${broken[1]}` })
  return config
}
