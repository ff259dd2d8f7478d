import { withDeadline } from './async.ts'
import type { Logger } from './logger.ts'

export type Health = { readonly status: 'ok' } | { readonly status: 'degraded' | 'failed'; readonly reason: string }

/** A part with a beginning and an end. `stop` is idempotent and never throws. */
export interface Lifecycle {
  readonly name: string
  /** Ready when it resolves. */
  start?(signal: AbortSignal): Promise<void>
  /** Stop taking new work, finish what is in flight. */
  drain?(signal: AbortSignal): Promise<void>
  stop?(): Promise<void>
  health?(): Health
}

export interface GroupOptions {
  readonly log: Logger
  /** ms for all `drain` calls together. */
  readonly drainMs: number
  /** ms for each `stop` call. */
  readonly stopMs: number
}

/** Starts parts in order; when one fails stops the started ones. Shutdown drains, then stops, in reverse order. */
export class LifecycleGroup {
  readonly #options: GroupOptions
  readonly #started: Lifecycle[] = []

  constructor(options: GroupOptions) {
    this.#options = options
  }

  get parts(): readonly Lifecycle[] {
    return this.#started
  }

  async start(part: Lifecycle, signal: AbortSignal): Promise<void> {
    this.#started.push(part)
    try {
      await part.start?.(signal)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    const parts = this.#started.splice(0).reverse()
    const { log, drainMs, stopMs } = this.#options
    const drained = AbortSignal.timeout(drainMs)
    for (const part of parts) {
      if (!part.drain) continue
      await withDeadline(part.drain(drained), { ms: drainMs, what: `draining ${part.name}`, signal: drained }).catch((err) =>
        log.warn({ ev: 'drain-failed', part: part.name, err }, 'a part did not drain in time'),
      )
    }
    for (const part of parts) {
      if (!part.stop) continue
      await withDeadline(part.stop(), { ms: stopMs, what: `stopping ${part.name}` }).catch((err) =>
        log.warn({ ev: 'stop-failed', part: part.name, err }, 'a part did not stop in time'),
      )
    }
  }
}
