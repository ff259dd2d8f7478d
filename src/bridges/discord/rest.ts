import type { InternalRequest, REST, RESTOptions } from 'discord.js'
import { type DeadlineOptions, withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import type { ApiAnswer, ApiFile, ApiRequest, DiscordApi } from './api.ts'
import type { Failure } from './errors.ts'
import { DiscordHttp } from './http.ts'

type Library = typeof import('discord.js')

export interface RestOptions {
  readonly token: Secret
  /** Base URL without version, e.g. `https://discord.com/api`. */
  readonly api?: string
  /** ms until the answer's headers must be there. */
  readonly timeoutMs: number
  /** Bot requests per second over all routes (16). */
  readonly globalPerSecond: number
  /** Refusals within ten minutes from which on only essential calls are made; default 5,000. */
  readonly sparingFrom?: number
  readonly clock: Clock
}

/** Margin at the end of a rate limit's window, ms. Smaller: clocks that run apart meet a 429. Larger: a limited lane is slower. */
const RESET_OFFSET_MS = 20
/** The answer's body must follow its headers within this. */
const BODY_GRACE_MS = 5_000
/** Uploads are expected to get at least this far, bytes per ms. */
const SLOWEST_UPLOAD = 128
/** Longest upload; no limit of Discord's allows larger ones. */
const MAX_UPLOAD_MS = 900_000

/** Errors before anything was written. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/**
 * Names the flight of a request on its way through the library, which hands on nothing else of ours; taken out before it is
 * sent. Async context would do the same and make every promise of the process several times dearer.
 */
const FLIGHT_HEADER = 'x-k2gw-flight'

/** What became of the request this call belongs to. */
interface Flight {
  sent: boolean
}

/**
 * discord.js's REST clients with their own retries and waits switched off (4.6): the outbox decides. Bot calls and webhook
 * calls have separate clients, because webhook URLs do not count against the bot's limit.
 */
export class DiscordRest implements DiscordApi {
  readonly #bot: REST
  readonly #open: REST
  readonly #http: DiscordHttp
  readonly #library: Library
  readonly #timeoutMs: number
  readonly #flights = new Map<string, Flight>()
  #lastFlight = 0
  readonly #clock: Clock
  readonly #sparingFrom: number
  #invalid: number[] = []
  /** Discord refused the token; the client has forgotten it, and asking again would only count against us. */
  #refused: Failure | undefined

  constructor(library: Library, options: RestOptions) {
    this.#library = library
    this.#timeoutMs = options.timeoutMs
    this.#clock = options.clock
    this.#sparingFrom = options.sparingFrom ?? SPARING_FROM
    this.#http = new DiscordHttp(library.DefaultRestOptions.makeRequest)
    const shared: Partial<RESTOptions> = {
      version: '10',
      retries: 0,
      rejectOnRateLimit: () => true,
      // Added to every wait for a limit. The answer's way back is on top of it already, and each of them costs throughput.
      offset: RESET_OFFSET_MS,
      // Each call has its own deadline, by the bytes it uploads.
      timeout: MAX_UPLOAD_MS,
      makeRequest: (url, init) => {
        const { [FLIGHT_HEADER]: id, ...headers } = init.headers as Record<string, string>
        const flight = id === undefined ? undefined : this.#flights.get(id)
        if (flight) flight.sent = true
        return this.#http.request(url, { ...init, headers })
      },
      ...(options.api !== undefined && { api: options.api }),
    }
    this.#bot = new library.REST({ ...shared, globalRequestsPerSecond: options.globalPerSecond }).setToken(options.token.reveal())
    this.#open = new library.REST({ ...shared, globalRequestsPerSecond: Number.POSITIVE_INFINITY })
  }

  get tokenRefused(): boolean {
    return this.#refused !== undefined
  }

  /** 401, 403 and 429 answers of the last ten minutes: 10,000 of them ban the address (4.1). */
  invalidRequests(): number {
    const now = this.#clock.now()
    this.#invalid = this.#invalid.filter((at) => now - at < INVALID_WINDOW_MS)
    return this.#invalid.length
  }

  async call(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    if (this.#refused !== undefined && request.auth === 'bot') return { ok: false, failure: this.#refused }
    if (request.essential === false && this.invalidRequests() >= this.#sparingFrom)
      return { ok: false, failure: { kind: 'rate-limit', afterMs: SPARING_WAIT_MS, scope: 'user' } }
    const flight: Flight = { sent: false }
    const flightId = String(++this.#lastFlight)
    const abort = new AbortController()
    const onAbort = (): void => abort.abort()
    if (signal.aborted) return { ok: false, failure: { kind: 'transport', code: 'ABORTED', sent: false } }
    signal.addEventListener('abort', onAbort, { once: true })
    const rest = request.auth === 'bot' ? this.#bot : this.#open
    this.#flights.set(flightId, flight)
    try {
      const deadline = { ms: this.#timeoutMs + uploadMs(request.files ?? []), signal, onGiveUp: onAbort }
      const work = answerOf(rest, deadline, {
        method: request.method as never,
        fullRoute: request.path,
        auth: request.auth === 'bot',
        headers: { [FLIGHT_HEADER]: flightId },
        signal: abort.signal,
        ...(request.query && { query: new URLSearchParams(request.query) }),
        ...(request.files
          ? { body: await formOf(request.body, request.files), passThroughBody: true }
          : request.body !== undefined && { body: request.body }),
      })
      const body = await work
      // An answer that is not JSON came from something in between; the request itself may have been handled.
      return body === UNREADABLE
        ? { ok: false, failure: { kind: 'transport', code: 'UNREADABLE', sent: true } }
        : { ok: true, body }
    } catch (error) {
      const failure = this.#failureOf(error, flight)
      if (
        failure.kind === 'rate-limit' ? flight.sent : failure.kind === 'api' && (failure.status === 401 || failure.status === 403)
      )
        this.#countInvalid()
      if (failure.kind === 'api' && failure.status === 401 && request.auth === 'bot') this.#refused = failure
      return { ok: false, failure }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#flights.delete(flightId)
    }
  }

  /** Stops the clients' housekeeping. */
  close(): void {
    for (const rest of [this.#bot, this.#open]) {
      rest.clearHashSweeper()
      rest.clearHandlerSweeper()
    }
    this.#http.close().catch(() => {})
  }

  #countInvalid(): void {
    this.#invalid.push(this.#clock.now())
    if (this.#invalid.length > MAX_COUNTED) this.#invalid = this.#invalid.slice(-MAX_COUNTED / 2)
  }

  #failureOf(error: unknown, flight: Flight): Failure {
    const { DiscordAPIError, HTTPError, RateLimitError } = this.#library
    if (error instanceof RateLimitError) {
      const afterMs = Math.max(error.retryAfter, error.timeToReset, 0)
      return { kind: 'rate-limit', afterMs, scope: error.global ? 'global' : error.scope === 'shared' ? 'shared' : 'user' }
    }
    if (error instanceof DiscordAPIError) {
      const raw = error.rawError as { errors?: Readonly<Record<string, unknown>>; message?: string }
      return {
        kind: 'api',
        status: error.status,
        code: typeof error.code === 'number' ? error.code : 0,
        message: String(raw.message ?? 'no reason given'),
        fields: Object.keys(raw.errors ?? {}),
      }
    }
    if (error instanceof HTTPError) return { kind: 'server', status: error.status }
    return transportFailure(error, flight)
  }
}

const INVALID_WINDOW_MS = 600_000
/** Half of what bans an address. */
const SPARING_FROM = 5_000
const SPARING_WAIT_MS = 60_000
const MAX_COUNTED = 20_000

const UNREADABLE = Symbol('unreadable')

/** The answer's JSON; undefined when it has no body. The deadline is for its headers, the body must follow soon. */
async function answerOf(rest: REST, deadline: Omit<DeadlineOptions, 'what'>, request: InternalRequest): Promise<unknown> {
  const response = await withDeadline(rest.queueRequest(request), { ...deadline, what: 'an answer of Discord' })
  const text = await withDeadline(response.text(), { ...deadline, ms: BODY_GRACE_MS, what: 'the rest of an answer of Discord' })
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Cut off, or not from Discord: the caller decides what that means.
    return UNREADABLE
  }
}

function transportFailure(error: unknown, flight: Flight): Failure {
  const name = error instanceof Error ? error.name : ''
  const code = errorCode(error, errorCode((error as { cause?: unknown } | null)?.cause, ''))
  if (name === 'AbortError' || code === 'ABORTED' || code === 'TIMEOUT')
    return { kind: 'transport', code: 'TIMEOUT', sent: flight.sent }
  if (!flight.sent || NOT_CONNECTED.has(code)) return { kind: 'transport', code: 'NOT_CONNECTED', sent: false }
  return { kind: 'transport', code: 'CONNECTION_LOST', sent: true }
}

function uploadMs(files: readonly ApiFile[]): number {
  return Math.min(MAX_UPLOAD_MS / 2, files.reduce((sum, f) => sum + f.size, 0) / SLOWEST_UPLOAD)
}

/** The library would want all bytes in memory; a form of its own reads them from the disk while they are sent. */
async function formOf(body: unknown, files: readonly ApiFile[]): Promise<FormData> {
  const form = new FormData()
  for (const [i, file] of files.entries())
    form.append(`files[${i}]`, new File([await file.open()], file.name, { type: file.type }))
  if (body !== undefined) form.append('payload_json', JSON.stringify(body))
  return form
}
