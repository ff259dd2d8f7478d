import { Mutex } from '../../base/async.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import { cryptoRng, type Rng } from '../../base/random.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { CallOptions, Connection, PeerAddr } from '../net/transport.ts'
import { GossipDriver } from './driver.ts'
import { tooBusy, tooLarge, topicClosed } from './errors.ts'
import { EventBuffer } from './event-buffer.ts'
import { NET_LIMITS, type NetLimits } from './limits.ts'
import { type GossipStats, newCounters } from './metrics.ts'
import { type AddrInfo, encodeAddrInfo } from './proto/addr-info.ts'
import { DEFAULT_CONFIG, type GossipConfig, maxContentBytes } from './proto/config.ts'
import type { InEvent, TopicEvent } from './proto/events.ts'
import { TimerQueue } from './timer-queue.ts'
import { type TopicAccess, TopicHandle } from './topic-handle.ts'
import { TopicHub } from './topic-hub.ts'

/** Name of the protocol on the wire (gossip 1). */
export const GOSSIP_ALPN = '/iroh-gossip/1'

/** Events a subscription keeps for its reader unless it asks for another number (gossip 1.1). */
const EVENT_BUFFER = 2_048

/** Broadcasts that may wait for room on the connections; further ones are refused with `GOSSIP_BUSY`. */
const WAITING_BROADCASTS_MAX = 10_000

/** How long the goodbyes of a stop may take. */
const GOODBYE_MS = 1_000

/** What gossip needs of the endpoint it runs on. */
export interface GossipEndpoint {
  readonly id: PeerId
  dial(peer: PeerId, alpn: string, options?: CallOptions): Promise<Connection>
  handle(
    alpn: string,
    handler: (connection: Connection) => void | Promise<void>,
    options?: { readonly maxStreams?: { readonly uni?: number } },
  ): () => void
  /** Own addresses as other peers may know them. */
  shareableAddr(): PeerAddr
  onAddrChange(listener: () => void): () => void
  /** Takes an address that another peer told us. */
  learn(addr: PeerAddr, source: 'gossip'): void
}

export interface GossipOptions {
  readonly endpoint: GossipEndpoint
  readonly clock?: Clock
  readonly rng?: Rng
  readonly log?: Logger
  readonly config?: GossipConfig
  readonly limits?: Partial<NetLimits>
}

export interface SubscribeOptions {
  /** Peers asked to be joined through; none = wait for others to come. */
  readonly bootstrap?: readonly PeerId[]
  /** Events kept for a reader that is behind. */
  readonly buffer?: number
}

/** An iroh-gossip 0.101 endpoint: topics on one side, connections of the ALPN `/iroh-gossip/1` on the other. */
export class Gossip implements Lifecycle {
  readonly name = 'gossip'
  /** Largest content of one message, bytes. */
  readonly maxContentBytes: number
  readonly #endpoint: GossipEndpoint
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #limits: NetLimits
  readonly #driver: GossipDriver
  readonly #hubs = new Map<TopicId, TopicHub>()
  readonly #rejoins: TimerQueue<{ readonly hub: TopicHub; readonly at: number }>
  readonly #counters = newCounters()
  readonly #handles = new Set<TopicHandle>()
  /** Broadcasts that wait for room, in order. */
  readonly #turns = new Mutex()
  #waitingBroadcasts = 0
  #detach: (() => void)[] = []
  #stopping: Promise<void> | undefined

  /** Throws `GOSSIP_BAD_CONFIG`. */
  constructor(options: GossipOptions) {
    const { endpoint, clock = systemClock, rng = cryptoRng, log = nullLogger, config = DEFAULT_CONFIG } = options
    this.#endpoint = endpoint
    this.#clock = clock
    this.#rng = rng
    this.#limits = { ...NET_LIMITS, ...options.limits }
    this.maxContentBytes = maxContentBytes(config)
    this.#rejoins = new TimerQueue(clock, ({ hub, at }) => this.#rejoin(hub, at))
    this.#driver = new GossipDriver({
      me: endpoint.id,
      config,
      limits: this.#limits,
      clock,
      rng,
      log,
      counters: this.#counters,
      dial: (peer) => endpoint.dial(peer, GOSSIP_ALPN),
      onTopicEvent: (topic, event) => this.#onTopicEvent(topic, event),
      onAddress: (peer, info) => this.#onAddress(peer, info),
    })
  }

  /** Answers the ALPN from now on and tells peers our addresses. */
  async start(): Promise<void> {
    const publish = (): void => {
      this.#counters.actorTickEndpoint++
      const { relayUrl, direct } = this.#endpoint.shareableAddr()
      this.#driver.post({ type: 'ownData', data: encodeAddrInfo({ relayUrl, direct }) })
    }
    publish()
    this.#driver.start()
    this.#detach = [
      this.#endpoint.onAddrChange(publish),
      this.#endpoint.handle(GOSSIP_ALPN, (connection) => this.handleConnection(connection), {
        maxStreams: { uni: this.#limits.uniStreams },
      }),
    ]
  }

  /** Leaves all topics, ends all subscriptions and closes all connections. Idempotent, never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Takes over an accepted connection of the gossip ALPN. */
  handleConnection(connection: Connection): void {
    this.#driver.addConnection(connection)
  }

  /** Joins a topic, or adds a subscription to one already joined. Throws `GOSSIP_CLOSED` after `stop`. */
  subscribe(topic: TopicId, options: SubscribeOptions = {}): TopicHandle {
    if (this.#stopping !== undefined) throw topicClosed()
    let hub = this.#hubs.get(topic)
    if (hub === undefined) {
      hub = new TopicHub(topic, this.#clock, this.#rng)
      this.#hubs.set(topic, hub)
    }
    const reader = new EventBuffer(options.buffer ?? EVENT_BUFFER, () => {
      this.#counters.lagged++
    })
    hub.add(reader)
    const handle: TopicHandle = new TopicHandle(
      topic,
      reader,
      this.#accessTo(hub, reader, () => this.#handles.delete(handle)),
      topicClosed,
    )
    this.#handles.add(handle)
    this.#join(hub, [...new Set(options.bootstrap)].sort())
    return handle
  }

  stats(): GossipStats {
    const topics = this.#driver.state.topics().map((id) => this.#driver.state.topic(id)?.stats)
    const sum = (key: 'badIds' | 'duplicates' | 'unsendable'): number => topics.reduce((total, t) => total + (t?.[key] ?? 0), 0)
    const { size, connections, dialing, queuedBytes } = this.#driver.table
    return {
      ...this.#counters,
      topics: this.#hubs.size,
      subscriptions: this.#handles.size,
      peers: size,
      connections,
      dialing,
      queuedBytes,
      timers: this.#driver.timers,
      badIds: sum('badIds'),
      duplicates: sum('duplicates'),
      unsendable: sum('unsendable'),
    }
  }

  async #stop(): Promise<void> {
    for (const detach of this.#detach) detach()
    this.#rejoins.stop()
    await Promise.all([...this.#handles].map((handle) => handle.close()))
    await this.#driver.stop(GOODBYE_MS)
  }

  #accessTo(hub: TopicHub, reader: EventBuffer, onClose: () => void): TopicAccess {
    return {
      broadcast: (content, scope) => this.#broadcast(hub.topic, content, scope),
      join: (peers) => this.#join(hub, peers),
      neighbors: () => hub.neighbors,
      onNeighbor: (resolve) => hub.onNeighbor(resolve),
      close: () => {
        onClose()
        hub.remove(reader)
        if (hub.readers === 0) this.#quit(hub)
      },
    }
  }

  async #broadcast(topic: TopicId, content: Uint8Array, scope: 'swarm' | 'neighbors'): Promise<void> {
    if (content.length > this.maxContentBytes) throw tooLarge(content.length, this.maxContentBytes)
    // A copy: the machine keeps it for 30 s, the caller may reuse its buffer.
    const event: InEvent = { type: 'broadcast', topic, content: content.slice(), scope }
    if (this.#waitingBroadcasts > 0 || this.#driver.table.room() !== undefined) await this.#turn()
    this.#counters.actorTickRx++
    this.#driver.post(event)
  }

  /** Waits behind earlier broadcasts until there is room on all connections. */
  async #turn(): Promise<void> {
    if (this.#waitingBroadcasts >= WAITING_BROADCASTS_MAX) throw tooBusy(this.#waitingBroadcasts)
    this.#waitingBroadcasts++
    try {
      await this.#turns.run(async () => {
        for (let wait = this.#driver.table.room(); wait !== undefined; wait = this.#driver.table.room()) await wait
      })
    } finally {
      this.#waitingBroadcasts--
    }
  }

  #join(hub: TopicHub, peers: readonly PeerId[]): void {
    const others = peers.filter((peer) => peer !== this.#endpoint.id)
    this.#counters.actorTickRx++
    this.#driver.post({ type: 'join', topic: hub.topic, peers: others })
    hub.joined(others)
    this.#rejoinLater(hub)
  }

  #quit(hub: TopicHub): void {
    this.#hubs.delete(hub.topic)
    this.#counters.actorTickRx++
    this.#driver.post({ type: 'quit', topic: hub.topic })
  }

  #onTopicEvent(topic: TopicId, event: TopicEvent): void {
    const hub = this.#hubs.get(topic)
    if (hub === undefined) return
    hub.deliver(event)
    if (event.type === 'neighborDown') this.#rejoinLater(hub)
  }

  #rejoinLater(hub: TopicHub): void {
    const at = hub.rejoinAt
    if (at !== undefined) this.#rejoins.add(at - this.#clock.monotonic(), { hub, at })
  }

  #rejoin(hub: TopicHub, at: number): void {
    // A neighbour came meanwhile, or the topic was left: another timer is responsible, or none.
    if (this.#hubs.get(hub.topic) !== hub || hub.rejoinAt !== at) return
    this.#driver.post({ type: 'join', topic: hub.topic, peers: hub.rejoinPeers(at), isRetry: true })
    this.#rejoinLater(hub)
  }

  #onAddress(peer: PeerId, { relayUrl, direct }: AddrInfo): void {
    this.#endpoint.learn({ id: peer, direct, ...(relayUrl === undefined ? {} : { relayUrl }) }, 'gossip')
  }
}
