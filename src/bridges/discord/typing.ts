import { z } from 'zod'
import type { Place } from '../model/place.ts'
import type { OwnIdentities } from '../own-identities.ts'
import type { DiscordApi } from './api.ts'
import type { Directory } from './directory.ts'
import { channelIdOf } from './outbound.ts'

const snowflake = z.string().regex(/^\d{1,20}$/)
const Typing = z.object({
  channel_id: snowflake,
  guild_id: snowflake.optional(),
  user_id: snowflake,
  member: z.object({ user: z.object({ bot: z.boolean().optional() }).optional() }).optional(),
})

/** Who is writing where; undefined for programs, ourselves included, and for what is not understood. */
export function typingOf(
  data: unknown,
  account: string,
  directory: Directory,
  own: OwnIdentities,
): { readonly place: Place; readonly author: string } | undefined {
  const typing = Typing.safeParse(data).data
  const author = `discord:${typing?.user_id}`
  if (typing === undefined || typing.member?.user?.bot === true || own.has(author)) return undefined
  const where = directory.whereabouts(typing.channel_id, typing.guild_id)
  return where && { place: { network: 'discord', account, ...where }, author }
}

/** The bot is writing, for about ten seconds. Not essential: left out while Discord refuses much. */
export async function showTyping(place: Place, api: DiscordApi, signal: AbortSignal): Promise<void> {
  await api.call({ method: 'POST', path: `/channels/${channelIdOf(place)}/typing`, auth: 'bot', essential: false }, signal)
}
