import { z } from 'zod'
import { BoundedMap } from '../../base/bounded-map.ts'
import { hashId } from '../../base/ids.ts'
import type { NativeRef } from '../model/place.ts'
import { type NativePart, NOT_READY, type SendOutcome, type SendRequest } from '../port.ts'
import type { ApiAnswer, DiscordApi } from './api.ts'
import type { Echo, ExpectedEchoes } from './echoes.ts'
import { judge, NOT_OURS, type Verdict } from './errors.ts'
import { webhookUsername } from './names.ts'
import { componentsOf } from './notice.ts'
import { channelIdOf, type DiscordCall, type Mode, type PlanContext, planCalls } from './outbound.ts'
import { OutgoingDesk, type OutgoingDeskOptions } from './outgoing-desk.ts'
import { findSent } from './probe.ts'
import {
  avatarOf,
  descriptionsOf,
  ended,
  filesOf,
  NOBODY,
  type Run,
  type SendCounters,
  type Step,
  sizesOf,
  type Target,
  viaBot,
  viaWebhook,
} from './run.ts'
import type { WebhookRecord } from './webhook-registry.ts'
import type { Webhooks } from './webhooks.ts'

/** Which native messages belong to deliveries already, so that a probe does not take one for another's. */
export type KnownCopies = (channel: string, ids: readonly string[]) => Promise<ReadonlySet<string>>

export interface ExecutorOptions extends OutgoingDeskOptions {
  readonly account: string
  readonly api: DiscordApi
  readonly webhooks: Webhooks
  readonly echoes: ExpectedEchoes
  readonly ownDeletes: BoundedMap<string, true>
  readonly canUseEmoji: (id: string) => boolean
  readonly knownCopies: KnownCopies | undefined
  readonly useWebhooks: boolean
  /** The gateway is connected, so echoes can arrive. */
  readonly hearsEchoes: () => boolean
}

/** How long an echo may take after a lost answer. */
const ECHO_WAIT_MS = 3_000
/** Discord remembers a nonce "for a few minutes"; only this much is relied on. */
const NONCE_MS = 120_000
const MAX_RECENT = 10_000

const Created = z.object({ id: z.string().regex(/^\d{1,20}$/) })

/** Carries out requests: plan, call by call, with everything that can go wrong in between (bridging 4.4, 15.4). */
export class Executor {
  readonly counters: SendCounters = { adoptedByEcho: 0, adoptedByProbe: 0, resent: 0, simplified: 0, botFallbacks: 0 }
  readonly #options: ExecutorOptions
  /** Who sent a message: the webhook's id, or `bot`. */
  readonly #senders = new BoundedMap<string, string>({ max: MAX_RECENT })
  /** Hash of what a message of ours says, so that an edit leaves unchanged parts alone (8.7). */
  readonly #contents = new BoundedMap<string, string>({ max: MAX_RECENT })
  readonly #files: OutgoingDesk
  #botId: string | undefined

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#files = new OutgoingDesk(options)
  }

  set botId(id: string) {
    this.#botId = id
  }

  async run(request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    if (this.#botId === undefined) return NOT_READY
    const run: Run = {
      request,
      signal,
      parts: new Map(request.parts.map((p) => [p.part, p])),
      lookSince: request.ambiguousSince,
      mode: this.#modeFor(request),
      triedModes: new Set(),
      allowFile: true,
      files: undefined,
      releaseFiles: () => {},
      refusedFiles: new Set(),
      single: false,
      plain: false,
      strictName: false,
      remadeWebhook: false,
      unarchived: false,
    }
    try {
      for (;;) {
        const outcome = (await this.#files.gather(run)) ?? (await this.#attempt(run))
        if (outcome !== undefined) return outcome
      }
    } finally {
      run.releaseFiles()
    }
  }

  /** How the author is shown; an edit follows the message it changes, as far as that is known. */
  #modeFor(request: SendRequest): Mode {
    const { useWebhooks, webhooks, clock } = this.#options
    if (!useWebhooks || request.place.space === undefined) return 'bot'
    if (request.op === 'create' || request.parts[0] === undefined) return request.identity
    const sender = this.#senders.get(request.parts[0].ref.id, clock.now())
    if (sender !== undefined) return sender === 'bot' ? 'bot' : 'webhook'
    return webhooks.known(request.place.channel) === undefined ? 'bot' : request.identity
  }

  /** One pass over a plan; undefined = plan anew. Every reason for a new plan can occur once, so this ends. */
  async #attempt(run: Run): Promise<SendOutcome | undefined> {
    const { request } = run
    const context: PlanContext = {
      mode: run.mode,
      canUseEmoji: this.#options.canUseEmoji,
      allowFile: run.allowFile,
      plain: run.plain,
      ...(run.files !== undefined && { files: run.files }),
      maxTotal: this.#files.maxTotal(request.place),
      single: run.single,
    }
    const calls = planCalls({ ...request, parts: [...run.parts.values()] }, context)
    if (calls === undefined) return { kind: 'permanent', code: 'DISCORD_EMPTY_MESSAGE', message: 'nothing to show' }
    for (const [i, call] of calls.entries()) {
      const step = await this.#step(run, call)
      if (step.kind === 'replan') return undefined
      if (step.kind === 'end') return step.outcome
      if (call.op === 'delete') run.parts.delete(call.part)
      else if (step.part !== undefined) run.parts.set(step.part.part, step.part)
      // The outcome names all parts, so the last one needs no record of its own.
      if (step.part !== undefined && i + 1 < calls.length) await request.onPart(step.part)
    }
    const left = request.op === 'delete' ? request.parts : [...run.parts.values()].sort((a, b) => a.part - b.part)
    return { kind: 'done', parts: left }
  }

  async #step(run: Run, call: DiscordCall): Promise<Step> {
    if (call.op === 'create') return run.mode === 'webhook' ? this.#createByWebhook(run, call) : this.#createByBot(run, call)
    return this.#change(run, call)
  }

  async #createByWebhook(run: Run, call: DiscordCall & { op: 'create' }): Promise<Step> {
    const { webhooks, echoes, api } = this.#options
    const answer = await webhooks.forChannel(run.request.place.channel, run.signal)
    if (answer.kind === 'none') return this.#asBot(run)
    if (answer.kind === 'failed') {
      const verdict = judge(answer.failure, 'create')
      // Making a webhook is not sending: whatever happened there, the message was not sent.
      if (verdict.kind === 'ambiguous') return { kind: 'end', outcome: { ...verdict, kind: 'not-sent' } }
      return this.#react(run, verdict, undefined)
    }
    const { webhook } = answer
    const channel = channelIdOf(run.request.place)
    const name = webhookUsername(run.request.author.displayName, run.strictName)
    const found = await this.#look(run, call, { author: webhook.id, isWebhook: true, name })
    if (found !== undefined) return found
    const echo = echoes.expect({ channel, author: webhook.id, name, content: call.content })
    const { thread } = run.request.place
    const sent = await api.call(
      {
        method: 'POST',
        path: `/webhooks/${webhook.id}/${webhook.token.reveal()}`,
        query: { wait: 'true', ...(thread !== undefined && { thread_id: thread }) },
        body: {
          content: call.content,
          username: name,
          allowed_mentions: NOBODY,
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
    const step = await this.#created(run, call, sent, { echo, webhook })
    echo.forget()
    return step
  }

  async #createByBot(run: Run, call: DiscordCall & { op: 'create' }): Promise<Step> {
    const { api, clock } = this.#options
    const channel = channelIdOf(run.request.place)
    const author = this.#botId as string
    // Within its life the nonce makes sending again harmless; later only the history knows.
    if (run.lookSince !== undefined && clock.now() - run.lookSince < NONCE_MS) run.lookSince = undefined
    const found = await this.#look(run, call, { author, isWebhook: false })
    if (found !== undefined) return found
    const sent = await api.call(
      {
        method: 'POST',
        path: `/channels/${channel}/messages`,
        body: {
          content: call.content,
          allowed_mentions: NOBODY,
          nonce: call.nonce,
          enforce_nonce: true,
          ...descriptionsOf(call),
          ...(call.flags !== 0 && { flags: call.flags }),
          ...(call.button && { components: componentsOf([[call.button]]) }),
          ...(call.replyTo !== undefined && { message_reference: { message_id: call.replyTo, fail_if_not_exists: false } }),
        },
        auth: 'bot',
        ...filesOf(call),
      },
      run.signal,
    )
    return this.#created(run, call, sent)
  }

  /** Looks in the history for what an earlier attempt may have sent; undefined = it is not there, send. */
  async #look(
    run: Run,
    call: DiscordCall & { op: 'create' },
    sender: { readonly author: string; readonly isWebhook: boolean; readonly name?: string },
  ): Promise<Step | undefined> {
    const since = run.lookSince
    if (since === undefined) return undefined
    const { api, knownCopies } = this.#options
    const channel = channelIdOf(run.request.place)
    const own = new Set([...run.parts.values()].map((p) => p.ref.id))
    const now = this.#options.clock.now()
    const taken = async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
      const known = (await knownCopies?.(channel, ids)) ?? new Set(ids.filter((id) => this.#senders.has(id, now)))
      return new Set([...known, ...own])
    }
    const files = sizesOf(call)
    const answer = await findSent(api, { channel, since, ...sender, content: call.content, files, taken }, run.signal)
    if (answer.kind === 'failed' && !(answer.failure.kind === 'api' && answer.failure.status === 403)) {
      const verdict = judge(answer.failure, 'create')
      if (verdict.kind === 'not-sent' || verdict.kind === 'ambiguous') {
        return { kind: 'end', outcome: { ...verdict, kind: 'ambiguous' } }
      }
      return this.#react(run, verdict, undefined)
    }
    // Only the first unfinished part can be in doubt.
    run.lookSince = undefined
    if (answer.kind === 'found') {
      this.counters.adoptedByProbe++
      return { kind: 'next', part: this.#part(run, call, answer.id, sender.isWebhook ? sender.author : 'bot') }
    }
    this.counters.resent++
    return undefined
  }

  async #created(
    run: Run,
    call: DiscordCall & { op: 'create' },
    answer: ApiAnswer,
    by?: { readonly echo: Echo; readonly webhook: WebhookRecord },
  ): Promise<Step> {
    const sender = by?.webhook.id ?? 'bot'
    const created = answer.ok ? Created.safeParse(answer.body) : undefined
    if (created?.success) {
      run.lookSince = undefined
      return { kind: 'next', part: this.#part(run, call, created.data.id, sender) }
    }
    const failure = answer.ok ? ({ kind: 'transport', code: 'UNREADABLE', sent: true } as const) : answer.failure
    const verdict = judge(failure, 'create')
    if (verdict.kind !== 'ambiguous') return this.#react(run, verdict, by?.webhook, call)
    // The bot's nonce makes the next attempt safe without waiting.
    if (by === undefined || run.signal.aborted || !this.#options.hearsEchoes()) return { kind: 'end', outcome: verdict }
    const id = await by.echo.seen(ECHO_WAIT_MS)
    if (id === undefined) return { kind: 'end', outcome: verdict }
    this.counters.adoptedByEcho++
    run.lookSince = undefined
    return { kind: 'next', part: this.#part(run, call, id, sender) }
  }

  /** Remembers a message of ours. */
  #part(run: Run, call: DiscordCall & { op: 'create' | 'edit' }, id: string, sender: string): NativePart {
    const now = this.#options.clock.now()
    this.#senders.set(id, sender, now)
    this.#contents.set(id, hashId([call.content]), now)
    const { account, channel, thread } = run.request.place
    const ref: NativeRef = { network: 'discord', account, channel, id, ...(thread !== undefined && { thread }) }
    const carries = call.op === 'create' ? call.carries : undefined
    return { part: call.part, ref, ...(carries !== undefined && { carries }) }
  }

  #change(run: Run, call: DiscordCall & { op: 'edit' | 'delete' }): Promise<Step> {
    return call.op === 'edit' ? this.#edit(run, call) : this.#delete(run, call)
  }

  /** Edits as the one who wrote the message. When that was somebody else, the text is planned anew for the other. */
  async #edit(run: Run, call: DiscordCall & { op: 'edit' }): Promise<Step> {
    const { webhooks, clock } = this.#options
    const { ref } = call.target
    if (this.#contents.get(ref.id, clock.now()) === hashId([call.content])) return { kind: 'next', part: call.target }
    const webhook = webhooks.known(ref.channel)
    if (run.mode === 'webhook' && webhook === undefined) run.mode = 'bot'
    const verdict = await this.#call(run, call, run.mode === 'webhook' && webhook ? viaWebhook(webhook, ref) : viaBot(ref))
    const isForeign =
      run.mode === 'webhook'
        ? verdict?.kind === 'satisfied' || verdict?.kind === 'webhook-lost'
        : verdict?.kind === 'permanent' && verdict.code === NOT_OURS
    if (webhook !== undefined && verdict?.kind === 'webhook-lost') await webhooks.lost(webhook)
    run.triedModes.add(run.mode)
    const other = run.mode === 'webhook' ? 'bot' : 'webhook'
    const isKnown = this.#senders.has(ref.id, clock.now())
    if (isForeign && !isKnown && !run.triedModes.has(other) && (other === 'bot' || webhook !== undefined)) {
      run.mode = other
      return { kind: 'replan' }
    }
    if (verdict === undefined) this.#part(run, call, ref.id, run.mode === 'webhook' && webhook ? webhook.id : 'bot')
    if (verdict?.kind === 'webhook-lost')
      return ended('permanent', 'DISCORD_WEBHOOK_GONE', 'the webhook of this message no longer exists')
    return verdict === undefined ? { kind: 'next', part: call.target } : this.#react(run, verdict, undefined)
  }

  async #delete(run: Run, call: DiscordCall & { op: 'delete' }): Promise<Step> {
    const { webhooks, ownDeletes, clock } = this.#options
    const { ref } = call.target
    const deleteKey = `${channelIdOf(ref)}/${ref.id}`
    const webhook = webhooks.known(ref.channel)
    const sender = this.#senders.get(ref.id, clock.now())
    ownDeletes.set(deleteKey, true, clock.now())
    let verdict: Verdict | undefined
    if (webhook !== undefined && sender !== 'bot') {
      verdict = await this.#call(run, call, viaWebhook(webhook, ref))
      if (verdict === undefined || (verdict.kind === 'satisfied' && sender === webhook.id)) return { kind: 'next' }
      if (verdict.kind === 'webhook-lost') await webhooks.lost(webhook)
      else if (verdict.kind !== 'satisfied') return this.#react(run, verdict, undefined)
    }
    verdict = await this.#call(run, call, viaBot(ref))
    if (verdict === undefined || verdict.kind === 'satisfied') return { kind: 'next' }
    if (verdict.kind !== 'ambiguous') ownDeletes.delete(deleteKey)
    return this.#react(run, verdict, undefined)
  }

  async #call(run: Run, call: DiscordCall & { op: 'edit' | 'delete' }, target: Target): Promise<Verdict | undefined> {
    const button = call.op === 'edit' ? call.button : undefined
    const components = button === undefined ? {} : { components: button === null ? [] : componentsOf([[button]]) }
    const body = call.op === 'edit' ? { body: { content: call.content, allowed_mentions: NOBODY, ...components } } : {}
    const method = call.op === 'edit' ? 'PATCH' : 'DELETE'
    const answer = await this.#options.api.call({ method, ...target, ...body }, run.signal)
    return answer.ok ? undefined : judge(answer.failure, call.op)
  }

  /** What a verdict means for the run. */
  async #react(run: Run, verdict: Verdict, webhook: WebhookRecord | undefined, call?: DiscordCall): Promise<Step> {
    switch (verdict.kind) {
      case 'satisfied':
        return { kind: 'next' }
      case 'webhook-lost':
        if (webhook === undefined)
          return ended('permanent', 'DISCORD_WEBHOOK_GONE', 'the webhook of this message no longer exists')
        await this.#options.webhooks.lost(webhook)
        if (run.remadeWebhook) return this.#asBot(run)
        run.remadeWebhook = true
        return { kind: 'replan' }
      case 'simplify':
        if (verdict.what === 'username' && !run.strictName) run.strictName = true
        else if (!run.plain) run.plain = true
        else if (!this.#files.giveUp(run, call)) return ended('permanent', 'DISCORD_INVALID_FORM', verdict.message)
        this.counters.simplified++
        return { kind: 'replan' }
      case 'drop-file':
        if (this.#files.tooLarge(run, call)) return { kind: 'replan' }
        return ended('permanent', 'DISCORD_TOO_LARGE', 'too large for Discord')
      case 'unarchive':
        return this.#unarchive(run)
      default:
        return { kind: 'end', outcome: verdict }
    }
  }

  #asBot(run: Run): Step {
    this.counters.botFallbacks++
    run.mode = 'bot'
    return { kind: 'replan' }
  }

  async #unarchive(run: Run): Promise<Step> {
    const { thread } = run.request.place
    if (thread === undefined || run.unarchived) return ended('lane-failed', 'DISCORD_THREAD_ARCHIVED', 'the thread is archived')
    run.unarchived = true
    const answer = await this.#options.api.call(
      { method: 'PATCH', path: `/channels/${thread}`, body: { archived: false }, auth: 'bot' },
      run.signal,
    )
    if (answer.ok) return { kind: 'replan' }
    const verdict = judge(answer.failure, 'edit')
    if (verdict.kind === 'ambiguous' || verdict.kind === 'not-sent' || verdict.kind === 'rate-limited') {
      return { kind: 'end', outcome: verdict.kind === 'ambiguous' ? { ...verdict, kind: 'not-sent' } : verdict }
    }
    return ended(
      'lane-failed',
      'DISCORD_THREAD_ARCHIVED',
      'the thread is archived and the bot may not open it: give it Manage Threads',
    )
  }
}
