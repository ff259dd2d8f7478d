/** Why somebody's messages are not bridged: `ban` and `mute` by moderators, `hold` until one agrees, `optout` by themselves. */
export type BarKind = 'ban' | 'mute' | 'hold' | 'optout'

export interface Bar {
  /** Author key. Holds for every account linked to it. */
  readonly account: string
  readonly kind: BarKind
  /** Undefined: everywhere. */
  readonly route?: string
  /** ms; undefined: until taken back. */
  readonly until?: number
  readonly reason?: string
  readonly by: string
  readonly at: number
}

/** What moderators set for a route while it runs; it comes before what the configuration says. */
export interface RouteLimits {
  /** Undefined: all routes. */
  readonly route?: string
  /** ms between messages of one person; 0: none, whatever the configuration says. */
  readonly slowMs?: number
  /** Nobody new until then: neither joins nor messages of people first seen after `since`. */
  readonly raid?: { readonly since: number; readonly until: number }
  readonly by: string
  readonly at: number
}

/** A message that was let through on a route. */
export interface Said {
  /** Author key. */
  readonly account: string
  readonly route: string
  readonly eventId: string
  /** When it was written, ms. */
  readonly at: number
}

/** Everything moderation knows, as it is in the database. */
export interface ModerationState {
  readonly bars: readonly Bar[]
  readonly limits: readonly RouteLimits[]
}
