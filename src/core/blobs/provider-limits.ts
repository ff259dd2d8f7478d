/** What one requester, and all together, may take of a provider (blobs.md 9.5). */
export interface ProviderLimits {
  /** A request must be complete within this time, ms. */
  readonly requestMs: number
  /** The answer of the permission hook is awaited this long, ms. */
  readonly permitMs: number
  /** A request that finds no room or no token waits this long, ms; then it is refused. */
  readonly waitMs: number
  /** A requester that takes no bytes for this long is cut off with its connection, ms. */
  readonly stallMs: number
  /** So is one that takes less than this many bytes per second over `slowWindowMs`. */
  readonly minBytesPerSecond: number
  readonly slowWindowMs: number
  /** Connections of one peer, and of all. */
  readonly connectionsPerPeer: number
  readonly connections: number
  /** Requests served at once, for one peer and for all. */
  readonly perPeer: number
  readonly total: number
  /** Requests per second of one peer, and how many it may save up. Large requests cost more. */
  readonly ratePerPeer: number
  readonly burstPerPeer: number
  /** Bytes per second of one peer, and of all; 0 = no limit. */
  readonly bytesPerSecond: number
  readonly totalBytesPerSecond: number
  /** Observers kept open for one peer, and for all; the oldest makes room for a new one. */
  readonly observersPerPeer: number
  readonly observers: number
  /** An observer is ended after this time, ms. */
  readonly observeMs: number
  /** Least pause between two updates of an observer, ms. */
  readonly observeEveryMs: number
  /** Junk per second (no request in time, or none that can be read) of one peer, and how much it may save up; more ends its connections. */
  readonly junkPerSecond: number
  readonly junkBurst: number
  /**
   * The same for all peers of one address together, because new keys cost nothing; more turns strangers from there away. Who was
   * served before is not, and neither is who comes through a relay.
   */
  readonly junkPerSecondOfAddress: number
  readonly junkBurstOfAddress: number
  /** How long a peer or an address that sent too much junk is turned away, ms. */
  readonly banMs: number
}

export const DEFAULT_PROVIDER_LIMITS: ProviderLimits = {
  requestMs: 10_000,
  permitMs: 5_000,
  waitMs: 10_000,
  stallMs: 45_000,
  minBytesPerSecond: 1024,
  slowWindowMs: 60_000,
  // A peer that was killed leaves connections behind for half a minute, and may come back several times in it.
  connectionsPerPeer: 12,
  connections: 256,
  // Upstream's downloader sends up to 32 requests at once in split mode (blobs.md 10.1).
  perPeer: 16,
  total: 128,
  ratePerPeer: 100,
  burstPerPeer: 400,
  bytesPerSecond: 0,
  totalBytesPerSecond: 0,
  observersPerPeer: 8,
  observers: 128,
  observeMs: 600_000,
  observeEveryMs: 200,
  junkPerSecond: 5,
  junkBurst: 50,
  junkPerSecondOfAddress: 25,
  junkBurstOfAddress: 500,
  banMs: 30_000,
}
