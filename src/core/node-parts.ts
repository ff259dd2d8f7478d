import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/random.ts'
import type { NodeSettings } from './config.ts'
import type { PeerId } from './ids.ts'
import type { JoinedTopic } from './k2/joined-topic.ts'
import { toPeerAddr } from './keys/address.ts'
import { createVerifier } from './keys/ed25519.ts'
import type { Identity } from './keys/identity.ts'
import { type K2Endpoint, openEndpoint } from './net/index.ts'
import { NodeLookups } from './node-lookups.ts'
import { TopicFinder, TrackerClient } from './tracker/index.ts'

interface Base {
  readonly endpoint: K2Endpoint
  readonly settings: NodeSettings
  readonly identity: Identity
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
}

/** The endpoint the settings describe, not yet started. Rejects as `openEndpoint`. */
export function bindEndpoint(settings: NodeSettings, identity: Identity, clock: Clock, log: Logger): Promise<K2Endpoint> {
  return openEndpoint({
    secretKey: identity.seed(),
    mode: settings.mode,
    relays: settings.relays,
    clock,
    log: log.child({ mod: 'net' }),
    router: { maxConnections: settings.limits.maxConnections },
    ...(settings.bind !== undefined && { bind: settings.bind }),
  })
}

/** Finds members of topics through trackers, and joins the topics through them. */
export function createFinder(
  base: Base & { readonly topic: (name: string) => Pick<JoinedTopic, 'neighbors' | 'joinThrough'> | undefined },
): TopicFinder {
  const { endpoint, settings, identity, clock, rng, log, topic } = base
  const { trackers, announce } = settings.discovery
  return new TopicFinder({
    client: new TrackerClient(endpoint),
    trackers: trackers.map((addr) => addr.id),
    identity,
    verify: createVerifier(),
    clock,
    rng,
    log: log.child({ mod: 'tracker' }),
    announce,
    neighbors: ({ name }) => topic(name)?.neighbors.size ?? 0,
    onSeen: (addr) => endpoint.learn(toPeerAddr(addr), 'lookup'),
    onFound: ({ name }, peers) => topic(name)?.joinThrough(peers),
  })
}

/** The services beside trackers that find addresses of nodes; those that are off cost nothing. */
export function createLookups(
  base: Base & { readonly isTrusted: (peer: PeerId) => boolean; readonly onLocalPeer: (peer: PeerId) => void },
): NodeLookups {
  const { endpoint, settings, identity, clock, rng, log, isTrusted, onLocalPeer } = base
  const { mdns, dht } = settings.discovery
  return new NodeLookups({
    endpoint,
    identity,
    mdns,
    dht,
    loopback: settings.mode === 'loopback',
    clock,
    rng,
    log: log.child({ mod: 'lookup' }),
    isTrusted,
    onLocalPeer,
  })
}
