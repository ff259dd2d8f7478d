import { setMaxListeners } from 'node:events'
import { type Deferred, deferred, sharedAbort, TaskGroup } from '../../base/async.ts'
import type { Place } from '../../bridges/model/place.ts'
import { AccountGate } from './account-gate.ts'
import { LaneSession, type RunEnd, type SessionTools } from './lane-session.ts'
import type { LaneWaker } from './waker.ts'

/** A lane that fell silent keeps its lease this long: the next message then needs no statement to take it. */
const LINGER_MS = 2_000
const HOUSEKEEPING_MS = 250
/** A lane that is not through its work after this is announced to other workers. */
const ANNOUNCE_AFTER_MS = 250
/** Waits up to this keep the lease; longer ones give it back. */
const KEEP_WAITING_MS = 5_000

interface Entry {
  readonly session: LaneSession
  state: 'queued' | 'running' | 'resting'
  since: number
  /** Woken while running in a way the session itself cannot see (it was about to end). */
  again: boolean
  announced: boolean
  cancelTimer: () => void
  readonly waiters: Set<Deferred<void>>
}

export interface WorkerOptions extends Omit<SessionTools, 'abort' | 'gateOf'> {
  /** Name our leases carry. */
  readonly owner: string
  readonly waker: LaneWaker
}

/**
 * Lets lanes send: at most `limits.deliveries` at once, first come first served; a lane takes one slot and gives it up after
 * a slice when others wait. Leases are renewed while held and given back when a lane rests.
 */
export class DeliveryWorker {
  readonly #options: WorkerOptions
  readonly #tools: SessionTools
  readonly #entries = new Map<string, Entry>()
  readonly #queue: string[] = []
  readonly #gates = new Map<string, AccountGate>()
  readonly #abort = sharedAbort()
  readonly #tasks: TaskGroup
  #running = 0
  #accepting = false
  #cancelHousekeeping = (): void => {}
  #renewedAt = 0

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#tools = { ...options, abort: this.#abort.signal, gateOf: (place) => this.gate(place) }
    // One listener for each send under way: as many as there are slots.
    setMaxListeners(0, this.#abort.signal)
    this.#tasks = new TaskGroup((error) => options.events.background('delivery-worker', error))
  }

  /** Frees leases of an earlier run of this instance, ends waits after failures, and begins to take work. */
  async start(staleOwnerPrefix: string): Promise<void> {
    await this.#options.store.freeStaleLeases(staleOwnerPrefix)
    // Who restarts a gateway after an outage does not wait out the pauses it had made.
    await this.#options.store.retryFailedHeads()
    this.#accepting = true
    this.#renewedAt = this.#options.clock.now()
    this.#schedule()
  }

  get inflight(): number {
    return this.#running
  }

  gate(place: Pick<Place, 'network' | 'account'>): AccountGate {
    const key = `${place.network}/${place.account}`
    const found = this.#gates.get(key)
    if (found) return found
    const gate = new AccountGate()
    this.#gates.set(key, gate)
    return gate
  }

  gates(): readonly (readonly [string, AccountGate])[] {
    return [...this.#gates]
  }

  /** The lanes may have work. Cheap, and harmless when they have none. */
  wake(lanes: readonly string[]): void {
    for (const lane of lanes) this.#wake(lane, false)
  }

  /** As `wake`, and ends waits: something got better (account back, lane resumed). */
  retry(lanes: readonly string[]): void {
    for (const lane of lanes) this.#wake(lane, true)
  }

  /** Wakes the lane and resolves when it has nothing more to do for now, or after `maxMs`. */
  async settle(lane: string, maxMs: number): Promise<void> {
    if (!this.#accepting) return
    this.#wake(lane, false)
    const entry = this.#entries.get(lane)
    if (entry === undefined || entry.state === 'resting') return
    const waiter = deferred<void>()
    entry.waiters.add(waiter)
    const cancel = this.#options.clock.after(maxMs, () => waiter.resolve())
    await waiter.promise
    cancel()
    entry.waiters.delete(waiter)
  }

  /** Takes no more work, lets what is in flight end, records it and gives leases back. After `signal` sends are aborted. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#accepting = false
    this.#cancelHousekeeping()
    for (const entry of this.#entries.values()) entry.session.stop()
    const abort = (): void => this.abort()
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    this.#pump()
    await this.#tasks.settled()
    signal.removeEventListener('abort', abort)
    await this.#release([...this.#entries.values()])
  }

  /** Ends what is being sent now. */
  abort(): void {
    this.#abort.abort()
  }

  #wake(lane: string, insist: boolean): void {
    if (!this.#accepting) return
    const entry = this.#entries.get(lane) ?? this.#enter(lane)
    if (insist) entry.session.retry()
    else entry.session.wake()
    if (entry.state === 'running') entry.again = true
    if (entry.state === 'resting') this.#enqueue(entry)
  }

  #enter(lane: string): Entry {
    const entry: Entry = {
      session: new LaneSession(lane, this.#tools),
      state: 'resting',
      since: this.#options.clock.now(),
      again: false,
      announced: false,
      cancelTimer: () => {},
      waiters: new Set(),
    }
    this.#entries.set(lane, entry)
    return entry
  }

  #enqueue(entry: Entry): void {
    entry.cancelTimer()
    entry.state = 'queued'
    entry.since = this.#options.clock.now()
    this.#queue.push(entry.session.lane)
    this.#pump()
  }

  #pump(): void {
    while (this.#running < this.#options.limits.deliveries) {
      const lane = this.#queue.shift()
      if (lane === undefined) return
      const entry = this.#entries.get(lane)
      if (entry?.state !== 'queued') continue
      entry.state = 'running'
      entry.again = false
      this.#running++
      this.#tasks.add(this.#work(entry))
    }
  }

  async #work(entry: Entry): Promise<void> {
    let end: RunEnd = { kind: 'gone' }
    try {
      end = await entry.session.run(() => this.#queue.length > 0)
    } finally {
      this.#running--
      const ended = this.#ended(entry, end)
      this.#pump()
      await ended
    }
  }

  async #ended(entry: Entry, end: RunEnd): Promise<void> {
    const { clock, waker } = this.#options
    const { lane } = entry.session
    if (end.kind === 'yield' && this.#accepting) return this.#enqueue(entry)
    entry.state = 'resting'
    entry.since = clock.now()
    entry.announced = false
    for (const waiter of entry.waiters) waiter.resolve()
    if (end.kind === 'gone') {
      await this.#release([entry])
      if (entry.again) this.#wake(lane, false)
      return
    }
    if (!this.#accepting) return
    if (end.kind === 'until') {
      const wait = end.at - clock.now()
      entry.cancelTimer = clock.after(wait, () => this.#wake(lane, false))
      waker.announceAt(lane, end.at)
    } else if (entry.again) this.#enqueue(entry)
  }

  #schedule(): void {
    this.#cancelHousekeeping = this.#options.clock.after(HOUSEKEEPING_MS, () => {
      this.#tasks.add(this.#housekeep())
    })
  }

  async #housekeep(): Promise<void> {
    const { clock, limits, waker } = this.#options
    const now = clock.now()
    try {
      const idle: Entry[] = []
      for (const entry of this.#entries.values()) {
        if (entry.state === 'resting' && now - entry.since >= LINGER_MS + (entry.session.waiting(now) ? KEEP_WAITING_MS : 0))
          idle.push(entry)
        else if (entry.state !== 'resting' && !entry.announced && now - entry.since >= ANNOUNCE_AFTER_MS) {
          entry.announced = true
          waker.announce(entry.session.lane)
        }
      }
      await this.#release(idle)
      if (now - this.#renewedAt >= limits.renewMs) await this.#renew(now)
    } finally {
      if (this.#accepting) this.#schedule()
    }
  }

  async #renew(now: number): Promise<void> {
    const { store, limits } = this.#options
    this.#renewedAt = now
    const held = [...this.#entries.values()].flatMap(({ session }) => (session.lease ? [{ session, lease: session.lease }] : []))
    if (held.length === 0) return
    const until = now + limits.leaseMs
    const ours = await store.renew(
      until,
      held.map((h) => h.lease),
    )
    for (const { session, lease } of held) {
      if (session.lease?.fence !== lease.fence) continue
      if (ours.has(session.lane)) session.renewed(until)
      else session.lost()
    }
  }

  /** Forgets resting lanes and gives their leases back. A lane woken meanwhile takes a new lease, which this leaves alone. */
  async #release(entries: readonly Entry[]): Promise<void> {
    const leases = []
    for (const entry of entries) {
      if (entry.state !== 'resting') continue
      if (this.#entries.get(entry.session.lane) === entry) this.#entries.delete(entry.session.lane)
      const { lease } = entry.session
      if (lease) leases.push(lease)
    }
    await this.#options.store.release(leases).catch((error: unknown) => this.#options.events.background('release', error))
  }
}
