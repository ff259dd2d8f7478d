import { type DhtConfig, NODE_LIMITS, type NodeConfig, type NodeSettings, readNodeConfig } from '../core/index.ts'
import type { Config } from './config/schema.ts'

/** The node's part of the configuration in the node's own terms. */
export function nodeConfigOf({ node, discovery }: Config): NodeConfig {
  return {
    mode: node.mode,
    relays: node.relays,
    identities: node.identities,
    topics: node.topics,
    peers: node.peers,
    contacts: node.contacts,
    limits: { ...NODE_LIMITS, maxConnections: node.maxConnections, peerPatienceMs: node.peerPatience },
    discovery: {
      announce: discovery.announce,
      mdns: discovery.mdns,
      ...(discovery.dht.enabled && { dht: dhtOf(discovery.dht) }),
      ...(discovery.trackers !== undefined && { trackers: discovery.trackers }),
    },
    ...(node.bind !== undefined && { bind: [node.bind] }),
  }
}

/** How endpoints beside the node's own are reached: as it is. Throws `CONFIG_NODE`. */
export function reachOf({ node }: Pick<Config, 'node'>): Pick<NodeSettings, 'mode' | 'relays'> {
  const { mode, relays } = readNodeConfig({ mode: node.mode, relays: node.relays })
  return { mode, relays }
}

function dhtOf({ bootstrap, publish, closed }: Config['discovery']['dht']): DhtConfig {
  return { publish, closed, ...(bootstrap !== undefined && { bootstrap }) }
}
