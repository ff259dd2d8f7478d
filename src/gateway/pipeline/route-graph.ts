import type { RouteDefinition } from './route-definition.ts'
import { channelKey } from './scope.ts'

interface Edge {
  readonly from: string
  readonly to: string
}

/**
 * Looks for a circle in which one route forwards what another forwarded (bridging 12.8) and answers the ids of its routes.
 * Places and routes are the nodes of a graph: a place leads to every route that reads it, a route to every place it writes.
 * A circle is a walk back to its start that never turns round on the spot, because a route does not send a message back to
 * the place it came from. Routes with `allowChain` are left out: loop rules 4 and 5 hold them.
 */
export function findRouteCycle(routes: readonly RouteDefinition[]): readonly string[] | undefined {
  const edges: Edge[] = []
  const leaving = new Map<string, Edge[]>()
  const add = (from: string, to: string): void => {
    const edge = { from, to }
    edges.push(edge)
    const list = leaving.get(from)
    if (list) list.push(edge)
    else leaving.set(from, [edge])
  }
  for (const route of routes) {
    if (route.allowChain) continue
    for (const { place, direction } of route.members) {
      const node = `place ${channelKey(place)}#${place.thread ?? ''}`
      if (direction !== 'out') add(node, `route ${route.id}`)
      if (direction !== 'in') add(`route ${route.id}`, node)
    }
  }
  const onward = (edge: Edge): Edge[] => (leaving.get(edge.to) ?? []).filter((next) => next.to !== edge.from)
  const state = new Map<Edge, 'open' | 'closed'>()
  for (const start of edges) {
    const found = state.has(start) ? undefined : search(start, onward, state)
    if (found) return found
  }
  return undefined
}

/** Depth-first over edges; a step back onto the open path closes a circle. Iterative: route lists may be long. */
function search(start: Edge, onward: (edge: Edge) => Edge[], state: Map<Edge, 'open' | 'closed'>): string[] | undefined {
  const path: { edge: Edge; next: Edge[] }[] = [{ edge: start, next: onward(start) }]
  state.set(start, 'open')
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = top.next.pop()
    if (next === undefined) {
      state.set(top.edge, 'closed')
      path.pop()
    } else if (state.get(next) === 'open') {
      const from = path.findIndex((step) => step.edge === next)
      const ids = path.slice(from).flatMap(({ edge }) => (edge.to.startsWith('route ') ? [edge.to.slice('route '.length)] : []))
      return [...new Set(ids)]
    } else if (!state.has(next)) {
      state.set(next, 'open')
      path.push({ edge: next, next: onward(next) })
    }
  }
  return undefined
}
