import type { Place } from '../model/place.ts'
import { type NativePart, NOT_READY, type SendOutcome, type SendRequest } from '../port.ts'
import { judge } from './errors.ts'
import { Changer, type ChangerOptions } from './execute-change.ts'
import { Creator, type CreatorOptions } from './execute-create.ts'
import { isPostOf, postOf } from './execute-post.ts'
import { type DiscordCall, type Mode, type PlanContext, planCalls } from './outbound.ts'
import { OutgoingDesk, type OutgoingDeskOptions } from './outgoing-desk.ts'
import { ended, type Judged, type Result, type Run, type SendCounters, type Step } from './run.ts'
import { SentMemory } from './sent-memory.ts'

export interface ExecutorOptions extends OutgoingDeskOptions, CreatorOptions, ChangerOptions {
  readonly account: string
  readonly canUseEmoji: (id: string) => boolean
  readonly useWebhooks: boolean
}

/** Carries out requests: plan, call by call, with everything that can go wrong in between (bridging 4.4, 15.4). */
export class Executor {
  readonly counters: SendCounters = { adoptedByEcho: 0, adoptedByProbe: 0, resent: 0, simplified: 0, botFallbacks: 0 }
  readonly #options: ExecutorOptions
  readonly #memory: SentMemory
  readonly #creator: Creator
  readonly #changer: Changer
  readonly #files: OutgoingDesk
  #botId: string | undefined

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#memory = new SentMemory(options.account, options.clock)
    this.#creator = new Creator(options, this.#memory, this.counters)
    this.#changer = new Changer(options, this.#memory)
    this.#files = new OutgoingDesk(options)
  }

  set botId(id: string) {
    this.#botId = id
  }

  deletesTogether({ space }: Place, parts: readonly NativePart[]): boolean {
    return space !== undefined && this.#changer.canSweep(parts, this.#options.clock.now())
  }

  async run(request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    if (this.#botId === undefined) return NOT_READY
    const run: Run = {
      request,
      signal,
      botId: this.#botId,
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
    const { useWebhooks, webhooks } = this.#options
    if (!useWebhooks || request.place.space === undefined) return 'bot'
    if (request.op === 'create' || request.parts[0] === undefined) return request.identity
    const sender = this.#memory.senderOf(request.parts[0].ref.id)
    if (sender !== undefined) return sender === 'bot' ? 'bot' : 'webhook'
    return webhooks.known(request.place.channel) === undefined ? 'bot' : request.identity
  }

  /** One pass over a plan; undefined = plan anew. Every reason for a new plan can occur once, so this ends. */
  async #attempt(run: Run): Promise<SendOutcome | undefined> {
    const { request } = run
    if (request.op === 'delete' && this.deletesTogether(request.place, request.parts)) {
      const verdict = await this.#changer.sweep(run, request.parts)
      if (verdict === undefined || verdict.kind === 'satisfied') return { kind: 'done', parts: request.parts }
      const step = await this.#react(run, { kind: 'judged', verdict })
      // Refused together they go one by one.
      if (step.kind === 'end' && verdict.kind !== 'permanent' && verdict.kind !== 'lane-failed') return step.outcome
    }
    const context: PlanContext = {
      mode: run.mode,
      canUseEmoji: this.#options.canUseEmoji,
      allowFile: run.allowFile,
      plain: run.plain,
      ...(run.files !== undefined && { files: run.files }),
      maxTotal: this.#files.maxTotal(request.place),
      single: run.single,
    }
    const calls = planCalls({ ...request, place: this.#placeOf(run), parts: [...run.parts.values()] }, context)
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

  /** Where a message is going: in a forum, the post of what it answers. */
  #placeOf(run: Run): Place {
    const { place } = run.request
    const post = isPostOf(run, this.#options.isForum) ? (run.post ?? postOf(run)) : undefined
    return post === undefined ? place : { ...place, thread: post }
  }

  async #step(run: Run, call: DiscordCall): Promise<Step> {
    const result = await this.#perform(run, call)
    if (result.kind === 'as-bot') return this.#asBot(run)
    return result.kind === 'judged' ? this.#react(run, result) : result
  }

  #perform(run: Run, call: DiscordCall): Promise<Result> {
    if (call.op === 'edit') return this.#changer.edit(run, call)
    if (call.op === 'delete') return this.#changer.delete(run, call)
    return run.mode === 'webhook' ? this.#creator.byWebhook(run, call) : this.#creator.byBot(run, call)
  }

  /** What a verdict means for the run. */
  async #react(run: Run, { verdict, webhook, call }: Judged): Promise<Step> {
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
