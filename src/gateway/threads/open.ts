import { Mutex } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { BridgeSink } from '../../bridges/port.ts'
import type { PgPool } from '../db/pool.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import type { RouteBook } from '../reload/route-book.ts'
import { GeneralTopic } from './general.ts'
import { ThreadPairing } from './pairing.ts'
import { ThreadPairStore } from './pairs.ts'
import { ThreadRevival } from './revival.ts'
import { ThreadSync } from './sync.ts'
import { TopicTitles } from './titles.ts'

export interface Threads extends Lifecycle {
  /** The same sink, with counterparts made before events are stored, and names and states carried over afterwards. */
  sink(inner: BridgeSink): BridgeSink
  /**
   * The same bridges; threads that routes made and somebody deleted are made again when something is sent there, and what is
   * for topics that cannot be goes to the general topic where the route says so.
   */
  readonly bridges: BridgeRegistry
}

/** Threads and topics that belong together: those routes name, and those they make (bridging 10.5). */
export function openThreads(parts: {
  readonly bridges: BridgeRegistry
  readonly book: RouteBook
  readonly pool: PgPool
  readonly clock: Clock
  readonly log: Logger
}): Threads {
  const { bridges, book, pool, clock } = parts
  const log = parts.log.child({ mod: 'threads' })
  const store = new ThreadPairStore(pool)
  const sync = new ThreadSync({ bridges, routes: book.routes, log })
  const turn = new Mutex()
  const revival = new ThreadRevival({
    bridges,
    pairs: () => book.pairs,
    change: async (pair) => {
      await store.move(pair)
      book.usePairs(book.pairs.map((p) => (p.id === pair.id ? pair : p)))
    },
    isLive: (pair) => book.routes().some(({ id, threads }) => id === pair.route && threads === 'auto'),
    turn,
    clock,
    log,
  })
  const pairing = new ThreadPairing({
    bridges,
    routes: book.routes,
    turn,
    keep: async (pair) => {
      await store.add(pair, clock.now())
      book.usePairs([...book.pairs, pair])
    },
    clock,
    log,
  })
  const general = new GeneralTopic({
    bridges: revival,
    routes: book.routes,
    pairs: () => book.pairs,
    titles: new TopicTitles(pool, clock),
    clock,
    log,
  })
  return {
    name: sync.name,
    stop: () => sync.stop(),
    sink: (inner) => pairing.sink(general.sink(sync.sink(inner))),
    bridges: general,
  }
}
