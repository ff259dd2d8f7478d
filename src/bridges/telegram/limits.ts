import { BoundedMap } from '../../base/bounded-map.ts'

/** Rates in messages per second; a burst is what may go out at once after a quiet time. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

export interface TelegramRates {
  /** Every chat. */
  readonly chat: Rate
  /** Groups, supergroups and channels on top of that. */
  readonly group: Rate
  /** All chats of the account together. */
  readonly account: Rate
}

/** Observed, not promised (bridging 5.1): starting values that a 429 corrects. */
export const DEFAULT_RATES: TelegramRates = {
  chat: { perSecond: 1, burst: 3 },
  group: { perSecond: 20 / 60, burst: 20 },
  account: { perSecond: 30, burst: 30 },
}

/** For servers without limits: only a 429 makes a lane wait. */
export const UNLIMITED_RATES: TelegramRates = {
  chat: { perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY },
  group: { perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY },
  account: { perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY },
}

/** After a 429 a bucket runs at half its rate for this long, then recovers by a tenth of the full rate every minute. */
const PENALTY_MS = 5 * 60_000
const RECOVERY_PER_MS = 0.1 / 60_000
/** Several 429s in a row do not slow a bucket below this share. */
const MIN_FACTOR = 1 / 16
/** 429s on this many chats within the window mean that the account as a whole is too fast. */
const ACCOUNT_SUSPECT_CHATS = 3
const ACCOUNT_SUSPECT_MS = 5_000
/** Chats remembered; a forgotten one starts with a full bucket, which the platform may answer with a 429. */
const MAX_CHATS = 20_000

/** Token bucket whose rate follows what the platform says. Times in ms, passed in. */
class AdaptiveBucket {
  readonly #rate: Rate
  #tokens: number
  #at: number
  #factor = 1
  #penaltyUntil = 0
  #blockedUntil = 0

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#at = now
  }

  #advance(now: number): void {
    if (now <= this.#at) return
    const recovering = now - Math.max(this.#at, this.#penaltyUntil)
    if (this.#factor < 1 && recovering > 0) this.#factor = Math.min(1, this.#factor + recovering * RECOVERY_PER_MS)
    const from = Math.max(this.#at, this.#blockedUntil)
    if (now > from) {
      const gained = ((now - from) / 1000) * this.#rate.perSecond * this.#factor
      this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained)
    }
    this.#at = now
  }

  /** ms until one message may go; 0 = now. */
  waitMs(now: number): number {
    this.#advance(now)
    const blocked = Math.max(0, this.#blockedUntil - now)
    if (this.#tokens >= 1) return blocked
    return blocked + Math.ceil(((1 - this.#tokens) / (this.#rate.perSecond * this.#factor)) * 1000)
  }

  take(count: number): void {
    this.#tokens -= count
  }

  /** The platform said "too many": nothing for `retryAfterMs`, then slower. One message is allowed right after the wait. */
  penalise(retryAfterMs: number, now: number): void {
    this.#advance(now)
    this.#blockedUntil = Math.max(this.#blockedUntil, now + retryAfterMs)
    this.#tokens = 1
    this.#factor = Math.max(MIN_FACTOR, this.#factor / 2)
    this.#penaltyUntil = now + PENALTY_MS
  }
}

export interface LimitWait {
  readonly afterMs: number
  readonly scope: 'lane' | 'account'
}

interface ChatBuckets {
  readonly chat: AdaptiveBucket
  readonly group?: AdaptiveBucket
}

/**
 * Predicts when the platform would refuse (bridging 16), so that lanes wait instead of collecting 429s. Pure: time is passed
 * in. Sends, edits and deletes cost one message each.
 */
export class TelegramLimits {
  readonly #rates: TelegramRates
  readonly #account: AdaptiveBucket
  readonly #chats = new BoundedMap<string, ChatBuckets>({ max: MAX_CHATS })
  #refusals: { chat: string; at: number }[] = []

  constructor(rates: TelegramRates, now: number) {
    this.#rates = rates
    this.#account = new AdaptiveBucket(rates.account, now)
  }

  /**
   * Takes a message's share, or says how long to wait; a refused call costs nothing. Albums count each of their messages:
   * the first must be free, the others are owed.
   */
  reserve(chatId: string, now: number, count = 1): LimitWait | undefined {
    const { chat, group } = this.#bucketsOf(chatId, now)
    const lane = Math.max(chat.waitMs(now), group?.waitMs(now) ?? 0)
    const account = this.#account.waitMs(now)
    if (lane > 0 && lane >= account) return { afterMs: lane, scope: 'lane' }
    if (account > 0) return { afterMs: account, scope: 'account' }
    chat.take(count)
    group?.take(count)
    this.#account.take(count)
    return undefined
  }

  /** Learns from a 429; answers what has to wait. */
  refused(chatId: string, retryAfterMs: number, now: number): LimitWait {
    const { chat, group } = this.#bucketsOf(chatId, now)
    this.#refusals = this.#refusals.filter((r) => now - r.at < ACCOUNT_SUSPECT_MS && r.chat !== chatId)
    this.#refusals.push({ chat: chatId, at: now })
    if (this.#refusals.length >= ACCOUNT_SUSPECT_CHATS) {
      this.#refusals = []
      this.#account.penalise(retryAfterMs, now)
      return { afterMs: retryAfterMs, scope: 'account' }
    }
    // The answer does not say which limit was hit; in a group it is nearly always the group's.
    ;(group ?? chat).penalise(retryAfterMs, now)
    return { afterMs: retryAfterMs, scope: 'lane' }
  }

  #bucketsOf(chatId: string, now: number): ChatBuckets {
    const known = this.#chats.get(chatId, now)
    if (known) return known
    const chat = new AdaptiveBucket(this.#rates.chat, now)
    // Public names belong to groups and channels as far as bots can send to them.
    const isGroup = /^[-@]/.test(chatId)
    const buckets = isGroup ? { chat, group: new AdaptiveBucket(this.#rates.group, now) } : { chat }
    this.#chats.set(chatId, buckets, now)
    return buckets
  }
}
