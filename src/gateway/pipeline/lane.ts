import { type AttemptState, type NextState, untouched, type Verdict } from './outcomes.ts'

/** A destination that answers faster than this is limited by our commits: several of its deliveries share one. */
const FAST_SEND_MS = 10
/**
 * While a fast lane goes on sending, its results are written this often, ms for each delivery of the largest window. Smaller:
 * more commits. Larger: the window fills before they are written. A lane that cannot go on without the commit does not wait.
 */
const RECORD_WITHIN_MS = 0.5
/** Everywhere else one send runs beside the record of the one before, which is written at once. */
const OVERLAP = 2

/** What the lane needs to know of a claimed delivery. */
export interface LaneItem extends AttemptState {
  readonly id: string
  readonly seq: number
  /** Needs what earlier deliveries of this lane left in the database: they must be recorded first. */
  readonly barrier: boolean
}

export interface LaneResult<R> {
  readonly item: R
  readonly next: NextState
}

export type LaneAction<R> =
  | { readonly kind: 'send'; readonly item: R }
  /** Record `results` and claim up to `claim` further heads, in this order and in one commit. */
  | { readonly kind: 'step'; readonly results: readonly LaneResult<R>[]; readonly claim: number }

/** What the lane waits for when `next` answers nothing. `busy` may name a time to ask again. */
export type LaneRest =
  | { readonly kind: 'busy'; readonly at?: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'until'; readonly at: number }

/**
 * One lane as a machine (bridging 14): at most one delivery in flight; the next one starts only after the result of the one
 * before allows it; at most `window` results are not recorded yet. Claims are taken ahead, and given back untouched when
 * something makes the lane wait. No I/O, no clock.
 */
export class LaneMachine<R extends LaneItem> {
  #maxWindow: number
  #window = 1
  #head = 0
  #recordingFrom = Number.POSITIVE_INFINITY
  #ready: R[] = []
  #inflight: R | undefined
  /** Behind the one in flight, and sent together with it. */
  #along: R[] = []
  /** Claims at once, where it is more than the window. */
  #gather = 0
  #results: LaneResult<R>[] = []
  /** Results in the step under way; undefined when none is. */
  #recording: number | undefined
  /** The database may hold more work than we know of. */
  #more = true
  #wokenWhileClaiming = false
  #recordBy = 0
  #waitUntil = 0
  #stopped = false
  #averageMs = FAST_SEND_MS

  constructor(maxWindow: number) {
    this.#maxWindow = maxWindow
  }

  get inflight(): R | undefined {
    return this.#inflight
  }

  /** A step is under way. */
  get stepping(): boolean {
    return this.#recording !== undefined
  }

  /** Everything claimed that is not on its way to be recorded. */
  known(): readonly R[] {
    const inflight = this.#inflight === undefined ? [] : [this.#inflight]
    return [...this.#ready, ...inflight, ...this.#along, ...this.#results.map((r) => r.item)]
  }

  /** Where the next claim needs to look: everything before is parked, finished, or ours. */
  get head(): number {
    return this.#head
  }

  /** Nothing below is open in the database but parked deliveries, whatever becomes of us. */
  get floor(): number {
    return Math.min(
      this.#head,
      this.#recordingFrom,
      ...this.known().flatMap((item) => (item.parkedAt === null ? [item.seq] : [])),
    )
  }

  /** The lease was taken: the lane says where its open deliveries begin. */
  startAt(head: number): void {
    this.#head = head
  }

  /**
   * No more than this goes ahead of the record from now on, however fast the destination is: a crash would leave it in doubt.
   * Default: as little as possible, where what is in doubt is repeated.
   */
  beCareful(window = OVERLAP): void {
    this.#maxWindow = Math.min(this.#maxWindow, window)
    this.#window = Math.min(this.#window, window)
  }

  /** Claims up to `count` at once from now on, so that they can be sent together; 0: as many as the window says. */
  gather(count: number): void {
    this.#gather = count
  }

  /** What is claimed behind the delivery in flight, in order. */
  get behind(): readonly R[] {
    return this.#ready
  }

  /** The first `count` of those behind are sent with the delivery in flight: one message shows them all. */
  takeAlong(count: number): readonly R[] {
    this.#along = this.#ready.splice(0, count)
    return this.#along
  }

  get window(): number {
    return this.#window
  }

  /** What to do now; undefined: see `rest`. Ask again after every input. */
  next(now: number): LaneAction<R> | undefined {
    const head = this.#ready[0]
    const unrecorded = this.#results.length + (this.#recording ?? 0)
    const allowed = head !== undefined && (head.barrier ? unrecorded === 0 : unrecorded < this.#window)
    if (this.#inflight === undefined && allowed && !this.#stopped) {
      this.#ready.shift()
      this.#inflight = head
      return { kind: 'send', item: head }
    }
    if (this.#recording !== undefined) return undefined
    const claim = this.#claimable(now)
    if (!this.#stepWorthwhile(claim, now)) return undefined
    const results = this.#results
    this.#results = []
    this.#recording = results.length
    for (const { item, next } of results) {
      if (waits(next)) this.#head = Math.min(this.#head, item.seq)
      if (item.parkedAt === null) this.#recordingFrom = Math.min(this.#recordingFrom, item.seq)
    }
    if (claim > 0) this.#wokenWhileClaiming = false
    return { kind: 'step', results, claim }
  }

  rest(now: number): LaneRest {
    if (this.#inflight !== undefined || this.#recording !== undefined || this.#ready.length > 0) {
      return this.#results.length === 0 || this.#recording !== undefined ? { kind: 'busy' } : { kind: 'busy', at: this.#recordBy }
    }
    if (this.#stopped) return { kind: 'idle' }
    return this.#waitUntil > now ? { kind: 'until', at: this.#waitUntil } : { kind: 'idle' }
  }

  /** The attempt in flight ended after `tookMs`; `along`: what became of those sent with it, by the same order. */
  finished(verdict: Verdict, tookMs: number, now: number, along: readonly NextState[] = []): void {
    const item = this.#inflight as R
    this.#inflight = undefined
    if (this.#results.length === 0) this.#recordBy = this.#window > OVERLAP ? now + RECORD_WITHIN_MS * this.#maxWindow : now
    this.#results.push({ item, next: verdict.next })
    this.#along.forEach((other, i) => {
      this.#results.push({ item: other, next: along[i] ?? untouched(other, 0) })
    })
    this.#along = []
    this.#adapt(verdict, tookMs)
    if (verdict.goOn) return
    this.hold(Math.max(verdict.next.notBefore, verdict.effect && 'until' in verdict.effect ? verdict.effect.until : 0))
  }

  /** The delivery in flight turned out not to be sendable now (or at all), without an attempt. */
  settled(next: NextState): void {
    const item = this.#inflight as R
    this.#inflight = undefined
    this.#results.push({ item, next })
    for (const other of this.#along) this.#results.push({ item: other, next: untouched(other, 0) })
    this.#along = []
  }

  /** Nothing may be sent before `until`: claims are given back. Unlike retries, this is not caused by one delivery. */
  hold(until: number): void {
    this.#waitUntil = Math.max(this.#waitUntil, until)
    this.#giveBack()
    this.#more = true
  }

  /** The step's claim succeeded. `nextAt`: when a head that is not due yet will be; `asked`: what the step asked for. */
  claimed(items: readonly R[], nextAt: number | null, asked: number): void {
    this.#recording = undefined
    this.#recordingFrom = Number.POSITIVE_INFINITY
    if (asked === 0) return
    this.#ready.push(...items)
    for (const item of items) if (item.parkedAt === null) this.#head = Math.max(this.#head, item.seq + 1)
    this.#more = items.length >= asked || this.#wokenWhileClaiming
    if (nextAt !== null && items.length < asked) {
      this.#waitUntil = Math.max(this.#waitUntil, nextAt)
      this.#more = true
    }
    // A wait that began while the step was under way.
    if (this.#stopped || this.#held) this.#giveBack()
    this.#held = false
  }

  /** There may be new work. A wait that is under way stays: it belongs to what stands before. */
  wake(): void {
    this.#more = true
    this.#wokenWhileClaiming = true
  }

  /** Ends a wait early: somebody says that things are better now. */
  retry(): void {
    this.#waitUntil = 0
    this.wake()
  }

  /** No further sends and claims; what is in flight may end, everything else is given back. */
  stop(): void {
    this.#stopped = true
    this.#giveBack()
  }

  /** A claim arriving now belongs to a time before the wait. */
  #held = false

  #giveBack(): void {
    if (this.#recording !== undefined) this.#held = true
    for (const item of this.#ready) this.#results.push({ item, next: untouched(item, 0) })
    this.#ready = []
  }

  /** At once when the lane cannot go on without it; beside the sends when it runs out of claims, or its results get old. */
  #stepWorthwhile(claim: number, now: number): boolean {
    if (this.#results.length === 0 && claim === 0) return false
    if (this.#inflight === undefined) return true
    if (claim > 0 && this.#ready.length === 0) return true
    return this.#results.length > 0 && now >= this.#recordBy
  }

  #claimable(now: number): number {
    if (this.#stopped || !this.#more || now < this.#waitUntil) return 0
    if (this.#results.some((r) => waits(r.next))) return 0
    const marked = this.#ready.length + this.#along.length + (this.#inflight === undefined ? 0 : 1)
    return Math.max(0, Math.max(this.#window, this.#gather) - marked)
  }

  #adapt(verdict: Verdict, tookMs: number): void {
    if (verdict.next.state !== 'done') {
      this.#window = 1
      return
    }
    this.#averageMs += (tookMs - this.#averageMs) / 8
    const wanted = this.#averageMs < FAST_SEND_MS ? this.#window * 2 : OVERLAP
    this.#window = Math.min(this.#maxWindow, wanted)
  }
}

/** Whether a delivery recorded like this stands before everything behind it. */
function waits(next: NextState): boolean {
  return next.state === 'pending' || next.state === 'ambiguous'
}
