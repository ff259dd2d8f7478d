import { sleep, type TaskGroup } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import { hashId } from '../../base/ids.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { CommandSpec, Form, Interaction, InteractionHandler, Notice, NoticeTarget } from '../interaction.ts'
import type { NativeRef, Place } from '../model/place.ts'
import type { ApiAnswer, DiscordApi } from './api.ts'
import { applicationCommands, isRegistered } from './commands.ts'
import { isGone, noticeError } from './interaction-error.ts'
import { actorOf, InteractionJson, inputOf, placeOf, refAt, TYPE } from './interaction-payload.ts'
import { renderNotice } from './notice.ts'
import { channelIdOf } from './outbound.ts'
import { DiscordResponder } from './responder.ts'

export interface DeskCommands {
  readonly specs: readonly CommandSpec[]
  readonly handler: InteractionHandler
  readonly welcome?: Notice
}

export interface DeskOptions {
  readonly account: string
  readonly api: DiscordApi
  /** Undefined: the bot answers nothing and leaves the registered commands alone. */
  readonly commands: DeskCommands | undefined
  /** Largest file for a server, bytes. */
  readonly maxFile: (guildId: string | undefined) => number
  readonly tasks: TaskGroup
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
}

/** Interactions being answered at once; further ones are told to try again. */
const MAX_OPEN = 500
const FORM_MS = 15 * 60_000
const MAX_FORMS = 1_000
const MAX_DM_CHANNELS = 5_000
const OPEN_FORM = 'open:'
const REGISTER_WAIT = { first: 5_000, longest: 600_000 }
const RESPONDER_KIND = {
  [TYPE.command]: 'command',
  [TYPE.component]: 'component',
  [TYPE.autocomplete]: 'autocomplete',
  [TYPE.modal]: 'modal',
} as const

/** Everything the bot itself says and is asked on Discord: slash commands, buttons, modals, notices. */
export class Desk {
  readonly #o: DeskOptions
  readonly #forms = new BoundedMap<string, Form>({ max: MAX_FORMS, ttlMs: FORM_MS })
  readonly #dms = new BoundedMap<string, string>({ max: MAX_DM_CHANNELS })
  /** Servers the bot is in; undefined until Discord has told. */
  #guilds: Set<string> | undefined
  #open = 0
  #registering = false

  constructor(options: DeskOptions) {
    this.#o = options
  }

  /** Makes the commands known when they are not what Discord has. Goes on in the background until it worked. */
  register(applicationId: string): void {
    const { commands } = this.#o
    if (this.#registering || commands === undefined) return
    this.#registering = true
    this.#o.tasks.add(
      this.#register(applicationId, commands.specs).finally(() => {
        this.#registering = false
      }),
    )
  }

  async #register(applicationId: string, specs: readonly CommandSpec[]): Promise<void> {
    const { api, signal, log, account } = this.#o
    const wanted = applicationCommands(specs)
    const path = `/applications/${applicationId}/commands` as const
    for (let wait = REGISTER_WAIT.first; !signal.aborted; wait = Math.min(wait * 2, REGISTER_WAIT.longest)) {
      const found = await api.call({ method: 'GET', path, auth: 'bot' }, signal)
      if (found.ok && isRegistered(wanted, found.body)) return
      const answer = found.ok ? await api.call({ method: 'PUT', path, auth: 'bot', body: wanted }, signal) : found
      if (answer.ok) {
        log.info({ ev: 'commands-registered', account, commands: specs.length }, 'slash commands registered')
        return
      }
      const error = noticeError(answer.failure)
      log.warn(
        { ev: 'commands-not-registered', account, code: error.code, reason: error.message },
        'slash commands could not be registered',
      )
      // What Discord refuses does not get better by itself.
      if (answer.failure.kind === 'api') return
      await sleep(wait, signal).catch(() => {})
    }
  }

  /** The servers READY names: those that come later are new. */
  knowGuilds(guilds: unknown): void {
    const ids = (Array.isArray(guilds) ? guilds : []).map((g: { id?: unknown } | null) => String(g?.id))
    this.#guilds = new Set(ids)
  }

  /** Says hello when somebody has added the bot to a server: in a bridged channel, else where the server says hello. */
  joined(guild: Readonly<Record<string, unknown>>, places: readonly Place[]): void {
    const welcome = this.#o.commands?.welcome
    const id = String(guild.id)
    if (this.#guilds === undefined || this.#guilds.has(id)) return
    this.#guilds.add(id)
    const system = guild.system_channel_id
    const here = { network: 'discord' as const, account: this.#o.account, space: id }
    const place = places.find((p) => p.space === id) ?? (typeof system === 'string' ? { ...here, channel: system } : undefined)
    if (welcome === undefined || place === undefined) return
    const { tasks, log, signal } = this.#o
    const saying = this.post({ kind: 'place', place }, welcome, signal).then(() => {})
    tasks.add(saying.catch((err) => log.debug({ ev: 'welcome-failed', err }, 'the bot could not say hello to a server')))
  }

  /** Takes an INTERACTION_CREATE. */
  take(data: unknown): void {
    const parsed = InteractionJson.safeParse(data)
    if (!parsed.success) {
      this.#o.log.warn({ ev: 'interaction-unreadable', issue: parsed.error.issues[0]?.message }, 'an interaction cannot be read')
      return
    }
    this.#o.tasks.add(this.#handle(parsed.data))
  }

  async #handle(json: InteractionJson): Promise<void> {
    const { commands } = this.#o
    const at = placeOf(json, this.#o.account)
    const who = actorOf(json)
    const kind = RESPONDER_KIND[json.type as keyof typeof RESPONDER_KIND]
    if (who === undefined || kind === undefined || commands === undefined) return
    const input = inputOf(json, at)
    if (input === undefined) return
    const isPrivate = this.#isPrivate(input.kind === 'command' ? input.path : undefined)
    const responder = this.#responder(json, kind, at, who.actor.key, isPrivate)
    try {
      if (this.#open >= MAX_OPEN) {
        return await responder.reply(
          { rich: { text: 'Too much is going on. Try again in a moment.', spans: [] } },
          { private: true },
        )
      }
      if (input.kind === 'action' && input.id.startsWith(OPEN_FORM)) return await this.#openForm(input.id, responder)
      this.#open++
      const interaction: Interaction = {
        id: json.id,
        network: 'discord',
        account: this.#o.account,
        at,
        ...who,
        direct: json.guild_id === undefined,
        ...(json.locale !== undefined && { locale: json.locale }),
        input,
        answer: responder,
      }
      await commands.handler(interaction).finally(() => {
        this.#open--
      })
    } finally {
      responder.close()
    }
  }

  /** Follow-ups of an answer that only one person sees are for them alone, too. */
  #isPrivate(path: readonly string[] | undefined): boolean {
    const spec = path && this.#o.commands?.specs.find((s) => s.path.join(' ') === path.join(' '))
    return spec?.private ?? true
  }

  #responder(
    json: InteractionJson,
    kind: 'command' | 'component' | 'modal' | 'autocomplete',
    at: Place,
    authorKey: string,
    isPrivate: boolean,
  ): DiscordResponder {
    const { api, signal, clock, maxFile } = this.#o
    return new DiscordResponder({
      api,
      applicationId: json.application_id,
      id: json.id,
      token: json.token,
      kind,
      isPrivate,
      maxFile: json.attachment_size_limit ?? maxFile(json.guild_id),
      formButton: (form) => this.#formButton(form),
      afterwards: async (notice, isForOne) => {
        const target: NoticeTarget = isForOne ? { kind: 'person', authorKey } : { kind: 'place', place: at }
        await this.post(target, notice, signal)
      },
      signal,
      clock,
    })
  }

  #formButton(form: Form): Notice {
    const key = form.id
    this.#forms.set(key, form, this.#o.clock.monotonic())
    return {
      rich: { text: 'One more step:', spans: [] },
      actions: [[{ id: `${OPEN_FORM}${key}`, label: form.title, style: 'primary' }]],
    }
  }

  async #openForm(id: string, responder: DiscordResponder): Promise<void> {
    const form = this.#forms.get(id.slice(OPEN_FORM.length), this.#o.clock.monotonic())
    if (form) await responder.form(form)
    else await responder.reply({ rich: { text: 'This is too old. Give the command again.', spans: [] } }, { private: true })
  }

  async post(target: NoticeTarget, notice: Notice, signal: AbortSignal): Promise<NativeRef> {
    const place = target.kind === 'place' ? target.place : await this.#directPlace(target.authorKey, signal)
    const { body, files } = renderNotice(notice, this.#o.maxFile(place.space), signal)
    const reply = target.kind === 'place' && target.replyTo?.network === 'discord' ? target.replyTo.id : undefined
    const answer = await this.#o.api.call(
      {
        method: 'POST',
        path: `/channels/${channelIdOf(place)}/messages`,
        auth: 'bot',
        body: {
          ...body,
          nonce: hashId([this.#o.rng.u32(), this.#o.rng.u32(), this.#o.clock.now()], 25),
          enforce_nonce: true,
          ...(reply !== undefined && { message_reference: { message_id: reply, fail_if_not_exists: false } }),
        },
        ...(files.length > 0 && { files }),
      },
      signal,
    )
    const id = (succeeded(answer) as { id?: unknown } | undefined)?.id
    if (typeof id === 'string') return refAt(place, id)
    throw new K2Error({ code: 'DISCORD_UNREADABLE', kind: 'platform', message: 'Discord did not say which message was made' })
  }

  async repost(ref: NativeRef, notice: Notice, signal: AbortSignal): Promise<boolean> {
    const { body, files } = renderNotice(notice, this.#o.maxFile(undefined), signal)
    const path = `/channels/${channelIdOf(ref)}/messages/${ref.id}` as const
    const answer = await this.#o.api.call(
      { method: 'PATCH', path, auth: 'bot', body, ...(files.length > 0 && { files }) },
      signal,
    )
    if (!answer.ok && isGone(answer.failure)) return false
    succeeded(answer)
    return true
  }

  async retract(ref: NativeRef, signal: AbortSignal): Promise<void> {
    const answer = await this.#o.api.call(
      { method: 'DELETE', path: `/channels/${channelIdOf(ref)}/messages/${ref.id}`, auth: 'bot' },
      signal,
    )
    if (!answer.ok && !isGone(answer.failure)) throw noticeError(answer.failure)
  }

  async #directPlace(authorKey: string, signal: AbortSignal): Promise<Place> {
    const user = /^discord:(\d{1,20})$/.exec(authorKey)?.[1]
    if (user === undefined) {
      throw new K2Error({ code: 'DISCORD_NO_PERSON', kind: 'denied', message: 'this person is not on Discord' })
    }
    const now = this.#o.clock.monotonic()
    const known = this.#dms.get(user, now)
    if (known !== undefined) return { network: 'discord', account: this.#o.account, channel: known }
    const answer = await this.#o.api.call(
      { method: 'POST', path: '/users/@me/channels', auth: 'bot', body: { recipient_id: user } },
      signal,
    )
    const channel = (succeeded(answer) as { id?: unknown } | undefined)?.id
    if (typeof channel !== 'string') {
      throw new K2Error({ code: 'DISCORD_UNREADABLE', kind: 'platform', message: 'Discord did not name the direct conversation' })
    }
    this.#dms.set(user, channel, now)
    return { network: 'discord', account: this.#o.account, channel }
  }
}

function succeeded(answer: ApiAnswer): unknown {
  if (answer.ok) return answer.body
  throw noticeError(answer.failure)
}
