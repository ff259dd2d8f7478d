import { K2Error, wrapError } from '../base/errors.ts'
import type { PeerId } from './ids.ts'
import { RATE_LIMITS, type Rate, type RateLimits } from './k2/rate-guard.ts'
import { PEER_PATIENCE_MS } from './k2/receipt-book.ts'
import { CANONICAL_TOPICS, checkTopicName } from './k2/topics.ts'
import { type EndpointAddr, endpointAddr, parseRelayUrl } from './keys/address.ts'
import { parseEndpointId } from './keys/endpoint-id.ts'
import { parsePeer } from './keys/ticket.ts'

/** How the node finds and reaches others: n0's relays and lookup, neither of them, or this machine only. */
export type NodeMode = 'n0' | 'lan' | 'loopback'

export interface ContactConfig {
  /** Node id in any text form. */
  readonly id: string
  readonly name?: string
  /** `ip:port` texts or relay URLs, if known. */
  readonly addresses?: readonly string[]
}

export interface NodeLimits {
  /** What peers may send us. */
  readonly inbound: RateLimits
  /**
   * Own chat lines over all topics while a stranger is among the neighbours. Above what strangers accept from one neighbour,
   * lines are lost on their side.
   */
  readonly ownText: Rate
  /** Accepted connections at once. */
  readonly maxConnections: number
  /** Topics joined at once, direct ones included. */
  readonly maxTopics: number
  /**
   * Longest time lines wait for a configured peer that has confirmed lines and is silent, ms; at most ten minutes. Longer: it misses
   * nothing while it is down. Shorter: everybody else on its topics waits less.
   */
  readonly peerPatienceMs: number
}

/** Slightly below the 5/s, burst 20 that other gateways accept from a neighbour, for clocks that differ. */
export const NODE_LIMITS: NodeLimits = {
  inbound: RATE_LIMITS,
  ownText: { perSecond: 4.5, burst: 16 },
  maxConnections: 200,
  maxTopics: 1000,
  peerPatienceMs: PEER_PATIENCE_MS,
}

export interface DiscoveryConfig {
  /** Trackers by id or ticket; K2's own in mode `n0` when omitted, none in the others. */
  readonly trackers?: readonly string[]
  /** Tell the trackers which topics this node has joined; true when omitted. */
  readonly announce?: boolean
  /** Be found, and find others, on the local network by mDNS; false when omitted. */
  readonly mdns?: boolean
  /** The mainline DHT; not used when omitted. */
  readonly dht?: DhtConfig
}

export interface DhtConfig {
  /** `host:port` of nodes to begin with; the usual public ones when omitted. */
  readonly bootstrap?: readonly string[]
  /** Tell the DHT where this node is; true when omitted. */
  readonly publish?: boolean
  /** It is a DHT of one's own on a closed network: private addresses are published and believed. Needs `bootstrap`. */
  readonly closed?: boolean
}

export type DhtSettings = Required<DhtConfig>

/** Where Rust nodes enter the DHT (discovery 11). */
const DHT_BOOTSTRAP = [
  'router.bittorrent.com:6881',
  'dht.transmissionbt.com:6881',
  'dht.libtorrent.org:25401',
  'relay.pkarr.org:6881',
]
const MAX_BOOTSTRAP = 32

/** The tracker K2 applications use (discovery 7). */
export const K2_TRACKER = '71853750efc1219d7976639087c5fb25cf8d4b49f6d509366f2e094a3f781623'
const MAX_TRACKERS = 16
/** Each is measured every few minutes. */
const MAX_RELAYS = 16

/**
 * In whose name people speak and offer on K2: the node's for all, or an id of their own each, made from the node's key and
 * hosted by it (k2-application 2.7).
 */
export type Identities = 'single' | 'hosted'

/** What an operator chooses; everything has a default. */
export interface NodeConfig {
  readonly mode?: NodeMode
  /** URLs of relay servers to use instead of those of the mode (`n0`: n0's; `lan`: none). */
  readonly relays?: readonly string[]
  readonly identities?: Identities
  /** Local `ip:port` addresses to bind; any free port when omitted. */
  readonly bind?: readonly string[]
  /** Exact topic names; the three marketplace topics when omitted. */
  readonly topics?: readonly string[]
  /** Tickets, node ids, or `node-id@ip:port`: joined through on every topic, and trusted with higher limits. */
  readonly peers?: readonly string[]
  readonly contacts?: readonly ContactConfig[]
  readonly limits?: Partial<NodeLimits>
  readonly discovery?: DiscoveryConfig
}

export interface Contact {
  readonly addr: EndpointAddr
  readonly name?: string
}

/** A checked configuration. */
export interface NodeSettings {
  readonly mode: NodeMode
  readonly relays: readonly string[]
  readonly identities: Identities
  readonly bind: readonly string[] | undefined
  readonly topics: readonly string[]
  readonly peers: readonly EndpointAddr[]
  readonly contacts: readonly Contact[]
  readonly limits: NodeLimits
  readonly discovery: {
    readonly trackers: readonly EndpointAddr[]
    readonly announce: boolean
    readonly mdns: boolean
    readonly dht: DhtSettings | undefined
  }
}

/** Checks a configuration and fills in defaults. Throws `CONFIG_NODE` naming the entry, the reason as its cause. */
export function readNodeConfig(config: NodeConfig = {}): NodeSettings {
  const limits = { ...NODE_LIMITS, ...config.limits }
  const settings: NodeSettings = {
    mode: config.mode ?? 'n0',
    relays: readRelays(config),
    identities: config.identities ?? 'single',
    bind: config.bind,
    topics: [...new Set((config.topics ?? CANONICAL_TOPICS).map((name) => entry('topics', name, () => checkTopicName(name))))],
    peers: uniqueById((config.peers ?? []).map((text) => entry('peers', text, () => parsePeer(text)))),
    contacts: (config.contacts ?? []).map((contact) => entry('contacts', contact.name ?? contact.id, () => readContact(contact))),
    limits,
    discovery: {
      trackers: readTrackers(config),
      announce: config.discovery?.announce ?? true,
      mdns: readMdns(config),
      dht: readDht(config),
    },
  }
  const count = settings.topics.length + settings.contacts.length
  if (count > limits.maxTopics) {
    throw configError(`${count} topics and contacts are more than the ${limits.maxTopics} this node joins`)
  }
  return settings
}

function readRelays({ mode, relays = [] }: NodeConfig): string[] {
  if (relays.length > 0 && mode === 'loopback') throw configError('node.mode loopback stays on this machine: it uses no relays')
  if (relays.length > MAX_RELAYS) throw configError(`node.relays: at most ${MAX_RELAYS} relays`)
  return [...new Set(relays.map((text) => entry('relays', text, () => checkRelay(parseRelayUrl(text)))))]
}

/** The URL is told to others, in DNS records, too, where a second "=" would cut it off (discovery 10.1). */
function checkRelay(url: string): string {
  const { username, password, search, hash } = new URL(url)
  if (username !== '' || password !== '') throw configError('a relay address is told to others: no name or password in it')
  if (search !== '' || hash !== '') throw configError('a relay address has nothing behind its path')
  return url
}

function readMdns({ mode, discovery }: NodeConfig): boolean {
  if (discovery?.mdns !== true) return false
  if (mode === 'loopback') throw configError('node.mode loopback stays on this machine: mDNS has nothing to tell others')
  return true
}

function readDht({ mode, discovery }: NodeConfig): DhtSettings | undefined {
  if (discovery?.dht === undefined) return undefined
  const { bootstrap, publish = true, closed = false } = discovery.dht
  if ((closed || mode === 'loopback') && bootstrap === undefined) {
    throw configError('a DHT of your own needs its nodes: discovery.dht.bootstrap')
  }
  const nodes = bootstrap ?? DHT_BOOTSTRAP
  if (nodes.length > MAX_BOOTSTRAP) throw configError(`discovery.dht.bootstrap: at most ${MAX_BOOTSTRAP} nodes`)
  for (const text of nodes) entry('discovery.dht.bootstrap', text, () => checkHostPort(text))
  return { bootstrap: nodes, publish, closed }
}

function checkHostPort(text: string): void {
  const match = /^([a-z0-9.-]{1,253}):([0-9]{1,5})$/i.exec(text)
  if (match === null || Number(match[2]) < 1 || Number(match[2]) > 65_535) throw configError('not host:port')
}

const configError = (message: string): K2Error => new K2Error({ code: 'CONFIG_NODE', kind: 'config', message })

function readTrackers({ mode = 'n0', discovery }: NodeConfig): EndpointAddr[] {
  const texts = discovery?.trackers ?? (mode === 'n0' ? [K2_TRACKER] : [])
  if (texts.length > MAX_TRACKERS) {
    throw configError(`at most ${MAX_TRACKERS} trackers can be asked`)
  }
  return uniqueById(texts.map((text) => entry('discovery.trackers', text, () => parsePeer(text))))
}

export function readContact(contact: ContactConfig): Contact {
  const addresses = contact.addresses ?? []
  const isUrl = (text: string): boolean => text.includes('://')
  const addr = endpointAddr(
    parseEndpointId(contact.id),
    addresses.filter(isUrl),
    addresses.filter((text) => !isUrl(text)),
  )
  return { addr, ...(contact.name !== undefined && { name: contact.name }) }
}

function entry<T>(list: string, text: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const shown = text.length > 40 ? `${text.slice(0, 39)}…` : text
    const why = wrapError(cause, { code: 'CONFIG_NODE', kind: 'config', message: 'unreadable' }).message
    throw new K2Error({ code: 'CONFIG_NODE', kind: 'config', message: `node.${list}: "${shown}": ${why}`, cause })
  }
}

function uniqueById(addrs: readonly EndpointAddr[]): EndpointAddr[] {
  const merged = new Map<PeerId, EndpointAddr>()
  for (const addr of addrs) {
    const known = merged.get(addr.id)
    merged.set(
      addr.id,
      endpointAddr(addr.id, [...(known?.relays ?? []), ...addr.relays], [...(known?.direct ?? []), ...addr.direct]),
    )
  }
  return [...merged.values()]
}
