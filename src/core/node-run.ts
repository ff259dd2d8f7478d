import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/random.ts'
import type { NodeSettings } from './config.ts'
import { Gossip } from './gossip/index.ts'
import type { PeerId } from './ids.ts'
import { DirectLink } from './k2/direct-link.ts'
import type { TopicInfo } from './k2/inbound.ts'
import type { PeerRoster } from './k2/peer-roster.ts'
import type { Receipt } from './k2/receipt-frame.ts'
import { ReceiptLink } from './k2/receipt-link.ts'
import { toPeerAddr } from './keys/address.ts'
import type { Identity } from './keys/identity.ts'
import type { K2Endpoint } from './net/index.ts'
import type { NodeHosted } from './node-hosted.ts'
import type { NodeInbound } from './node-inbound.ts'
import type { NodeLookups } from './node-lookups.ts'
import type { K2NodeOptions } from './node-options.ts'
import { bindEndpoint, createFinder, createLookups } from './node-parts.ts'
import { NodeTopics } from './node-topics.ts'
import type { RecentPeers } from './recent-peers.ts'
import type { TopicFinder } from './tracker/index.ts'

export interface NodeRunContext {
  readonly openEndpoint: K2NodeOptions['openEndpoint']
  readonly handlers: K2NodeOptions['handlers']
  readonly settings: NodeSettings
  readonly identity: Identity
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  readonly roster: PeerRoster
  readonly recent: RecentPeers
  readonly inbound: NodeInbound
  readonly hosted: NodeHosted
  readonly onReceipt: (peer: PeerId, receipt: Receipt) => void
  readonly onGoodbye: (peer: PeerId) => void
  readonly onNeighbor: (topic: TopicInfo, peer: PeerId, change: 'up' | 'down') => void
}

interface NodeRunParts {
  readonly endpoint: K2Endpoint
  readonly gossip: Gossip
  readonly link: ReceiptLink
  readonly direct: DirectLink
}

/** What of a node lives from its start to its stop: the endpoint and the protocols on it. */
export class NodeRun {
  readonly endpoint: K2Endpoint
  readonly gossip: Gossip
  readonly topics: NodeTopics
  readonly link: ReceiptLink
  readonly direct: DirectLink
  readonly finder: TopicFinder
  readonly lookups: NodeLookups
  readonly #context: NodeRunContext

  private constructor(context: NodeRunContext, { endpoint, gossip, link, direct }: NodeRunParts) {
    const { settings, identity, clock, rng, log, roster } = context
    this.#context = context
    this.endpoint = endpoint
    this.gossip = gossip
    this.link = link
    this.direct = direct
    const base = { endpoint, settings, identity, clock, rng, log }
    this.finder = createFinder({ ...base, topic: (name) => this.topics.find(name) })
    this.topics = this.#makeTopics()
    this.lookups = createLookups({
      ...base,
      isTrusted: (peer) => roster.isTrusted(peer),
      onLocalPeer: (peer) => {
        if (!roster.isBlocked(peer)) this.topics.meet(peer)
      },
    })
  }

  /** Binds the endpoint; nothing is sent or taken before `start`. Rejects what the endpoint rejects. */
  static async open(context: NodeRunContext): Promise<NodeRun> {
    const { settings, identity, clock, rng, log, inbound, openEndpoint, onReceipt, onGoodbye } = context
    const open = openEndpoint ?? ((s: NodeSettings) => bindEndpoint(s, identity, clock, log))
    const endpoint = await open(settings)
    return new NodeRun(context, {
      endpoint,
      gossip: new Gossip({ endpoint, clock, rng, log: log.child({ mod: 'gossip' }) }),
      link: new ReceiptLink({ endpoint, clock, log, onReceipt, onGoodbye }),
      direct: new DirectLink({ endpoint, clock, log, onMessage: (message) => inbound.direct.take(message) }),
    })
  }

  async start(): Promise<void> {
    const { endpoint, topics, lookups, finder } = this
    const { settings, roster, recent, clock, handlers = {} } = this.#context
    for (const addr of [...settings.peers, ...settings.discovery.trackers]) endpoint.learn(toPeerAddr(addr), 'config')
    for (const { addr } of roster.contacts) endpoint.learn(toPeerAddr(addr), 'contact')
    for (const peer of recent.dialable(clock.now())) endpoint.book.learn(peer, 'recent', peer.seenAt)
    for (const [alpn, handler] of Object.entries(handlers)) endpoint.handle(alpn, handler)
    this.link.start()
    this.direct.start()
    await this.gossip.start()
    await endpoint.start()
    // First: topics are joined through peers that may be known by their ids alone.
    await lookups.start()
    for (const name of settings.topics) topics.join(name)
    for (const { addr } of roster.contacts) topics.joinDirect(addr.id)
    endpoint.onAddrChange(() => {
      finder.networkChanged()
      lookups.addrChanged()
    })
  }

  /** Leaves all topics, says goodbye to other gateways, closes the endpoint. */
  async stop(): Promise<void> {
    await Promise.all([this.finder.stop(), this.lookups.stop()])
    // Topics first: who hears the goodbye finds nobody to send to any more, instead of sending to no effect.
    await this.topics.close()
    await this.gossip.stop()
    this.direct.stop()
    await this.link.stop()
    await this.endpoint.stop()
  }

  #makeTopics(): NodeTopics {
    const { identity, settings, clock, rng, log, roster, recent, inbound, hosted, onNeighbor } = this.#context
    return new NodeTopics({
      finder: this.finder,
      me: identity.id,
      gossip: this.gossip,
      clock,
      rng,
      log,
      maxTopics: settings.limits.maxTopics,
      hostOf: hosted.hostOf,
      bootstrap: (name) => {
        const local = this.lookups.localPeers().filter((peer) => !roster.isBlocked(peer))
        const known = recent.list(clock.now()).filter(({ id }) => !roster.isBlocked(id))
        return [...new Set([...roster.bootstrap(), ...local, ...this.finder.peersOf(name), ...known.map(({ id }) => id)])]
      },
      onMessage: (arrival) => inbound.arrived(arrival),
      onDirectCopy: (id, from) => inbound.directCopy(id, from),
      onNeighbor,
    })
  }
}
