import { z } from 'zod'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Secret } from '../../base/secret.ts'
import type { OwnIdentities } from '../own-identities.ts'
import type { DiscordApi } from './api.ts'
import type { Failure } from './errors.ts'
import type { WebhookRecord, WebhookRegistry } from './webhook-registry.ts'

export type WebhookAnswer =
  | { readonly kind: 'ok'; readonly webhook: WebhookRecord }
  /** This channel has none and cannot get one; the bot speaks itself. */
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: Failure }

export interface WebhooksOptions {
  readonly account: string
  readonly api: DiscordApi
  readonly registry: WebhookRegistry
  readonly own: OwnIdentities
  readonly clock: Clock
  readonly log: Logger
}

/** Shown in the server's integrations page; messages carry their author's name instead. */
const WEBHOOK_NAME = 'K2 gateway'
/** A refusal is believed this long, unless the server's settings change. */
const REFUSAL_MS = 300_000
const MAX_REFUSALS = 1_000
/** At most this many new webhooks per channel and hour, should somebody keep deleting them. */
const MAX_CREATES = 5
const CREATE_WINDOW_MS = 3_600_000

const WebhookJson = z.object({ id: z.string(), token: z.string().optional(), application_id: z.string().nullish() })
const WebhookList = z.array(WebhookJson)

/** Codes of Discord that mean "not here": access, permission, the channel's limit of 15, the guild's of 1000. */
const REFUSALS: ReadonlySet<number> = new Set([50001, 50013, 30007, 30058])

/** One webhook of ours per (parent) channel: found again, or made on demand, and remembered (bridging 4.4). */
export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #byChannel = new Map<string, WebhookRecord>()
  readonly #pending = new Map<string, Promise<WebhookAnswer>>()
  readonly #refused = new BoundedMap<string, string>({ max: MAX_REFUSALS, ttlMs: REFUSAL_MS })
  readonly #creates = new BoundedMap<string, number>({ max: MAX_REFUSALS, ttlMs: CREATE_WINDOW_MS })
  #applicationId: string | undefined

  constructor(options: WebhooksOptions) {
    this.#options = options
  }

  /** Recognises webhooks of earlier runs. Must be done before the gateway connects (12.2). */
  async load(): Promise<void> {
    for (const record of await this.#options.registry.list(this.#options.account)) this.#remember(record)
  }

  set applicationId(id: string) {
    this.#applicationId = id
  }

  /** Channels whose authors appear under the bot's name, and why. */
  refusals(): readonly (readonly [channel: string, reason: string])[] {
    this.#refused.sweep(this.#options.clock.now())
    return [...this.#refused.entries()]
  }

  known(channel: string): WebhookRecord | undefined {
    return this.#byChannel.get(channel)
  }

  /** Settings of a channel changed: a refusal may be over. */
  reconsider(channel: string): void {
    this.#refused.delete(channel)
  }

  /** The channel's webhook; concurrent callers share one search. */
  async forChannel(channel: string, signal: AbortSignal): Promise<WebhookAnswer> {
    const known = this.#byChannel.get(channel)
    if (known !== undefined) return { kind: 'ok', webhook: known }
    const reason = this.#refused.get(channel, this.#options.clock.now())
    if (reason !== undefined) return { kind: 'none', reason }
    const pending = this.#pending.get(channel)
    if (pending !== undefined) return pending
    const search = this.#search(channel, signal).finally(() => this.#pending.delete(channel))
    this.#pending.set(channel, search)
    return search
  }

  /** Discord does not know this webhook any more. */
  async lost(record: WebhookRecord): Promise<void> {
    if (this.#byChannel.get(record.channel)?.id === record.id) this.#byChannel.delete(record.channel)
    await this.#options.registry.remove(record.account, record.id)
  }

  async #search(channel: string, signal: AbortSignal): Promise<WebhookAnswer> {
    const { api, clock } = this.#options
    if (this.#applicationId === undefined)
      return { kind: 'failed', failure: { kind: 'transport', code: 'NOT_CONNECTED', sent: false } }
    const listed = await api.call({ method: 'GET', path: `/channels/${channel}/webhooks`, auth: 'bot' }, signal)
    if (!listed.ok) return this.#refusal(channel, listed.failure)
    const list = WebhookList.safeParse(listed.body)
    const own = list.success
      ? list.data.find((w) => w.application_id === this.#applicationId && w.token !== undefined)
      : undefined
    if (own !== undefined) return this.#keep(channel, own.id, own.token as string)
    const now = clock.now()
    const creates = this.#creates.get(channel, now) ?? 0
    if (creates >= MAX_CREATES) return this.#refuse(channel, 'its webhook is deleted again and again')
    this.#creates.set(channel, creates + 1, now)
    const made = await api.call(
      { method: 'POST', path: `/channels/${channel}/webhooks`, body: { name: WEBHOOK_NAME }, auth: 'bot' },
      signal,
    )
    if (!made.ok) return this.#refusal(channel, made.failure)
    const webhook = WebhookJson.safeParse(made.body)
    if (!webhook.success || webhook.data.token === undefined)
      return { kind: 'failed', failure: { kind: 'transport', code: 'UNREADABLE', sent: true } }
    return this.#keep(channel, webhook.data.id, webhook.data.token)
  }

  async #keep(channel: string, id: string, token: string): Promise<WebhookAnswer> {
    const record: WebhookRecord = { account: this.#options.account, channel, id, token: new Secret(token) }
    // Known before it is used: its messages must be recognised as ours, also after a crash.
    this.#options.own.add(`discord-webhook:${id}`)
    await this.#options.registry.save(record)
    this.#remember(record)
    return { kind: 'ok', webhook: record }
  }

  #remember(record: WebhookRecord): void {
    this.#byChannel.set(record.channel, record)
    this.#options.own.add(`discord-webhook:${record.id}`)
  }

  #refusal(channel: string, failure: Failure): WebhookAnswer {
    if (failure.kind !== 'api' || !(REFUSALS.has(failure.code) || failure.status === 403)) return { kind: 'failed', failure }
    return this.#refuse(channel, `${failure.message}: give the bot Manage Webhooks there`)
  }

  #refuse(channel: string, reason: string): WebhookAnswer {
    const { log, clock, account } = this.#options
    this.#refused.set(channel, reason, clock.now())
    log.warn({ ev: 'discord-no-webhook', account, channel, reason }, 'no webhook in this channel: names appear as a bold prefix')
    return { kind: 'none', reason }
  }
}
