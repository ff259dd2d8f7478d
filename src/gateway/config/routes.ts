import { isK2Error, K2Error } from '../../base/errors.ts'
import type { Place } from '../../bridges/model/place.ts'
import { type Contact, parseEndpointId, readContact } from '../../core/index.ts'
import { peerChannel } from '../peers/index.ts'
import type { RouteDefinition } from '../pipeline/index.ts'
import { compileRoutes } from '../pipeline/routes.ts'
import type { Config, RouteConfig } from './schema.ts'

const DEFAULT_MAX_AGE_MS = 86_400_000

/** Name of the web room that shows a topic: letters, digits, spaces, `-` and `_` of its name. */
export function roomFor(topic: string): string {
  return (
    topic
      .replace(/[^\p{L}\p{N} _-]+/gu, ' ')
      .trim()
      .slice(0, 64) || 'room'
  )
}

/** The configured routes, or by default one per topic and contact that joins it with a web room. */
export function routesOf(config: Config): RouteDefinition[] {
  if (config.routes !== undefined) return config.routes.map((route) => resolve(route, config))
  if (!config.web.enabled) return []
  const pairs = [
    ...config.node.topics.map((topic) => ({ channel: topic, room: roomFor(topic) })),
    ...config.node.contacts.map((contact) => ({ channel: `dm:${parseEndpointId(contact.id)}`, room: roomFor(contact.name) })),
  ]
  return pairs.map(({ channel, room }, i) => ({
    id: `default-${i + 1}`,
    members: [
      { place: { network: 'p2p', account: 'self', channel }, direction: 'both', identity: 'webhook' },
      { place: { network: 'web', account: 'main', channel: room }, direction: 'both', identity: 'webhook' },
    ],
    bots: 'none',
    maxAge: DEFAULT_MAX_AGE_MS,
    p2pEdits: 'resend',
    allowChain: false,
  }))
}

/**
 * What is wrong with the routes beyond the form of each option, and where: unknown topics and contacts, filters that cannot be
 * compiled, circles (bridging 12.8). Undefined: nothing.
 */
export function checkRoutes(config: Config): { readonly path: readonly PropertyKey[]; readonly message: string } | undefined {
  try {
    compileRoutes(routesOf(config))
    return undefined
  } catch (error) {
    if (!isK2Error(error)) throw error
    const { route, member } = error.data
    const index = (config.routes ?? []).findIndex((r) => r.id === route)
    const inRoute = index < 0 ? [] : [index, ...(typeof member === 'number' ? ['members', member, 'place'] : ['id'])]
    return { path: ['routes', ...inRoute], message: error.message }
  }
}

/** A route as the configuration writes it, with its K2 places as the node names them. Throws `CONFIG_ROUTE`. */
export function resolve(route: RouteConfig, config: Pick<Config, 'node'>): RouteDefinition {
  return { ...route, members: route.members.map((m, i) => ({ ...m, place: resolvePlace(m.place, route.id, i, config) })) }
}

/** Turns `dm:<contact name>` into `dm:<node id>` and checks that topics are joined. */
function resolvePlace(place: Place, route: string, member: number, config: Pick<Config, 'node'>): Place {
  if (place.network !== 'p2p') return place
  const fail = (message: string): K2Error =>
    new K2Error({ code: 'CONFIG_ROUTE', kind: 'config', message: `route ${route}: ${message}`, data: { route, member } })
  let channel: string
  try {
    channel = peerChannel(place.channel, contactsOf(config))
  } catch (error) {
    throw isK2Error(error) ? fail(error.message) : error
  }
  if (channel.startsWith('dm:') || config.node.topics.includes(channel)) return { ...place, channel }
  throw fail(`the node does not join the topic "${channel}": add it to node.topics, exactly as written`)
}

function contactsOf(config: Pick<Config, 'node'>): Contact[] {
  return config.node.contacts.map((contact) => readContact(contact))
}

/** The node id of a contact given by its configured name or by any form of its id. Throws `CONFIG_PLACE`. */
export function contactId(text: string, config: Config): string {
  return peerChannel(`dm:${text}`, contactsOf(config)).slice('dm:'.length)
}

/** Web rooms people can choose from: those of routes and the further ones of the configuration. */
export function roomsOf(routes: readonly RouteDefinition[], config: Config): string[] {
  const routed = routes.flatMap((r) => r.members.filter((m) => m.place.network === 'web').map((m) => m.place.channel))
  return [...new Set([...routed, ...config.web.rooms])]
}
