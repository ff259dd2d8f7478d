import { sleep } from '../../base/async.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { uuidv7 } from '../../base/ids.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import { cryptoRng, type Rng } from '../../base/random.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { Network } from '../../bridges/model/place.ts'
import type { OwnIdentities } from '../../bridges/own-identities.ts'
import type { BridgeSink } from '../../bridges/port.ts'
import { compileRules, type Rule } from '../../rules/index.ts'
import type { PgPool } from '../db/pool.ts'
import { PAUSE_ROUTE, PAUSED_ROUTES } from '../db/sql/admin.ts'
import { run } from '../db/sql/statement.ts'
import { PipelineAdmin } from './admin.ts'
import { BotBreaker, type BreakerVerdict } from './breaker.ts'
import type { BridgeRegistry } from './bridge-set.ts'
import { DeliveryWorker } from './deliver.ts'
import { LaneStore } from './delivery-store.ts'
import { PipelineEvents } from './events.ts'
import { reviveHeld, sweepHeld } from './held.ts'
import { AccountSink, Ingest } from './ingest.ts'
import { DEFAULT_LIMITS, type PipelineLimits } from './limits.ts'
import { Pacing } from './pacing.ts'
import { prune } from './prune.ts'
import { Quarantine } from './quarantine.ts'
import { Recorder } from './recorder.ts'
import { RepeatBook } from './repeats.ts'
import { planRoute, type RouteContext, type RouteDecision } from './route.ts'
import type { RouteDefinition } from './route-definition.ts'
import { compileRoutes, type RouteTable } from './routes.ts'
import { type SentLog, settleSent } from './sent-log.ts'
import { Counters, type HistogramSample, type Sample } from './stats.ts'
import { Sweeper } from './sweeper.ts'
import { Throttle } from './throttle.ts'
import { JobWaker, noWaker, type WakeJobs } from './waker.ts'

const PRUNE_EVERY_MS = 3_600_000
const RUN_LANE_MS = 1_000
/** Who follows what is stored hears of it this often. Smaller: a look at the database for each single message. */
const STORED_EVERY_MS = 200
const QUIET_LOOK_MS = 10

export interface PipelineOptions {
  /** The open, migrated database. */
  readonly db: { readonly pool: PgPool }
  /** Job queues for durable wake-ups; without them the process wakes its lanes itself. */
  readonly jobs?: WakeJobs
  readonly bridges: BridgeRegistry
  readonly routes: readonly RouteDefinition[]
  readonly rules: readonly Rule[]
  /**
   * Name of this gateway in `via` lists and leases. One per data directory: at start, leases of an earlier run under the same
   * name are freed at once.
   */
  readonly instance: string
  /** Our own accounts and webhooks on all networks (bridging 12.1). */
  readonly own?: OwnIdentities
  /** Only where this process alone works on the database: see `SentLog`. The pipeline closes it. */
  readonly sent?: SentLog | undefined
  /** Asked about every new message before it is stored: what rules add to its destinations, or take from them. */
  readonly advise?: RouteContext['advise']
  /** Bans, slow mode and the like. */
  readonly moderate?: RouteContext['moderate']
  /** One name for all accounts of a person, which share their pace; default: each is one of its own. */
  readonly personOf?: (author: string) => string
  readonly limits?: Partial<PipelineLimits>
  readonly clock?: Clock
  readonly rng?: Rng
  readonly log?: Logger
}

export interface PipelineStats {
  /** Counters since the start, e.g. `bridge_deliveries_total{network,account,op,outcome}` (bridging 20). */
  readonly counters: readonly Sample[]
  readonly histograms: readonly HistogramSample[]
  /** Events that wait to be stored, and lanes that send at the moment. */
  readonly waiting: number
  readonly inflight: number
}

/** The message pipeline (bridging 13 to 17): events in, deliveries out, everything in between in the database. */
export interface Pipeline extends Lifecycle {
  readonly name: 'pipeline'
  start(signal: AbortSignal): Promise<void>
  /** Takes no more events, finishes what is being sent (until the signal), gives leases back. */
  drain(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  health(): Health
  /** Where the bridge of an account delivers its events. */
  sink(account: string): BridgeSink
  /** New routes, rules and limits for events that arrive from now on. Throws `ROUTE_INVALID` and changes nothing. */
  reload(routes: readonly RouteDefinition[], rules: readonly Rule[], limits?: Partial<PipelineLimits>): void
  /** Takes up deliveries of an account again: it connected, or got a new token. */
  accountReady(network: Network, account: string): Promise<void>
  /** Resolves when nothing is being sent by the account, or after `maxMs`. */
  accountQuiet(network: Network, account: string, maxMs: number): Promise<void>
  /** A place can be written again (rights given back, topic reopened): ends the suspension of its lane. */
  laneReady(lane: string): Promise<void>
  /** Something changed that may let us write there again: those of the lanes that stand still are tried at once. */
  lanesMayWork(lanes: readonly string[]): Promise<void>
  pauseRoute(route: string, paused: boolean): Promise<void>
  /**
   * For the worker of the queue `deliver`: wakes the lane and resolves when it has nothing more to do for now, but after
   * `maxMs` at the latest, so that a long backlog never holds a job (and with it a shutdown).
   */
  runLane(lane: string, maxMs?: number): Promise<void>
  /** Calls the listener after commits of events that go somewhere, those of a moment together; it must return at once. */
  onStored(listener: () => void): void
  /** Calls the listener when a message waits for a moderator or moderators are to be told of it; it must return at once. */
  onFlagged(listener: (envelope: Envelope, decision: RouteDecision) => void): void
  /** Calls the listener with the first message of a flood that is dropped; it must return at once. */
  onCrowded(listener: (envelope: Envelope) => void): void
  /** Calls the listener when nothing can be delivered to a lane until somebody changes something; it must return at once. */
  onSuspended(listener: (lane: string, probeAt: number) => void): void
  stats(): PipelineStats
  readonly counters: Counters
  readonly admin: PipelineAdmin
  /** Messages that wait for a moderator. */
  readonly quarantine: Quarantine
  /** Messages that wait for their author's turn: to be started after the pipeline, with what judges messages ready. */
  readonly pacing: Pacing
}

export function createPipeline(options: PipelineOptions): Pipeline {
  return new OpenPipeline(options)
}

class OpenPipeline implements Pipeline {
  readonly name = 'pipeline'
  readonly counters = new Counters()
  readonly admin: PipelineAdmin
  readonly quarantine: Quarantine
  readonly pacing: Pacing
  readonly #options: PipelineOptions
  readonly #clock: Clock
  readonly #events: PipelineEvents
  readonly #store: LaneStore
  readonly #recorder: Recorder
  readonly #worker: DeliveryWorker
  readonly #ingest: Ingest
  readonly #sweeper: Sweeper
  readonly #waker: JobWaker | typeof noWaker
  readonly #breakers = new Map<string, BotBreaker>()
  readonly #repeats = new RepeatBook()
  readonly #abort = new AbortController()
  readonly #boot: string
  readonly #limits: PipelineLimits
  #paused: ReadonlySet<string> = new Set()
  #table: RouteTable
  #rules: ReturnType<typeof compileRules>
  readonly #told: Throttle
  #onStored = (): void => {}
  #onFlagged = (_envelope: Envelope, _decision: RouteDecision): void => {}
  #onCrowded = (_envelope: Envelope): void => {}
  #state: 'new' | 'running' | 'stopped' = 'new'
  #drained: Promise<void> | undefined

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#table = compileRoutes(options.routes)
    this.#rules = compileRules(options.rules)
    const clock = options.clock ?? systemClock
    const rng = options.rng ?? cryptoRng
    const limits: PipelineLimits = { ...DEFAULT_LIMITS, ...options.limits }
    const { pool } = options.db
    this.#limits = limits
    this.#clock = clock
    this.#boot = uuidv7(clock.now(), rng)
    const events = new PipelineEvents((options.log ?? nullLogger).child({ mod: 'pipeline' }), this.counters)
    this.#events = events
    const owner = `${options.instance}/${this.#boot}`
    this.#store = new LaneStore({ pool, clock, rng, events })
    this.#recorder = new Recorder({ pool, owner, leaseMs: limits.leaseMs, clock, events })
    this.#waker = options.jobs ? new JobWaker({ jobs: options.jobs, clock, events }) : noWaker
    this.#worker = new DeliveryWorker({
      recorder: this.#recorder,
      store: this.#store,
      bridges: options.bridges,
      clock,
      rng,
      limits,
      events,
      instance: options.instance,
      owner,
      waker: this.#waker,
      sent: options.sent,
    })
    const shared = { pool, clock, rng, limits, events }
    const decide = (envelope: Envelope): RouteDecision => planRoute(envelope, this.#context())
    const wake = (lanes: readonly string[]): void => this.#worker.wake(lanes)
    const held = { ...shared, decide, wake }
    this.#told = new Throttle(STORED_EVERY_MS, clock, () => this.#onStored())
    this.#ingest = new Ingest({
      ...held,
      stored: () => this.#told.ask(),
      flagged: (envelope, decision) => this.#onFlagged(envelope, decision),
      paced: () => this.pacing.arm(),
      crowded: (envelope) => this.#onCrowded(envelope),
      revive: (ids) => reviveHeld(ids, held),
    })
    this.quarantine = new Quarantine({
      ...held,
      decideApproved: (envelope) => planRoute(envelope, { ...this.#context(), approved: true }),
      stored: () => this.#told.ask(),
    })
    this.pacing = new Pacing({
      ...shared,
      ingest: () => this.#ingest,
      route: (id) => this.#table.routes.get(id),
      rateOf: ({ authorRate }) => (authorRate === 'off' ? undefined : (authorRate ?? limits.authorRate)),
      personOf: options.personOf ?? ((author) => author),
      decide: (envelope) => planRoute(envelope, { ...this.#context(), paced: true }),
    })
    this.#sweeper = new Sweeper({
      clock,
      events,
      chores: [
        {
          name: 'due-lanes',
          everyMs: limits.sweepMs,
          run: async () => this.#worker.wake(await this.#store.dueLanes(owner, limits.sweepMs)),
        },
        { name: 'held-events', everyMs: limits.sweepMs, run: () => sweepHeld(held) },
        { name: 'expiry', everyMs: limits.sweepMs, run: () => this.#expire() },
        {
          name: 'retention',
          everyMs: PRUNE_EVERY_MS,
          run: async () => void (await prune({ pool, clock, limits, signal: this.#abort.signal })),
        },
      ],
    })
    this.admin = new PipelineAdmin({ pool, clock, rng, worker: this.#worker, resume: (lanes) => this.#store.resume(lanes) })
  }

  async start(): Promise<void> {
    const paused = await run<{ route: string }>(this.#options.db.pool, PAUSED_ROUTES, [])
    this.#paused = new Set(paused.map((r) => r.route))
    const { sent, db } = this.#options
    const owners = `${this.#options.instance}/`
    if (sent !== undefined) this.#events.settled(await settleSent(sent, db.pool, owners, this.#clock.now()))
    await this.#worker.start(owners)
    this.#state = 'running'
    this.#sweeper.start()
  }

  drain(signal: AbortSignal): Promise<void> {
    this.#drained ??= this.#drain(signal)
    return this.#drained
  }

  async #drain(signal: AbortSignal): Promise<void> {
    if (this.#state !== 'running') return
    this.#state = 'stopped'
    this.#abort.abort()
    await this.pacing.drain()
    await this.#ingest.close()
    this.#told.stop()
    await this.#sweeper.stop()
    await this.#worker.drain(signal)
    await this.#waker.close()
  }

  async stop(): Promise<void> {
    // A database that does not answer must not hold the end up; what it missed counts as in doubt.
    this.#recorder.close()
    this.#worker.abort()
    await this.drain(AbortSignal.abort()).catch((error: unknown) => this.#events.background('stop', error))
    this.#options.sent?.close()
    this.#state = 'stopped'
  }

  health(): Health {
    if (this.#state !== 'running') return { status: 'failed', reason: 'the pipeline is not running' }
    const now = this.#clock.now()
    const troubles = this.#worker
      .gates()
      .map(([account, gate]) => ({ account, ...gate.state(now) }))
      .filter((g) => g.state === 'failed' || g.state === 'unreachable')
    const first = troubles[0]
    return first ? { status: 'degraded', reason: `${first.account} ${first.state}: ${first.reason ?? ''}` } : { status: 'ok' }
  }

  sink(account: string): BridgeSink {
    return new AccountSink(account, this.#ingest, this.#limits)
  }

  reload(routes: readonly RouteDefinition[], rules: readonly Rule[], limits: Partial<PipelineLimits> = {}): void {
    const table = compileRoutes(routes)
    const compiled = compileRules(rules)
    this.#table = table
    this.#rules = compiled
    // One object for all parts of the pipeline: they look into it for every decision.
    Object.assign(this.#limits, limits)
    for (const id of this.#breakers.keys()) if (!table.routes.has(id)) this.#breakers.delete(id)
  }

  async accountReady(network: Network, account: string): Promise<void> {
    this.#worker.gate({ network, account }).reset()
    const lanes = await this.#store.lanesOf(network, account)
    this.#worker.retry(lanes)
  }

  async accountQuiet(network: Network, account: string, maxMs: number): Promise<void> {
    const gate = this.#worker.gate({ network, account })
    const until = this.#clock.monotonic() + maxMs
    while (gate.inflight > 0 && this.#clock.monotonic() < until) await sleep(QUIET_LOOK_MS)
  }

  async laneReady(lane: string): Promise<void> {
    await this.#store.resume([lane])
    this.#worker.retry([lane])
  }

  async lanesMayWork(lanes: readonly string[]): Promise<void> {
    if (lanes.length > 0) this.#worker.retry(await this.#store.resume(lanes))
  }

  async pauseRoute(route: string, paused: boolean): Promise<void> {
    await run(this.#options.db.pool, PAUSE_ROUTE, [route, paused, this.#clock.now()])
    const next = new Set(this.#paused)
    if (paused) next.add(route)
    else next.delete(route)
    this.#paused = next
  }

  runLane(lane: string, maxMs = RUN_LANE_MS): Promise<void> {
    return this.#worker.settle(lane, maxMs)
  }

  onStored(listener: () => void): void {
    this.#onStored = listener
  }

  onFlagged(listener: (envelope: Envelope, decision: RouteDecision) => void): void {
    this.#onFlagged = listener
  }

  onCrowded(listener: (envelope: Envelope) => void): void {
    this.#onCrowded = listener
  }

  onSuspended(listener: (lane: string, probeAt: number) => void): void {
    this.#events.onSuspended = listener
  }

  stats(): PipelineStats {
    return {
      counters: this.counters.samples(),
      histograms: this.counters.histograms(),
      waiting: this.#ingest.waiting,
      inflight: this.#worker.inflight,
    }
  }

  #context(): RouteContext {
    return {
      table: this.#table,
      rules: this.#rules,
      instance: this.#options.instance,
      isOwn: (key) => this.#options.own?.has(key) ?? false,
      isPaused: (route) => this.#paused.has(route),
      isNews: (envelope, to) => this.#repeats.isNews(envelope, to, this.#clock.now()),
      breaker: (route, message) => this.#judgeBot(route, message),
      advise: this.#options.advise,
      moderate: this.#options.moderate,
      pace: (envelope, routes) => this.pacing.turn(envelope, routes),
    }
  }

  #judgeBot(route: string, message: { readonly eventId: string; readonly text: string }): BreakerVerdict {
    let breaker = this.#breakers.get(route)
    if (breaker === undefined) {
      breaker = new BotBreaker()
      this.#breakers.set(route, breaker)
    }
    const verdict = breaker.observe(message, this.#clock.now())
    if (verdict === 'tripped-rate' || verdict === 'tripped-same-text') this.#events.breakerTripped(route, verdict)
    return verdict
  }

  async #expire(): Promise<void> {
    for (const lane of await this.#store.expiringLanes()) {
      await this.#store.expire(lane)
      this.#worker.wake([lane])
    }
  }
}
