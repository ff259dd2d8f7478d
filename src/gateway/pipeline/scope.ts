import type { NativeRef, Place } from '../../bridges/model/place.ts'

/**
 * Ids of most channels mean the same for every account of a network, so that two accounts in one channel see the same
 * messages. Telegram's private chats are the exception: each bot counts messages of its own there. Answers the account
 * where the channel belongs to it alone, and '' where it is shared.
 */
export function refScope(ref: Pick<NativeRef, 'network' | 'account' | 'channel'>): string {
  return ref.network === 'telegram' && /^\d/.test(ref.channel) ? ref.account : ''
}

/** Key of a channel as its members see it, whichever account looks. */
export function channelKey(place: Pick<Place, 'network' | 'account' | 'channel'>): string {
  return JSON.stringify([place.network, refScope(place), place.channel])
}

/** Key of one native message, whichever account looks. */
export function refKey(ref: NativeRef): string {
  return JSON.stringify([ref.network, refScope(ref), ref.channel, ref.id])
}
