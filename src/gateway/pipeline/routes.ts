import { type Place, placeKey } from '../../bridges/model/place.ts'
import { type Condition, type PreparedCondition, prepareCondition } from '../../rules/index.ts'
import { badRoutes } from './errors.ts'
import { findRouteCycle } from './route-graph.ts'
import { channelKey } from './scope.ts'

export interface RouteMember {
  readonly place: Place
  /** `in`: only read from it, `out`: only write to it. */
  readonly direction: 'both' | 'in' | 'out'
  readonly identity: 'webhook' | 'bot'
  /** Put before and behind author names of messages that go to this member. */
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

/** A named condition of one route; the first that holds decides, and what no filter holds for passes. */
export interface RouteFilter {
  readonly name: string
  readonly when: Condition
  readonly action: 'allow' | 'drop'
}

/** A configured set of places whose messages are shared (bridging 18). */
export interface RouteDefinition {
  readonly id: string
  readonly members: readonly RouteMember[]
  /** Which messages of other bots and webhooks are bridged: none, all, or those of these author keys (12.6). */
  readonly bots: 'none' | 'all' | readonly string[]
  /** Undelivered creates older than this expire, ms. */
  readonly maxAge: number
  /** What an edit becomes where the network has none: a new message, or nothing. */
  readonly p2pEdits: 'resend' | 'ignore'
  /** Accept that this route forwards in a circle with others (12.8). */
  readonly allowChain: boolean
  readonly filters?: readonly RouteFilter[] | undefined
  /** Show joins, pins, thread changes and the like as lines. Default false. */
  readonly notices?: boolean | undefined
  /** Show reactions as lines. Default `off`. */
  readonly reactions?: 'off' | 'line' | undefined
  /** What deleting one copy does: take all others along if a moderator did it, always, or never. Default `moderators`. */
  readonly copyDeletes?: 'moderators' | 'mirror' | 'local' | undefined
}

export interface CompiledRoute extends RouteDefinition {
  readonly preparedFilters: readonly {
    readonly name: string
    readonly when: PreparedCondition
    readonly action: 'allow' | 'drop'
  }[]
}

export interface RouteMatch {
  readonly route: CompiledRoute
  readonly member: RouteMember
}

/** Routes made ready for look-ups by place. */
export interface RouteTable {
  readonly routes: ReadonlyMap<string, CompiledRoute>
  /** Routes that read from this place, in configuration order. */
  reading(place: Place): readonly RouteMatch[]
}

/**
 * Checks and indexes routes. Throws `ROUTE_INVALID` for repeated ids, repeated members, and circles between routes without
 * `allowChain` (bridging 12.8).
 */
export function compileRoutes(definitions: readonly RouteDefinition[]): RouteTable {
  const routes = new Map<string, CompiledRoute>()
  const byChannel = new Map<string, RouteMatch[]>()
  /** Channel keys with the threads that some member names. */
  const ownThreads = new Set<string>()
  for (const definition of definitions) {
    if (routes.has(definition.id)) throw badRoutes(`two routes are called ${definition.id}`, { route: definition.id })
    const route = compile(definition)
    routes.set(route.id, route)
    const seen = new Set<string>()
    for (const member of route.members) {
      const key = placeKey(member.place)
      if (seen.has(key)) throw badRoutes(`route ${route.id} names ${key} twice`, { route: route.id })
      seen.add(key)
      if (member.place.thread !== undefined) ownThreads.add(threadKey(member.place))
      if (member.direction === 'out') continue
      const channel = channelKey(member.place)
      const list = byChannel.get(channel)
      if (list) list.push({ route, member })
      else byChannel.set(channel, [{ route, member }])
    }
  }
  const cycle = findRouteCycle(definitions)
  if (cycle) {
    throw badRoutes(`routes ${cycle.join(', ')} forward in a circle; set allowChain if that is wanted`, { route: cycle[0] ?? '' })
  }
  return {
    routes,
    reading(place) {
      const matches = byChannel.get(channelKey(place)) ?? []
      return matches.filter(({ member }) => readsThread(member.place, place, ownThreads))
    },
  }
}

function compile(definition: RouteDefinition): CompiledRoute {
  const preparedFilters = (definition.filters ?? []).map((f) => ({
    name: f.name,
    when: prepareCondition(f.when),
    action: f.action,
  }))
  return { ...definition, preparedFilters }
}

const threadKey = (place: Place): string => `${channelKey(place)}#${place.thread ?? ''}`

/** A member without a thread also reads the channel's threads (`flatten`, 10.5), except those that a member names. */
function readsThread(member: Place, place: Place, ownThreads: ReadonlySet<string>): boolean {
  if (member.thread === place.thread) return true
  return member.thread === undefined && !ownThreads.has(threadKey(place))
}
