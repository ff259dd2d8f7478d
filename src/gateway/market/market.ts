import { setImmediate as nextTurn } from 'node:timers/promises'
import { deferred, Mutex } from '../../base/async.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { PeerPort } from '../../bridges/p2p/port.ts'
import { alert } from '../../rules/index.ts'
import type { Queryable } from '../db/pool.ts'
import { tellSearches } from './alerting.ts'
import { Changes } from './changes.ts'
import { converse } from './conversation.ts'
import { tellOperator } from './effects.ts'
import { judgeHits } from './hits.ts'
import type { InboxReader } from './inbox.ts'
import type { OfferLeases } from './leases.ts'
import { listenAgain } from './listen-again.ts'
import { intentOf, type MarketIntent } from './model.ts'
import type { NoticeSender } from './notices.ts'
import type { MarketParts } from './parts.ts'
import { PeerEar } from './peer-ear.ts'
import { countPeer, followPeer, type PeerContext } from './peers.ts'
import type { Publisher } from './publishing.ts'
import { tick } from './rounds.ts'
import type { Step, ToTell } from './step.ts'
import type { MarketStore } from './store.ts'
import { type ChangeKind, notesOf, type Together } from './together.ts'

const RETRY_MS = [100, 500, 2_000, 5_000] as const
/** Messages read between two turns of the event loop. */
const TURN = 25
/** A position behind messages that changed nothing is written this rarely: reading them again changes nothing either. */
const CURSOR_EVERY_MS = 1_000
/** The regular round, when no job asks for it. */
const ROUND_MS = 60_000
/** Old rows are removed this often. */
const PRUNE_EVERY_MS = 3_600_000

export interface MarketOptions {
  readonly parts: MarketParts
  readonly store: MarketStore
  readonly publisher: Publisher
  readonly notices: NoticeSender
  readonly port: Pick<PeerPort, 'nodeId' | 'observe'>
  readonly peerName: PeerContext['nameOf']
  /** Administrators of the configuration: author keys, and `discord-role:` ids. */
  readonly admins?: readonly string[]
  /** Where several gateways share the database. */
  readonly together?: Together | undefined
  /** There: which gateway repeats what on K2. */
  readonly leases?: OfferLeases | undefined
}

/** One thing to do; `tx` is the turn it is done in, where gateways share the database. */
type Work<T> = (step: Step, tx?: Queryable) => T | Promise<T>

/**
 * The market of the gateway: what people write becomes intents, intents find each other, and people hear of it (rules 2). One
 * thing happens at a time, in memory; its changes are stored before the next one begins.
 */
export class Market implements Lifecycle {
  readonly name = 'market'
  readonly parts: MarketParts
  readonly publisher: Publisher
  readonly store: MarketStore
  readonly #options: MarketOptions
  readonly #mutex = new Mutex()
  readonly #counts: PeerContext['counts'] = { total: 0, bySender: new Map() }
  #reader: InboxReader | undefined
  readonly #loaded = deferred<void>()
  readonly #ready: Promise<void> = this.#loaded.promise
  #state: 'new' | 'loading' | 'running' | 'stopped' = 'new'
  #failure: string | undefined
  #unsubscribe = (): void => {}
  #cancel = (): void => {}
  #cursor: { readonly seq: number; readonly at: number } = { seq: 0, at: Number.NEGATIVE_INFINITY }
  #pendingCursor: number | undefined
  #lastRound = 0
  #lastPrune = 0

  constructor(options: MarketOptions) {
    this.#options = options
    this.parts = options.parts
    this.publisher = options.publisher
    this.store = options.store
  }

  /** The reader of stored messages; set once, before `start`. */
  set reader(reader: InboxReader) {
    this.#reader = reader
  }

  /** Loads in the background: bridges and commands do not wait for it, what peers say does. */
  async start(): Promise<void> {
    this.#state = 'loading'
    const { parts, store, port } = this.#options
    const context = { me: port.nodeId, counts: this.#counts, nameOf: this.#options.peerName }
    const ear = new PeerEar({ parts, store, context, act: (work) => this.act(work) })
    this.#unsubscribe = port.observe(ear.take)
    this.#load().then(
      () => this.#loaded.resolve(),
      (error: unknown) => this.#loaded.reject(error),
    )
    this.#ready.catch(() => {})
  }

  async #load(): Promise<void> {
    const { parts, store, publisher, notices } = this.#options
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#people()
        await this.#options.leases?.hold()
        await this.#options.together?.open()
        await parts.memory.restore(await store.load(parts.clock.now()), () => nextTurn())
        break
      } catch (error) {
        this.#failure = errorMessage(error)
        parts.log.warn({ ev: 'market-loading', code: errorCode(error) }, 'open intents could not be loaded yet')
        if (this.#stopped()) throw error
        await this.#sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] as number)
      }
    }
    this.#failure = undefined
    for (const entry of parts.memory.all()) {
      const { peer } = entry.origin
      if (peer !== undefined && entry.record.intent.status === 'open') countPeer(this.#counts, peer.nodeId, 1)
    }
    if (this.#stopped()) return
    this.#state = 'running'
    publisher.restore()
    await listenAgain(parts, store, publisher)
    this.#options.together?.follow((work) => this.#mutex.run(work))
    // In a turn of its own, what others changed meanwhile is known.
    this.#options.leases?.follow({ lost: () => publisher.suspend(), regained: () => this.act(() => publisher.resume()) })
    this.#reader?.start()
    notices.wake()
    this.#schedule()
  }

  /** Messages were stored: read them soon. */
  readonly wake = (): void => {
    if (this.#state === 'running') this.#reader?.wake()
  }

  health(): Health {
    if (this.#state === 'loading')
      return { status: 'degraded', reason: this.#failure ?? `loading: ${this.parts.memory.size} intents so far` }
    if (this.#state !== 'running') return { status: 'failed', reason: 'the market is not running' }
    if (this.#failure !== undefined) return { status: 'degraded', reason: this.#failure }
    return { status: 'ok' }
  }

  gauges(): Record<string, number> {
    const { memory } = this.parts
    return {
      open_intents: memory.open.size,
      subscriptions: memory.index.size,
      subscription_delta: memory.index.deltaSize,
      subscription_index_bytes: memory.index.bytes,
      market_published: this.publisher.active,
      market_inbox_position: this.#reader?.position ?? 0,
    }
  }

  /** Does one thing: `work` changes memory and notes its changes; they are stored before anything else happens. */
  async act<T>(work: Work<T>): Promise<T> {
    await this.#ready
    return this.#mutex.run(() => this.#change(work))
  }

  /** For the reader: judges stored events in their order, then stores what came of it with the position behind them. */
  readonly take = (events: readonly Envelope[], seq: number): Promise<void> =>
    this.#mutex.run(() =>
      this.#change(async (step) => {
        for (const [i, envelope] of events.entries()) {
          if (i > 0 && i % TURN === 0) await nextTurn()
          try {
            converse(step, envelope)
          } catch (error) {
            // One message that breaks the reading must not hold up all others.
            this.parts.counters.add('messages_total', { platform: envelope.at.network, outcome: 'failed' })
            this.parts.log.error({ ev: 'message-not-read', eventId: envelope.eventId, err: error }, 'a message could not be read')
          }
        }
      }, seq),
    )

  /** One change of memory, stored before the next begins; where gateways share the database, in its turn among them. */
  async #change<T>(work: Work<T>, seq?: number): Promise<T> {
    const { together } = this.#options
    let step: Step | undefined
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined
    const begin = async (tx?: Queryable): Promise<Step> => {
      const begun = this.#step()
      step = begun
      try {
        outcome = { value: await work(begun, tx) }
      } catch (error) {
        outcome = { error }
      }
      this.#position(begun, seq)
      return begun
    }
    let stored = false
    if (together === undefined) await begin()
    else {
      try {
        await together.turn(async (tx) => this.#flush((await begin(tx)).changes, tx))
        stored = true
      } catch (error) {
        // Memory is ahead once the work has begun: then it is stored later. Otherwise nothing happened.
        if (step === undefined) throw error
        this.parts.log.warn({ ev: 'market-turn', code: errorCode(error) }, 'what happened could not be stored at once')
      }
    }
    await this.#finish(step as unknown as Step, seq, stored)
    const end = outcome as unknown as NonNullable<typeof outcome>
    if ('error' in end) throw end.error
    return end.value
  }

  async #flush(changes: Changes, tx: Queryable): Promise<void> {
    const { store, together, parts } = this.#options
    await store.flush(changes, parts.clock.now(), tx)
    await together?.note(tx, notesOf(changes))
  }

  /** Something was changed beside a step: other gateways read it again. */
  async tellOthers(kind: ChangeKind, key: string): Promise<void> {
    const { together } = this.#options
    await together?.turn((tx) => together.note(tx, [{ kind, key }]))
  }

  /** This gateway reads messages from now on: what the one before it decided counts. */
  readonly takeOver = (): Promise<void> =>
    this.#mutex.run(async () => {
      const { store, parts } = this.#options
      const { alerts, ruleState } = await store.decided(parts.clock.now())
      for (const change of alerts) parts.memory.alerts.apply(change)
      parts.memory.remember(ruleState)
    })

  /** Another gateway changed an intent. */
  readonly followIntent = (entry: MarketIntent, before: MarketIntent | undefined): void => {
    followPeer(this.#counts, entry, before)
    if (intentOf(entry).status !== 'open') this.parts.memory.alerts.close(intentOf(entry).intent_id)
    this.publisher.follow(entry)
  }

  /** Says something where the operator reads. Never rejects. */
  tellOperator(id: string, text: string): void {
    if (this.parts.operatorPlace === undefined) return
    this.#background(this.act((step) => tellOperator(step, id, text)))
  }

  /** The regular round: what ends, what is due, what is old. Idempotent. */
  async round(): Promise<void> {
    if (this.#state !== 'running') return
    const { parts, store, publisher } = this.#options
    const now = parts.clock.now()
    this.#lastRound = now
    await this.#people()
    // One of several gateways looks after what time brings: the one that reads.
    if (this.#options.together === undefined || this.#reader?.position !== undefined) {
      await this.act((step) => tick(step, this.#counts))
      await this.act((step, tx) => (tx === undefined ? 0 : (this.#options.leases?.adopt(step, tx) ?? 0)))
    }
    publisher.refresh()
    while (parts.memory.tidyStep()) await nextTurn()
    await this.#saveCursor()
    if (now - this.#lastPrune > PRUNE_EVERY_MS) {
      this.#lastPrune = now
      await store.prune(now)
      await this.#options.together?.prune(now)
    }
    if (store.tracesWait) await store.trimTraces()
  }

  /** Who belongs to whom, and who holds a role of the gateway. */
  async #people(): Promise<void> {
    const { parts, store } = this.#options
    parts.memory.links = await store.links()
    parts.memory.roles = await store.roles(this.#options.admins ?? [])
  }

  /** Everything stored so far was read, and everything due was said. */
  async settled(): Promise<void> {
    await this.#ready
    await this.#reader?.settled()
    await this.#options.notices.settled()
  }

  async drain(): Promise<void> {
    this.#cancel()
    this.#unsubscribe()
    await this.#reader?.stop()
    await this.#saveCursor().catch((err: unknown) => this.parts.log.debug({ ev: 'market-cursor', code: errorCode(err) }))
    await this.#options.notices.stop()
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#options.together?.stop()
    this.#options.leases?.stop()
    this.#cancel()
    this.#unsubscribe()
    this.publisher.stop()
    await this.#reader?.stop()
    await this.#options.notices.stop()
  }

  #stopped(): boolean {
    return this.#state === 'stopped'
  }

  #step(): Step {
    const { parts, publisher } = this.#options
    return { parts, publisher, changes: new Changes(), now: parts.clock.now(), toTell: [] }
  }

  /** Notes the position behind the events of a step; never before everything in front of it was told. */
  #position({ changes, toTell }: Step, seq: number | undefined): void {
    if (seq === undefined) return
    this.#pendingCursor = seq
    if (toTell.length === 0 && this.#cursorDue(changes)) changes.cursor = seq
  }

  async #finish({ changes, toTell }: Step, seq: number | undefined, stored: boolean): Promise<void> {
    await this.#commit(changes, stored)
    await this.#tellAll(toTell)
    if (seq !== undefined && toTell.length > 0) await this.#saveCursor()
  }

  #cursorDue(changes: Changes): boolean {
    return !changes.empty || this.parts.clock.monotonic() - this.#cursor.at > CURSOR_EVERY_MS
  }

  async #saveCursor(): Promise<void> {
    const seq = this.#pendingCursor
    if (seq === undefined || seq === this.#cursor.seq) return
    const changes = new Changes()
    changes.cursor = seq
    await this.#commit(changes)
  }

  /** Slices of each intent's searches by turns, so that one with ten thousand holds up nobody. */
  async #tellAll(toTell: readonly ToTell[]): Promise<void> {
    if (toTell.length === 0) return
    const { parts } = this
    const expansion = new alert.Expansion<string>()
    const changeOf = new Map(toTell.map((t) => [t.intentId, t.change]))
    for (const { intentId, searches } of toTell) expansion.add(intentId, searches)
    for (let slice = expansion.next(); slice !== undefined; slice = expansion.next()) {
      const entry = parts.memory.get(slice.intent)
      if (entry === undefined) continue
      const step = this.#step()
      judgeHits(step, entry, slice.recipients)
      tellSearches(parts, entry, slice.recipients, changeOf.get(slice.intent) ?? 'same', step.changes, step.now)
      await this.#commit(step.changes)
      await nextTurn()
    }
  }

  /** Memory is ahead: the changes must be stored, however long the database needs. */
  async #commit(changes: Changes, stored = false): Promise<void> {
    if (!changes.empty && !stored) {
      const { store, parts, together } = this.#options
      for (let attempt = 0; ; attempt++) {
        try {
          if (together === undefined) await store.flush(changes, parts.clock.now())
          else await together.turn((tx) => this.#flush(changes, tx))
          break
        } catch (error) {
          this.#failure = `what happened cannot be stored: ${errorMessage(error)}`
          parts.log.warn({ ev: 'market-store', code: errorCode(error), err: error }, 'intents could not be stored; tried again')
          if (this.#stopped()) throw error
          await this.#sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] as number)
        }
      }
      this.#failure = undefined
    }
    if (changes.cursor !== undefined) this.#cursor = { seq: changes.cursor, at: this.parts.clock.monotonic() }
    for (const effect of changes.afterwards) effect()
    if (changes.notices.length > 0) this.#options.notices.wake()
    if (changes.ended.size > 0) this.#background(this.#options.notices.markEnded([...changes.ended]))
  }

  #background(work: Promise<void>): void {
    work.catch((err: unknown) => this.parts.log.warn({ ev: 'market-background', err }, 'something of the market failed'))
  }

  #schedule(): void {
    this.#cancel = this.parts.clock.after(ROUND_MS, () => {
      if (this.parts.clock.now() - this.#lastRound >= ROUND_MS / 2) this.#background(this.round())
      this.#schedule()
    })
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.parts.clock.after(ms, resolve))
  }
}
