import type { Place } from '../../bridges/model/place.ts'

/** A place as configuration writes it: `discord/main/<guild>/<channel>#<thread>`. */
export function formatPlace({ network, account, space, channel, thread }: Place): string {
  const text = [network, account, ...(network === 'discord' && space !== undefined ? [space] : []), channel].join('/')
  return thread === undefined ? text : `${text}#${thread}`
}
