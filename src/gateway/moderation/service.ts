import { TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { hashId } from '../../base/ids.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { BridgeSink } from '../../bridges/port.ts'
import type { CompiledRoute, Pipeline, RouteDefinition, Verdict } from '../pipeline/index.ts'
import { ModerationGate } from './gate.ts'
import type { Bar, BarKind, ModerationState, RouteLimits } from './model.ts'
import type { ModerationStore } from './store.ts'

/** What other gateways on the same database decided is known here after this, ms. */
const REFRESH_MS = 30_000
/** More waiting messages than this are refused: nobody would look at them. */
const MAX_HELD = 1_000

export interface ModerationOptions {
  readonly store: ModerationStore
  readonly pipeline: () => Pipeline
  readonly routes: () => readonly RouteDefinition[]
  /** A waiting message is given up after this, ms. */
  readonly holdMs: () => number
  readonly clock: Clock
  readonly log: Logger
}

/** Who may not be heard where, and what waits for a moderator; kept in the database, decided without it (bridging 18). */
export class Moderation implements Lifecycle {
  readonly name = 'moderation'
  readonly #o: ModerationOptions
  readonly #gate: ModerationGate
  readonly #tasks: TaskGroup
  #state: ModerationState = { bars: [], limits: [] }
  #links: ReadonlyMap<string, readonly string[]> = new Map()
  #known: ReadonlySet<string> = new Set()
  #knownAt = 0
  #held = 0
  #cancel = (): void => {}
  /** Told after each look, with the waiting messages that expired or were taken back. */
  onLooked: (gone: readonly string[]) => Promise<void> = async () => {}

  constructor(options: ModerationOptions) {
    this.#o = options
    this.#gate = new ModerationGate({
      accountsOf: (account) => this.accountsOf(account),
      isKnown: (account) => this.accountsOf(account).some((a) => this.#known.has(a)),
      canHold: () => this.#held < MAX_HELD,
    })
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'moderation-failed', err }, 'decisions could not be read'))
  }

  /** Before anything is received: a banned person finds no gap after a restart. */
  async start(): Promise<void> {
    await this.refresh()
    await this.#remember()
    this.#schedule()
  }

  async drain(): Promise<void> {
    this.#cancel()
    await this.#tasks.settled()
  }

  readonly judge = (envelope: Envelope, route: CompiledRoute, again = false): Verdict | undefined => {
    const verdict = this.#gate.judge(envelope, route, this.#o.clock.now(), again)
    if (verdict?.action === 'hold') this.#held++
    return verdict
  }

  /** Keeps reactions of barred people away from those who carry them over; messages leave their trace in the pipeline. */
  sink(inner: BridgeSink): BridgeSink {
    return {
      ingest: (envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> => {
        const wanted = envelopes.filter((e) => !this.#isBarredReaction(e))
        return inner.ingest(wanted, cursors)
      },
    }
  }

  accountsOf(account: string): readonly string[] {
    return this.#links.get(account) ?? [account]
  }

  state(): ModerationState {
    const now = this.#o.clock.now()
    return {
      bars: this.#state.bars.filter((b) => b.until === undefined || b.until > now),
      limits: this.#state.limits.filter((l) => l.slowMs !== undefined || (l.raid?.until ?? 0) > now),
    }
  }

  /** Banned everywhere: such a person is not heard at all, nor may they give commands. */
  isBanned(account: string): boolean {
    return this.#has(account, 'ban')
  }

  /** Nothing of theirs that is not decided route by route goes on: they are banned, muted, under watch or opted out. */
  isBarred(account: string): boolean {
    return this.#gate.barsOf(account, undefined, this.#o.clock.now()).length > 0
  }

  isOptedOut(account: string): boolean {
    return this.#has(account, 'optout')
  }

  /** A name for the log of somebody who asked not to be named. */
  pseudonym(account: string): string {
    return `person ${hashId(['optout', this.accountsOf(account)[0] ?? account]).slice(0, 8)}`
  }

  async bar(bar: Bar): Promise<void> {
    await this.#o.store.bar(bar)
    this.#count(bar.kind)
    await this.refresh()
  }

  /** How many bars there were. */
  async lift(account: string, kinds: readonly BarKind[], route?: string): Promise<number> {
    const count = await this.#o.store.lift(this.accountsOf(account), kinds, route)
    await this.refresh()
    return count
  }

  async slow(route: string | undefined, ms: number | undefined, by: string): Promise<void> {
    await this.#o.store.slow(route, ms, by, this.#o.clock.now())
    await this.refresh()
  }

  async raid(route: string | undefined, until: number | undefined, by: string): Promise<void> {
    const now = this.#o.clock.now()
    await this.#o.store.raid(route, until === undefined ? undefined : { since: now, until }, by, now)
    if (until !== undefined) this.#count('raid')
    await this.refresh()
  }

  async refresh(): Promise<void> {
    const { store, clock, pipeline } = this.#o
    const [state, links, held] = await Promise.all([store.state(clock.now()), store.links(), pipeline().quarantine.count()])
    this.#links = links
    this.#held = held
    await this.#learnKnown(state.limits)
    this.#state = state
    this.#gate.use(state)
  }

  gauges(): Readonly<Record<string, number>> {
    return { moderation_bars: this.state().bars.length, moderation_held: this.#held }
  }

  /** Slow mode and rates go on where they were before the restart. */
  async #remember(): Promise<void> {
    const limited = this.#o.routes().filter((route) => this.#gate.memoryMs([route]) > 0)
    if (limited.length === 0) return
    const since = this.#o.clock.now() - this.#gate.memoryMs(limited)
    const routes = new Map(limited.map((route) => [route.id, route]))
    this.#gate.remember(await this.#o.store.saidSince(since, [...routes.keys()]), routes)
  }

  /** Who wrote before the oldest raid that goes on: they are no newcomers. */
  async #learnKnown(limits: readonly RouteLimits[]): Promise<void> {
    const now = this.#o.clock.now()
    const raids = limits.flatMap((l) => (l.raid !== undefined && l.raid.until > now ? [l.raid.since] : []))
    const since = raids.length === 0 ? 0 : Math.min(...raids)
    if (since === this.#knownAt) return
    this.#known = since === 0 ? new Set() : await this.#o.store.knownBefore(since)
    this.#knownAt = since
  }

  #has(account: string, kind: BarKind): boolean {
    return this.#gate.barsOf(account, undefined, this.#o.clock.now()).some((b) => b.kind === kind && b.route === undefined)
  }

  #isBarredReaction({ event }: Envelope): boolean {
    if (event.kind !== 'reaction.set' && event.kind !== 'reaction.delta') return false
    const kinds = this.#gate.barsOf(event.actor.key, undefined, this.#o.clock.now())
    if (kinds.length === 0) return false
    this.#o.pipeline().counters.add('bridge_filtered_total', { rule: 'reaction-barred' })
    return true
  }

  #count(kind: string): void {
    this.#o.pipeline().counters.add('bridge_moderation_total', { kind })
  }

  #schedule(): void {
    this.#cancel = this.#o.clock.after(REFRESH_MS, () => this.#tasks.add(this.#sweep().finally(() => this.#schedule())))
  }

  async #sweep(): Promise<void> {
    const { store, clock, pipeline, holdMs } = this.#o
    const now = clock.now()
    await store.prune(now)
    const gone = await pipeline().quarantine.expire(now - holdMs())
    await this.refresh()
    await this.onLooked(gone)
  }
}
