import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { PgPool } from '../db/pool.ts'
import { run, statement } from '../db/sql/statement.ts'
import type { RouteDefinition, RouteMember } from '../pipeline/index.ts'
import { channelKey } from '../pipeline/scope.ts'

/** A thread or topic of a pair, and the ids it had before somebody deleted it and it was made again. */
export type PairedPlace = Place & { readonly was?: readonly string[] }

/** Threads and topics that belong together, because a route makes counterparts (bridging 10.5). */
export interface ThreadPair {
  readonly id: string
  /** The route that made it. */
  readonly route: string
  readonly title: string
  /** At most one per channel of the route. */
  readonly places: readonly PairedPlace[]
}

const LIST = statement('thread_pairs', 'select id, route, title, places from k2.thread_pair order by created_at, id')
const ADD = statement(
  'thread_pair_add',
  `insert into k2.thread_pair (id, route, title, places, created_at) values ($1, $2, $3, $4::jsonb, $5)
   on conflict (id) do nothing`,
)

const MOVE = statement('thread_pair_move', 'update k2.thread_pair set places = $2::jsonb where id = $1')

/** Pairs in the database. */
export class ThreadPairStore {
  readonly #pool: PgPool

  constructor(pool: PgPool) {
    this.#pool = pool
  }

  all(): Promise<ThreadPair[]> {
    return run<ThreadPair>(this.#pool, LIST, [])
  }

  async add({ id, route, title, places }: ThreadPair, now: number): Promise<void> {
    await run(this.#pool, ADD, [id, route, title, JSON.stringify(places), now])
  }

  /** A thread of a pair has another id from now on. */
  async move({ id, places }: ThreadPair): Promise<void> {
    await run(this.#pool, MOVE, [id, JSON.stringify(places)])
  }
}

/**
 * A route for each pair, as its parent but between the threads. Members without a counterpart hear what is said there and
 * speak to the channel, as before. Pairs of routes that are gone, or make no counterparts any more, are left out. Pure.
 */
export function pairRoutes(routes: readonly RouteDefinition[], pairs: readonly ThreadPair[]): readonly RouteDefinition[] {
  return pairs.flatMap((pair) => {
    const parent = routes.find((route) => route.id === pair.route && route.threads === 'auto')
    const members = parent?.members.flatMap((member) => memberOf(member, pair)) ?? []
    if (parent === undefined || members.filter((m) => m.place.thread !== undefined).length < 2) return []
    // What the members without threads hear, others may hear from them: nothing is sent back to where it came from (12.4).
    return [
      { ...parent, id: `${parent.id}~${pair.id}`, parent: parent.id, threads: 'flatten' as const, members, allowChain: true },
    ]
  })
}

function memberOf(member: RouteMember, { places }: ThreadPair): RouteMember[] {
  const place = places.find((p) => channelKey(p) === channelKey(member.place))
  if (place !== undefined && member.place.thread === undefined) {
    const { was: _was, ...now } = place
    return [{ ...member, place: now }]
  }
  return member.direction === 'in' || places.some((p) => placeKey(p) === placeKey(member.place))
    ? []
    : [{ ...member, direction: 'out' }]
}
