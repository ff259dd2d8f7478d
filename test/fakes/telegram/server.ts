import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Message } from 'grammy/types'
import { deferred, sleep } from '../../../src/base/async.ts'
import { FaultPlan } from '../faults.ts'
import { createControl, handleControl, type TelegramControl } from './control.ts'
import { ApiError, tooManyRequests } from './errors.ts'
import { serveFile } from './files.ts'
import { answer, readParams, reset } from './http.ts'
import { type LimitProfile, ServerLimits } from './limits.ts'
import type { MethodContext } from './method-context.ts'
import { METHODS } from './methods.ts'
import { FIELDS, type Params } from './params.ts'
import { People } from './people.ts'
import { WebhookSender } from './webhook.ts'
import { type FakeBot, type FakeChat, World } from './world.ts'

export interface FakeTelegramOptions {
  /** Default: any free port. */
  readonly port?: number
  readonly limits?: LimitProfile
  readonly seed?: number
  readonly now?: () => number
}

export interface RequestRecord {
  readonly at: number
  readonly method: string
  readonly chatId?: number
  /** What the client was told, 0 when the connection was cut. */
  readonly status: number
}

export interface Remark {
  readonly method: string
  readonly what: string
}

const KEPT_REQUESTS = 50_000
const MAX_POLL_SEC = 50
const WEBHOOK_ACTIVE =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"

/** A Bot API server on loopback that holds state, enforces the platform's rules and notes what a client does wrong. */
export class FakeTelegram {
  readonly world = new World()
  readonly faults: FaultPlan
  readonly limits: ServerLimits
  readonly people: People
  /** The same calls that another process makes over HTTP. */
  readonly control: TelegramControl
  readonly requests: RequestRecord[] = []
  /** Protocol mistakes; a correct client leaves this empty. */
  readonly remarks: Remark[] = []
  /** Most sends to one chat that were being handled at the same time. */
  maxConcurrentPerChat = 0
  readonly #now: () => number
  readonly #port: number
  readonly #server: Server
  readonly #inFlight = new Map<number, number>()
  readonly #watchers = new Set<() => void>()
  readonly #webhooks = new Map<FakeBot, WebhookSender>()
  #reordered: (() => void)[] = []

  constructor(options: FakeTelegramOptions = {}) {
    this.#now = options.now ?? Date.now
    this.#port = options.port ?? 0
    this.faults = new FaultPlan(options.seed, this.#now)
    this.limits = new ServerLimits(options.limits ?? 'unlimited')
    this.people = new People({
      world: this.world,
      now: this.#now,
      emit: (bot, kind, payload) => this.emit(bot, kind, payload),
      changed: () => this.#notify(),
    })
    this.control = createControl(this)
    this.#server = createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
      this.#handle(req, res).catch((error) => {
        if (!res.headersSent) res.writeHead(500).end(String(error))
      })
    })
  }

  /** API root for clients, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async start(): Promise<this> {
    const listening = deferred<void>()
    this.#server.once('error', listening.reject)
    this.#server.listen(this.#port, '127.0.0.1', () => listening.resolve())
    await listening.promise
    return this
  }

  async stop(): Promise<void> {
    for (const bot of this.world.bots.values()) bot.updates.close()
    for (const sender of this.#webhooks.values()) sender.stop()
    const closed = deferred<void>()
    this.#server.close(() => closed.resolve())
    this.#server.closeAllConnections()
    await closed.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Resolves as soon as `done` holds; asks again after every change. */
  async until(done: () => boolean, timeoutMs = 10_000): Promise<void> {
    if (done()) return
    const reached = deferred<void>()
    const check = (): void => {
      if (done()) reached.resolve()
    }
    this.#watchers.add(check)
    const timer = setTimeout(() => reached.reject(new Error(`not reached in ${timeoutMs} ms`)), timeoutMs)
    try {
      await reached.promise
    } finally {
      clearTimeout(timer)
      this.#watchers.delete(check)
    }
  }

  /** Puts an update into a bot's queue, through the fault plan. */
  emit(bot: FakeBot, kind: string, payload: unknown): void {
    if (!bot.updates.wants(kind)) return
    const effects = this.faults.empty ? [] : this.faults.take({ on: 'event', route: kind })
    const push = (): void => {
      const update = bot.updates.push(kind, payload, this.#now())
      if (effects.some((e) => e.kind === 'duplicate-event')) bot.updates.repeat(update)
      for (const later of this.#reordered.splice(0)) later()
    }
    if (effects.some((e) => e.kind === 'drop-event')) return
    const delay = effects.find((e) => e.kind === 'delay-event')
    if (effects.some((e) => e.kind === 'reorder-event')) this.#reordered.push(push)
    else if (delay) setTimeout(push, delay.ms)
    else push()
  }

  #notify(): void {
    for (const check of this.#watchers) check()
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://fake')
    if (url.pathname.startsWith('/__fake/')) return handleControl(this.control, req, res, url)
    const file = /^\/file\/bot([^/]*)\/(.+)$/.exec(url.pathname)
    if (file) {
      const request = { token: file[1] as string, path: file[2] as string, now: this.#now() }
      return serveFile(this.world, this.faults, request, req, res)
    }
    const match = /^\/bot([^/]*)\/(\w+)$/.exec(url.pathname)
    if (!match) return answer(res, 404, new ApiError(404, 'Not Found').body(), [])
    const [, token = '', name = ''] = match
    const effects = this.faults.empty ? [] : this.faults.take({ on: 'request', method: name, route: `/${name}` })
    if (effects.length > 0) this.#notify()
    for (const effect of effects) {
      if (effect.kind === 'delay-before') await sleep(effect.ms)
      else if (effect.kind === 'reset-before') {
        this.#record(name, undefined, 0)
        return reset(res)
      }
    }
    const params = await readParams(req, url.searchParams)
    const chatId = Number(params.text('chat_id')) || undefined
    const leave = this.#enter(chatId)
    const { status, body } = await this.#call({ token, name, params, effects, res })
    const cut = effects.some((e) => e.kind === 'response-lost')
    this.#record(name, chatId, cut ? 0 : status)
    this.#notify()
    await answer(res, status, body, effects).finally(leave)
  }

  #enter(chatId: number | undefined): () => void {
    if (chatId === undefined) return () => {}
    const count = (this.#inFlight.get(chatId) ?? 0) + 1
    this.#inFlight.set(chatId, count)
    this.maxConcurrentPerChat = Math.max(this.maxConcurrentPerChat, count)
    return () => this.#inFlight.set(chatId, (this.#inFlight.get(chatId) ?? 1) - 1)
  }

  #record(method: string, chatId: number | undefined, status: number): void {
    if (this.requests.length >= KEPT_REQUESTS) this.requests.splice(0, KEPT_REQUESTS / 2)
    this.requests.push({ at: this.#now(), method, status, ...(chatId === undefined ? {} : { chatId }) })
  }

  async #call(call: {
    token: string
    name: string
    params: Params
    effects: readonly { kind: string; status?: number; body?: unknown; retryAfterMs?: number }[]
    res: ServerResponse
  }): Promise<{ status: number; body: object }> {
    const { token, name, params, effects, res } = call
    try {
      const bot = this.world.botByToken(token)
      if (!bot) throw new ApiError(/^\d+:/.test(token) ? 401 : 404, /^\d+:/.test(token) ? 'Unauthorized' : 'Not Found')
      bot.since = Math.min(bot.since, Math.floor(this.#now() / 1000))
      if (bot.loggedOut) throw new ApiError(400, 'Logged out')
      for (const effect of effects) {
        if (effect.kind === 'status') return { status: effect.status as number, body: statusBody(effect) }
        const hasFiles = Object.values(params.values).some((value) => value instanceof Blob)
        if (effect.kind === 'disk-full' && hasFiles) throw new ApiError(500, 'Internal Server Error: no space left')
        if (effect.kind === 'rate-limit') throw tooManyRequests(Math.ceil((effect.retryAfterMs as number) / 1000))
      }
      return { status: 200, body: { ok: true, result: await this.#run(bot, name, params, res) } }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { status: error.status, body: error.body() }
    }
  }

  async #run(bot: FakeBot, name: string, params: Params, res: ServerResponse): Promise<unknown> {
    const lower = name.toLowerCase()
    const remark = (what: string): void => {
      if (this.remarks.length < 1000) this.remarks.push({ method: name, what })
    }
    for (const [field, value] of Object.entries(params.values)) {
      // Attached files have names of the client's choice.
      if (!FIELDS[lower]?.includes(field) && !(value instanceof Blob)) remark(`unknown field ${field}`)
    }
    if (params.text('text')?.includes(bot.token.split(':')[1] as string)) remark('the token is in a message')
    if (lower === 'getupdates') return this.#getUpdates(bot, params, res)
    if (lower === 'setwebhook' || lower === 'deletewebhook') return this.#setWebhook(bot, params, lower === 'setwebhook')
    if (lower === 'getwebhookinfo') {
      const info = this.#webhooks.get(bot)?.info
      return { url: bot.webhookUrl, has_custom_certificate: false, pending_update_count: bot.updates.pending, ...info }
    }
    const method = METHODS[lower]
    if (!method) throw new ApiError(404, 'Not Found')
    return method(bot, params, this.#context(remark))
  }

  #context(remark: (what: string) => void): MethodContext {
    return {
      world: this.world,
      now: this.#now,
      remark,
      ban: (chat, userId, by) => this.people.ban(chat.chat.id, userId, by.user.id),
      changed: (chat, message, how, by) => this.#changed(chat, message, how, by),
      charge: (bot, chatId) => {
        const { wait, ignoredWait } = this.limits.take(bot.user.id, chatId, this.#now())
        if (ignoredWait) remark('sent although told to wait')
        if (wait > 0) throw tooManyRequests(wait)
      },
    }
  }

  /** Other bots hear of it when they see bots; the author never does. */
  #changed(chat: FakeChat, message: Message, how: 'sent' | 'edited' | 'deleted', by: FakeBot): void {
    if (how === 'deleted') return
    for (const bot of this.world.bots.values()) {
      const member = chat.members.get(bot.user.id)
      if (bot === by || !member || member === 'left' || member === 'kicked') continue
      if (bot.seesBots || by.seesBots) this.emit(bot, how === 'sent' ? 'message' : 'edited_message', message)
    }
  }

  #getUpdates(bot: FakeBot, params: Params, res: ServerResponse): Promise<unknown> {
    if (bot.webhookUrl !== '') throw new ApiError(409, WEBHOOK_ACTIVE)
    const gone = new AbortController()
    res.once('close', () => gone.abort())
    const allowed = params.json('allowed_updates')
    const answer = bot.updates.poll(
      {
        offset: params.integer('offset') ?? 0,
        limit: params.integer('limit') ?? 100,
        timeoutMs: Math.min(params.integer('timeout') ?? 0, MAX_POLL_SEC) * 1000,
        allowed: Array.isArray(allowed) ? allowed.map(String) : undefined,
      },
      this.#now,
      gone.signal,
    )
    this.#notify()
    return answer
  }

  #setWebhook(bot: FakeBot, params: Params, set: boolean): true {
    const url = set ? (params.text('url') ?? '') : ''
    if (url !== '' && !/^https:|^http:\/\/127\.0\.0\.1[:/]/.test(url)) {
      throw new ApiError(400, 'Bad Request: bad webhook: An HTTPS URL must be provided for webhook')
    }
    bot.webhookUrl = url
    this.#webhooks.get(bot)?.stop()
    this.#webhooks.delete(bot)
    const allowed = params.json('allowed_updates')
    if (Array.isArray(allowed)) bot.updates.allow(allowed.map(String))
    if (url !== '') {
      const settings = { url, secret: params.text('secret_token'), maxConnections: params.integer('max_connections') ?? 40 }
      this.#webhooks.set(bot, new WebhookSender(bot.updates, settings))
    }
    if (params.flag('drop_pending_updates')) {
      if (this.remarks.length < 1000) this.remarks.push({ method: 'deleteWebhook', what: 'pending updates dropped' })
      bot.updates.dropPending()
    }
    return true
  }
}

function statusBody(effect: { status?: number; body?: unknown }): object {
  if (typeof effect.body === 'object' && effect.body !== null) return effect.body
  const names: Record<number, string> = { 401: 'Unauthorized', 500: 'Internal Server Error', 502: 'Bad Gateway' }
  const status = effect.status as number
  return {
    ok: false,
    error_code: status,
    description: typeof effect.body === 'string' ? effect.body : (names[status] ?? 'Error'),
  }
}
