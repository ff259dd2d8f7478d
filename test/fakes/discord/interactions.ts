import { deferred, withDeadline } from '../../../src/base/async.ts'
import { type CommandValue, findCommand, type RegisteredCommand } from './command-form.ts'
import type { Modal } from './components.ts'
import type { FakeGateway } from './gateway.ts'
import { ALL_PERMISSIONS } from './permissions.ts'
import { presentChannel, presentMember, presentMessage } from './present.ts'
import type { Bot, Channel, StoredMessage, World } from './world.ts'

/** What interactions happen in. */
interface Site {
  readonly world: World
  readonly gateway: FakeGateway
  readonly cdn: string
}

export type InteractionKind = 'command' | 'component' | 'autocomplete' | 'modal'
const TYPE: Readonly<Record<InteractionKind, number>> = { command: 2, component: 3, autocomplete: 4, modal: 5 }

/** One thing a person did that an application must answer. */
export interface OpenInteraction {
  readonly id: string
  readonly token: string
  readonly bot: Bot
  readonly user: string
  readonly channel: Channel
  readonly kind: InteractionKind
  readonly createdAt: number
  /** The message with the pressed button. */
  readonly source?: StoredMessage
  readonly admin: boolean
  state: 'pending' | 'deferred' | 'deferred-update' | 'answered'
  /** Whether the deferred answer is for one person. */
  ephemeral: boolean
  original?: StoredMessage
  modal?: Modal
  choices?: readonly { readonly name: string; readonly value: string | number }[]
  readonly messages: StoredMessage[]
}

export type OptionValue =
  | string
  | number
  | boolean
  | { readonly file: { readonly name: string; readonly type?: string; readonly text: string } }

/** What a person sees of one interaction. */
export interface InteractionView {
  readonly id: string
  readonly state: OpenInteraction['state'] | 'failed'
  readonly messages: readonly InteractionMessage[]
  readonly modal?: Modal
  readonly choices?: readonly { readonly name: string; readonly value: string | number }[]
}

export interface InteractionMessage {
  readonly id: string
  readonly ephemeral: boolean
  readonly title: string
  /** Content and embed descriptions. */
  readonly text: string
  readonly buttons: readonly string[]
  readonly files: readonly string[]
}

export interface CommandInput {
  readonly user: string
  readonly channel: string
  /** As typed, without the slash: `k2 file get`. */
  readonly command: string
  readonly options?: Readonly<Record<string, OptionValue>>
  /** The person administrates the server. */
  readonly admin?: boolean
  readonly bot?: string
}

const EPHEMERAL = 1 << 6
const FIRST_ANSWER_MS = 3_000
/** Real tokens begin like this, too: base64 of `interaction:`. */
export const TOKEN_START = 'aW50ZXJhY3Rpb246'
const MANAGE_GUILD = 1n << 5n

/** Slash commands, buttons and modals as people use them; answers are checked by `interaction-routes.ts`. */
export class Interactions {
  readonly commands = new Map<string, readonly RegisteredCommand[]>()
  readonly #byToken = new Map<string, OpenInteraction>()
  readonly #byId = new Map<string, OpenInteraction>()
  readonly #waiters = new Set<() => void>()
  /** Messages only one person sees. */
  readonly hidden = new Map<string, StoredMessage>()

  find(token: string): OpenInteraction | undefined {
    return this.#byToken.get(token)
  }

  changed(): void {
    for (const check of this.#waiters) check()
  }

  run(site: Site, input: CommandInput): { interaction: string } {
    const { bot, options, path, command } = this.#resolve(site, input)
    const given = Object.entries(input.options ?? {})
    const missing = options.find((o) => o.required && !given.some(([name]) => name === o.name))
    if (missing) throw new Error(`option ${missing.name} is required`)
    const admin = command.default_member_permissions
    if (admin != null && !input.admin) throw new Error('this person does not see the command')
    const attachments: Record<string, object> = {}
    const values = given.map(([name, value]) => {
      const option = options.find((o) => o.name === name)
      if (option === undefined) throw new Error(`there is no option ${name}`)
      return { type: option.type, name, value: this.#optionValue(site, option, value, attachments) }
    })
    const resolved = Object.keys(attachments).length > 0 ? { resolved: { attachments } } : {}
    const data = { id: command.id, type: 1, name: path[0], options: nest(path.slice(1), values), ...resolved }
    return this.#open(site, { bot, kind: 'command', user: input.user, channel: input.channel, admin: input.admin ?? false, data })
  }

  /** What is suggested while a person types into an option. */
  async type(
    site: Site,
    input: CommandInput & { readonly option: string; readonly typed: string },
  ): Promise<readonly { readonly name: string; readonly value: string | number }[]> {
    const { bot, options, path, command } = this.#resolve(site, input)
    const option = options.find((o) => o.name === input.option)
    if (!option?.autocomplete) throw new Error(`option ${input.option} suggests nothing`)
    const values = [{ type: option.type, name: option.name, value: input.typed, focused: true }]
    const data = { id: command.id, type: 1, name: path[0], options: nest(path.slice(1), values) }
    const { interaction } = this.#open(site, {
      bot,
      kind: 'autocomplete',
      user: input.user,
      channel: input.channel,
      admin: input.admin ?? false,
      data,
    })
    return (await this.wait(site, { interaction })).choices ?? []
  }

  press(
    site: Site,
    input: { readonly user: string; readonly message: string; readonly label: string; readonly admin?: boolean },
  ): { interaction: string } {
    const message =
      this.hidden.get(input.message) ??
      [...site.world.channels.values()].find((c) => c.byId.has(input.message))?.byId.get(input.message)
    if (message === undefined) throw new Error('no such message')
    const button = (message.components ?? []).flatMap((row) => row.components).find((b) => b.label === input.label)
    if (button?.custom_id === undefined) throw new Error(`no button ${input.label}`)
    const bot = [...site.world.bots.values()].find((b) => b.user.id === message.author.id)
    if (bot === undefined) throw new Error('the message is not of a bot')
    return this.#open(site, {
      bot,
      kind: 'component',
      user: input.user,
      channel: message.channelId,
      admin: input.admin ?? false,
      data: { custom_id: button.custom_id, component_type: 2 },
      source: message,
    })
  }

  submit(
    site: Site,
    input: { readonly interaction: string; readonly values: Readonly<Record<string, string>> },
  ): { interaction: string } {
    const from = this.#byId.get(input.interaction)
    if (from?.modal === undefined) throw new Error('no modal is open')
    const components = from.modal.components.map((row) => ({
      type: 1,
      components: row.components.map((field) => {
        const value = input.values[field.custom_id] ?? field.value ?? ''
        if (field.required && value === '') throw new Error(`${field.label} is required`)
        if (value.length > (field.max_length ?? 4000)) throw new Error(`${field.label} is too long`)
        return { type: 4, custom_id: field.custom_id, value }
      }),
    }))
    return this.#open(site, {
      bot: from.bot,
      kind: 'modal',
      user: from.user,
      channel: from.channel.id,
      admin: from.admin,
      data: { custom_id: from.modal.custom_id, components },
      ...(from.source && { source: from.source }),
    })
  }

  /** Resolves when the answer is there: `messages` of them (default 1), a modal, or suggestions. */
  async wait(
    site: Site,
    input: { readonly interaction: string; readonly messages?: number; readonly text?: string; readonly timeoutMs?: number },
  ): Promise<InteractionView> {
    const found = this.#byId.get(input.interaction)
    if (found === undefined) throw new Error('no such interaction')
    const isThere = (): boolean => {
      if (found.modal !== undefined || found.choices !== undefined) return true
      const shown = viewOf(found)
      if (input.text !== undefined) return shown.messages.some((m) => `${m.title}\n${m.text}`.includes(input.text as string))
      return shown.messages.length >= (input.messages ?? 1) && found.state === 'answered'
    }
    const reached = deferred<void>()
    const check = (): void => {
      if (isThere()) reached.resolve()
    }
    this.#waiters.add(check)
    check()
    try {
      const ms = input.timeoutMs ?? 10_000
      await withDeadline(reached.promise, { ms, what: 'an answer', clock: site.world.clock }).catch((error: unknown) => {
        throw new Error(`no such answer; the person sees ${JSON.stringify(viewOf(found))}`, { cause: error })
      })
      return viewOf(found)
    } finally {
      this.#waiters.delete(check)
    }
  }

  #resolve(site: Site, input: CommandInput) {
    const bot = input.bot === undefined ? [...site.world.bots.values()][0] : site.world.bots.get(input.bot)
    if (bot === undefined) throw new Error('no such bot')
    const path = input.command.split(' ')
    const found = findCommand(this.commands.get(`${bot.user.id}:global`) ?? [], path)
    if (found === undefined) throw new Error(`there is no command /${input.command}`)
    return { bot, path, ...found }
  }

  #optionValue(site: Site, option: CommandValue, value: OptionValue, attachments: Record<string, object>): unknown {
    if (typeof value !== 'object') {
      const type = { 3: 'string', 4: 'number', 5: 'boolean', 10: 'number' }[option.type as 3 | 4 | 5 | 10]
      if (typeof value !== type) throw new Error(`option ${option.name} wants a ${String(type)}`)
      if (option.choices && !option.choices.some((c) => c.value === value))
        throw new Error(`option ${option.name}: not one of the choices`)
      return value
    }
    if (option.type !== 11) throw new Error(`option ${option.name} takes no file`)
    const { world } = site
    const id = world.ids.next()
    const { name, type = 'application/octet-stream', text } = value.file
    const bytes = new TextEncoder().encode(text)
    const path = `/ephemeral-attachments/${id}/${name}`
    world.files.set(path, { name, type, bytes })
    const expires = Math.floor(world.clock.now() / 1000) + 86_400
    const url = `${site.cdn}${path}?ex=${expires.toString(16)}&is=0&hm=00`
    attachments[id] = { id, filename: name, size: bytes.length, url, proxy_url: url, content_type: type, ephemeral: true }
    return id
  }

  #open(
    site: Site,
    init: {
      bot: Bot
      kind: InteractionKind
      user: string
      channel: string
      admin: boolean
      data: object
      source?: StoredMessage
    },
  ): { interaction: string } {
    const { world, gateway } = site
    const { bot, kind, source, admin } = init
    const channel = world.channel(init.channel)
    const open: OpenInteraction = {
      id: world.ids.next(),
      token: `${TOKEN_START}${world.secret(64)}`,
      bot,
      user: init.user,
      channel,
      kind,
      createdAt: world.clock.now(),
      ...(source && { source }),
      admin,
      state: 'pending',
      ephemeral: false,
      messages: [],
    }
    this.#byToken.set(open.token, open)
    this.#byId.set(open.id, open)
    const guild = channel.guildId === undefined ? undefined : world.guild(channel.guildId)
    const member = guild?.members.get(init.user)
    const permissions = (ALL_PERMISSIONS | (admin ? MANAGE_GUILD : 0n)).toString()
    gateway.dispatch(
      'INTERACTION_CREATE',
      {
        version: 1,
        id: open.id,
        application_id: bot.user.id,
        token: open.token,
        type: TYPE[kind],
        data: init.data,
        channel_id: channel.id,
        channel: presentChannel(channel),
        locale: 'en-US',
        attachment_size_limit: 10 * 1024 * 1024,
        app_permissions: ALL_PERMISSIONS.toString(),
        entitlements: [],
        authorizing_integration_owners: {},
        ...(guild && member
          ? {
              guild_id: guild.id,
              guild_locale: 'en-US',
              member: { ...presentMember(guild, member), user: member.user, permissions },
            }
          : { user: world.user(init.user) }),
        ...(source && { message: presentMessage(world, source) }),
      },
      { only: bot.user.id },
    )
    return { interaction: open.id }
  }
}

/** Whether the first answer may still be given. */
export function isTooLate(open: OpenInteraction, now: number): boolean {
  return open.state === 'pending' && now - open.createdAt > FIRST_ANSWER_MS
}

export function isEphemeral(message: StoredMessage): boolean {
  return (message.flags & EPHEMERAL) !== 0
}

function nest(path: readonly string[], values: readonly object[]): object[] {
  const [first, ...rest] = path
  if (first === undefined) return [...values]
  return [{ type: rest.length > 0 ? 2 : 1, name: first, options: nest(rest, values) }]
}

function viewOf(open: OpenInteraction): InteractionView {
  return {
    id: open.id,
    state: open.state,
    messages: open.messages.map((m) => ({
      id: m.id,
      ephemeral: isEphemeral(m),
      title: m.embeds.map((e) => e.title ?? '').join('\n'),
      text: [m.content, ...m.embeds.map((e) => e.description ?? '')].filter((t) => t !== '').join('\n'),
      buttons: (m.components ?? []).flatMap((row) => row.components.map((b) => b.label ?? '')),
      files: m.attachments.map((a) => a.filename),
    })),
    ...(open.modal && { modal: open.modal }),
    ...(open.choices && { choices: open.choices }),
  }
}
