import { type Place, placeKey } from '../../bridges/model/place.ts'
import { type PreparedCondition, prepareCondition } from '../../rules/index.ts'
import { badRoutes } from './errors.ts'
import type { RouteDefinition, RouteFilter, RouteMember } from './route-definition.ts'
import { findRouteCycle } from './route-graph.ts'
import { channelKey } from './scope.ts'

export interface CompiledRoute extends RouteDefinition {
  readonly preparedFilters: readonly {
    readonly name: string
    readonly when: PreparedCondition
    readonly action: RouteFilter['action']
    readonly dryRun: boolean
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
    dryRun: f.dryRun ?? false,
  }))
  return { ...definition, preparedFilters }
}

const threadKey = (place: Place): string => `${channelKey(place)}#${place.thread ?? ''}`

/** A member without a thread also reads the channel's threads (`flatten`, 10.5), except those that a member names. */
function readsThread(member: Place, place: Place, ownThreads: ReadonlySet<string>): boolean {
  if (member.thread === place.thread) return true
  return member.thread === undefined && !ownThreads.has(threadKey(place))
}
