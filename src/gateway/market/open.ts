import type { Clock } from '../../base/clock.ts'
import { hashId } from '../../base/ids.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import type { PeerPort } from '../../bridges/p2p/port.ts'
import { peerDisplayName } from '../../bridges/p2p/presentation.ts'
import type { Bridge } from '../../bridges/port.ts'
import type { K2Node } from '../../core/index.ts'
import type { Lexicon } from '../../rules/index.ts'
import type { ActionIds } from '../commands/action-ids.ts'
import type { ActionDefinition, CommandDefinition } from '../commands/definition.ts'
import type { Config } from '../config/schema.ts'
import type { PgPool } from '../db/pool.ts'
import type { JobBackend } from '../jobs/backend.ts'
import { type JobQueues, MARKET, RULE_JOB } from '../jobs/queues.ts'
import { QueueWorker } from '../jobs/workers.ts'
import type { Pipeline } from '../pipeline/index.ts'
import { DEFAULT_LIMITS } from '../pipeline/limits.ts'
import { OwnMessages } from '../pipeline/say.ts'
import { rulesPath } from '../rules/places.ts'
import { ratesOf } from '../rules/rates.ts'
import { RuleService } from '../rules/service.ts'
import { marketActions } from './actions.ts'
import { alertCommands, SearchDesk } from './commands-alerts.ts'
import { offerCommands } from './commands-offers.ts'
import { ruleCommands } from './commands-rules.ts'
import { talkCommands } from './commands-talks.ts'
import { reconsider } from './conversation.ts'
import { Desk } from './desk.ts'
import { InboxReader } from './inbox.ts'
import { OfferLeases } from './leases.ts'
import { listCommands } from './lists.ts'
import { Market } from './market.ts'
import { MarketMemory } from './memory.ts'
import { NoticeSender } from './notices.ts'
import { Opinions } from './opinions.ts'
import type { MarketParts } from './parts.ts'
import { Profiles } from './profiles.ts'
import { Publisher } from './publishing.ts'
import { RouteAdvisor } from './route-advice.ts'
import { isFinal, RuleJobs } from './rule-jobs.ts'
import { MarketStore } from './store.ts'
import { TalkDesk } from './talk-desk.ts'
import { Together } from './together.ts'
import { toK2, toQueues } from './ways.ts'

export interface OpenMarketParts {
  readonly config: Config
  readonly lexicon: Lexicon
  readonly db: { readonly pool: PgPool }
  readonly backend: JobBackend
  readonly queues: JobQueues
  readonly node: K2Node
  readonly port: PeerPort
  readonly pipeline: Pipeline
  readonly bridges: () => readonly Bridge[]
  readonly ids: ActionIds
  /** Unique per data directory, the same over restarts. */
  readonly instance: string
  readonly clock: Clock
  readonly log: Logger
}

export interface OpenMarket {
  readonly market: Market
  readonly commands: readonly CommandDefinition[]
  readonly actions: readonly ActionDefinition[]
  readonly rules: RuleService
  /** For the pipeline: what rules say about a message's destinations. */
  readonly advise: RouteAdvisor['advise']
  /** The rules, to be loaded before any message comes. */
  readonly early: Lifecycle
  /** To be started after the bridges. */
  readonly part: Lifecycle
}

/** Puts the market together. Rejects `RULES_MISSING` where its rule files cannot be used at all. */
export async function openMarket(parts: OpenMarketParts): Promise<OpenMarket> {
  const { config, lexicon, db, backend, node, port, pipeline, clock } = parts
  const log = parts.log.child({ mod: 'market' })
  const { counters } = pipeline
  const rules = new RuleService({
    path: rulesPath(config),
    lexicon,
    pool: db.pool,
    counters,
    clock,
    log,
    tell: (lines) =>
      market.tellOperator(
        `rules.${hashId(lines)}.${clock.now()}`,
        `Rule files are broken: the rules that ran go on.\n${lines.join('\n')}`,
      ),
  })
  const store = new MarketStore(db.pool, log)
  const shared: MarketParts = {
    memory: new MarketMemory(),
    profiles: new Profiles(config.market, await store.profiles()),
    lexicon,
    ruleSet: () => rules.current,
    rates: ratesOf(config.market),
    buttonId: (name, argument) => parts.ids.id(name, argument),
    counters,
    secondOpinion: config.market.model && ((message, reading, origin) => opinions?.ask(message, reading, origin)),
    accountOf: (network) => parts.bridges().find((b) => b.network === network)?.account,
    jobQueues: new Set(Object.keys(config.market.jobs)),
    operatorPlace: config.market.operator,
    timeZone: config.market.timeZone,
    clock,
    rng: cryptoRng,
    log,
  }
  const opinions =
    config.market.model === undefined
      ? undefined
      : new Opinions({
          model: config.market.model,
          lexicon,
          counters,
          clock,
          log,
          onReading: (opinion) => market.act((step) => reconsider(step, opinion)),
        })
  const several = config.database.driver === 'postgres'
  const publisher = new Publisher(node, shared, several ? parts.instance : undefined)
  const jobs = new RuleJobs({ jobs: config.market.jobs, queues: parts.queues, log, act: (work) => market.act(work) })
  const own = { pool: db.pool, clock, rng: cryptoRng, limits: DEFAULT_LIMITS }
  const outbox = new OwnMessages(own, (lane) => parts.queues.wakeLane(lane))
  const notices = new NoticeSender({
    pool: db.pool,
    bridges: parts.bridges,
    clock,
    log,
    counters,
    shared: several,
    ways: new Map([
      ['p2p/self', toK2(outbox)],
      ['job/self', toQueues(jobs)],
    ]),
  })
  const contactName = (id: string): string | undefined => node.contacts().find((c) => c.addr.id === id)?.name
  const source = `${parts.instance}/${process.pid}`
  const together = several
    ? new Together({
        pool: db.pool,
        store,
        parts: shared,
        source,
        onIntent: (entry, before) => market.followIntent(entry, before),
        clock,
        log,
      })
    : undefined
  const leases = several
    ? new OfferLeases({ pool: db.pool, instance: parts.instance, goneAfterMs: config.market.adoptAfter, clock, log })
    : undefined
  const market: Market = new Market({
    parts: shared,
    store,
    publisher,
    notices,
    port,
    peerName: (message) => peerDisplayName(message, contactName),
    admins: config.access.admins,
    together,
    leases,
  })
  market.reader = new InboxReader({
    pool: db.pool,
    shared: several,
    owner: source,
    instance: parts.instance,
    clock,
    log,
    backlog: () => pipeline.stats().waiting,
    take: market.take,
    ...(several && { takeOver: market.takeOver }),
  })
  const worker = new QueueWorker({
    backend,
    queue: MARKET,
    concurrency: 1,
    handlers: { round: () => market.round() },
    log,
    clock,
  })
  // Nobody orders jobs where none are configured: then nobody has to wait for them.
  const workers = [worker, ...(shared.jobQueues.size > 0 ? [jobWorker(parts, jobs, log)] : [])]
  const part: Lifecycle = {
    name: 'market',
    start: async () => {
      await market.start()
      pipeline.onStored(market.wake)
      for (const one of workers) await one.start()
    },
    drain: async (signal) => {
      await Promise.all(workers.map((one) => one.drain(signal)))
      await opinions?.stop()
      await market.drain()
    },
    stop: async () => {
      await Promise.all(workers.map((one) => one.stop()))
      await opinions?.stop()
      await market.stop()
    },
    health: () => market.health(),
  }
  const desk = new Desk(market)
  const searches = new SearchDesk(desk)
  return {
    market,
    rules,
    advise: new RouteAdvisor(() => shared).advise,
    early: { name: 'rules', start: () => rules.start(), stop: async () => void (await rules.stop()) },
    part,
    commands: [
      ...offerCommands(desk),
      ...talkCommands(new TalkDesk(desk)),
      ...alertCommands(searches),
      ...listCommands(searches),
      ...ruleCommands(desk, rules),
    ],
    actions: marketActions(desk, searches),
  }
}

/** Jobs of rules handled at once. */
const RULE_JOBS_AT_ONCE = 4

function jobWorker({ backend, clock }: OpenMarketParts, jobs: RuleJobs, log: Logger): QueueWorker<typeof RULE_JOB> {
  return new QueueWorker({
    backend,
    queue: RULE_JOB,
    concurrency: RULE_JOBS_AT_ONCE,
    handlers: { run: jobs.run },
    isFinal,
    log,
    clock,
  })
}
