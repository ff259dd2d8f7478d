import { z } from 'zod'
import type { TelegramClient } from './client.ts'
import type { TgMe } from './schema.ts'

/** Groups looked at when an account connects; more would delay the start for little. */
const MAX_CHECKED = 20
const Member = z.looseObject({ status: z.string() })
const REMEDY =
  'privacy mode is on, so the bot sees only commands and replies to itself in groups: make it an administrator there, or turn privacy off with /setprivacy at @BotFather and add the bot to the group again'

/**
 * What privacy mode hides from the bot (bridging 5.2), undefined when nothing. `groups` are the bridged chats; without any
 * the hint is given as soon as the mode is on, because it would hit the first group.
 */
export async function privacyHint(
  client: TelegramClient,
  me: TgMe,
  groups: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (me.can_read_all_group_messages) return undefined
  const checked = groups.filter((g) => g.startsWith('-')).slice(0, MAX_CHECKED)
  if (groups.length > 0 && checked.length === 0) return undefined
  const standings = await Promise.all(checked.map((group) => isAdmin(client, me, group, signal)))
  return checked.length > 0 && standings.every(Boolean) ? undefined : REMEDY
}

async function isAdmin(client: TelegramClient, me: TgMe, group: string, signal: AbortSignal): Promise<boolean> {
  try {
    const member = Member.parse(await client.call('getChatMember', { chat_id: Number(group), user_id: me.id }, signal))
    return member.status === 'administrator' || member.status === 'creator'
  } catch {
    // Not a member or not reachable: sending says so per lane; here it means that nothing is readable.
    return false
  }
}
