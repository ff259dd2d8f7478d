import type { Place } from '../../bridges/model/place.ts'
import type { Condition } from '../../rules/index.ts'
import type { AuthorRate } from './pace.ts'

export interface RouteMember {
  readonly place: Place
  /** `in`: only read from it, `out`: only write to it. */
  readonly direction: 'both' | 'in' | 'out'
  readonly identity: 'webhook' | 'bot'
  /** Put before and behind author names of messages that go to this member. */
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

/**
 * A named condition of one route; the first that holds decides, and what no filter holds for passes. `hold`: a moderator
 * decides; `notify`: it passes and the moderators are told.
 */
export interface RouteFilter {
  readonly name: string
  readonly when: Condition
  readonly action: 'allow' | 'drop' | 'hold' | 'notify'
  /** Only noted what would have happened. */
  readonly dryRun?: boolean | undefined
}

/** Standing limits of a route; moderators may set others while it runs (bridging 18). */
export interface RouteModeration {
  /** A person's messages are at least this far apart, ms. */
  readonly slow?: number | undefined
  /** A person's messages in any such time at most; `per` in ms. */
  readonly rate?: { readonly messages: number; readonly per: number } | undefined
  readonly links?: 'allow' | 'hold' | 'drop' | undefined
  readonly invites?: 'allow' | 'hold' | 'drop' | undefined
  readonly maxAttachments?: number | undefined
}

/** A configured set of places whose messages are shared (bridging 18). */
export interface RouteDefinition {
  readonly id: string
  readonly members: readonly RouteMember[]
  /** Which messages of other bots and webhooks are bridged: none, all, or those of these author keys (12.6). */
  readonly bots: 'none' | 'all' | readonly string[]
  /** Undelivered creates older than this expire, ms. */
  readonly maxAge: number
  /** What an edit becomes where the network has none: a new message, or nothing. */
  readonly p2pEdits: 'resend' | 'ignore'
  /** Accept that this route forwards in a circle with others (12.8). */
  readonly allowChain: boolean
  readonly filters?: readonly RouteFilter[] | undefined
  readonly moderation?: RouteModeration | undefined
  /** How fast one author may write before others go first; default: as everywhere. */
  readonly authorRate?: AuthorRate | 'off' | undefined
  /** Messages carried over at the first contact with a channel that has a history (Discord). Default 0. */
  readonly backfill?: number | undefined
  /** Show joins, pins, thread changes and the like as lines. Default false. */
  readonly notices?: boolean | undefined
  /** Pins as lines where `notices` asks for them (default), or as pins, and as lines where that does not work. */
  readonly pins?: 'notice' | 'pin' | undefined
  /** Show that somebody is writing, where platforms tell and show it. Default false. */
  readonly typing?: boolean | undefined
  /** Whether mentions of people who linked their accounts are mentions elsewhere, too. Default `linked`. */
  readonly mentions?: 'linked' | 'none' | undefined
  /** Show reactions as reactions of ours, as a count below the copy, or as lines. Default `native`. */
  readonly reactions?: 'off' | 'line' | 'native' | 'tally' | undefined
  /** Threads without a counterpart are read with their channel (default), or get one: `auto`. */
  readonly threads?: 'flatten' | 'auto' | undefined
  /** What is for a Telegram topic that is gone for good waits in its lane (default), or goes to the general topic. */
  readonly deletedTopics?: 'wait' | 'general' | undefined
  /** The route it was made from. */
  readonly parent?: string | undefined
  /** What deleting one copy does: take all others along if a moderator did it, always, or never. Default `moderators`. */
  readonly copyDeletes?: 'moderators' | 'mirror' | 'local' | undefined
  /** Whether attachments reach K2 as tickets, and which files people may fetch in its places. Sizes in bytes. */
  readonly files?:
    | {
        readonly share: 'none' | 'ticket'
        readonly maxSize?: number | undefined
        readonly types?: readonly string[] | undefined
        readonly blockedTypes?: readonly string[] | undefined
      }
    | undefined
}
