import { TaskGroup } from '../base/async.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { errorCode, errorMessage } from '../base/errors.ts'
import { EventHub, type EventStream, type EventStreamOptions } from '../base/event-hub.ts'
import type { Health, Lifecycle } from '../base/lifecycle.ts'
import { type Logger, nullLogger } from '../base/logger.ts'
import { cryptoRng, type Rng } from '../base/random.ts'
import { type Contact, type NodeSettings, readNodeConfig } from './config.ts'
import { GOSSIP_ALPN, type Gossip } from './gossip/index.ts'
import type { Hash, PeerId } from './ids.ts'
import { DirectRoute } from './k2/direct-route.ts'
import { k2Error } from './k2/errors.ts'
import type { InboundChat, InboundMessage, TopicInfo } from './k2/inbound.ts'
import type { JoinedTopic } from './k2/joined-topic.ts'
import { type InterestToSend, type Listing, OfferBoard } from './k2/offer-board.ts'
import { PeerRoster } from './k2/peer-roster.ts'
import { ReceiptBook } from './k2/receipt-book.ts'
import type { Receipt } from './k2/receipt-frame.ts'
import { MemoryJournal, type SendJournal } from './k2/send-journal.ts'
import { createSeal } from './k2/signed-envelope.ts'
import { TextSender, type TextToSend } from './k2/text-sender.ts'
import { directTopicName } from './k2/topics.ts'
import { type EndpointAddr, ofPeerAddr, toPeerAddr } from './keys/address.ts'
import type { Identity } from './keys/identity.ts'
import { encodeEndpointTicket } from './keys/ticket.ts'
import type { K2Endpoint } from './net/index.ts'
import type { K2Event, NodeStats, TopicStatus } from './node-events.ts'
import { nodeHealth } from './node-health.ts'
import { NodeHosted } from './node-hosted.ts'
import { NodeInbound } from './node-inbound.ts'
import type { K2NodeOptions, PingOptions, PingResult } from './node-options.ts'
import { NodeRun } from './node-run.ts'
import { type RecentPeer, RecentPeers } from './recent-peers.ts'

const PING_MS = 5_000

/**
 * A member of the K2 network: one endpoint, gossip, and everything K2 says on it. Nothing a peer sends makes it fail; what is
 * refused is counted in `stats`.
 */
export class K2Node implements Lifecycle {
  readonly name = 'k2-node'
  readonly id: PeerId
  readonly settings: NodeSettings
  readonly #identity: Identity
  readonly #options: K2NodeOptions
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #log: Logger
  readonly #journal: SendJournal
  readonly #hub = new EventHub<K2Event>()
  readonly #roster: PeerRoster
  readonly #inbound: NodeInbound
  readonly #receipts: ReceiptBook
  readonly #texts: TextSender
  readonly #offers: OfferBoard
  readonly #recent: RecentPeers
  readonly #hosted: NodeHosted
  readonly #tasks: TaskGroup
  #run: NodeRun | undefined
  /** Who was noted in the journal last. */
  #confirmers = ''

  constructor(options: K2NodeOptions) {
    const { identity, clock = systemClock, rng = cryptoRng, log = nullLogger, journal = new MemoryJournal() } = options
    this.#options = options
    this.#identity = identity
    this.id = identity.id
    this.settings = readNodeConfig(options.config)
    this.#clock = clock
    this.#rng = rng
    this.#log = log
    this.#journal = journal
    this.#recent = new RecentPeers(options.recent ?? [], clock.now())
    this.#tasks = new TaskGroup((err) => log.warn({ ev: 'node-task-failed', err }, 'background work of the node failed'))
    const { peers, contacts, limits } = this.settings
    const roster = new PeerRoster(
      this.id,
      peers.map((addr) => addr.id),
      contacts,
    )
    this.#roster = roster
    const isTrusted = (peer: PeerId): boolean => roster.isTrusted(peer)
    const hosted = new NodeHosted({
      identity,
      enabled: this.settings.identities === 'hosted',
      roster,
      topics: () => this.#run?.topics,
      leave: (topic) => this.#tasks.add(this.leaveTopic(topic)),
      clock,
      log,
    })
    this.#hosted = hosted
    this.#inbound = new NodeInbound({
      me: this.id,
      limits: limits.inbound,
      roster,
      hub: this.#hub,
      held: options.held ?? false,
      clock,
      hosted,
      raise: (topic, sender) => this.#run?.topics.raise(topic, sender),
      sendReceipt: (sender, topic, key) => this.#run?.link.send(sender, topic, key),
      onFailure: (err) => log.error({ ev: 'event-failed', err }, 'a delayed message could not be handled'),
    })
    this.#receipts = new ReceiptBook(isTrusted, limits.peerPatienceMs)
    const seal = createSeal((message) => identity.sign(message), this.id)
    this.#texts = new TextSender({
      me: this.id,
      clock,
      journal,
      receipts: this.#receipts,
      rate: limits.ownText,
      isTrusted,
      seal,
      hosted: hosted.idOf,
      direct: new DirectRoute({ clock, link: () => this.#run?.direct }),
      ask: async (peer) => (roster.isBlocked(peer) ? 'application' : ((await this.#run?.link.ask(peer)) ?? 'unknown')),
    })
    this.#offers = new OfferBoard({
      me: this.id,
      seal,
      hosted: hosted.idOf,
      clock,
      rng,
      broadcast: (topic, content) => this.#broadcast(topic, content),
      onFailure: (error) =>
        log.debug({ ev: 'offer-not-sent', code: errorCode(error), reason: errorMessage(error) }, 'an offer was not repeated'),
    })
  }

  async start(): Promise<void> {
    const run = await NodeRun.open({
      openEndpoint: this.#options.openEndpoint,
      handlers: this.#options.handlers,
      settings: this.settings,
      identity: this.#identity,
      clock: this.#clock,
      rng: this.#rng,
      log: this.#log,
      roster: this.#roster,
      recent: this.#recent,
      inbound: this.#inbound,
      hosted: this.#hosted,
      onReceipt: (peer, receipt) => this.#takeReceipt(peer, receipt),
      onGoodbye: (peer) => {
        this.#receipts.left(peer)
        this.#run?.direct.forget(peer)
        this.#texts.wake()
      },
      onNeighbor: (topic, peer, change) => this.#neighbor(topic, peer, change),
    })
    this.#run = run
    await run.start()
  }

  /** Stops repeating offers and taking connections; what was received can still be read and confirmed. */
  async drain(): Promise<void> {
    this.#offers.stop()
    await this.#run?.endpoint.drain()
  }

  /** Leaves all topics, says goodbye to other gateways, closes the endpoint. Event streams end after what they hold. */
  async stop(): Promise<void> {
    const run = this.#run
    this.#run = undefined
    this.#offers.stop()
    this.#hosted.stop()
    this.#inbound.stop()
    this.#hub.close()
    if (run === undefined) return
    await run.stop()
    await this.#tasks.settled()
    await this.#journal.close()
  }

  health(): Health {
    if (this.#run === undefined) return { status: 'failed', reason: 'the node is not running' }
    const { endpoint, topics } = this.#run
    return nodeHealth(endpoint.health(), this.settings, topics.all, this.#clock.now())
  }

  stats(): NodeStats {
    const topics = this.#run?.topics
    const neighbors = new Set((topics?.all ?? []).flatMap((topic) => [...topic.neighbors]))
    return {
      topics: topics?.all.length ?? 0,
      neighbors: neighbors.size,
      ...this.#inbound.stats(),
      lagged: topics?.lagged ?? 0,
      lines: this.#texts.stats(),
      receipts: this.#run?.link.stats() ?? { sent: 0, received: 0, dropped: 0 },
      direct: this.#run?.direct.stats() ?? { delivered: 0, accepted: 0, failed: 0, received: 0, refused: 0 },
      offers: this.#offers.stats(),
      trackers: this.#run?.finder.health() ?? [],
      services: this.#run?.lookups.stats() ?? {},
      lookups: this.#run?.finder.stats() ?? { queries: 0, announces: 0, failures: 0, found: 0 },
    }
  }

  /** The endpoint, for protocols built on top. Throws `K2_NOT_RUNNING`. */
  get endpoint(): K2Endpoint {
    return this.#running().endpoint
  }

  /** Its topics beside those of K2, e.g. documents. Throws `K2_NOT_RUNNING`. */
  get gossip(): Gossip {
    return this.#running().gossip
  }

  /** Own address as others can use it. */
  addr(): EndpointAddr {
    return ofPeerAddr(this.#running().endpoint.shareableAddr())
  }

  /** The text others put into their configuration to reach this node. */
  ticket(): string {
    return encodeEndpointTicket(this.addr())
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#identity.sign(message)
  }

  subscribe(options: EventStreamOptions): EventStream<K2Event> {
    return this.#hub.subscribe(options)
  }

  /** Everybody who reads messages has subscribed: those kept back come now (see `K2NodeOptions.held`). */
  release(): void {
    this.#inbound.release()
  }

  /** The application has stored a chat line: its gateway is told, and further attempts of it are answered by us alone. */
  confirm(message: InboundChat): void {
    this.#inbound.confirm(message)
  }

  /** The application could not take a message: another attempt of it is welcome. */
  refuse(message: InboundMessage): void {
    this.#inbound.refuse(message)
  }

  topics(): TopicStatus[] {
    return (this.#run?.topics.all ?? []).map((topic) => ({
      ...topic.info,
      neighbors: [...topic.neighbors],
      heard: topic.isHeard,
    }))
  }

  /** Joins one more topic by its exact name. */
  joinTopic(name: string): TopicInfo {
    return this.#running().topics.join(readNodeConfig({ topics: [name] }).topics[0] as string).info
  }

  leaveTopic(name: string): Promise<boolean> {
    return this.#running().topics.leave(name)
  }

  contacts(): readonly Contact[] {
    return this.#roster.contacts
  }

  /** Starts listening for direct messages of one more node, and keeps asking until it is there. */
  addContact(contact: Contact): TopicInfo {
    const { endpoint, topics } = this.#running()
    this.#roster.addContact(contact)
    endpoint.learn(toPeerAddr(contact.addr), 'contact')
    return topics.joinDirect(contact.addr.id).info
  }

  /** Stops listening for a contact's direct messages. False when it was none. */
  async removeContact(peer: PeerId): Promise<boolean> {
    if (!this.#roster.removeContact(peer)) return false
    await this.#run?.topics.leave(directTopicName(this.id, peer))
    return true
  }

  /** Takes nothing from these peers any more, nor in their names; replaces the list. */
  setBlocked(peers: Iterable<PeerId>): void {
    this.#roster.setBlocked(peers)
  }

  /** Gives these peers the limits of configured ones; replaces the list. */
  setTrusted(peers: Iterable<PeerId>): void {
    this.#roster.setTrusted(peers)
  }

  /** Neighbours on topics, now and in the last days, latest first: for the next run. */
  recentPeers(): readonly RecentPeer[] {
    const now = this.#clock.now()
    for (const topic of this.#run?.topics.all ?? []) {
      if (topic.info.contact === undefined) for (const peer of topic.neighbors) this.#noteRecent(peer, now)
    }
    return this.#recent.list(now).filter(({ id }) => !this.#roster.isBlocked(id))
  }

  /** Adds a way to reach a peer, and joins every marketplace topic through it. */
  connectTo(addr: EndpointAddr): void {
    const { endpoint, topics } = this.#running()
    endpoint.learn(toPeerAddr(addr), 'ticket')
    for (const topic of topics.all) if (topic.info.contact === undefined) topic.joinThrough([addr.id])
  }

  /** A text on a joined topic; answers the ids of its lines. Rejects as `TextSender.send`, or `K2_UNKNOWN_TOPIC`. */
  async sendText(topicName: string, text: TextToSend): Promise<readonly Hash[]> {
    return this.#texts.send(this.#topic(topicName), text)
  }

  /**
   * A direct message, in the name of a person under their own id where people have them. Whoever is written to becomes a contact
   * of this run. Rejects as `TextSender.send`.
   */
  async sendDirect(contact: PeerId, text: TextToSend): Promise<readonly Hash[]> {
    return this.#texts.send(this.#hosted.join(this.#running().topics, contact, text.person), text)
  }

  /** The id a person is known by on K2; undefined where all people speak in the node's name. */
  hostedIdOf(person: string): PeerId | undefined {
    return this.#hosted.idOf(person)
  }

  /** Is there to hear what a peer writes to this node, or to one of its people; hosted conversations end when nobody uses them. */
  listenTo(peer: PeerId, person?: string): TopicInfo {
    const isHosted = (person !== undefined && this.#hosted.idOf(person) !== undefined) || this.#hosted.hostOf(peer) !== undefined
    if (isHosted) return this.#hosted.join(this.#running().topics, peer, person).info
    return this.addContact({ addr: { id: peer, relays: [], direct: [] } })
  }

  /** Publishes an offer or request until withdrawn. Throws `K2_BAD_FORM`, `K2_TOO_LARGE`, `K2_UNKNOWN_TOPIC` or `K2_RATE_LIMITED`. */
  publish(listing: Listing): string {
    this.#topic(listing.topic)
    return this.#offers.publish(listing)
  }

  withdraw(listingId: string): boolean {
    return this.#offers.withdraw(listingId)
  }

  sendInterest(interest: InterestToSend): Promise<void> {
    return this.#offers.sendInterest(interest)
  }

  /** Whether a peer answers: a connection without a stream, as K2 applications do it (k2-application 0.7). Never rejects. */
  async ping(peer: PeerId, { alpn = GOSSIP_ALPN, deadlineMs = PING_MS }: PingOptions = {}): Promise<PingResult> {
    const started = this.#clock.monotonic()
    try {
      const connection = await this.#running().endpoint.dial(peer, alpn, { deadlineMs, exclusive: true })
      connection.close(0n, '')
      return { online: true, ms: this.#clock.monotonic() - started }
    } catch (error) {
      return { online: false, code: errorCode(error) }
    }
  }

  #running(): NodeRun {
    if (this.#run === undefined) throw k2Error('K2_NOT_RUNNING', 'the node is not running')
    return this.#run
  }

  #topic(name: string): JoinedTopic {
    const topic = this.#running().topics.find(name)
    if (topic !== undefined) return topic
    throw k2Error('K2_UNKNOWN_TOPIC', `this node has not joined the topic ${JSON.stringify(name.slice(0, 80))}`)
  }

  async #broadcast(topicName: string, content: Uint8Array): Promise<boolean> {
    const topic = this.#topic(topicName)
    if (!topic.isHeard) return false
    await topic.broadcast(content)
    return true
  }

  #neighbor(topic: TopicInfo, peer: PeerId, change: 'up' | 'down'): void {
    this.#log.debug({ ev: `neighbor-${change}`, topic: topic.name, peer }, 'a neighbour of a topic changed')
    if (change === 'up' && topic.contact === peer && topic.as === undefined) this.#run?.direct.notePresent(peer)
    if (change === 'up') this.#receipts.met(peer, topic.id)
    if (topic.contact === undefined) this.#noteRecent(peer, this.#clock.now())
    this.#texts.wake()
    this.#tasks.add(this.#hub.publish({ type: change === 'up' ? 'neighborUp' : 'neighborDown', topic, peer }))
  }

  #noteRecent(peer: PeerId, now: number): void {
    this.#recent.note(peer, this.#run?.endpoint.book.dialable(peer, now), now)
  }

  #takeReceipt(peer: PeerId, receipt: Receipt): void {
    const now = this.#clock.now()
    this.#receipts.receipt(peer, receipt, now)
    this.#run?.direct.noteGateway(peer)
    this.#texts.wake()
    const expected = this.#receipts.expected(now)
    const confirmers = expected
      .map((one) => `${one.topic}/${one.peer}`)
      .sort()
      .join()
    if (confirmers === this.#confirmers) return
    this.#confirmers = confirmers
    this.#tasks.add(this.#journal.noteConfirmers(expected))
  }
}
