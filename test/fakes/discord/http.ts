import type { IncomingMessage, ServerResponse } from 'node:http'
import { sleep } from '../../../src/base/async.ts'
import type { FaultEffect, FaultPlan } from '../faults.ts'
import { type FormPart, parseMultipart } from '../multipart.ts'
import { ApiFailure, fail } from './errors.ts'
import { GUILD_ROUTES } from './guild-routes.ts'
import { INTERACTION_ROUTES } from './interaction-routes.ts'
import { bucketOf, type RateLimits } from './limits.ts'
import { MESSAGE_ROUTES } from './message-routes.ts'
import type { Answer, Route, Site } from './routes.ts'
import { THREAD_ROUTES } from './thread-routes.ts'
import { WEBHOOK_ROUTES } from './webhook-routes.ts'
import type { Bot } from './world.ts'

/** Everything that is served, in the order it is looked up. */
export const ROUTES: readonly Route[] = [
  ...INTERACTION_ROUTES,
  ...WEBHOOK_ROUTES,
  ...MESSAGE_ROUTES,
  ...THREAD_ROUTES,
  ...GUILD_ROUTES,
]
const API_PREFIX = '/api/v10'
/** Smaller limits are the server's own (see `maxRequest`). */
const MAX_BODY_BYTES = 110 * 1024 * 1024
const MAX_LOGGED = 50_000

/** When our own sends come back over the gateway, relative to the REST answer. */
export type EchoTiming = 'before' | 'after' | 'never'

export interface LoggedRequest {
  readonly at: number
  readonly method: string
  /** Without webhook tokens. */
  readonly path: string
  readonly status: number
  readonly body: unknown
}

interface Prepared {
  readonly answer: Answer
  readonly headers: Readonly<Record<string, string>>
  readonly echoes: readonly (() => void)[]
}

/** The REST half of the fake: authentication, limits, faults, routes (bridging 21.2). */
export class FakeRest {
  echo: EchoTiming = 'before'
  readonly log: LoggedRequest[] = []
  readonly #site: Site
  readonly #limits: RateLimits
  readonly #faults: FaultPlan

  constructor(site: Site, limits: RateLimits, faults: FaultPlan) {
    this.#site = site
    this.#limits = limits
    this.#faults = faults
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    const url = new URL(request.url ?? '/', 'http://localhost')
    const method = request.method ?? 'GET'
    const path = url.pathname.startsWith(API_PREFIX) ? url.pathname.slice(API_PREFIX.length) : undefined
    const effects = this.#faults.empty ? [] : this.#faults.take({ on: 'request', method, route: path ?? url.pathname })
    for (const effect of effects) if (effect.kind === 'delay-before') await sleep(effect.ms)
    if (effects.some((e) => e.kind === 'reset-before')) {
      request.socket.resetAndDestroy()
      return
    }
    const isUpload = request.headers['content-type']?.startsWith('multipart/form-data') === true
    const prepared =
      this.#refusal(effects, isUpload) ??
      (body === undefined ? refused(fail.tooLarge()) : this.#serve(request, method, path, url.searchParams, body))
    this.#logRequest(method, path ?? url.pathname, prepared.answer.status, body, request.headers['content-type'])
    await this.#respond(request, response, prepared, effects)
  }

  /** An answer a fault gives instead of handling the request. */
  #refusal(effects: readonly FaultEffect[], isUpload: boolean): Prepared | undefined {
    if (this.#limits.banned) return { answer: { status: 403, body: '<html>banned</html>' }, headers: {}, echoes: [] }
    for (const effect of effects) {
      if (effect.kind === 'status') {
        const body = effect.body ?? { message: `${effect.status}: fault`, code: 0 }
        return { answer: { status: effect.status, body }, headers: {}, echoes: [] }
      }
      if (effect.kind === 'disk-full' && isUpload)
        return { answer: { status: 500, body: { message: '500: Internal Server Error', code: 0 } }, headers: {}, echoes: [] }
      if (effect.kind === 'rate-limit') return this.#limited(effect.retryAfterMs, effect.scope, {})
    }
    return undefined
  }

  #limited(retryAfterMs: number, scope: 'user' | 'global' | 'shared', headers: Readonly<Record<string, string>>): Prepared {
    const seconds = Math.max(0.001, retryAfterMs / 1000)
    if (scope !== 'shared') this.#limits.countInvalid()
    return {
      answer: { status: 429, body: { message: 'You are being rate limited.', retry_after: seconds, global: scope === 'global' } },
      headers: {
        ...headers,
        'retry-after': seconds.toFixed(3),
        'x-ratelimit-scope': scope,
        ...(scope === 'global' && { 'x-ratelimit-global': 'true' }),
      },
      echoes: [],
    }
  }

  #serve(request: IncomingMessage, method: string, path: string | undefined, query: URLSearchParams, body: Buffer): Prepared {
    const { violations } = this.#site
    const found = path === undefined ? undefined : matchRoute(method, path)
    if (path === undefined || found === undefined) {
      violations.add('unknown-route', `${method} ${path ?? 'outside /api/v10'}`)
      return refused(fail.notFoundRoute())
    }
    const { route, params } = found
    const bot = this.#bot(request)
    if (route.auth === 'bot' && bot === undefined) {
      if (request.headers.authorization === undefined) violations.add('unauthenticated', `${method} ${path}`)
      this.#limits.countInvalid()
      return refused(fail.unauthorized())
    }
    const bucket = bucketOf(path)
    const limit = this.#limits.take(route.auth === 'bot' ? (bot as Bot).user.id : 'address', method, bucket.route, bucket.major)
    if (limit.blocked) return this.#limited(limit.blocked.retryAfterMs, limit.blocked.scope, limit.headers)
    const echoes: (() => void)[] = []
    try {
      const { json, parts } = parseBody(request.headers['content-type'], body)
      const call = { site: this.#site, query, body: json, parts, echo: (run: () => void) => echoes.push(run) }
      const answer = route.auth === 'bot' ? route.handle(call, bot as Bot, ...params) : route.handle(call, ...params)
      return { answer, headers: limit.headers, echoes }
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      if (error.status === 401 || error.status === 403) this.#limits.countInvalid()
      return { ...refused(error), headers: limit.headers }
    }
  }

  #bot(request: IncomingMessage): Bot | undefined {
    const match = /^Bot (.+)$/.exec(request.headers.authorization ?? '')
    return match ? this.#site.world.botByToken(match[1] as string) : undefined
  }

  async #respond(
    request: IncomingMessage,
    response: ServerResponse,
    prepared: Prepared,
    effects: readonly FaultEffect[],
  ): Promise<void> {
    const runEchoes = (): void => {
      for (const echo of prepared.echoes) echo()
    }
    if (this.echo === 'before') runEchoes()
    const done = this.echo === 'after' ? runEchoes : () => {}
    for (const effect of effects) if (effect.kind === 'delay-after') await sleep(effect.ms)
    if (effects.some((e) => e.kind === 'response-lost')) {
      request.socket.resetAndDestroy()
      return done()
    }
    const { answer, headers } = prepared
    const isHtml = typeof answer.body === 'string'
    const text = answer.body === undefined ? '' : isHtml ? (answer.body as string) : JSON.stringify(answer.body)
    const corrupt = effects.some((e) => e.kind === 'corrupt-json')
    const payload = Buffer.from(corrupt ? text.slice(0, -Math.ceil(text.length / 3)) : text)
    response.writeHead(answer.status, {
      ...headers,
      ...(text !== '' && { 'content-type': isHtml ? 'text/html' : 'application/json' }),
      'content-length': payload.length,
    })
    if (effects.some((e) => e.kind === 'half-response')) {
      response.write(payload.subarray(0, payload.length >> 1), () => request.socket.resetAndDestroy())
      return done()
    }
    const drip = effects.find((e) => e.kind === 'slow-drip')
    if (drip?.kind === 'slow-drip') await dripOut(response, payload, drip.bytesPerSecond)
    else response.end(payload)
    done()
  }

  #logRequest(method: string, path: string, status: number, body: Buffer | undefined, type: string | undefined): void {
    const masked = path.replace(/^\/(webhooks|interactions)\/(\d+)\/[^/]+/, '/$1/$2/:token')
    const json = body !== undefined && type?.startsWith('application/json') ? body : undefined
    this.log.push({
      at: this.#site.world.clock.now(),
      method,
      path: masked,
      status,
      // Read by the few who ask.
      get body() {
        return json && safeJson(json)
      },
    })
    if (this.log.length > MAX_LOGGED * 2) this.log.splice(0, MAX_LOGGED)
  }
}

function refused(failure: ApiFailure): Prepared {
  return { answer: { status: failure.status, body: failure.body }, headers: {}, echoes: [] }
}

function matchRoute(method: string, path: string): { route: Route; params: string[] } | undefined {
  for (const route of ROUTES) {
    if (route.method !== method) continue
    const match = route.pattern.exec(path)
    if (match) return { route, params: match.slice(1) }
  }
  return undefined
}

function safeJson(body: Buffer): unknown {
  try {
    return body.length === 0 ? undefined : JSON.parse(body.toString('utf8'))
  } catch {
    // The log shows what could be read; the route answers the error.
    return undefined
  }
}

function parseBody(type: string | undefined, body: Buffer): { json: unknown; parts: readonly FormPart[] } {
  if (type?.startsWith('multipart/form-data')) {
    const parts = parseMultipart(type, body)
    if (parts === undefined) throw fail.form({ _: ['INVALID', 'malformed multipart body'] })
    const payload = parts.find((p) => p.name === 'payload_json')
    return { json: payload === undefined ? {} : safeJson(Buffer.from(payload.bytes)), parts }
  }
  if (body.length === 0) return { json: undefined, parts: [] }
  const json = safeJson(body)
  if (json === undefined) throw new ApiFailure(400, { message: 'The request body contains invalid JSON.', code: 50109 })
  return { json, parts: [] }
}

/** The whole body, or undefined when it is too large. Rejects when the client goes away before its end. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
    })
    request.once('end', () => resolve(size > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks)))
    request.on('error', reject)
    request.once('close', () => reject(new Error('the client went away')))
  })
}

async function dripOut(response: ServerResponse, payload: Buffer, bytesPerSecond: number): Promise<void> {
  const step = Math.max(1, Math.ceil(bytesPerSecond / 20))
  for (let at = 0; at < payload.length && !response.destroyed; at += step) {
    response.write(payload.subarray(at, at + step))
    await sleep(50)
  }
  response.end()
}
