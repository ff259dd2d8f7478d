import { type Deferred, deferred, sleep } from '../../base/async.ts'
import { type Rng, unit } from '../../base/random.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { SendOutcome } from '../../bridges/port.ts'
import type { ResultRow } from '../db/sql/step.ts'
import type { AccountGate } from './account-gate.ts'
import { type AttemptResult, type AttemptTools, type AttemptWork, attempt } from './attempt.ts'
import type { BridgeRegistry } from './bridge-set.ts'
import type { Claimed, LaneClaim } from './claimed.ts'
import type { Lease } from './delivery-store.ts'
import { Joining } from './joining.ts'
import { LaneMachine, type LaneResult } from './lane.ts'
import { ended, interrupted, judge, probeDelayMs, untouched, type Verdict } from './outcomes.ts'
import { type Recorder, resultRow } from './recorder.ts'
import { type Existing, planSend, type SendPlan } from './request.ts'
import type { SentLog } from './sent-log.ts'
import { Sweeping } from './sweeping.ts'

/** Nothing is sent in the last part of a lease: another worker may hold it before the answer arrives. */
const LEASE_MARGIN_MS = 5_000
/** How long an account without a bridge is left alone. */
const NO_BRIDGE_WAIT_MS = 5_000
/** An edit or delete looks for the result of its parked create this often. */
const CREATE_WAIT_MS = 5_000
/** Pause after the database failed. */
const STEP_RETRY_MS = 1_000
/** Deliveries in one go while other lanes wait for a slot. */
const SLICE = 64

export interface SessionTools extends AttemptTools {
  readonly recorder: Recorder
  readonly bridges: BridgeRegistry
  readonly gateOf: (place: Pick<Place, 'network' | 'account'>) => AccountGate
  readonly rng: Rng
  /** Absent where another machine may take over the lane: it could not read it. */
  readonly sent?: SentLog | undefined
}

/** Why a run ended. `gone`: the session holds nothing any more and is thrown away. */
export type RunEnd = { readonly kind: 'idle' | 'yield' | 'gone' } | { readonly kind: 'until'; readonly at: number }

/** Drives one lane's machine: sends through the bridge, records through the recorder. At most one `run` at a time. */
export class LaneSession {
  readonly lane: string
  readonly #tools: SessionTools
  readonly #machine: LaneMachine<Claimed>
  #place: Place | undefined
  #fence: number | undefined
  #leaseUntil = 0
  #suspended = false
  #probes = 0
  #changed: Deferred<void> = deferred()
  /** What attempts created whose results are not recorded yet. */
  readonly #made = new Map<string, Pick<AttemptResult, 'parts' | 'copies'>>()
  #toSuspend: { readonly code: string; readonly message: string } | undefined
  #toExpire = false
  readonly #joining: Joining
  readonly #sweeping: Sweeping
  #lost = false

  constructor(lane: string, tools: SessionTools) {
    this.lane = lane
    this.#tools = tools
    this.#machine = new LaneMachine(tools.sent === undefined ? tools.limits.window : tools.limits.notedWindow)
    this.#joining = new Joining(lane, this.#machine, tools)
    this.#sweeping = new Sweeping(lane, this.#machine, tools.store)
  }

  /** Undefined while no lease is held. */
  get lease(): Lease | undefined {
    return this.#fence === undefined ? undefined : { lane: this.lane, fence: this.#fence, head: this.#machine.floor }
  }

  wake(): void {
    this.#machine.wake()
    this.#signal()
  }

  retry(): void {
    this.#machine.retry()
    this.#signal()
  }

  /** Sends nothing more; what is in flight may end and is recorded. */
  stop(): void {
    this.#machine.stop()
    this.#signal()
  }

  renewed(until: number): void {
    this.#leaseUntil = until
  }

  /** The lease is somebody else's now. */
  lost(): void {
    this.#lost = true
    this.#machine.stop()
    this.#signal()
  }

  /** The lane stands still until a known time. */
  waiting(now: number): boolean {
    return this.#machine.rest(now).kind === 'until'
  }

  /** Works until there is nothing to do, something has to be waited for, or other lanes wait for the slot. */
  async run(yieldWanted: () => boolean): Promise<RunEnd> {
    const { clock } = this.#tools
    let sent = 0
    for (;;) {
      if (sent >= SLICE && yieldWanted() && this.#machine.inflight === undefined && !this.#machine.stepping)
        return { kind: 'yield' }
      const action = this.#machine.next(clock.now())
      if (action?.kind === 'send') {
        sent++
        this.#beside(this.#send(action.item))
        continue
      }
      if (action?.kind === 'step') {
        this.#beside(this.#step(action.results, action.claim))
        continue
      }
      const rest = this.#machine.rest(clock.now())
      if (rest.kind === 'busy') await this.#change(rest.at)
      else if (this.#lost) return { kind: 'gone' }
      else if (this.#toSuspend) return this.#suspend(this.#toSuspend)
      else if (this.#toExpire) await this.#expire()
      else return rest.kind === 'until' ? rest : { kind: 'idle' }
    }
  }

  /** Waits until something happened, or until `at`. */
  async #change(at?: number): Promise<void> {
    const { clock } = this.#tools
    const cancel = at === undefined ? undefined : clock.after(at - clock.now(), () => this.#signal())
    await this.#changed.promise
    cancel?.()
    this.#changed = deferred()
  }

  #signal(): void {
    this.#changed.resolve()
  }

  /** Runs beside the loop and wakes it at its end. The work handles its own failures. */
  #beside(work: Promise<void>): void {
    work
      .catch((error: unknown) => {
        this.#tools.events.background(`lane ${this.lane}`, error)
        this.#lost = true
        this.#machine.stop()
      })
      .finally(() => this.#signal())
  }

  async #step(results: readonly LaneResult<Claimed>[], claim: number): Promise<void> {
    const { recorder, clock } = this.#tools
    const fence = this.#fence
    const asked = fence === undefined ? Math.max(1, claim) : claim
    const begun = clock.now()
    const rows = results.map((r) => this.#row(r, fence ?? 0))
    const copies = results.flatMap((r) => this.#made.get(r.item.id)?.copies ?? [])
    let answer: LaneClaim
    try {
      answer = await recorder.step({ lane: this.lane, fence, results: rows, copies, claim: asked, head: this.#machine.head })
    } catch (error) {
      await this.#stepFailed(error, fence, asked)
      // By now they are written, unless the process is ending.
      if (!this.#tools.abort.aborted) this.#tools.sent?.recorded(rows.map((row) => row.id))
      return
    } finally {
      for (const { item } of results) this.#made.delete(item.id)
    }
    this.#tools.sent?.recorded(rows.map((row) => row.id))
    if (answer.fence === undefined) {
      if (fence !== undefined && !this.#lost) this.#tools.events.leaseLost(this.lane)
      this.#fence = undefined
      this.#machine.claimed([], null, asked)
      return this.lost()
    }
    this.#fence = answer.fence
    this.#place = answer.place
    if (fence === undefined) {
      this.#leaseUntil = begun + this.#tools.limits.leaseMs
      this.#suspended = answer.suspended
      this.#probes = answer.probes
      this.#machine.startAt(answer.head)
      await this.#recover(answer.items, answer.fence)
    }
    this.#machine.claimed(await this.#withReplies(answer.items), answer.nextAt, asked)
  }

  /** Replies whose target is there already need not wait for the deliveries before them to be recorded. */
  async #withReplies(items: readonly Claimed[]): Promise<readonly Claimed[]> {
    if (!items.some((item) => item.reply)) return items
    try {
      const targets = await this.#tools.store.replyTargets(items, this.lane)
      return items.map((item) => {
        const replyTarget = targets.get(item.id)
        return replyTarget?.ref ? { ...item, replyTarget, barrier: item.op !== 'create' } : item
      })
    } catch (error) {
      // They are looked for again before each is sent.
      this.#tools.events.background('reply-targets', error)
      return items
    }
  }

  /**
   * The results were written by repeating, but the claim may have happened without us knowing. Nothing of it was sent, so it
   * is taken back. Without a fence we hold nothing: whoever takes the lane next treats what it finds as in doubt.
   */
  async #stepFailed(error: unknown, fence: number | undefined, asked: number): Promise<void> {
    const { store, events, clock, abort } = this.#tools
    events.background(`lane ${this.lane}`, error)
    if (fence === undefined) {
      this.#machine.claimed([], null, asked)
      return this.lost()
    }
    while (!abort.aborted) {
      try {
        await store.unclaim(
          this.lane,
          fence,
          this.#machine.known().map((item) => item.id),
        )
        break
      } catch (again) {
        events.background('unclaim', again)
        await sleep(STEP_RETRY_MS)
      }
    }
    this.#machine.hold(clock.now() + STEP_RETRY_MS)
    this.#machine.claimed([], null, asked)
  }

  /** What the last holder of the lease had begun and never finished is in doubt. */
  async #recover(items: readonly Claimed[], fence: number): Promise<void> {
    const { store, events } = this.#tools
    const cut = items.filter((item) => item.cutOff)
    if (cut.length === 0) return
    for (const item of cut) events.ambiguous(item, this.#place as Place, 'cut-off')
    await store.recover(
      this.lane,
      fence,
      items.map((i) => i.id),
    )
  }

  #row({ item, next }: LaneResult<Claimed>, fence: number): ResultRow {
    return resultRow(item.id, next, { lane: this.lane, fence, parts: this.#made.get(item.id)?.parts ?? null })
  }

  async #send(item: Claimed): Promise<void> {
    const { clock, bridges, gateOf } = this.#tools
    const place = this.#place as Place
    const now = clock.now()
    const bridge = bridges.find(place.network, place.account)
    const gate = gateOf(place)
    const wait = bridge === undefined ? NO_BRIDGE_WAIT_MS : gate.waitMs(now)
    if (bridge === undefined || wait > 0) return this.#defer(item, now + wait)
    if (bridge.capabilities.settlesDoubt === false && this.#tools.sent === undefined) this.#machine.beCareful()
    if (this.#leaseUntil - now < LEASE_MARGIN_MS) return this.#defer(item, now + LEASE_MARGIN_MS)
    if (isExpired(item, now)) {
      this.#toExpire = true
      return this.#defer(item, now)
    }
    if (item.op !== 'delete') this.#sweeping.rest()
    if (item.op === 'create' && this.#joining.wantsMore(item, bridge, place, now)) return this.#defer(item, now)
    let existing: Existing | undefined
    let ready = item
    let along: readonly Claimed[] = []
    let plan: SendPlan
    try {
      if (item.op !== 'create') {
        existing = await this.#tools.store.existing(item.cid, this.lane)
        if (existing.composite !== undefined) ready = await this.#joining.amended(item, existing.composite, place)
      } else if (item.barrier) ready = await this.#withReply(item)
      else {
        along = this.#joining.takeAlong(item, bridge.capabilities.maxText, now)
        if (along.length > 0) ready = await this.#joining.together(item, along, place)
      }
      plan = planSend(ready, bridge.capabilities, existing, now)
      if (existing !== undefined && plan.kind === 'send' && plan.op === 'delete')
        ({ along, existing } = await this.#sweeping.takeAlong(existing, bridge, place, now))
    } catch (error) {
      this.#tools.events.background(`lane ${this.lane}`, error)
      return this.#defer(item, now + STEP_RETRY_MS)
    }
    if (plan.kind === 'wait') return this.#park(item, now + CREATE_WAIT_MS)
    if (plan.kind === 'skip') return this.#end(item, 'cancelled', 'SKIPPED', plan.reason)
    if (item.envelope === undefined && item.op !== 'delete')
      return this.#end(item, 'dead', 'CONTENT_GONE', 'its content was removed')
    if ([item, ...along].some(({ id }) => this.#tools.sent?.begun(id) === false)) return this.#defer(item, now + STEP_RETRY_MS)
    await this.#attempt({ item: ready, place, bridge, plan, existing }, gate, along)
  }

  async #attempt(work: Omit<AttemptWork, 'lane'>, gate: AccountGate, along: readonly Claimed[]): Promise<void> {
    const { item, place } = work
    const { clock, rng, limits, events } = this.#tools
    gate.begin()
    const begun = clock.monotonic()
    gate.inflight++
    const { outcome: told, parts, copies } = await attempt({ ...work, lane: this.lane }, this.#tools)
    gate.inflight--
    // Of deletes that were carried out together each gets a try of its own.
    const isParted = item.op === 'delete' && along.length > 0 && told.kind === 'permanent'
    if (isParted) this.#sweeping.refused(along.length + 1)
    const outcome: SendOutcome = isParted ? { kind: 'later', afterMs: 0 } : told
    const now = clock.now()
    const context = { now, unit: unit(rng), headTimeoutMs: limits.headTimeoutMs }
    const verdictOn = (one: Claimed): Verdict =>
      this.#tools.abort.aborted ? interrupted(outcome, one) : judge(outcome, one, context)
    const verdict = verdictOn(item)
    const others = along.map((one) => ({ item: one, verdict: verdictOn(one) }))
    this.#made.set(item.id, { parts, copies: along.length === 0 ? copies : copies.map((c) => ({ ...c, role: 'composite' })) })
    if (outcome.kind === 'done' && item.op === 'create') events.coalesced(place, item.route, along.length)
    for (const one of [{ item, verdict }, ...others]) {
      if (one.verdict.next.state === 'done') this.#note(one.item, one.verdict, work.bridge.capabilities.settlesDoubt !== false)
      events.attempted({ item: one.item, place, outcome, parked: one.verdict.next.state === 'parked', now })
    }
    this.#apply(verdict, place, gate, now)
    const next = others.map((one) => one.verdict.next)
    this.#machine.finished(verdict, clock.monotonic() - begun, now, next)
  }

  /** Where neither the log nor the destination can say later what arrived, the lane goes on with less ahead of its record. */
  #note(item: Claimed, verdict: Verdict, settlesDoubt: boolean): void {
    const { sent } = this.#tools
    if (sent === undefined) return
    const copies = this.#made.get(item.id)?.copies ?? []
    const noted = sent.sent({ result: this.#row({ item, next: verdict.next }, this.#fence ?? 0), copies })
    if (!noted) this.#machine.beCareful(settlesDoubt ? this.#tools.limits.window : undefined)
  }

  /** The target again, if it was not there when the delivery was claimed: an earlier delivery may have made it since. */
  async #withReply(item: Claimed): Promise<Claimed> {
    if (item.reply === undefined) return item
    const replyTarget = (await this.#tools.store.replyTargets([item], this.lane)).get(item.id)
    return replyTarget === undefined ? item : { ...item, replyTarget }
  }

  /** Consequences for the lane and the account. */
  #apply(verdict: Verdict, place: Place, gate: AccountGate, now: number): void {
    const { events } = this.#tools
    const { effect } = verdict
    if (effect?.kind === 'account-failed') {
      if (gate.failed(now, effect.code, effect.message)) events.accountFailed(place, effect.code, effect.message)
      this.#machine.hold(now + gate.waitMs(now))
      return
    }
    if (!verdict.answered) {
      if (gate.unreachable(now)) events.circuitOpened(place)
      return
    }
    if (gate.answered()) events.circuitClosed(place)
    if (effect?.kind === 'account-wait') gate.limited(effect.until)
    if (effect?.kind === 'lane-suspended') {
      this.#toSuspend = effect
      this.#machine.stop()
    } else if (this.#suspended && effect === undefined) {
      this.#suspended = false
      this.#beside(this.#tools.store.resume([this.lane]).then(() => events.laneResumed(this.lane)))
    }
  }

  #defer(item: Claimed, until: number): void {
    this.#machine.settled(untouched(item, 0))
    this.#machine.hold(until)
  }

  #park(item: Claimed, until: number): void {
    const parkedAt = item.parkedAt ?? this.#tools.clock.now()
    this.#machine.settled({ ...untouched({ ...item, parkedAt }, until) })
  }

  #end(item: Claimed, state: 'cancelled' | 'dead', code: string, message: string): void {
    this.#machine.settled(ended(state, item, code, message))
    this.#tools.events.ended(item, this.#place as Place, state, code, message)
  }

  async #suspend(why: { readonly code: string; readonly message: string }): Promise<RunEnd> {
    const { clock, store, events } = this.#tools
    const now = clock.now()
    const probeAt = now + probeDelayMs(this.#probes)
    if (this.#fence !== undefined) await store.suspend(this.lane, this.#fence, now, probeAt, why)
    events.laneSuspended(this.lane, why.code, why.message, probeAt)
    return { kind: 'gone' }
  }

  async #expire(): Promise<void> {
    const { store, clock } = this.#tools
    this.#toExpire = false
    // Something else may have taken the expired ones meanwhile; without the wait an empty answer would spin.
    if ((await store.expire(this.lane)) === 0) this.#machine.hold(clock.now() + STEP_RETRY_MS)
    this.#machine.wake()
  }
}

function isExpired(item: Claimed, now: number): boolean {
  return item.op === 'create' && item.ambiguousSince === null && item.parts.length === 0 && item.expiresAt <= now
}
