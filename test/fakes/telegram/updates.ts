import type { Update } from 'grammy/types'
import { ApiError } from './errors.ts'

export type UpdateKind = Exclude<keyof Update, 'update_id'>

/** Kinds a bot must ask for by name (bridging 5.2). */
const NOT_BY_DEFAULT = new Set<string>(['chat_member', 'message_reaction', 'message_reaction_count'])
const KEPT_MS = 24 * 3600 * 1000
const MAX_LIMIT = 100
/** Confirmed updates kept for re-delivery on command. */
const HISTORY = 1000

interface Waiting {
  finish(answer: Update[] | ApiError): void
}

export interface PollRequest {
  readonly offset: number
  readonly limit: number
  readonly timeoutMs: number
  readonly allowed?: readonly string[] | undefined
}

const CONFLICT = 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'

/** The queue of one bot: long poll, confirmation by offset, one poller at a time. */
export class UpdateQueue {
  #queue: { at: number; update: Update; delivered: boolean }[] = []
  #confirmed: Update[] = []
  #again: Update[] = []
  #nextId: number
  #allowed: ReadonlySet<string> | undefined
  #waiting: Waiting | undefined
  /** While true nothing leaves the queue. */
  #held = false
  #maxPerAnswer = MAX_LIMIT
  /** While true the updates of an answer come in the wrong order. */
  shuffled = false

  constructor(firstId: number) {
    this.#nextId = firstId
  }

  get pending(): number {
    return this.#queue.length
  }

  /** Called whenever something may be sent. */
  onReady: () => void = () => {}

  allow(kinds: readonly string[]): void {
    this.#allowed = kinds.length > 0 ? new Set(kinds) : undefined
  }

  /** The oldest updates, for the webhook; each stays until `confirmed`. */
  oldest(limit: number): readonly Update[] {
    if (this.#held) return []
    return [...this.#again, ...this.#queue.map((q) => q.update)].slice(0, limit)
  }

  /** The webhook took it. */
  confirmed(update: Update): void {
    const again = this.#again.indexOf(update)
    if (again >= 0) this.#again.splice(again, 1)
    else
      this.#confirmed.push(
        ...this.#queue
          .splice(
            this.#queue.findIndex((q) => q.update === update),
            1,
          )
          .map((q) => q.update),
      )
    this.#confirmed = this.#confirmed.slice(-HISTORY)
  }

  get polling(): boolean {
    return this.#waiting !== undefined
  }

  wants(kind: string): boolean {
    return this.#allowed ? this.#allowed.has(kind) : !NOT_BY_DEFAULT.has(kind)
  }

  /** Queues `{[kind]: payload}` whether the bot asked for it or not. */
  push(kind: string, payload: unknown, now: number): Update {
    const update = { update_id: this.#nextId++, [kind]: payload } as unknown as Update
    this.#queue.push({ at: now, update, delivered: false })
    this.#wake()
    return update
  }

  /** Delivers an update once more, with its old number. */
  repeat(update: Update): void {
    this.#again.push(update)
    this.#wake()
  }

  /** The number sequence may restart anywhere after a silent week. */
  jumpTo(id: number): void {
    this.#nextId = id
  }

  /** Delivers the last `n` confirmed updates once more, with their old numbers. */
  redeliver(n: number): void {
    this.#again.push(...this.#confirmed.slice(-n))
    this.#wake()
  }

  dropPending(): void {
    this.#queue = []
  }

  hold(held: boolean): void {
    this.#held = held
    if (!held) this.#wake()
  }

  /** Cuts answers to `n` updates, e.g. to spread an album over two polls. */
  limitAnswers(n: number): void {
    this.#maxPerAnswer = n
  }

  async poll(request: PollRequest, now: () => number, closed: AbortSignal): Promise<Update[]> {
    this.#waiting?.finish(new ApiError(409, CONFLICT))
    if (request.allowed) this.#allowed = request.allowed.length > 0 ? new Set(request.allowed) : undefined
    this.#expire(now())
    this.#confirm(request.offset)
    const limit = Math.min(Math.max(1, request.limit), MAX_LIMIT, this.#maxPerAnswer)
    const ready = this.#take(limit)
    if (ready.length > 0 || request.timeoutMs <= 0 || closed.aborted) return ready
    return new Promise<Update[]>((resolve, reject) => {
      const finish = (answer: Update[] | ApiError): void => {
        if (this.#waiting !== me) return
        this.#waiting = undefined
        clearTimeout(timer)
        closed.removeEventListener('abort', onClosed)
        if (answer instanceof ApiError) reject(answer)
        else resolve(answer)
      }
      const me: Waiting & { limit: number } = { finish, limit }
      const onClosed = (): void => finish([])
      const timer = setTimeout(() => finish([]), request.timeoutMs)
      closed.addEventListener('abort', onClosed, { once: true })
      this.#waiting = me
      this.#wakeWith = () => {
        const updates = this.#take(limit)
        if (updates.length > 0) finish(updates)
      }
    })
  }

  #wakeWith: () => void = () => {}
  #wakeQueued = false

  /** Answers on the next turn, so that what is posted in one go arrives in one batch. */
  #wake(): void {
    this.onReady()
    if (!this.#waiting || this.#wakeQueued) return
    this.#wakeQueued = true
    setImmediate(() => {
      this.#wakeQueued = false
      if (this.#waiting) this.#wakeWith()
    })
  }

  /** Ends a waiting poll with nothing, for shutdown. */
  close(): void {
    this.#waiting?.finish([])
  }

  #take(limit: number): Update[] {
    if (this.#held) return []
    if (this.#again.length > 0) return this.#again.splice(0, limit)
    const taken = this.#queue.slice(0, limit)
    for (const entry of taken) entry.delivered = true
    const updates = taken.map((q) => q.update)
    return this.shuffled ? updates.reverse() : updates
  }

  /** Numbers below the offset are done, but only delivered ones: the sequence may have started anew below it. */
  #confirm(offset: number): void {
    if (offset === 0) return
    const done = (q: { update: Update; delivered: boolean }): boolean => q.delivered && q.update.update_id < offset
    const open = this.#queue.findIndex((q) => !done(q))
    const count = offset < 0 ? Math.max(0, this.#queue.length + offset) : open < 0 ? this.#queue.length : open
    if (count === 0) return
    this.#confirmed.push(...this.#queue.splice(0, count).map((q) => q.update))
    this.#confirmed = this.#confirmed.slice(-HISTORY)
  }

  #expire(now: number): void {
    while (this.#queue.length > 0 && now - (this.#queue[0] as { at: number }).at > KEPT_MS) this.#queue.shift()
  }
}
