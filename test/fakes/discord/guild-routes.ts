import { fail } from './errors.ts'
import { presentChannel, presentGuild, presentMember } from './present.ts'
import { botRoute, type Call, fieldsOf, ok, openRoute, type Route } from './routes.ts'
import type { Bot, Guild } from './world.ts'

function guildFor(call: Call, bot: Bot, id: string): Guild {
  const guild = call.site.world.guild(id)
  if (!guild.members.has(bot.user.id)) throw fail.missingAccess()
  return guild
}

function openDm(call: Call, bot: Bot) {
  const { world } = call.site
  const user = world.user(String(fieldsOf(call.body).recipient_id))
  const existing = [...world.channels.values()].find(
    (c) => c.kind === 'dm' && [bot.user.id, user.id].every((id) => c.recipients.some((u) => u.id === id)),
  )
  const channel = existing ?? world.addChannel({ kind: 'dm', name: '', recipients: [user, bot.user] })
  return ok({ ...presentChannel(channel), recipients: [user] })
}

export const GUILD_ROUTES: readonly Route[] = [
  openRoute('GET', '/gateway', (call) => ok({ url: call.site.gateway.listener.url })),
  botRoute('GET', '/gateway/bot', (call) =>
    ok({
      url: call.site.gateway.listener.url,
      shards: call.site.gateway.shards,
      session_start_limit: {
        total: 1000,
        remaining: 1000 - call.site.gateway.stats.identifies,
        reset_after: 86_400_000,
        max_concurrency: 1,
      },
    }),
  ),
  botRoute('GET', '/users/@me', (_call, bot) => ok(bot.user)),
  botRoute('GET', '/users/@me/guilds', (call, bot) =>
    ok(
      [...call.site.world.guilds.values()]
        .filter((g) => g.members.has(bot.user.id))
        .map((g) => ({ id: g.id, name: g.name, icon: null })),
    ),
  ),
  botRoute('POST', '/users/@me/channels', openDm),
  botRoute('GET', '/users/:id', (call, _bot, id) => ok(call.site.world.user(id))),
  botRoute('GET', '/applications/@me', (_call, bot) => ok({ id: bot.user.id, name: bot.user.username, flags: 0 })),
  botRoute('GET', '/oauth2/applications/@me', (_call, bot) => ok({ id: bot.user.id, name: bot.user.username, flags: 0 })),
  botRoute('GET', '/guilds/:id', (call, bot, id) => ok(presentGuild(guildFor(call, bot, id)))),
  botRoute('GET', '/guilds/:id/channels', (call, bot, id) => {
    const { world } = call.site
    const channels = [...guildFor(call, bot, id).channels.values()].filter(
      (c) => c.kind !== 'thread' && world.may(bot, c, 'VIEW_CHANNEL'),
    )
    return ok(channels.map((c) => presentChannel(c)))
  }),
  botRoute('GET', '/guilds/:id/roles', (call, bot, id) => ok(presentGuild(guildFor(call, bot, id)).roles)),
  botRoute('GET', '/guilds/:id/emojis', (call, bot, id) => ok(presentGuild(guildFor(call, bot, id)).emojis)),
  botRoute('GET', '/guilds/:id/stickers', (call, bot, id) => ok(presentGuild(guildFor(call, bot, id)).stickers)),
  botRoute('GET', '/guilds/:id/members/search', (call, bot, id) => {
    const guild = guildFor(call, bot, id)
    const query = (call.query.get('query') ?? '').toLowerCase()
    const found = [...guild.members.values()].filter((m) => (m.nick ?? m.user.username).toLowerCase().startsWith(query))
    return ok(found.slice(0, Number(call.query.get('limit') ?? 1)).map((m) => presentMember(guild, m)))
  }),
  botRoute('GET', '/guilds/:id/members', (call, bot, id) => {
    const guild = guildFor(call, bot, id)
    return ok([...guild.members.values()].slice(0, Number(call.query.get('limit') ?? 1)).map((m) => presentMember(guild, m)))
  }),
  botRoute('GET', '/guilds/:id/members/:uid', (call, bot, id, userId) => {
    const guild = guildFor(call, bot, id)
    const member = guild.members.get(userId)
    if (member === undefined) throw fail.unknownMember()
    return ok(presentMember(guild, member))
  }),
]
