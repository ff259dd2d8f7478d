import { setMaxListeners } from 'node:events'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import { K2Error } from './errors.ts'

export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

/** A promise settled from outside (Node 20 has no Promise.withResolvers). */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((a, b) => {
    resolve = a
    reject = b
  })
  return { promise, resolve, reject }
}

export function abortedError(signal?: AbortSignal): K2Error {
  return new K2Error({ code: 'ABORTED', kind: 'aborted', message: 'stopped before it finished', cause: signal?.reason })
}

export function timeoutError(what: string, ms: number): K2Error {
  return new K2Error({
    code: 'TIMEOUT',
    kind: 'timeout',
    retry: 'later',
    message: `${what} took longer than ${ms} ms`,
    data: { ms },
  })
}

/**
 * A controller whose signal many tasks at once listen to, each for as long as it lasts. Node takes more than ten listeners for a
 * leak and warns; where a bound of its own holds, that is noise.
 */
export function sharedAbort(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

export interface DeadlineOptions {
  readonly ms: number
  /** Named in the error. */
  readonly what: string
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock
  /** Runs when the wait is given up; the losing promise stays observed. */
  readonly onGiveUp?: () => void
}

/** Waits for `work`, at most `ms` and not past `signal`. The loser is observed, so it never becomes an unhandled rejection. */
export function withDeadline<T>(work: Promise<T>, options: DeadlineOptions): Promise<T> {
  const clock = options.clock ?? systemClock
  const { signal } = options
  return new Promise<T>((resolve, reject) => {
    let cancel = (): void => {}
    const done = (): void => {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    const giveUp = (error: unknown): void => {
      done()
      options.onGiveUp?.()
      reject(error)
    }
    const onAbort = (): void => giveUp(abortedError(signal))
    work.then(
      (value) => {
        done()
        resolve(value)
      },
      (error) => {
        done()
        reject(error)
      },
    )
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    cancel = clock.after(options.ms, () => giveUp(timeoutError(options.what, options.ms)))
  })
}

/** Resolves after `ms`; rejects with `ABORTED` when the signal fires first. Unlike a clock timer it keeps the process alive. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortedError(signal))
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(abortedError(signal))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Lets at most `limit` tasks run at once; further callers wait in order. */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  get waiting(): number {
    return this.#waiting.length
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((go) => this.#waiting.push(go))
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}

/** Runs tasks one after the other in call order. */
export class Mutex extends Semaphore {
  constructor() {
    super(1)
  }
}

/** Keeps background promises so that shutdown can wait for them; failures go to one handler, never unhandled. */
export class TaskGroup {
  readonly #running = new Set<Promise<unknown>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  get size(): number {
    return this.#running.size
  }

  add(task: Promise<unknown>): void {
    const tracked = task.catch(this.#onError).finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
