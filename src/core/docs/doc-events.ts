import type { Hash, PeerId } from '../ids.ts'
import type { SyncOrigin } from './live-state.ts'
import type { SignedEntry } from './proto/entry.ts'
import type { ContentStatus } from './proto/message.ts'

/** What the users of a document hear (docs 9.6). Entries that an entry replaced are not mentioned. */
export type DocEvent =
  | { readonly kind: 'insert-local'; readonly entry: SignedEntry }
  /** `content`: whether it is here already. */
  | { readonly kind: 'insert-remote'; readonly from: PeerId; readonly entry: SignedEntry; readonly content: ContentStatus }
  | { readonly kind: 'content-ready'; readonly hash: Hash }
  /** All contents that could be fetched have been. */
  | { readonly kind: 'pending-content-ready' }
  | { readonly kind: 'neighbor-up' | 'neighbor-down'; readonly peer: PeerId }
  | {
      readonly kind: 'sync-finished'
      readonly peer: PeerId
      readonly origin: SyncOrigin
      /** ms since 1970. */
      readonly startedAt: number
      readonly finishedAt: number
      readonly received: number
      readonly sent: number
      readonly error?: { readonly code: string; readonly message: string }
    }

export interface DocsStats {
  sessions: number
  failedSessions: number
  /** Sessions refused, by us or by a peer. */
  rejectedSessions: number
  /** Connections closed because too many were open. */
  turnedAway: number
  insertedRemote: number
  /** Entries of peers that were not valid. */
  invalid: number
  /** Notices on gossip that could not be read. */
  badNotices: number
  /** Local entries too large for a notice: peers get them by reconciliation. */
  silentPuts: number
}

export const newDocsStats = (): DocsStats => ({
  sessions: 0,
  failedSessions: 0,
  rejectedSessions: 0,
  turnedAway: 0,
  insertedRemote: 0,
  invalid: 0,
  badNotices: 0,
  silentPuts: 0,
})
