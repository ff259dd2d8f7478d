import { People } from './people.ts'
import { presentGuild, presentGuildCreate, presentMember } from './present.ts'
import type { Site } from './routes.ts'

/** What happens to a server as a whole: members, roles, emoji, outages, and who is typing. */
export class ServerActs extends People {
  readonly #site: Site

  constructor(site: Site) {
    super(site)
    this.#site = site
  }

  changeMember(input: { guild: string; user: string; nick?: string | null; roles?: string[] }): void {
    const { world, gateway } = this.#site
    const guild = world.guild(input.guild)
    const member = guild.members.get(input.user)
    if (member === undefined) throw new Error('no such member')
    if (input.nick !== undefined) member.nick = input.nick
    if (input.roles !== undefined) member.roles = input.roles
    gateway.dispatch('GUILD_MEMBER_UPDATE', { guild_id: guild.id, ...presentMember(guild, member) }, { guildId: guild.id })
  }

  /** Somebody leaves or is thrown out. */
  removeMember(input: { guild: string; user: string }): void {
    const { world, gateway } = this.#site
    const guild = world.guild(input.guild)
    guild.members.delete(input.user)
    const data = { guild_id: guild.id, user: world.user(input.user) }
    gateway.dispatch('GUILD_MEMBER_REMOVE', data, { guildId: guild.id })
  }

  renameRole(input: { guild: string; role: string; name: string }): void {
    const { world, gateway } = this.#site
    const guild = world.guild(input.guild)
    guild.roles.set(input.role, { id: input.role, name: input.name })
    const role = (presentGuild(guild).roles as { id: string }[]).find((r) => r.id === input.role)
    gateway.dispatch('GUILD_ROLE_UPDATE', { guild_id: guild.id, role }, { guildId: guild.id })
  }

  removeRole(input: { guild: string; role: string }): void {
    const { world, gateway } = this.#site
    world.guild(input.guild).roles.delete(input.role)
    gateway.dispatch('GUILD_ROLE_DELETE', { guild_id: input.guild, role_id: input.role }, { guildId: input.guild })
  }

  addEmoji(input: { guild: string; name: string; animated?: boolean }): { id: string } {
    const { world, gateway } = this.#site
    const guild = world.guild(input.guild)
    const emoji = { id: world.ids.next(), name: input.name, animated: input.animated ?? false }
    guild.emojis.push(emoji)
    const data = { guild_id: guild.id, emojis: presentGuild(guild).emojis }
    gateway.dispatch('GUILD_EMOJIS_UPDATE', data, { guildId: guild.id })
    return { id: emoji.id }
  }

  /** An outage of Discord's takes the server away from a bot, or gives it back. */
  outage(input: { guild: string; bot: string; on: boolean }): void {
    const { world, gateway } = this.#site
    const guild = world.guild(input.guild)
    const bot = world.bots.get(input.bot)
    if (bot === undefined) throw new Error('no such bot')
    const only = bot.user.id
    if (input.on) gateway.dispatch('GUILD_DELETE', { id: guild.id, unavailable: true }, { guildId: guild.id, only })
    else {
      const data = presentGuildCreate(world, guild, bot) as unknown as Record<string, unknown>
      gateway.dispatch('GUILD_CREATE', data, { guildId: guild.id, only })
    }
  }

  /** A person is typing. */
  type(input: { channel: string; user: string }): void {
    const { world, gateway } = this.#site
    const channel = world.channel(input.channel)
    const guild = channel.guildId === undefined ? undefined : world.guild(channel.guildId)
    const member = guild?.members.get(input.user)
    const data = {
      channel_id: channel.id,
      user_id: input.user,
      timestamp: Math.floor(world.clock.now() / 1000),
      ...(guild !== undefined && { guild_id: guild.id }),
      ...(guild !== undefined && member !== undefined && { member: presentMember(guild, member) }),
    }
    gateway.dispatch('TYPING_START', data, { channel })
  }
}
