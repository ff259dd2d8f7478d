import type { Clock } from '../../../src/base/clock.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import type { Notice, NoticeTarget } from '../../../src/bridges/interaction.ts'
import type { Author } from '../../../src/bridges/model/message.ts'
import type { NativeRef, Network, Place } from '../../../src/bridges/model/place.ts'
import type { PeerChatMessage, PeerMarketMessage, PeerUpdate } from '../../../src/bridges/p2p/port.ts'
import type { Bridge } from '../../../src/bridges/port.ts'
import type { InterestToSend, Listing } from '../../../src/core/index.ts'
import { marketSchema } from '../../../src/gateway/config/market.ts'
import { InboxReader } from '../../../src/gateway/market/inbox.ts'
import { OfferLeases } from '../../../src/gateway/market/leases.ts'
import { Market } from '../../../src/gateway/market/market.ts'
import { MarketMemory } from '../../../src/gateway/market/memory.ts'
import type { RuleJob } from '../../../src/gateway/market/model.ts'
import { NoticeSender } from '../../../src/gateway/market/notices.ts'
import type { MarketParts } from '../../../src/gateway/market/parts.ts'
import { Profiles } from '../../../src/gateway/market/profiles.ts'
import { Publisher } from '../../../src/gateway/market/publishing.ts'
import { RouteAdvisor } from '../../../src/gateway/market/route-advice.ts'
import { RuleJobs } from '../../../src/gateway/market/rule-jobs.ts'
import { MarketStore } from '../../../src/gateway/market/store.ts'
import { Together } from '../../../src/gateway/market/together.ts'
import { toK2, toQueues } from '../../../src/gateway/market/ways.ts'
import { BridgeSet, createPipeline, type Pipeline } from '../../../src/gateway/pipeline/index.ts'
import { DEFAULT_LIMITS } from '../../../src/gateway/pipeline/limits.ts'
import { OwnMessages } from '../../../src/gateway/pipeline/say.ts'
import { readLexicon, SHIPPED_RULES } from '../../../src/gateway/rules/files.ts'
import { ratesOf } from '../../../src/gateway/rules/rates.ts'
import { RuleService } from '../../../src/gateway/rules/service.ts'
import { compileLexicon } from '../../../src/rules/index.ts'
import { ShiftedClock, type TestDatabase } from '../pipeline/rig.ts'
import { create, discord, edit, remove, route, ScriptedBridge, telegram } from '../pipeline/scripted.ts'

/** A bridge that remembers what the gateway itself said through it. */
export class TalkingBridge extends ScriptedBridge {
  readonly said: { readonly target: NoticeTarget; readonly notice: Notice; readonly ref: NativeRef }[] = []
  readonly changed: { readonly ref: NativeRef; readonly notice: Notice }[] = []
  /** Author keys that cannot be written to directly. */
  readonly unreachable = new Set<string>()
  /** Set to make every post fail once more. */
  failures: K2Error[] = []

  interactions(): void {}

  async post(target: NoticeTarget, notice: Notice): Promise<NativeRef> {
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    if (target.kind === 'person' && this.unreachable.has(target.authorKey))
      throw new K2Error({ code: 'TEST_DENIED', kind: 'denied', message: 'blocked the bot' })
    const channel = target.kind === 'place' ? target.place.channel : target.authorKey
    const ref = { network: this.network, account: this.account, channel, id: `n${this.said.length + 1}` } as NativeRef
    this.said.push({ target, notice, ref })
    return ref
  }

  async repost(ref: NativeRef, notice: Notice): Promise<boolean> {
    this.changed.push({ ref, notice })
    return true
  }

  async retract(): Promise<void> {}
}

/** What a K2 node would send, without a network. */
export class ScriptedNode {
  readonly id = 'f'.repeat(64)
  readonly active = new Map<string, Listing>()
  readonly interests: InterestToSend[] = []
  published = 0

  publish(listing: Listing): string {
    const id = `L${++this.published}`
    this.active.set(id, listing)
    return id
  }

  withdraw(id: string): boolean {
    return this.active.delete(id)
  }

  /** Whose direct conversations are listened to. */
  readonly listening: [string, string | undefined][] = []
  /** Set to give people ids of their own. */
  hosted: ((person: string) => string) | undefined

  listenTo(peer: string, person?: string): void {
    this.listening.push([peer, person])
  }

  hostedIdOf(person: string): string | undefined {
    return this.hosted?.(person)
  }

  async sendInterest(interest: InterestToSend): Promise<void> {
    this.interests.push(interest)
  }
}

export interface SayOptions {
  readonly id?: string
  readonly replyTo?: NativeRef
  readonly roles?: readonly string[]
}

export interface MarketRig {
  readonly market: Market
  readonly instance: string
  readonly rules: RuleService
  readonly parts: MarketParts
  readonly pipeline: Pipeline
  readonly clock: ShiftedClock
  readonly tg: TalkingBridge
  readonly dc: TalkingBridge
  /** The K2 side of the pipeline. */
  readonly k2: ScriptedBridge
  /** Jobs rules ordered, as the queue got them. */
  readonly queued: RuleJob[]
  readonly jobs: RuleJobs
  readonly node: ScriptedNode
  readonly telegram: Place
  readonly discord: Place
  /** Writes a message and waits until it was read and everything about it was said. */
  say(at: Place, author: string, text: string, over?: SayOptions): Promise<NativeRef>
  change(ref: NativeRef, author: string, text: string): Promise<void>
  drop(ref: NativeRef, author: string): Promise<void>
  /** An offer, interest or request arrives from a K2 peer. */
  hear(message: Partial<PeerMarketMessage> & Pick<PeerMarketMessage, 'kind' | 'form'>): Promise<void>
  /** A direct message of a K2 peer. */
  chat(message: Partial<PeerChatMessage> & Pick<PeerChatMessage, 'text'>): Promise<void>
  settled(): Promise<void>
  rows<R = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<R[]>
  stop(): Promise<void>
}

const lexicon = compileLexicon(readLexicon())
let counter = 0
const channelOf = (n: number): Place => discord(`5000000000000${String(n).padStart(5, '0')}`)
/** The Discord channel of the market that is started next. */
export const nextDiscord = (): Place => channelOf(counter + 1)
let messages = 0

export const personOf = (network: Network, name: string): Author => ({
  key: `${network}:${name}`,
  displayName: name,
  isBot: false,
  kind: 'user',
})

/** A market over a real database and pipeline; a Telegram group and a Discord channel on one route, both with `assist`. */
export async function startMarket(
  db: TestDatabase,
  over: {
    readonly config?: object
    readonly rulesPath?: string
    readonly clock?: ShiftedClock
    readonly instance?: string
    /** Other gateways work on the same database. */
    readonly several?: boolean
    /** The places of another gateway, which bridges the same channels. */
    readonly places?: readonly [Place, Place]
    /** Gives people ids of their own. */
    readonly hosted?: (person: string) => string
  } = {},
): Promise<MarketRig> {
  const n = ++counter
  const several = over.several === true
  const [tgPlace, dcPlace] = over.places ?? [telegram(`-100${n}`), channelOf(n)]
  const [tg, dc, node] = [new TalkingBridge('telegram', 'tg'), new TalkingBridge('discord', 'dc'), new ScriptedNode()]
  const k2 = new ScriptedBridge('p2p', 'self')
  node.hosted = over.hosted
  const both: readonly Bridge[] = [tg, dc]
  const bridges = new BridgeSet()
  bridges.add(tg)
  bridges.add(dc)
  bridges.add(k2)
  const clock = over.clock ?? new ShiftedClock()
  const instance = over.instance ?? `market-${process.pid}-${n}`
  const pipeline = createPipeline({
    db,
    bridges,
    routes: [route('r', [tgPlace, dcPlace])],
    rules: [],
    instance,
    advise: (envelope) => advisor.advise(envelope),
    clock,
    limits: { sweepMs: 200 },
  })
  const config = marketSchema.parse({ profiles: [{ places: ['**'], mode: 'assist' }], ...over.config })
  const rules = new RuleService({
    path: over.rulesPath ?? SHIPPED_RULES,
    lexicon,
    pool: db.pool,
    counters: pipeline.counters,
    clock,
    log: nullLogger,
  })
  const store = new MarketStore(db.pool, nullLogger)
  const parts: MarketParts = {
    memory: new MarketMemory(),
    profiles: new Profiles(config, await store.profiles()),
    lexicon,
    ruleSet: () => rules.current,
    rates: ratesOf(config),
    buttonId: (name, argument) => `${name}:${argument}`,
    counters: pipeline.counters,
    accountOf: (network) => both.find((b) => b.network === network)?.account,
    jobQueues: new Set(Object.keys(config.jobs)),
    operatorPlace: config.operator,
    timeZone: config.timeZone,
    clock,
    rng: cryptoRng,
    log: nullLogger,
  }
  const publisher = new Publisher(node, parts, several ? instance : undefined)
  const together = several
    ? new Together({
        pool: db.pool,
        store,
        parts,
        source: instance,
        onIntent: (entry, before) => market.followIntent(entry, before),
        clock,
        log: nullLogger,
      })
    : undefined
  const leases = several
    ? new OfferLeases({ pool: db.pool, instance, goneAfterMs: config.adoptAfter, clock, log: nullLogger })
    : undefined
  const advisor = new RouteAdvisor(() => parts)
  const outbox = new OwnMessages({ pool: db.pool, clock, rng: cryptoRng, limits: DEFAULT_LIMITS }, (lane) =>
    pipeline.runLane(lane),
  )
  const queued: RuleJob[] = []
  const queues = { add: async (_queue: unknown, _name: unknown, data: unknown) => void queued.push(data as RuleJob) }
  const jobs = new RuleJobs({ jobs: config.jobs, queues: queues as never, log: nullLogger, act: (work) => market.act(work) })
  const notices = new NoticeSender({
    pool: db.pool,
    bridges: () => both,
    clock,
    log: nullLogger,
    counters: pipeline.counters,
    shared: several,
    ways: new Map([
      ['p2p/self', toK2(outbox)],
      ['job/self', toQueues(jobs)],
    ]),
  })
  let listener: ((update: PeerUpdate) => Promise<void>) | undefined
  const port = {
    nodeId: node.id,
    observe: (handler: (update: PeerUpdate) => Promise<void>) => {
      listener = handler
      return () => {}
    },
  }
  const market: Market = new Market({
    parts,
    store,
    publisher,
    notices,
    port,
    peerName: (m) => m.senderName ?? `Peer ${m.senderId.slice(0, 8)}`,
    together,
    leases,
  })
  market.reader = new InboxReader({
    pool: db.pool,
    shared: several,
    ...(several && { takeOver: () => market.takeOver() }),
    owner: `${instance}/${messages}`,
    instance,
    clock: clock as Clock,
    log: nullLogger,
    backlog: () => pipeline.stats().waiting,
    take: market.take,
  })
  await rules.start()
  await pipeline.start(new AbortController().signal)
  await market.start()
  pipeline.onStored(market.wake)
  await market.settled()
  const sinks = { telegram: pipeline.sink('tg'), discord: pipeline.sink('dc') }
  const sinkOf = (at: Place) => sinks[at.network as 'telegram' | 'discord']
  const placeOf = (ref: NativeRef): Place => (ref.network === 'telegram' ? tgPlace : dcPlace)
  let stopped = false
  return {
    market,
    instance,
    rules,
    parts,
    pipeline,
    clock,
    tg,
    dc,
    k2,
    queued,
    jobs,
    node,
    telegram: tgPlace,
    discord: dcPlace,
    async say(at, author, text, { id = String(++messages + 1000), replyTo, roles } = {}) {
      const event = create(at, id, text, {
        author: { ...personOf(at.network, author), ...(roles && { roles }) },
        at: clock.now(),
        ...(replyTo !== undefined && { replyTo }),
      })
      await sinkOf(at).ingest([event])
      await market.settled()
      return event.msg
    },
    async change(ref, author, text) {
      const at = placeOf(ref)
      await sinkOf(at).ingest([edit(at, ref.id, text, { author: personOf(ref.network, author), at: clock.now() })])
      await market.settled()
    },
    async drop(ref, author) {
      const at = placeOf(ref)
      await sinkOf(at).ingest([remove(at, ref.id, { author: personOf(ref.network, author), at: clock.now() })])
      await market.settled()
    },
    async hear(message) {
      const full: PeerMarketMessage = {
        topic: 'Goods',
        senderId: 'a'.repeat(64),
        senderClass: 'verified',
        sentAt: clock.now(),
        intentKey: JSON.stringify(message.form),
        messageId: `m${++messages}`,
        ...message,
      }
      await listener?.({ kind: 'market', message: full })
      await market.settled()
    },
    async chat(message) {
      const full: PeerChatMessage = {
        peerId: 'a'.repeat(64),
        senderClass: 'verified',
        sentAt: clock.now(),
        messageId: `c${++messages}`,
        ...message,
      }
      await listener?.({ kind: 'chat', message: full })
      await market.settled()
    },
    settled: () => market.settled(),
    rows: async <R>(sql: string, values?: readonly unknown[]) => (await db.pool.query<R>(sql, values)).rows,
    async stop() {
      if (stopped) return
      stopped = true
      await market.drain()
      await market.stop()
      await rules.stop()
      await pipeline.drain(AbortSignal.timeout(5_000))
      await pipeline.stop()
    },
  }
}
