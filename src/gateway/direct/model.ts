import type { Place } from '../../bridges/model/place.ts'
import { placeKey } from '../../bridges/model/place.ts'
import { directRouteId } from '../pipeline/direct-route.ts'
import type { RouteDefinition } from '../pipeline/index.ts'

/** A person's direct conversation with the bot, joined with a K2 contact or with a thread of the staff (bridging 19). */
export interface DirectConversation {
  readonly id: string
  readonly kind: 'pair' | 'inbox'
  /** `Author.key` of the person, or `p2p:<id>` where a K2 peer wrote to the inbox. */
  readonly personKey: string
  readonly personName: string
  readonly person: Place
  readonly other: Place
  /** The contact's name, or that of the thread. */
  readonly otherName: string
  /** ms */
  readonly openedAt: number
  readonly activeAt: number
}

/** A person asks for a conversation with a K2 contact. */
export interface DirectRequest {
  readonly code: string
  readonly personKey: string
  readonly personName: string
  readonly person: Place
  /** Node id. */
  readonly contact: string
  readonly tries: number
  /** ms */
  readonly expiresAt: number
}

/** Messages of a direct conversation are worth sending this long, ms (bridging 15.5). */
const MAX_AGE_MS = 7 * 86_400_000

/** Bots, mentions and threads do not apply; files, edits and replies work as everywhere. */
export function routeOf({ id, kind, person, other }: DirectConversation): RouteDefinition {
  const member = (place: Place, identity: 'bot' | 'webhook') => ({ place, direction: 'both' as const, identity })
  return {
    id: directRouteId(id),
    members: [member(person, 'bot'), member(other, kind === 'inbox' ? 'webhook' : 'bot')],
    bots: 'none',
    maxAge: MAX_AGE_MS,
    p2pEdits: 'resend',
    // Other routes may read the contact's messages, too; nothing is sent back to where it came from (12.4).
    allowChain: true,
  }
}

/** The same place without what only says where it is: two spellings of one place must not count as two. */
export function directPlace({ network, account, channel }: Place): Place {
  return { network, account, channel }
}

export const directKey = (place: Place): string => placeKey(directPlace(place))

/** Author key of the other side of a K2 conversation. */
export const peerKeyOf = (place: Place): string => `p2p:${place.channel.slice('dm:'.length)}`
