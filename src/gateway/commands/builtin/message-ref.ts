import type { NativeRef } from '../../../bridges/model/place.ts'
import type { RouteDefinition } from '../../pipeline/index.ts'
import type { CommandContext } from '../definition.ts'

const DISCORD = /^https:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/(\d+)\/(\d+)$/
const TELEGRAM_PRIVATE = /^https:\/\/t\.me\/c\/(\d+)\/(?:\d+\/)?(\d+)(?:\?.*)?$/
const TELEGRAM_PUBLIC = /^https:\/\/t\.me\/([A-Za-z]\w{3,31})\/(?:\d+\/)?(\d+)(?:\?.*)?$/

/** The message a person means: by its link, or the one their command replies to. */
export function messageRef(
  context: CommandContext,
  text: string | undefined,
  routes: readonly RouteDefinition[],
): NativeRef | undefined {
  const { origin } = context
  if (text === undefined || text.trim() === '') return origin.surface === 'chat' ? origin.interaction.replyTo : undefined
  const link = text.trim()
  const accountOf = (network: NativeRef['network'], channel: string): string =>
    routes.flatMap((r) => r.members).find((m) => m.place.network === network && inChannel(m.place, channel))?.place.account ?? ''
  const discord = DISCORD.exec(link)
  if (discord) {
    const [, channel = '', id = ''] = discord
    return { network: 'discord', account: accountOf('discord', channel), channel, id }
  }
  const telegram = TELEGRAM_PRIVATE.exec(link) ?? TELEGRAM_PUBLIC.exec(link)
  if (telegram) {
    const [, chat = '', id = ''] = telegram
    const channel = /^\d+$/.test(chat) ? `-100${chat}` : `@${chat}`
    return { network: 'telegram', account: accountOf('telegram', channel), channel, id }
  }
  return undefined
}

function inChannel(place: { readonly channel: string; readonly thread?: string }, channel: string): boolean {
  return place.channel.toLowerCase() === channel.toLowerCase() || place.thread === channel
}
