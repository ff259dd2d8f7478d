/** Limits of the network layer (gossip 10.2). All have an effect on the node alone, none on the wire. */
export interface NetLimits {
  /** ms a new stream has for its header before it is stopped. */
  readonly headerMs: number
  /** Bad headers after which a connection is closed. */
  readonly headerFaultsMax: number
  /** ms one write may take before the peer counts as dead. */
  readonly writeMs: number
  /** ms after which a stream that cannot be opened counts as blocked: the peer allows no more of them. */
  readonly openMs: number
  /** Frames kept for a blocked stream, oldest dropped first. */
  readonly blockedFrames: number
  /** Bytes given to one write at most, so that the event loop stays responsive. */
  readonly writeBytes: number
  /** Queued bytes per connection above which senders wait until half of it is left. */
  readonly highWaterBytes: number
  /** A full connection that writes nothing for `stallTicks` times this long is not waited for any more, until it does. */
  readonly tickMs: number
  readonly stallTicks: number
  /** Queued bytes per connection at which the peer is cut off. */
  readonly queueBytes: number
  /** Frames kept for a peer that is being dialed. */
  readonly dialingFrames: number
  /** Peers being dialed at a time; strangers can name peers to us. */
  readonly dialing: number
  /** Connections to one peer; the ones without traffic go first. */
  readonly connectionsPerPeer: number
  /** Silence after which a superseded connection is closed while another one carries frames. */
  readonly supersededMs: number
  /** Silence in both directions after which the connection to a peer nobody needs is closed. */
  readonly idleMs: number
  readonly sweepMs: number
  /** Topics a peer may have streams for: QUIC's default of 100 would block the 101st (gossip 14 T-12). */
  readonly uniStreams: number
}

export const NET_LIMITS: NetLimits = {
  headerMs: 10_000,
  headerFaultsMax: 3,
  writeMs: 15_000,
  openMs: 1_000,
  blockedFrames: 16,
  writeBytes: 64 * 1024,
  highWaterBytes: 512 * 1024,
  tickMs: 500,
  stallTicks: 3,
  queueBytes: 8 * 1024 * 1024,
  dialingFrames: 256,
  dialing: 256,
  connectionsPerPeer: 4,
  supersededMs: 60_000,
  idleMs: 30_000,
  sweepMs: 5_000,
  uniStreams: 1_024,
}
