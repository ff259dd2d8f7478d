import type { Update } from 'grammy/types'
import type { UpdateQueue } from './updates.ts'

/** Waits after an update was not taken, ms; the real ones are longer. */
const RETRY_MS = [50, 100, 200, 400, 800]
const ANSWER_MS = 60_000

export interface WebhookSettings {
  readonly url: string
  readonly secret: string | undefined
  readonly maxConnections: number
}

export interface WebhookInfo {
  readonly last_error_date?: number
  readonly last_error_message?: string
}

/** Sends a bot's updates to its webhook: in parallel up to `max_connections`, again and again until each is taken. */
export class WebhookSender {
  readonly #queue: UpdateQueue
  readonly #settings: WebhookSettings
  readonly #inFlight = new Set<Update>()
  readonly #failures = new Map<Update, number>()
  #stopped = false
  info: WebhookInfo = {}
  /** Most requests at once. */
  peak = 0

  constructor(queue: UpdateQueue, settings: WebhookSettings) {
    this.#queue = queue
    this.#settings = settings
    queue.onReady = () => setImmediate(() => this.#pump())
    queue.onReady()
  }

  stop(): void {
    this.#stopped = true
    this.#queue.onReady = () => {}
  }

  #pump(): void {
    if (this.#stopped) return
    const room = this.#settings.maxConnections - this.#inFlight.size
    const next = this.#queue.oldest(this.#settings.maxConnections + this.#inFlight.size).filter((u) => !this.#inFlight.has(u))
    for (const update of next.slice(0, Math.max(0, room))) {
      this.#inFlight.add(update)
      this.peak = Math.max(this.peak, this.#inFlight.size)
      this.#send(update).catch(() => {})
    }
  }

  async #send(update: Update): Promise<void> {
    const { url, secret } = this.#settings
    let problem: string | undefined
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(secret !== undefined && { 'x-telegram-bot-api-secret-token': secret }),
        },
        body: JSON.stringify(update),
        signal: AbortSignal.timeout(ANSWER_MS),
      })
      await answer.arrayBuffer()
      if (!answer.ok) problem = `Wrong response from the webhook: ${answer.status}`
    } catch {
      problem = 'Connection refused'
    }
    if (problem === undefined) {
      this.#failures.delete(update)
      this.#queue.confirmed(update)
      this.#inFlight.delete(update)
      return this.#pump()
    }
    this.info = { last_error_date: Math.floor(Date.now() / 1000), last_error_message: problem }
    const failures = this.#failures.get(update) ?? 0
    this.#failures.set(update, failures + 1)
    setTimeout(
      () => {
        this.#inFlight.delete(update)
        this.#pump()
      },
      RETRY_MS[Math.min(failures, RETRY_MS.length - 1)],
    )
  }
}
