/** Counters of one gossip endpoint; the first block is upstream's group `gossip` in camel case (gossip 10.3). */
export interface GossipCounters {
  msgsCtrlSent: number
  msgsCtrlRecv: number
  msgsDataSent: number
  msgsDataRecv: number
  /** Sizes count topic id and body, neither length nor stream header. */
  msgsDataSentSize: number
  msgsDataRecvSize: number
  msgsCtrlSentSize: number
  msgsCtrlRecvSize: number
  neighborUp: number
  neighborDown: number
  /** Events given to the protocol machine. */
  actorTickMain: number
  /** Commands of the application. */
  actorTickRx: number
  /** Changes of our own address. */
  actorTickEndpoint: number
  actorTickDialer: number
  actorTickDialerSuccess: number
  actorTickDialerFailure: number
  actorTickInEventRx: number
  actorTickTimers: number

  /** Streams given up because their header was late, too long, undecodable or missing. */
  headerFaults: number
  /** Streams given up because of a malformed message frame. */
  frameFaults: number
  /** Frames for topics nobody here subscribes to. */
  unknownTopic: number
  /** Frames that could not be sent: dial failed, queue full, peer gone, no stream to be had. */
  framesDropped: number
  /** Connections closed because the peer took our frames too slowly or not at all. */
  slowPeersCut: number
  /** Streams opened again after the peer stopped one. */
  streamsReopened: number
  /** Events lost to slow subscribers. */
  lagged: number
}

export const newCounters = (): GossipCounters => ({
  msgsCtrlSent: 0,
  msgsCtrlRecv: 0,
  msgsDataSent: 0,
  msgsDataRecv: 0,
  msgsDataSentSize: 0,
  msgsDataRecvSize: 0,
  msgsCtrlSentSize: 0,
  msgsCtrlRecvSize: 0,
  neighborUp: 0,
  neighborDown: 0,
  actorTickMain: 0,
  actorTickRx: 0,
  actorTickEndpoint: 0,
  actorTickDialer: 0,
  actorTickDialerSuccess: 0,
  actorTickDialerFailure: 0,
  actorTickInEventRx: 0,
  actorTickTimers: 0,
  headerFaults: 0,
  frameFaults: 0,
  unknownTopic: 0,
  framesDropped: 0,
  slowPeersCut: 0,
  streamsReopened: 0,
  lagged: 0,
})

/** What `Gossip.stats` answers. */
export interface GossipStats extends Readonly<GossipCounters> {
  readonly topics: number
  readonly subscriptions: number
  readonly peers: number
  readonly connections: number
  readonly dialing: number
  /** Bytes waiting to be written, over all connections. */
  readonly queuedBytes: number
  readonly timers: number
  /** Over all live topics: messages with a wrong id, duplicates, and messages too large to pass on. */
  readonly badIds: number
  readonly duplicates: number
  readonly unsendable: number
}
