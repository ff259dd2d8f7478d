import { type Deferred, deferred, withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Hash } from '../ids.ts'
import type { DirectGate } from './direct-gate.ts'
import type { DirectMessage } from './direct-stream.ts'
import { k2Error } from './errors.ts'
import type { DropReason, InboundChat } from './inbound.ts'

/** Longest wait for the application to store a message; then its sender learns nothing and tries again. */
const STORE_MS = 15_000
/** A message over its sender's rate waits at most this long for its turn. */
const PACE_MS = 5_000
/** Messages the application has not stored yet; behind it senders are told to come later. */
const MAX_WAITING = 1024

export interface DirectInboundOptions {
  readonly gate: DirectGate
  readonly clock: Clock
  readonly publish: (message: InboundChat) => Promise<void>
  readonly onDrop: (reason: DropReason) => void
}

/** The way of a message over `k2/direct-message/1` to the application, and of its receipt back. */
export class DirectInbound {
  readonly #options: DirectInboundOptions
  readonly #waiting = new Map<Hash, Deferred<boolean>[]>()
  readonly #streamed = new WeakSet<InboundChat>()

  constructor(options: DirectInboundOptions) {
    this.#options = options
  }

  /** Resolves once the application has stored it, now or before. Rejects what the sender may try again, `K2_*`. */
  async take(message: DirectMessage): Promise<void> {
    const { gate, clock, publish, onDrop } = this.#options
    if (this.#waiting.size >= MAX_WAITING) throw k2Error('K2_RATE_LIMITED', 'too many messages wait to be stored')
    let verdict = gate.accept(message, clock.now())
    while ('laterMs' in verdict) {
      const { laterMs } = verdict
      if (laterMs > PACE_MS) {
        onDrop('neighbor-rate')
        throw k2Error('K2_RATE_LIMITED', 'too many messages of one peer')
      }
      await new Promise<void>((resolve) => clock.after(laterMs, resolve))
      verdict = gate.accept(message, clock.now())
    }
    if ('accept' in verdict) {
      const chat = verdict.accept as InboundChat
      this.#streamed.add(chat)
      const stored = this.#stored(chat.messageId)
      stored.catch(() => {}) // awaited below, possibly after it failed
      await publish(chat)
      return await stored
    }
    onDrop(verdict.drop)
    if (verdict.again !== undefined) return
    // It came before and is being stored: this copy shares the answer.
    if (verdict.pending !== undefined) return this.#stored(verdict.pending)
    throw k2Error(verdict.drop === 'malformed' ? 'K2_MALFORMED' : 'K2_RATE_LIMITED', `refused: ${verdict.drop}`)
  }

  /** The application stored a message; true when its receipt goes back on the connection it came on. */
  confirmed(message: InboundChat): boolean {
    this.#settle(message.messageId, true)
    return this.#streamed.has(message)
  }

  refused(messageId: Hash): void {
    this.#settle(messageId, false)
  }

  #settle(messageId: Hash, stored: boolean): void {
    const waiting = this.#waiting.get(messageId)
    this.#waiting.delete(messageId)
    for (const one of waiting ?? []) one.resolve(stored)
  }

  async #stored(messageId: Hash): Promise<void> {
    const answer = deferred<boolean>()
    this.#waiting.set(messageId, [...(this.#waiting.get(messageId) ?? []), answer])
    const { clock } = this.#options
    const isStored = await withDeadline(answer.promise, { ms: STORE_MS, what: 'storing a direct message', clock }).finally(() => {
      const left = (this.#waiting.get(messageId) ?? []).filter((one) => one !== answer)
      if (left.length === 0) this.#waiting.delete(messageId)
      else this.#waiting.set(messageId, left)
    })
    if (!isStored) throw k2Error('K2_RATE_LIMITED', 'the application could not take the message')
  }
}
