import { deferred, withDeadline } from '../../../src/base/async.ts'
import type { FaultPlan, FaultRule } from '../faults.ts'
import type { FakeGateway, GatewayStats } from './gateway.ts'
import { INTENTS, PRIVILEGED } from './gateway-session.ts'
import type { EchoTiming, FakeRest, LoggedRequest } from './http.ts'
import type { CommandInput, InteractionView } from './interactions.ts'
import type { LimitProfile, RateLimits } from './limits.ts'
import { presentGuildCreate } from './present.ts'
import type { Site } from './routes.ts'
import { ServerActs } from './server-acts.ts'
import type { Violation } from './violations.ts'
import { type VisibleMessage, visible } from './visible.ts'

export interface ControlParts {
  readonly site: Site
  readonly rest: FakeRest
  readonly gateway: FakeGateway
  readonly limits: RateLimits
  readonly faults: FaultPlan
}

export type GatewayAction =
  /** Op 7. */
  | { readonly action: 'reconnect' }
  /** Op 9. */
  | { readonly action: 'invalid-session'; readonly resumable: boolean }
  | { readonly action: 'close'; readonly code: number }
  /** TCP reset. */
  | { readonly action: 'reset' }
  /** Closed port for `ms`. */
  | { readonly action: 'refuse'; readonly ms: number }
  /** No ACKs and no events on the connections there are, while on; new ones work. */
  | { readonly action: 'zombie'; readonly on: boolean }
  /** Connections are accepted, never answered. */
  | { readonly action: 'black-hole'; readonly on: boolean }
  | { readonly action: 'forget'; readonly what: 'sessions' | 'buffers' }

export interface FakeStats extends GatewayStats {
  readonly connected: number
  readonly requests: number
  readonly invalidRequests: number
  readonly violations: number
  /** CPU seconds of the fake's process. */
  readonly cpuSeconds: number
}

/**
 * Everything a test or a person can do with the fake: act as people (see People), look at chats, set faults. Every method
 * takes one JSON object and gives JSON, so the same methods are served under `/__fake/<method>`.
 */
export class FakeControl extends ServerActs {
  readonly #parts: ControlParts
  readonly #waiters = new Set<() => void>()

  constructor(parts: ControlParts) {
    super(parts.site)
    this.#parts = parts
    parts.site.world.onStore = () => {
      for (const check of this.#waiters) check()
    }
  }

  /** Another bot, member of `guilds`. `privileged: false` = privileged intents are off in the portal. */
  addBot(input: { name: string; guilds: string[]; privileged?: boolean }): { id: string; token: string } {
    const { world } = this.#parts.site
    const bot = world.addBot(input.name, input.privileged === false ? 0 : PRIVILEGED)
    for (const guild of input.guilds) world.guild(guild).members.set(bot.user.id, { user: bot.user, nick: null, roles: [] })
    return { id: bot.user.id, token: bot.token }
  }

  /** Somebody adds the bot to another server with one channel. */
  joinGuild(input: { bot: string; name: string }): { guild: string; channel: string } {
    const { world, gateway } = this.#parts.site
    const bot = world.bots.get(input.bot)
    if (bot === undefined) throw new Error('no such bot')
    const guild = world.addGuild(input.name)
    const channel = world.addChannel({ kind: 'text', name: 'general', guild })
    guild.systemChannel = channel.id
    guild.members.set(bot.user.id, { user: bot.user, nick: null, roles: [] })
    gateway.dispatch('GUILD_CREATE', presentGuildCreate(world, guild, bot) as unknown as Record<string, unknown>, {
      only: bot.user.id,
    })
    return { guild: guild.id, channel: channel.id }
  }

  /** Switches the message content intent in the portal. */
  setMessageContent(input: { bot: string; allowed: boolean }): void {
    const bot = this.#parts.site.world.bots.get(input.bot)
    if (bot) bot.privileged = input.allowed ? bot.privileged | INTENTS.MESSAGE_CONTENT : bot.privileged & ~INTENTS.MESSAGE_CONTENT
  }

  /** The token stops working, as after a reset in the portal; open connections are closed with 4004. Answers the new one. */
  revokeToken(input: { bot: string }): { token: string } {
    const bot = this.#parts.site.world.bots.get(input.bot)
    if (bot === undefined) throw new Error('no such bot')
    bot.token = `${bot.token.split('.')[0]}.${this.#parts.site.world.secret(6)}.${this.#parts.site.world.secret(38)}`
    this.#parts.gateway.disconnectBot(input.bot, 4004)
    return { token: bot.token }
  }

  /** A person types a slash command; `interaction` is what `answer` waits for. Rejects what the client would not let them do. */
  runCommand(input: CommandInput): { interaction: string } {
    const { site } = this.#parts
    return site.interactions.run(site, input)
  }

  /** A person presses a button of a message, also of one only they see. */
  pressButton(input: { user: string; message: string; label: string; admin?: boolean }): { interaction: string } {
    const { site } = this.#parts
    return site.interactions.press(site, input)
  }

  /** Fills the modal an interaction opened. */
  submitModal(input: { interaction: string; values: Readonly<Record<string, string>> }): { interaction: string } {
    const { site } = this.#parts
    return site.interactions.submit(site, input)
  }

  async typeAutocomplete(
    input: CommandInput & { option: string; typed: string },
  ): Promise<readonly { readonly name: string; readonly value: string | number }[]> {
    const { site } = this.#parts
    return site.interactions.type(site, input)
  }

  /** Resolves when the person sees an answer: messages (with this text), a modal or suggestions. */
  async answer(input: { interaction: string; messages?: number; text?: string; timeoutMs?: number }): Promise<InteractionView> {
    const { site } = this.#parts
    return site.interactions.wait(site, input)
  }

  /** Names of the application's slash commands. */
  commands(input: { bot: string }): readonly string[] {
    return (this.#parts.site.interactions.commands.get(`${input.bot}:global`) ?? []).map((c) => c.name)
  }

  visible(input: { channel: string }): VisibleMessage[] {
    return visible(this.#parts.site.world, input.channel)
  }

  count(input: { channel: string }): { count: number } {
    return { count: this.#parts.site.world.channel(input.channel).messages.length }
  }

  /** Resolves when the channel has at least `count` messages; rejects after `timeoutMs`. */
  async waitFor(input: { channel: string; count: number; timeoutMs?: number }): Promise<{ count: number }> {
    const { world } = this.#parts.site
    const size = (): number => world.channel(input.channel).messages.length
    if (size() >= input.count) return { count: size() }
    const reached = deferred<void>()
    const check = (): void => {
      if (size() >= input.count) reached.resolve()
    }
    this.#waiters.add(check)
    try {
      const ms = input.timeoutMs ?? 10_000
      await withDeadline(reached.promise, {
        ms,
        what: `waiting for ${input.count} messages (${size()} there)`,
        clock: world.clock,
      })
    } finally {
      this.#waiters.delete(check)
    }
    return { count: size() }
  }

  /** Resolves when a client is connected with a session, or has resumed one at least `resumed` times. */
  async waitForSession(input: { resumed?: number; timeoutMs?: number } = {}): Promise<void> {
    const { gateway, site } = this.#parts
    const isThere = (): boolean => gateway.connected > 0 && gateway.stats.resumed >= (input.resumed ?? 0)
    const reached = deferred<void>()
    const check = (): void => {
      if (isThere()) reached.resolve()
    }
    gateway.onSession = check
    check()
    await withDeadline(reached.promise, {
      ms: input.timeoutMs ?? 10_000,
      what: 'waiting for a gateway session',
      clock: site.world.clock,
    })
  }

  fault(input: FaultRule): void {
    this.#parts.faults.add(input)
  }

  clearFaults(): void {
    this.#parts.faults.clear()
  }

  faultCounts(): Readonly<Record<string, number>> {
    return this.#parts.faults.counts()
  }

  /** Does something to the gateway; with `afterMs` later. */
  async gateway(input: GatewayAction & { readonly afterMs?: number }): Promise<void> {
    if (input.afterMs === undefined) return this.#act(input)
    this.#parts.site.world.clock.after(input.afterMs, () => {
      this.#act(input).catch((error) => this.#parts.site.violations.add('gateway', `fault failed: ${String(error)}`))
    })
  }

  async #act(input: GatewayAction): Promise<void> {
    const { gateway, site } = this.#parts
    if (input.action === 'reconnect') gateway.askReconnect()
    else if (input.action === 'invalid-session') gateway.invalidate(input.resumable)
    else if (input.action === 'close') gateway.closeAll(input.code)
    else if (input.action === 'reset') gateway.reset()
    else if (input.action === 'zombie') gateway.zombie = input.on
    else if (input.action === 'black-hole') gateway.listener.blackHole = input.on
    else if (input.action === 'forget') gateway.forget(input.what)
    else {
      const onError = (error: unknown): void => site.violations.add('gateway', `could not listen again: ${String(error)}`)
      await gateway.listener.refuseFor(input.ms, onError)
    }
  }

  setLimits(input: { profile: LimitProfile }): void {
    this.#parts.limits.profile = input.profile
  }

  setEcho(input: { timing: EchoTiming }): void {
    this.#parts.rest.echo = input.timing
  }

  requests(input: { method?: string; path?: string } = {}): LoggedRequest[] {
    return this.#parts.rest.log.filter(
      (r) =>
        (input.method === undefined || r.method === input.method) && (input.path === undefined || r.path.includes(input.path)),
    )
  }

  webhooks(): { id: string; channel: string; name: string; own: boolean }[] {
    return [...this.#parts.site.world.webhooks.values()].map((w) => ({
      id: w.id,
      channel: w.channelId,
      name: w.name,
      own: w.applicationId !== null,
    }))
  }

  violations(): readonly Violation[] {
    return this.#parts.site.violations.list()
  }

  /** Forgets violations of one kind that a test provoked; answers them. */
  takeViolations(input: { kind: Violation['kind'] }): Violation[] {
    return this.#parts.site.violations.take(input.kind)
  }

  stats(): FakeStats {
    const cpu = process.cpuUsage()
    return {
      ...this.#parts.gateway.stats,
      connected: this.#parts.gateway.connected,
      requests: this.#parts.rest.log.length,
      invalidRequests: this.#parts.limits.invalidRequests,
      violations: this.#parts.site.violations.total,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
    }
  }
}
