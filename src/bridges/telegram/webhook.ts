import { timingSafeEqual } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { type Deferred, deferred } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import { utf8 } from '../../base/bytes.ts'
import type { Logger } from '../../base/logger.ts'
import type { Secret } from '../../base/secret.ts'
import type { TelegramClient } from './client.ts'
import { failureOf, failureText } from './errors.ts'
import { ALLOWED_UPDATES, type PollerOptions, type ReceiveState } from './poller.ts'
import { ReorderBuffer } from './reorder.ts'

export interface WebhookSettings {
  /** Where the platform finds this account: an https address. */
  readonly url: string
  /** What it must send along: 1 to 256 of A-Z, a-z, 0-9, `_` and `-`. */
  readonly secret: Secret
  /** Updates the platform may send at once. Below 10 the items of an album cannot wait for each other. */
  readonly maxConnections: number
}

export interface WebhookOptions {
  readonly settings: WebhookSettings
  readonly main: TelegramClient
  readonly deliver: PollerOptions['deliver']
  readonly onState: (state: ReceiveState) => void
  readonly log: Logger
  /** Monotonic ms. */
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Updates taken and not stored yet; more are told to come again. */
const MAX_WAITING = 200
const BATCH = 100
/** Numbers remembered as taken. */
const MAX_TAKEN = 20_000
/** The platform must be answered within this, ms; it sends the update again otherwise. */
const ANSWER_MS = 9_000
/** How often the platform is asked how it goes, ms. */
const CHECK_MS = 60_000
/** Nothing comes although something waits: after this many looks the address counts as unreachable. */
const MISSED_CHECKS = 3
const SET_RETRY_MS = [1_000, 5_000, 15_000] as const

const Info = z.looseObject({ url: z.string(), pending_update_count: z.int(), last_error_message: z.string().optional() })
const Numbered = z.looseObject({ update_id: z.int() })

interface Waiting {
  readonly raw: unknown
  readonly answer: Deferred<number>
}

/**
 * Receives by webhook (bridging 5.5): the platform sends each update and is told 200 only after the commit. Updates come in
 * parallel and are put back into their order; what comes twice is stored once; when too much waits the platform is told to
 * come again.
 */
export class WebhookReceiver {
  readonly #o: WebhookOptions
  readonly #taken = new BoundedMap<number, true>({ max: MAX_TAKEN })
  readonly #order: ReorderBuffer<Waiting>
  /** Handed over, but not to be confirmed yet: items of an album that is not complete. */
  #held = new Map<number, Waiting>()
  #heldUntil: number | undefined
  #wake: Deferred<void> = deferred()
  #open = false
  #arrived = 0

  constructor(options: WebhookOptions) {
    this.#o = options
    this.#order = new ReorderBuffer()
  }

  /** One request of the platform: answers the HTTP status. */
  async take(secret: string | undefined, raw: unknown): Promise<number> {
    if (!sameText(secret ?? '', this.#o.settings.secret.reveal())) return 401
    const parsed = Numbered.safeParse(raw)
    // What cannot be numbered would come again for ever.
    if (!parsed.success) return 200
    if (!this.#open) return 503
    this.#arrived++
    const id = parsed.data.update_id
    if (this.#taken.has(id, 0)) return 200
    const known = this.#order.get(id) ?? this.#held.get(id)
    if (known === undefined && this.#order.size + this.#held.size >= MAX_WAITING) return 429
    const waiting = known ?? { raw, answer: deferred<number>() }
    if (known === undefined) {
      this.#order.add(id, waiting, this.#o.now())
      this.#wake.resolve()
    }
    return inTime(waiting.answer.promise)
  }

  /** Sets the webhook and works until the signal fires. Resolves with a reason when it cannot be used: then poll. */
  async run(signal: AbortSignal): Promise<string | undefined> {
    const refused = await this.#set(signal)
    if (refused !== undefined || signal.aborted) return refused
    const ending = new AbortController()
    const onAbort = (): void => ending.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#open = true
    this.#o.onState({ kind: 'ok' })
    const pumping = this.#pump(ending.signal)
    try {
      return await this.#watch(signal)
    } finally {
      this.#open = false
      signal.removeEventListener('abort', onAbort)
      ending.abort()
      this.#wake.resolve()
      await pumping
      this.#refuseRest()
    }
  }

  async #set(signal: AbortSignal): Promise<string | undefined> {
    const { main, settings, log, sleep } = this.#o
    const payload = {
      url: settings.url,
      secret_token: settings.secret.reveal(),
      max_connections: settings.maxConnections,
      allowed_updates: ALLOWED_UPDATES,
    }
    let why = ''
    for (const wait of SET_RETRY_MS) {
      try {
        // Without `drop_pending_updates`: what is waiting stays.
        await main.call('setWebhook', payload, signal)
        log.info({ ev: 'webhook-set', maxConnections: settings.maxConnections }, 'updates come by webhook')
        return undefined
      } catch (error) {
        if (signal.aborted) return undefined
        const failure = failureOf(error)
        why = failureText(failure)
        if (failure.kind === 'api' && failure.code === 400) break
        await sleep(wait, signal).catch(() => {})
      }
    }
    return `the webhook was not accepted (${why})`
  }

  /** Looks after the webhook: somebody else may have set another one, or the platform may not get through. */
  async #watch(signal: AbortSignal): Promise<string | undefined> {
    const { main, settings, log, sleep } = this.#o
    let missed = 0
    let before = this.#arrived
    for (;;) {
      await sleep(CHECK_MS, signal).catch(() => {})
      if (signal.aborted) return undefined
      try {
        const info = Info.parse(await main.call('getWebhookInfo', {}, signal))
        if (info.url !== settings.url) {
          log.warn({ ev: 'webhook-lost' }, 'somebody else changed the webhook of this bot; it is set again')
          const refused = await this.#set(signal)
          if (refused !== undefined) return refused
        }
        missed = info.pending_update_count > 0 && this.#arrived === before ? missed + 1 : 0
        if (missed >= MISSED_CHECKS)
          return `the platform does not reach the webhook (${info.last_error_message ?? 'nothing arrives'})`
      } catch (error) {
        if (!signal.aborted)
          log.debug({ ev: 'webhook-check-failed', why: failureText(failureOf(error)) }, 'the webhook was not looked at')
      }
      before = this.#arrived
    }
  }

  /** Hands updates over in their order, one batch at a time. */
  async #pump(signal: AbortSignal): Promise<void> {
    const { now, sleep } = this.#o
    while (!signal.aborted) {
      const batch = this.#order.ready(now(), BATCH)
      const isDue = this.#heldUntil !== undefined && this.#heldUntil <= now()
      if (batch.length > 0 || isDue) {
        await this.#deliver(batch)
        continue
      }
      const due = [this.#order.dueAt(), this.#heldUntil].filter((at) => at !== undefined)
      this.#wake = deferred()
      // Something may have come between the look and this line: both happen in one turn, so it has not.
      const nap = new AbortController()
      const wait = due.length === 0 ? [] : [sleep(Math.max(1, Math.min(...due) - now()), nap.signal).catch(() => {})]
      await Promise.race([this.#wake.promise, ...wait])
      nap.abort()
      // After a busy moment timers come before what has arrived: that must not look like a gap.
      await nextTurn()
      await nextTurn()
    }
  }

  async #deliver(batch: readonly { readonly id: number; readonly item: Waiting }[]): Promise<void> {
    const { deliver, now, onState, log } = this.#o
    for (const { id, item } of batch) this.#held.set(id, item)
    let answer: Awaited<ReturnType<PollerOptions['deliver']>>
    try {
      answer = await deliver(batch.map(({ item }) => item.raw))
      onState({ kind: 'ok' })
    } catch (err) {
      log.error(
        { ev: 'ingest-failed', count: batch.length, err },
        'received messages could not be stored, the platform sends them again',
      )
      onState({ kind: 'not-stored', reason: 'received messages cannot be stored' })
      for (const { id, item } of batch) this.#settle(id, item, 503)
      return
    }
    const heldFrom = answer?.heldFrom ?? Number.POSITIVE_INFINITY
    this.#heldUntil = answer === undefined ? undefined : now() + answer.waitMs
    for (const [id, item] of this.#held) if (id < heldFrom) this.#settle(id, item, 200)
  }

  #settle(id: number, item: Waiting, status: number): void {
    this.#held.delete(id)
    if (status === 200) this.#taken.set(id, true, 0)
    item.answer.resolve(status)
  }

  /** What is not stored comes again. */
  #refuseRest(): void {
    for (const { id, item } of this.#order.clear()) this.#settle(id, item, 503)
    for (const [id, item] of this.#held) this.#settle(id, item, 503)
    this.#heldUntil = undefined
  }
}

/** The platform must not wait for ever: the update goes on waiting here, and its repetition finds it. */
async function inTime(answer: Promise<number>): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<number>((resolve) => {
    timer = setTimeout(resolve, ANSWER_MS, 503)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function sameText(given: string, wanted: string): boolean {
  const [a, b] = [utf8(given), utf8(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
