import { z } from 'zod'
import { NETWORKS, type Network, type Place } from '../../bridges/model/place.ts'

/**
 * Reads the config form of a place:
 * `discord/<account>/<guild id>/<channel id>[#<thread id>]`, `telegram/<account>/<chat id>[#<topic id>]`,
 * `p2p/self/<topic>` or `p2p/self/dm:<node id or contact name>`, `web/main/<room>`.
 * Answers a text saying what is wrong otherwise.
 */
export function parsePlace(text: string): Place | string {
  const [network, account, ...rest] = text.split('/')
  if (!NETWORKS.includes(network as Network)) return `a place begins with ${NETWORKS.join(', ')}: for example p2p/self/Goods`
  if (!account) return `a place names an account after the network: ${network}/<account>/…`
  const tail = rest.join('/')
  if (!tail) return `a place names a channel after the account: ${network}/${account}/…`
  switch (network as Network) {
    case 'discord': {
      const match = /^(\d{5,20})\/(\d{5,20})(?:#(\d{5,20}))?$/.exec(tail)
      if (!match)
        return 'a Discord place is discord/<account>/<guild id>/<channel id>, with #<thread id> for a thread; ids are digits'
      const [, space, channel, thread] = match as unknown as [string, string, string, string | undefined]
      return { network: 'discord', account, space, channel, ...(thread !== undefined && { thread }) }
    }
    case 'telegram': {
      const match = /^(-?\d{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31})(?:#(\d{1,10}))?$/.exec(tail)
      if (!match)
        return 'a Telegram place is telegram/<account>/<chat id>, with #<topic id> for a forum topic; group ids begin with -'
      const [, channel, thread] = match as unknown as [string, string, string | undefined]
      return { network: 'telegram', account, channel, ...(thread !== undefined && { thread }) }
    }
    case 'p2p':
      if (account !== 'self') return 'the account of a p2p place is self: p2p/self/<topic>'
      return { network: 'p2p', account, channel: tail }
    case 'web':
      if (account !== 'main') return 'the account of a web place is main: web/main/<room>'
      return /^[\p{L}\p{N}][\p{L}\p{N} _-]{0,63}$/u.test(tail)
        ? { network: 'web', account, channel: tail }
        : 'a room name has 1 to 64 letters, digits, spaces, - or _'
  }
}

/** A place as the configuration writes it. */
export function printPlace({ network, account, space, channel, thread }: Place): string {
  const tail = thread === undefined ? channel : `${channel}#${thread}`
  return [network, account, ...(network === 'discord' && space !== undefined ? [space] : []), tail].join('/')
}

/** A place in the configuration. */
export const place = z
  .string()
  .min(1)
  .max(300)
  .meta({
    description:
      'discord/<account>/<guild>/<channel>[#thread], telegram/<account>/<chat>[#topic], p2p/self/<topic>, web/main/<room>',
  })
  .transform((text, ctx): Place => {
    const parsed = parsePlace(text)
    if (typeof parsed !== 'string') return parsed
    ctx.issues.push({ code: 'custom', message: parsed, input: text })
    return z.NEVER
  })
