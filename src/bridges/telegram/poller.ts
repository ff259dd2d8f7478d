import { z } from 'zod'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Rng, unit } from '../../base/random.ts'
import type { TelegramClient } from './client.ts'
import { failureOf, failureText } from './errors.ts'

/** How receiving is going. */
export type ReceiveState =
  | { readonly kind: 'ok' }
  | { readonly kind: 'failed' | 'conflict' | 'webhook' | 'unreachable' | 'not-stored'; readonly reason: string }

export interface PollerOptions {
  readonly poll: TelegramClient
  readonly main: TelegramClient
  /** Long poll in seconds; the server caps it at 50. */
  readonly timeoutSec: number
  /**
   * Takes a batch in order. Resolves after the commit; rejects when nothing was stored. An answer names the first update that
   * must not be confirmed yet: the poller asks again soon, gets it and all later ones once more, and delivers them again.
   */
  readonly deliver: (updates: readonly unknown[]) => Promise<{ readonly heldFrom: number; readonly waitMs: number } | undefined>
  readonly onState: (state: ReceiveState) => void
  readonly rng: Rng
  readonly log: Logger
  /** Monotonic ms. */
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Listed by name: reactions and membership are off by default (bridging 5.2). */
export const ALLOWED_UPDATES = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'callback_query',
  'my_chat_member',
  'chat_member',
  'message_reaction',
  'message_reaction_count',
] as const

const BATCH = 100
/** First and longest wait in ms after each kind of trouble; doubling in between. */
const WAIT = {
  conflict: [5_000, 60_000],
  failed: [60_000, 900_000],
  unreachable: [1_000, 60_000],
  webhook: [1_000, 60_000],
  'not-stored': [500, 30_000],
} as const
/** A server that answers "nothing" at once although asked to wait must not be asked in a tight loop. */
const MIN_EMPTY_POLL_MS = 500
const CONFIRM_MS = 2_000

const Updates = z.array(z.unknown())
const Numbered = z.looseObject({ update_id: z.int() })

/** Numbers farther apart are from before and after a restart of the sequence: then the server's order stands. */
const MAX_SPREAD = 10_000

/** By number, however the batch was put together (bridging 14). */
function inOrder(updates: readonly unknown[]): readonly unknown[] {
  const numbered = updates.map((update) => ({ update, id: Number((update as { update_id?: unknown } | null)?.update_id) }))
  const isSorted = numbered.every(({ id }, i) => i === 0 || id > (numbered[i - 1] as { id: number }).id)
  const ids = numbered.map((n) => n.id)
  if (isSorted || !(Math.max(...ids) - Math.min(...ids) <= MAX_SPREAD)) return updates
  return numbered.sort((a, b) => a.id - b.id).map((n) => n.update)
}

/**
 * Our own `getUpdates` loop (bridging 5.2, 5.5): a batch is confirmed by the next call, which is made only after the batch
 * was committed. Trouble is reported and waited out, never ends the loop. Nothing pending is ever dropped.
 */
export class UpdatePoller {
  readonly #options: PollerOptions
  /** Undefined when nothing is to be confirmed: the server then answers from its oldest unconfirmed update. */
  #offset: number | undefined
  /** Waits in a row of one kind. */
  #streak = 0
  #lastKind = ''
  /** Updates that are not to be confirmed yet: ms until the next look. */
  #held: number | undefined

  constructor(options: PollerOptions) {
    this.#options = options
  }

  /** Runs until the signal fires; resolves after the batch in hand was committed. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const updates = await this.#fetch(signal)
      if (updates && (updates.length > 0 || this.#held !== undefined)) await this.#store(updates, signal)
    }
  }

  /** Tells the server what was committed, so that a restart does not see it again. Best effort. */
  async confirm(): Promise<void> {
    if (this.#offset === undefined) return
    const signal = AbortSignal.timeout(CONFIRM_MS)
    await this.#options.main.call('getUpdates', { offset: this.#offset, limit: 1, timeout: 0 }, signal).catch((error) => {
      this.#options.log.debug({ ev: 'confirm-failed', why: failureText(failureOf(error)) }, 'the last batch will come again')
    })
  }

  async #fetch(signal: AbortSignal): Promise<readonly unknown[] | undefined> {
    const { poll, now, onState, sleep } = this.#options
    const timeoutSec = this.#held === undefined ? this.#options.timeoutSec : 0
    if (this.#held !== undefined) await quietly(sleep(this.#held, signal))
    const started = now()
    try {
      const offset = this.#offset === undefined ? {} : { offset: this.#offset }
      const payload = { ...offset, limit: BATCH, timeout: timeoutSec, allowed_updates: ALLOWED_UPDATES }
      const updates = inOrder(Updates.parse(await poll.call('getUpdates', payload, signal)))
      this.#lastKind = ''
      onState({ kind: 'ok' })
      // Everything is confirmed now. Without an offset the next call works even if the numbers start anew meanwhile.
      if (updates.length === 0 && this.#held === undefined) this.#offset = undefined
      if (updates.length === 0 && timeoutSec > 0 && now() - started < MIN_EMPTY_POLL_MS)
        await quietly(sleep(MIN_EMPTY_POLL_MS, signal))
      return updates
    } catch (error) {
      if (!signal.aborted) await this.#recover(error, signal)
      return undefined
    }
  }

  async #store(updates: readonly unknown[], signal: AbortSignal): Promise<void> {
    const { deliver, onState, log } = this.#options
    let held: Awaited<ReturnType<PollerOptions['deliver']>>
    for (;;) {
      try {
        held = await deliver(updates)
        onState({ kind: 'ok' })
        break
      } catch (err) {
        log.error({ ev: 'ingest-failed', count: updates.length, err }, 'received messages could not be stored, trying again')
        onState({ kind: 'not-stored', reason: `received messages cannot be stored (${errorCode(err)})` })
        await this.#wait('not-stored', signal)
        // Not confirmed: the server delivers the batch again after the restart.
        if (signal.aborted) return
      }
    }
    this.#held = held?.waitMs
    if (held !== undefined) {
      this.#offset = held.heldFrom
      return
    }
    const last = updates.map((u) => Numbered.safeParse(u)).findLast((u) => u.success)
    // A batch without a single number would come again for ever; skipping it needs one.
    if (last?.data) this.#offset = last.data.update_id + 1
    else if (updates.length > 0) await this.#wait('unreachable', signal)
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { onState, log, main } = this.#options
    const failure = failureOf(error)
    const why = failureText(failure)
    const code = failure.kind === 'api' ? failure.code : 0
    if (failure.kind === 'api' && failure.retryAfterMs !== undefined) {
      onState({ kind: 'unreachable', reason: `the platform asked to wait ${failure.retryAfterMs} ms` })
      return quietly(this.#options.sleep(failure.retryAfterMs, signal))
    }
    if (code === 401 || code === 404) {
      log.error({ ev: 'account-failed', why }, 'the bot token is not valid')
      onState({ kind: 'failed', reason: 'the bot token is not valid (any more): set a new one' })
      return this.#wait('failed', signal)
    }
    if (code === 409 && /webhook/i.test(why)) {
      onState({ kind: 'webhook', reason: 'a webhook was set for this bot; it is being removed, because messages are polled' })
      // Without `drop_pending_updates`: what is waiting stays.
      await main
        .call('deleteWebhook', {}, signal)
        .catch((err) => log.warn({ ev: 'delete-webhook-failed', why: failureText(failureOf(err)) }))
      return this.#wait('webhook', signal)
    }
    if (code === 409) {
      log.warn({ ev: 'poll-conflict' }, 'another instance uses this bot token')
      onState({ kind: 'conflict', reason: 'another instance uses this bot token: stop it or use another bot' })
      return this.#wait('conflict', signal)
    }
    log.warn({ ev: 'poll-failed', why }, 'cannot reach the platform')
    onState({ kind: 'unreachable', reason: `cannot reach the platform (${why})` })
    return this.#wait('unreachable', signal)
  }

  async #wait(kind: keyof typeof WAIT, signal: AbortSignal): Promise<void> {
    this.#streak = kind === this.#lastKind ? this.#streak + 1 : 0
    this.#lastKind = kind
    const [first, longest] = WAIT[kind]
    const ms = Math.min(longest, first * 2 ** Math.min(this.#streak, 10))
    // Jitter keeps several accounts from coming back in step.
    await quietly(this.#options.sleep(ms * (0.75 + 0.25 * unit(this.#options.rng)), signal))
  }
}

/** A wait that ends early when the loop is stopped; the loop looks at the signal itself. */
function quietly(wait: Promise<void>): Promise<void> {
  return wait.catch(() => {})
}
