import { Semaphore } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { CursorStore } from '../cursor.ts'
import type { DiscordApi } from './api.ts'
import { failureText } from './errors.ts'
import { cursorStream } from './feed.ts'
import { compareSnowflakes, snowflakeAt, snowflakeMs } from './probe.ts'

export interface CatchUpLimits {
  /** Messages fetched per channel. */
  readonly maxMessages: number
  readonly maxAgeMs: number
  /** Latest messages looked at again for edits that were missed. 0 = none. */
  readonly recheck: number
  /** Messages carried over at the first contact with a channel: its newest ones, however old. */
  readonly backfill: (channel: string) => number
}

export const DEFAULT_CATCH_UP: CatchUpLimits = { maxMessages: 500, maxAgeMs: 86_400_000, recheck: 50, backfill: () => 0 }

export interface CatchUpOptions {
  readonly account: string
  readonly api: DiscordApi
  readonly cursors: CursorStore
  readonly limits: CatchUpLimits
  readonly clock: Clock
  readonly log: Logger
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** A missed message or edit, oldest first. False = no room; the channel must be tried again. */
  readonly onMessage: (event: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE', message: Readonly<Record<string, unknown>>) => boolean
  /** `count` messages (0 = an unknown number) after message `after` are not fetched: say so once. */
  readonly onGap: (channel: string, after: string, count: number) => void
}

export interface KnownOfChannel {
  /** Id of its newest message as far as known. */
  readonly latest?: string | undefined
  /** Threads: up to where their channel was read. What they say later was missed, even if nobody heard of them before. */
  readonly since?: string | undefined
}

export type CatchUpResult =
  /** Everything up to `last` was handed on (undefined: there was nothing). */
  | { readonly kind: 'done'; readonly last: string | undefined }
  /** Cannot be read; live events go on without. */
  | { readonly kind: 'unreadable'; readonly reason: string }

const PAGE = 100
const PARALLEL = 3
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000

interface MessageJson extends Readonly<Record<string, unknown>> {
  readonly id: string
}

/** Fetches what was written while nobody listened, from each channel's cursor on (bridging 17). */
export class CatchUp {
  readonly #options: CatchUpOptions
  readonly #slots = new Semaphore(PARALLEL)

  constructor(options: CatchUpOptions) {
    this.#options = options
  }

  /** Where a channel's messages were read up to; undefined before its first contact. Rejects when cursors cannot be read. */
  async cursorOf(channel: string): Promise<string | undefined> {
    const cursor = await this.#options.cursors.get(this.#options.account, cursorStream(channel))
    return cursor !== undefined && /^\d{1,20}$/.test(cursor) ? cursor : undefined
  }

  /** One channel. Rejects when aborted or when cursors cannot be read. */
  async run(channel: string, known: KnownOfChannel, signal: AbortSignal): Promise<CatchUpResult> {
    return this.#slots.run(() => this.#channel(channel, known, signal))
  }

  async #channel(channel: string, { latest, since }: KnownOfChannel, signal: AbortSignal): Promise<CatchUpResult> {
    const { account, cursors, clock, limits } = this.#options
    const cursor = (await this.cursorOf(channel)) ?? since
    if (cursor === undefined) {
      const wanted = limits.backfill(channel)
      if (wanted > 0) return this.#begin(channel, wanted, signal)
      // Durable before anything else: from here on nothing may be missed, whatever happens to this process.
      await cursors.set({ account, stream: cursorStream(channel), value: latest ?? snowflakeAt(clock.now()) })
      return { kind: 'done', last: latest }
    }
    if (limits.recheck > 0 && since === undefined) {
      const rechecked = await this.#recheck(channel, cursor, signal)
      if (rechecked !== undefined) return rechecked
    }
    if (latest !== undefined && compareSnowflakes(latest, cursor) <= 0) return { kind: 'done', last: undefined }
    return this.#pages(channel, cursor, signal, clock.now() - limits.maxAgeMs)
  }

  /** First contact with what was said before: from the `count`-th message from the end on. */
  async #begin(channel: string, count: number, signal: AbortSignal): Promise<CatchUpResult> {
    const { account, cursors, clock } = this.#options
    let first: string | undefined
    for (let left = count; left > 0; ) {
      const limit = Math.min(PAGE, left)
      const page = await this.#get(channel, { limit: String(limit), ...(first !== undefined && { before: first }) }, signal)
      if (!Array.isArray(page)) return { kind: 'unreadable', reason: page.reason }
      first = page[0]?.id ?? first
      if (page.length < limit) break
      left -= limit
    }
    const cursor = first === undefined ? snowflakeAt(clock.now()) : String(BigInt(first) - 1n)
    // Durable before anything else, so that a stop in between goes on from here.
    await cursors.set({ account, stream: cursorStream(channel), value: cursor })
    return first === undefined ? { kind: 'done', last: undefined } : this.#pages(channel, cursor, signal, 0)
  }

  /** Messages after `cursor` that are not older than `oldest`, ms. */
  async #pages(channel: string, cursor: string, signal: AbortSignal, oldest: number): Promise<CatchUpResult> {
    const { limits, onMessage, onGap } = this.#options
    let after = cursor
    let fetched = 0
    let tooOld = 0
    const tellGap = (): void => {
      if (tooOld > 0) onGap(channel, cursor, tooOld)
      tooOld = 0
    }
    for (;;) {
      const page = await this.#get(channel, { after, limit: String(PAGE) }, signal)
      if (!Array.isArray(page)) return { kind: 'unreadable', reason: page.reason }
      const fresh = page.filter((m) => snowflakeMs(m.id) >= oldest)
      tooOld += page.length - fresh.length
      if (fresh.length > 0) tellGap()
      for (const message of fresh) {
        if (!onMessage('MESSAGE_CREATE', message)) return { kind: 'unreadable', reason: 'too many messages wait to be stored' }
      }
      fetched += fresh.length
      after = page.at(-1)?.id ?? after
      if (page.length < PAGE) break
      // A long absence: nothing before the age limit is wanted.
      if (fresh.length === 0) after = maxId(after, snowflakeAt(oldest))
      if (fetched >= limits.maxMessages) {
        onGap(channel, after, 0)
        break
      }
    }
    tellGap()
    return { kind: 'done', last: after === cursor ? undefined : after }
  }

  /** Edits made meanwhile to messages that were ingested already; the inbox knows which of them are new. */
  async #recheck(channel: string, cursor: string, signal: AbortSignal): Promise<CatchUpResult | undefined> {
    const page = await this.#get(channel, { limit: String(Math.min(PAGE, this.#options.limits.recheck)) }, signal)
    if (!Array.isArray(page)) return { kind: 'unreadable', reason: page.reason }
    for (const message of page) {
      if (typeof message.edited_timestamp !== 'string' || compareSnowflakes(message.id, cursor) > 0) continue
      this.#options.onMessage('MESSAGE_UPDATE', message)
    }
    return undefined
  }

  /** A page of messages, oldest first; waits and tries again while Discord cannot answer. */
  async #get(
    channel: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<MessageJson[] | { reason: string }> {
    const { api, sleep, log } = this.#options
    for (let attempt = 0; ; attempt++) {
      const answer = await api.call({ method: 'GET', path: `/channels/${channel}/messages`, query, auth: 'bot' }, signal)
      if (answer.ok) {
        const list: readonly unknown[] = Array.isArray(answer.body) ? answer.body : []
        return list.filter(isMessage).sort((a, b) => compareSnowflakes(a.id, b.id))
      }
      const { failure } = answer
      if (failure.kind === 'api') return { reason: failureText(failure) }
      const backoff = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10))
      const ms = failure.kind === 'rate-limit' ? failure.afterMs : backoff
      log.debug({ ev: 'discord-catch-up-wait', channel, reason: failureText(failure), ms }, 'catching up waits')
      await sleep(ms, signal)
    }
  }
}

function maxId(a: string, b: string): string {
  return compareSnowflakes(a, b) > 0 ? a : b
}

function isMessage(value: unknown): value is MessageJson {
  return typeof value === 'object' && value !== null && /^\d{1,20}$/.test(String((value as { id?: unknown }).id))
}
