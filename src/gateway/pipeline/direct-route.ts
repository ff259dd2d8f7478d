import type { Place } from '../../bridges/model/place.ts'

/** Routes of direct conversations (bridging 19) are made while the gateway runs; their ids tell them from configured ones. */
const PATTERN = /^direct-[a-z2-7]{12}$/

/** Route id of a direct conversation with this id: 12 characters of base32. */
export const directRouteId = (conversation: string): string => `direct-${conversation}`

export const isDirectRoute = (route: string): boolean => PATTERN.test(route)

/** Whether a place is one person's conversation with the bot or the node. */
export function isDirectPlace({ network, space, channel, thread }: Place): boolean {
  if (thread !== undefined) return false
  if (network === 'discord') return space === undefined
  if (network === 'telegram') return /^\d+$/.test(channel)
  return network === 'p2p' && channel.startsWith('dm:')
}
