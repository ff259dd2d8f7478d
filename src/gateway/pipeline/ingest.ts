import { setImmediate as nextTurn } from 'node:timers/promises'
import { sleep } from '../../base/async.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { BridgeSink } from '../../bridges/port.ts'
import { sqlState, toDbError } from '../db/errors.ts'
import { ingestFailed, ingestOverloaded, pipelineClosed } from './errors.ts'
import type { PipelineEvents } from './events.ts'
import type { PipelineLimits } from './limits.ts'
import type { Decided } from './prepare.ts'
import { PACED, type RouteDecision } from './route.ts'
import { type StoredBatch, type StoreTools, storeBatch } from './store-batch.ts'

/** Tries of one batch before its sources are told. Conflicts between gateways and a restarting engine end within these. */
const ATTEMPTS = 4
const RETRY_MS = 100

interface Chunk {
  readonly items: readonly Envelope[]
  readonly cursors: readonly Cursor[]
  resolve(): void
  reject(error: unknown): void
}

export interface IngestOptions extends StoreTools {
  readonly events: PipelineEvents
  /** Rules and routes, asked before the transaction. */
  readonly decide: (envelope: Envelope) => RouteDecision
  readonly wake: (lanes: readonly string[]) => void
  /** Something was committed that goes somewhere. */
  readonly stored?: () => void
  /** A new message waits for a moderator, or a filter wants the moderators to know of it. */
  readonly flagged?: (envelope: Envelope, decision: RouteDecision) => void
  /** A new message waits for its author's turn. */
  readonly paced?: () => void
  /** A message was dropped because too many of its author's wait; the author is to be told. */
  readonly crowded?: (envelope: Envelope) => void
  /** Edits and deletes that waited for messages that are there now. */
  readonly revive: (eventIds: readonly string[]) => Promise<void>
}

/**
 * Takes events from bridges and stores them in batches, one after the other: what arrives while one is written makes up the
 * next. Order is the order of the calls. When storing fails for good everything that waits is rejected, so that no source
 * sees a later event stored before an earlier one.
 */
export class Ingest implements BridgeSink {
  readonly #options: IngestOptions
  #queue: Chunk[] = []
  #between: (() => Promise<void>)[] = []
  #waiting = 0
  #loop: Promise<void> | undefined
  #closed = false

  constructor(options: IngestOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting
  }

  async ingest(envelopes: readonly Envelope[], cursors: readonly Cursor[] = []): Promise<void> {
    if (this.#closed) throw pipelineClosed()
    const { ingestBatch, ingestQueue } = this.#options.limits
    const wanted = envelopes.filter((e) => e.event.kind !== 'typing')
    if (wanted.length === 0 && cursors.length === 0) return
    if (this.#waiting + wanted.length > ingestQueue && this.#waiting > 0) throw ingestOverloaded(this.#waiting, ingestQueue)
    const chunks: Promise<void>[] = []
    for (let at = 0; at === 0 || at < wanted.length; at += ingestBatch) {
      const last = at + ingestBatch >= wanted.length
      chunks.push(this.#enqueue(wanted.slice(at, at + ingestBatch), last ? cursors : []))
    }
    await Promise.all(chunks)
  }

  /** Runs `work` when no batch is being decided or stored. */
  between<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(pipelineClosed())
    return new Promise((resolve, reject) => {
      this.#between.push(() => work().then(resolve, reject))
      this.#loop ??= this.#work()
    })
  }

  /** Tells everybody what became of events that are stored. */
  async settle(stored: StoredBatch, items: readonly Decided[]): Promise<void> {
    await this.#after(stored, items)
  }

  /** Takes nothing more; resolves when everything taken is stored or rejected. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#loop) await this.#loop
  }

  #enqueue(items: readonly Envelope[], cursors: readonly Cursor[]): Promise<void> {
    for (const envelope of items) this.#options.events.received(envelope)
    this.#waiting += items.length
    return new Promise((resolve, reject) => {
      this.#queue.push({ items, cursors, resolve, reject })
      this.#loop ??= this.#work()
    })
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0 || this.#between.length > 0) {
      // Whatever else arrives in this turn goes into the same commit.
      await nextTurn()
      await this.#between.shift()?.()
      const batch = this.#take()
      try {
        await this.#store(batch)
        for (const chunk of batch) chunk.resolve()
      } catch (error) {
        const failed = [...batch, ...this.#queue.splice(0)]
        const events = failed.reduce((n, c) => n + c.items.length, 0)
        this.#options.events.storeFailed(events, error)
        for (const chunk of failed.slice(batch.length)) this.#waiting -= chunk.items.length
        for (const chunk of failed) chunk.reject(ingestFailed(events, error))
      }
      for (const chunk of batch) this.#waiting -= chunk.items.length
    }
    // Here and not when the promise settles: an event in between would find a loop that is already over.
    this.#loop = undefined
  }

  /** Whole chunks up to the batch size; at least one. */
  #take(): Chunk[] {
    let size = 0
    let n = 0
    for (const chunk of this.#queue) {
      if (n > 0 && size + chunk.items.length > this.#options.limits.ingestBatch) break
      size += chunk.items.length
      n++
    }
    return this.#queue.splice(0, n)
  }

  async #store(batch: readonly Chunk[]): Promise<void> {
    const seen = new Set<string>()
    const items: Decided[] = []
    for (const envelope of batch.flatMap((c) => c.items)) {
      if (seen.has(envelope.eventId)) {
        this.#options.events.duplicate(envelope)
        continue
      }
      seen.add(envelope.eventId)
      items.push({ envelope, decision: this.#options.decide(envelope) })
    }
    const cursors = lastOfEach(batch.flatMap((c) => c.cursors))
    await this.#storeAll(items, cursors)
  }

  async #storeAll(items: readonly Decided[], cursors: readonly Cursor[]): Promise<void> {
    if (items.length === 0 && cursors.length === 0) return
    for (let attempt = 1; ; attempt++) {
      let stored: StoredBatch
      try {
        stored = await storeBatch(items, cursors, this.#options)
      } catch (error) {
        if (isDataError(error)) return this.#storeSingly(items, cursors, error)
        const failure = toDbError(error)
        if (failure.retry === 'never' || attempt >= ATTEMPTS || this.#closed) throw failure
        await sleep(RETRY_MS * attempt)
        continue
      }
      return this.#after(stored, items)
    }
  }

  /** One event the database cannot hold must not keep the others out: each alone, and the culprit leaves only its trace. */
  async #storeSingly(items: readonly Decided[], cursors: readonly Cursor[], error: unknown): Promise<void> {
    if (items.length === 0) throw toDbError(error)
    if (items.length > 1) {
      for (const [i, item] of items.entries()) await this.#storeAll([item], i === items.length - 1 ? cursors : [])
      return
    }
    const { envelope, decision } = items[0] as Decided
    const { events, clock } = this.#options
    if (decision.reason === 'unstorable') {
      events.dropped(envelope, 'unstorable')
      return this.#storeAll([], cursors)
    }
    events.unstorable(envelope, error)
    const now = clock.now()
    const bare: Envelope = { ...envelope, occurredAt: now, receivedAt: now, event: { kind: 'typing' } }
    const refused: RouteDecision = { status: 'dropped', reason: 'unstorable', destinations: [], trace: { routes: [] } }
    await this.#storeAll([{ envelope: bare, decision: refused }], cursors)
  }

  async #after(stored: StoredBatch, items: readonly Decided[]): Promise<void> {
    const { events, wake, revive } = this.#options
    this.#flag(stored, items)
    if (stored.lanes.size > 0) wake([...stored.lanes])
    if (stored.events.some((e) => e.status === 'routed')) this.#options.stored?.()
    for (const { envelope, status, reason, deliveries } of stored.events) {
      if (status === 'duplicate') events.duplicate(envelope)
      else if (status === 'held') events.held(envelope)
      else if (reason === PACED) events.paced(envelope)
      else if (status === 'filtered') events.filtered(envelope, reason ?? 'unknown')
      else if (status === 'dropped') events.dropped(envelope, reason ?? 'unknown')
      else events.routed(envelope.eventId, envelope.event.kind, deliveries)
    }
    if (stored.events.some((e) => e.reason === PACED)) this.#options.paced?.()
    // The sweeper finds them too, so that this failing loses nothing.
    if (stored.revived.length > 0) await revive(stored.revived).catch((error: unknown) => events.background('revive', error))
  }

  /** What filters noted beside their decision. */
  #flag(stored: StoredBatch, items: readonly Decided[]): void {
    const marked = items.filter(
      ({ decision }) => decision.hold || decision.tell || decision.trace.routes.some((r) => r.would || r.notify),
    )
    if (marked.length === 0) return
    const repeated = new Set(stored.events.filter((e) => e.status === 'duplicate').map((e) => e.envelope.eventId))
    for (const { envelope, decision } of marked.filter((m) => !repeated.has(m.envelope.eventId))) {
      for (const { would } of decision.trace.routes) if (would !== undefined) this.#options.events.wouldFilter(envelope, would)
      if (decision.tell) this.#options.crowded?.(envelope)
      if (decision.hold || decision.trace.routes.some((r) => r.notify)) this.#options.flagged?.(envelope, decision)
    }
  }
}

/** One account's way in: it may fill at most half of the queue, so that a flood there leaves room for the others. */
export class AccountSink implements BridgeSink {
  readonly #account: string
  readonly #ingest: Ingest
  readonly #most: number
  #waiting = 0

  constructor(account: string, ingest: Ingest, limits: Pick<PipelineLimits, 'ingestQueue'>) {
    this.#account = account
    this.#ingest = ingest
    this.#most = limits.ingestQueue / 2
  }

  async ingest(envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> {
    if (this.#waiting > 0 && this.#waiting + envelopes.length > this.#most) {
      throw ingestOverloaded(this.#waiting, this.#most, this.#account)
    }
    this.#waiting += envelopes.length
    try {
      await this.#ingest.ingest(envelopes, cursors)
    } finally {
      this.#waiting -= envelopes.length
    }
  }
}

function lastOfEach(cursors: readonly Cursor[]): Cursor[] {
  return [...new Map(cursors.map((c) => [`${c.account}\0${c.stream}`, c])).values()]
}

/** The data itself is refused (bad text, out of range), not the moment. */
export function isDataError(error: unknown): boolean {
  const state = sqlState(error) ?? (isK2Error(error) ? sqlState(error.cause) : undefined)
  return state !== undefined && (state.startsWith('22') || state.startsWith('23'))
}
