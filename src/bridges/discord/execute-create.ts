import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { ApiAnswer, DiscordApi } from './api.ts'
import type { Echo, ExpectedEchoes } from './echoes.ts'
import { judge } from './errors.ts'
import { findPost, isPostOf, postBody, postOf, postTitle } from './execute-post.ts'
import { webhookUsername } from './names.ts'
import { componentsOf } from './notice.ts'
import { channelIdOf, type DiscordCall } from './outbound.ts'
import { findSent } from './probe.ts'
import { avatarOf, descriptionsOf, filesOf, pinging, type Result, type Run, type SendCounters, sizesOf } from './run.ts'
import type { SentMemory } from './sent-memory.ts'
import type { WebhookRecord } from './webhook-registry.ts'
import type { Webhooks } from './webhooks.ts'

/** Which native messages belong to deliveries already, so that a probe does not take one for another's. */
export type KnownCopies = (channel: string, ids: readonly string[]) => Promise<ReadonlySet<string>>

export interface CreatorOptions {
  readonly api: DiscordApi
  readonly webhooks: Webhooks
  readonly echoes: ExpectedEchoes
  readonly knownCopies: KnownCopies | undefined
  /** The gateway is connected, so echoes can arrive. */
  readonly hearsEchoes: () => boolean
  /** The channel takes posts only. */
  readonly isForum: (channel: string) => boolean
  /** What a post of a forum is marked with; `demands`: Discord refused one without. */
  readonly forumTag: (channel: string, demands: boolean) => string | undefined
  readonly clock: Clock
}

type Create = DiscordCall & { op: 'create' }

/** How long an echo may take after a lost answer. */
const ECHO_WAIT_MS = 3_000
/** Discord remembers a nonce "for a few minutes"; only this much is relied on. */
const NONCE_MS = 120_000

const Id = z.string().regex(/^\d{1,20}$/)
const Created = z.object({ id: Id, channel_id: Id.optional() })
/** A post made by the bot is answered as a thread with its message. */
const CreatedPost = z
  .object({ id: Id, message: z.object({ id: Id }) })
  .transform(({ id, message }) => ({ id: message.id, channel_id: id }))
/** "A tag is required to create a forum post in this channel" */
const TAG_REQUIRED = 40067

/** Sends one new message so that a lost answer neither loses nor doubles it (bridging 4.4, 15.4). */
export class Creator {
  readonly #options: CreatorOptions
  readonly #memory: SentMemory
  readonly #counters: SendCounters

  constructor(options: CreatorOptions, memory: SentMemory, counters: SendCounters) {
    this.#options = options
    this.#memory = memory
    this.#counters = counters
  }

  async byWebhook(run: Run, call: Create): Promise<Result> {
    const { webhooks, echoes, api } = this.#options
    const answer = await webhooks.forChannel(run.request.place.channel, run.signal)
    if (answer.kind === 'none') return { kind: 'as-bot' }
    if (answer.kind === 'failed') {
      const verdict = judge(answer.failure, 'create')
      // Making a webhook is not sending: whatever happened there, the message was not sent.
      if (verdict.kind === 'ambiguous') return { kind: 'end', outcome: { ...verdict, kind: 'not-sent' } }
      return { kind: 'judged', verdict }
    }
    const { webhook } = answer
    const { place } = run.request
    const isPost = isPostOf(run, this.#options.isForum)
    if (isPost) {
      run.post ??= postOf(run)
      const failed = run.post === undefined ? await this.#lookForPost(run) : undefined
      if (failed !== undefined) return failed
    }
    const begins = isPost && run.post === undefined
    const channel = run.post ?? channelIdOf(place)
    const name = webhookUsername(run.request.author.displayName, run.strictName)
    const found = await this.#look(run, call, { author: webhook.id, isWebhook: true, name })
    if (found !== undefined) return found
    const echo = echoes.expect({ channel, author: webhook.id, name, content: call.content })
    const thread = place.thread ?? run.post
    const sent = await api.call(
      {
        method: 'POST',
        path: `/webhooks/${webhook.id}/${webhook.token.reveal()}`,
        query: { wait: 'true', ...(thread !== undefined && { thread_id: thread }) },
        body: {
          content: call.content,
          username: name,
          ...(begins && { thread_name: postTitle(run.request), ...this.#tagsOf(run) }),
          allowed_mentions: pinging(call.mentioned),
          ...avatarOf(run.request),
          ...descriptionsOf(call),
          ...(call.flags !== 0 && { flags: call.flags }),
          ...(call.button && { components: componentsOf([[call.button]]) }),
        },
        auth: 'none',
        ...filesOf(call),
      },
      run.signal,
    )
    const by = { sender: webhook.id, echo, webhook, begins }
    const step = await this.#created(run, call, sent, by)
    echo.forget()
    return step
  }

  /** In a forum an earlier attempt may have begun the post, which then is the place to look in; otherwise there is none. */
  async #lookForPost(run: Run): Promise<Result | undefined> {
    const { place } = run.request
    if (run.lookSince === undefined || place.space === undefined) return undefined
    const wanted = { guild: place.space, forum: place.channel, title: postTitle(run.request), since: run.lookSince }
    const answer = await findPost(this.#options.api, wanted, run.signal)
    if ('failure' in answer) {
      const verdict = judge(answer.failure, 'create')
      const isUnsure = verdict.kind === 'not-sent' || verdict.kind === 'ambiguous'
      return isUnsure ? { kind: 'end', outcome: { ...verdict, kind: 'ambiguous' } } : { kind: 'judged', verdict }
    }
    run.post = answer.post
    if (answer.post === undefined) {
      run.lookSince = undefined
      this.#counters.resent++
    }
    return undefined
  }

  async byBot(run: Run, call: Create): Promise<Result> {
    const { api, clock, isForum } = this.#options
    const isPost = isPostOf(run, isForum)
    if (isPost) {
      run.post ??= postOf(run)
      const failed = run.post === undefined ? await this.#lookForPost(run) : undefined
      if (failed !== undefined) return failed
    }
    const begins = isPost && run.post === undefined
    const channel = run.post ?? channelIdOf(run.request.place)
    const author = run.botId
    // A post has no nonce, so in forums only the history knows.
    // Within its life the nonce makes sending again harmless; later only the history knows.
    if (!isPost && run.lookSince !== undefined && clock.now() - run.lookSince < NONCE_MS) run.lookSince = undefined
    const found = await this.#look(run, call, { author, isWebhook: false })
    if (found !== undefined) return found
    const message = {
      content: call.content,
      allowed_mentions: pinging(call.mentioned),
      ...descriptionsOf(call),
      ...(call.flags !== 0 && { flags: call.flags }),
      ...(call.button && { components: componentsOf([[call.button]]) }),
    }
    const reply = call.replyTo !== undefined && { message_reference: { message_id: call.replyTo, fail_if_not_exists: false } }
    const sent = await api.call(
      {
        method: 'POST',
        path: begins ? `/channels/${channel}/threads` : `/channels/${channel}/messages`,
        body: begins
          ? { ...postBody(run.request, message), ...this.#tagsOf(run) }
          : { ...message, nonce: call.nonce, enforce_nonce: true, ...reply },
        auth: 'bot',
        ...filesOf(call),
      },
      run.signal,
    )
    return this.#created(run, call, sent, { sender: 'bot', begins })
  }

  #tagsOf({ request, tagDemanded = false }: Run): { applied_tags?: readonly string[] } {
    const tag = this.#options.forumTag(request.place.channel, tagDemanded)
    return tag === undefined ? {} : { applied_tags: [tag] }
  }

  /** Looks in the history for what an earlier attempt may have sent; undefined = it is not there, send. */
  async #look(
    run: Run,
    call: Create,
    sender: { readonly author: string; readonly isWebhook: boolean; readonly name?: string },
  ): Promise<Result | undefined> {
    const since = run.lookSince
    if (since === undefined) return undefined
    const { api, knownCopies } = this.#options
    const channel = run.post ?? channelIdOf(run.request.place)
    const own = new Set([...run.parts.values()].map((p) => p.ref.id))
    const taken = async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
      const known = (await knownCopies?.(channel, ids)) ?? new Set(ids.filter((id) => this.#memory.senderOf(id) !== undefined))
      return new Set([...known, ...own])
    }
    const files = sizesOf(call)
    const answer = await findSent(api, { channel, since, ...sender, content: call.content, files, taken }, run.signal)
    if (answer.kind === 'failed' && !(answer.failure.kind === 'api' && answer.failure.status === 403)) {
      const verdict = judge(answer.failure, 'create')
      if (verdict.kind === 'not-sent' || verdict.kind === 'ambiguous') {
        return { kind: 'end', outcome: { ...verdict, kind: 'ambiguous' } }
      }
      return { kind: 'judged', verdict }
    }
    // Only the first unfinished part can be in doubt.
    run.lookSince = undefined
    if (answer.kind === 'found') {
      this.#counters.adoptedByProbe++
      return { kind: 'next', part: this.#memory.note(run, call, answer.id, sender.isWebhook ? sender.author : 'bot') }
    }
    this.#counters.resent++
    return undefined
  }

  async #created(
    run: Run,
    call: Create,
    answer: ApiAnswer,
    by: {
      /** The webhook's id, or `bot`. */
      readonly sender: string
      /** The message began a post. */
      readonly begins: boolean
      readonly echo?: Echo
      readonly webhook?: WebhookRecord
    },
  ): Promise<Result> {
    const { sender, begins, echo, webhook } = by
    const form = begins && webhook === undefined ? CreatedPost : Created
    const created = answer.ok ? form.safeParse(answer.body) : undefined
    if (created?.success) {
      run.lookSince = undefined
      if (begins) run.post ??= created.data.channel_id
      return { kind: 'next', part: this.#memory.note(run, call, created.data.id, sender) }
    }
    const failure = answer.ok ? ({ kind: 'transport', code: 'UNREADABLE', sent: true } as const) : answer.failure
    // The forum began to ask for tags, or has not been heard of yet.
    if (begins && failure.kind === 'api' && failure.code === TAG_REQUIRED && run.tagDemanded !== true) {
      run.tagDemanded = true
      if (this.#tagsOf(run).applied_tags !== undefined) return { kind: 'replan' }
    }
    const verdict = judge(failure, 'create')
    if (verdict.kind !== 'ambiguous') return { kind: 'judged', verdict, call, ...(webhook && { webhook }) }
    // The bot's nonce makes the next attempt safe without waiting.
    if (echo === undefined || run.signal.aborted || !this.#options.hearsEchoes()) return { kind: 'end', outcome: verdict }
    const id = await echo.seen(ECHO_WAIT_MS)
    if (id === undefined) return { kind: 'end', outcome: verdict }
    this.#counters.adoptedByEcho++
    run.lookSince = undefined
    return { kind: 'next', part: this.#memory.note(run, call, id, sender) }
  }
}
