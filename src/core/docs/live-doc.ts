import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import { EventHub } from '../../base/event-hub.ts'
import type { Logger } from '../../base/logger.ts'
import type { GossipEvent } from '../gossip/event-buffer.ts'
import type { TopicHandle } from '../gossip/index.ts'
import { hashOf, type PeerId } from '../ids.ts'
import type { Connection } from '../net/transport.ts'
import type { ContentFetcher, ContentStore } from './content.ts'
import type { DocEvent, DocsStats } from './doc-events.ts'
import { docsError } from './errors.ts'
import type { AuthorId } from './ids.ts'
import { type DialReason, PeerSync, type SyncOrigin } from './live-state.ts'
import type { OpenDoc } from './open-doc.ts'
import { authorOf, isEmptyHash, keyOf, type SignedEntry } from './proto/entry.ts'
import { decodeGossipOp, encodeGossipOp, type GossipOp, MAX_NEIGHBOR_OP_BYTES, MAX_SWARM_OP_BYTES } from './proto/gossip-op.ts'
import { newsIn } from './proto/heads.ts'
import type { SyncMessage } from './proto/message.ts'
import { wantsContent } from './proto/policy.ts'
import { dialSession, type InitDecision, rejectionOf, type SessionLimits } from './session.ts'
import type { DocStore } from './store.ts'

/** Rust nodes count a session as running until its goodbye is over, ms. */
const GOODBYE_MS = 1_000
/** Pauses before a peer we turned away is dialed again, ms. */
const REDIAL_MS = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000] as const
const CONNECT_MS = 10_000
/** Entries written together that are told one by one. */
const MAX_ANNOUNCED = 32

export interface LiveTools {
  readonly me: PeerId
  readonly clock: Clock
  readonly log: Logger
  readonly store: DocStore
  readonly contents: ContentStore
  readonly fetcher: ContentFetcher
  readonly stats: DocsStats
  readonly limits: Partial<SessionLimits>
  readonly signal: AbortSignal
  readonly dial: (peer: PeerId, deadlineMs: number, signal: AbortSignal) => Promise<Connection>
  /** Takes background work; it handles its own failures. */
  readonly run: (work: Promise<void>) => void
}

interface Peer {
  readonly sync: PeerSync
  /** Ends sessions that another one replaced. */
  readonly stops: Map<number, AbortController>
  /** Times we turned it away since the last success. */
  redials: number
  turnedAway: boolean
}

interface Tally {
  received: number
  sent: number
  inserted: number
  readonly heads: Map<AuthorId, bigint>
}

/** A document that is kept in step with others: sessions, notices, contents (docs 9). */
export class LiveDoc {
  readonly doc: OpenDoc
  readonly events = new EventHub<DocEvent>()
  readonly #tools: LiveTools
  readonly #peers = new Map<PeerId, Peer>()
  #topic: TopicHandle | undefined
  #announceIdle = false

  constructor(doc: OpenDoc, tools: LiveTools) {
    this.doc = doc
    this.#tools = tools
  }

  get isSyncing(): boolean {
    return this.#topic !== undefined
  }

  /** Begins to listen on the document's topic. */
  listen(topic: TopicHandle): void {
    this.#topic = topic
    this.#tools.run(this.#hear(topic))
  }

  /** Joins further peers and reconciles with each (docs 9.2). */
  async meet(peers: readonly PeerId[]): Promise<void> {
    const others = peers.filter((peer) => peer !== this.#tools.me)
    if (others.length > 0) await this.#topic?.join(others)
    for (const peer of others) this.dial(peer, 'direct-join')
  }

  /** Ends sessions, leaves the topic. Nothing is forgotten on disk. */
  async leave(): Promise<void> {
    const topic = this.#topic
    this.#topic = undefined
    for (const peer of this.#peers.values()) for (const stop of peer.stops.values()) stop.abort()
    this.#peers.clear()
    this.#tools.fetcher.forget(this.doc.id)
    await topic?.close()
  }

  close(): void {
    this.events.close()
  }

  /** Tells everybody about an entry written here. */
  async announce(entry: SignedEntry): Promise<void> {
    this.#emit({ kind: 'insert-local', entry })
    const bytes = encodeGossipOp({ kind: 'put', entry })
    if (bytes.length > MAX_SWARM_OP_BYTES) this.#tools.stats.silentPuts++
    else await this.#topic?.broadcast(bytes).catch((error: unknown) => this.#note('announce', error))
  }

  /** As `announce`, for entries written together: more than a few are left to a session that the neighbours begin. */
  async announceAll(entries: readonly SignedEntry[]): Promise<void> {
    if (entries.length <= MAX_ANNOUNCED) {
      for (const entry of entries) await this.announce(entry)
      return
    }
    const heads = new Map<AuthorId, bigint>()
    for (const entry of entries) {
      this.#emit({ kind: 'insert-local', entry })
      const author = authorOf(entry.id)
      if ((heads.get(author) ?? -1n) < entry.timestamp) heads.set(author, entry.timestamp)
    }
    this.#tell({ kind: 'sync-report', namespace: this.doc.id, heads })
  }

  /** Begins a session unless one runs. */
  dial(peer: PeerId, reason: DialReason): void {
    if (!this.isSyncing || peer === this.#tools.me) return
    const known = this.#peer(peer)
    const session = known.sync.dial(reason, this.#tools.clock.now())
    if (session !== undefined) this.#tools.run(this.#connect(peer, session, known))
  }

  /** A peer asks to begin a session (docs 9.3). */
  init(peer: PeerId): InitDecision & { readonly signal?: AbortSignal } {
    if (!this.isSyncing) return { kind: 'reject', reason: 'not-found' }
    const known = this.#peer(peer)
    const verdict = known.sync.init(this.#tools.clock.now())
    if (verdict.kind === 'reject') {
      this.#tools.stats.rejectedSessions++
      known.turnedAway = true
      return verdict
    }
    if (verdict.replaces !== undefined) known.stops.get(verdict.replaces)?.abort()
    const stop = new AbortController()
    known.stops.set(verdict.session, stop)
    return { kind: 'allow', signal: stop.signal, ...this.#conversation(peer, verdict.session, known) }
  }

  contentReady(hash: ReturnType<typeof hashOf>): void {
    this.#emit({ kind: 'content-ready', hash })
    this.#tell({ kind: 'content-ready', hash })
  }

  contentsIdle(): void {
    if (!this.#announceIdle) return
    this.#announceIdle = false
    this.#emit({ kind: 'pending-content-ready' })
  }

  #peer(id: PeerId): Peer {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = { sync: new PeerSync(this.#tools.me, id), stops: new Map(), redials: 0, turnedAway: false }
      this.#peers.set(id, peer)
    }
    return peer
  }

  async #connect(peer: PeerId, session: number, known: Peer): Promise<void> {
    const stop = new AbortController()
    known.stops.set(session, stop)
    const talk = this.#conversation(peer, session, known)
    let begun = false
    try {
      const connection = await this.#tools.dial(peer, CONNECT_MS, stop.signal)
      begun = true
      await dialSession(
        connection,
        { namespace: this.doc.id, opening: this.doc.opening(), ...talk },
        { limits: this.#tools.limits, clock: this.#tools.clock, signal: stop.signal },
      )
    } catch (error) {
      // What fails after the conversation was reported already.
      if (!begun) talk.ended(error)
      else this.#note('session', error)
    }
  }

  /** One session's answers and its end, counted. */
  #conversation(
    peer: PeerId,
    session: number,
    known: Peer,
  ): { answer(m: SyncMessage): Promise<SyncMessage | undefined>; ended(error?: unknown): void } {
    const tally: Tally = { received: 0, sent: 0, inserted: 0, heads: new Map() }
    let over = false
    return {
      answer: async (message) => {
        const { reply, result } = await this.doc.handle(message)
        tally.received += result.received
        tally.inserted += result.inserted.length
        this.#tools.stats.invalid += result.invalid.length
        for (const [author, time] of result.heads) if ((tally.heads.get(author) ?? -1n) < time) tally.heads.set(author, time)
        for (const part of reply ?? []) if (part.kind === 'items') tally.sent += part.values.length
        for (const { entry, status } of result.inserted) await this.#arrived(entry, peer, status === 'complete')
        if (result.isExcessive)
          throw docsError('DOC_SYNC_FAILED', 'protocol', 'the peer asks for the same entries again and again')
        return reply
      },
      ended: (error) => {
        if (over) return
        over = true
        known.stops.delete(session)
        this.#tools.run(this.#ended(peer, session, known, tally, error))
      },
    }
  }

  async #ended(peer: PeerId, session: number, known: Peer, tally: Tally, error: unknown): Promise<void> {
    const { clock, stats, store, fetcher } = this.#tools
    const now = clock.now()
    if (rejectionOf(error) === 'already-syncing') {
      stats.rejectedSessions++
      known.sync.rejected(session, now)
      return
    }
    stats.sessions++
    if (error === undefined) {
      known.redials = 0
      known.turnedAway = false
      await store.notePeer(this.doc.id, { id: peer, at: now }).catch((e: unknown) => this.#note('peers', e))
      if (tally.inserted > 0) this.#tell({ kind: 'sync-report', namespace: this.doc.id, heads: tally.heads })
      fetcher.retry(this.doc.id, peer)
    } else stats.failedSessions++
    const ended = known.sync.finished(session)
    if (ended === undefined) return
    this.#emit({
      kind: 'sync-finished',
      peer,
      origin: ended.origin,
      startedAt: ended.since,
      finishedAt: now,
      received: tally.received,
      sent: tally.sent,
      ...(error !== undefined && { error: { code: errorCode(error), message: errorMessage(error) } }),
    })
    this.#announceIdle = true
    if (!fetcher.isBusy(this.doc.id)) this.contentsIdle()
    this.#again(peer, known, ended, tally, error)
  }

  /** Whether the peer is dialed once more: asked for meanwhile, values went both ways (docs 5.6), or we owe it a session. */
  #again(
    peer: PeerId,
    known: Peer,
    ended: { readonly origin: SyncOrigin; readonly resync: boolean },
    tally: Tally,
    error: unknown,
  ): void {
    const { clock } = this.#tools
    const isFollowUp = ended.origin.kind === 'connect' && ended.origin.reason === 'resync'
    const bothWays = error === undefined && ended.origin.kind === 'connect' && !isFollowUp && tally.sent > 0 && tally.inserted > 0
    if (ended.resync || bothWays) {
      clock.after(GOODBYE_MS, () => this.dial(peer, 'resync'))
    } else if (error !== undefined && known.turnedAway && known.redials < REDIAL_MS.length) {
      clock.after(REDIAL_MS[known.redials] as number, () => this.dial(peer, 'resync'))
      known.redials++
    }
  }

  async #hear(topic: TopicHandle): Promise<void> {
    try {
      for await (const event of topic.events) await this.#heard(event)
    } catch (error) {
      this.#note('topic', error)
    }
  }

  async #heard(event: GossipEvent): Promise<void> {
    switch (event.type) {
      case 'neighborUp':
        this.#emit({ kind: 'neighbor-up', peer: event.peer })
        this.dial(event.peer, 'new-neighbor')
        return
      case 'neighborDown':
        this.#emit({ kind: 'neighbor-down', peer: event.peer })
        return
      case 'received':
        return this.#notice(event.content, event.from, event.scope.type === 'neighbors' || event.scope.round === 0)
      default:
        return
    }
  }

  /** A bad notice says nothing about the next one (docs 8.4). */
  async #notice(content: Uint8Array, from: PeerId, isDirect: boolean): Promise<void> {
    let op: GossipOp
    try {
      op = decodeGossipOp(content)
    } catch (error) {
      if (!isK2Error(error)) throw error
      this.#tools.stats.badNotices++
      return
    }
    try {
      await this.#act(op, from, isDirect)
    } catch (error) {
      this.#note('notice', error)
    }
  }

  async #act(op: GossipOp, from: PeerId, isDirect: boolean): Promise<void> {
    if (op.kind === 'put') {
      const outcome = await this.doc.offer(op.entry)
      if (outcome.kind === 'inserted') await this.#arrived(op.entry, from, isDirect)
      else if (outcome.kind === 'invalid') this.#tools.stats.invalid++
    } else if (op.kind === 'content-ready') {
      await this.#tools.fetcher.offered(this.doc.id, op.hash, from)
    } else if (op.namespace === this.doc.id && newsIn(op.heads, this.doc.replica.heads) > 0) {
      this.dial(from, 'sync-report')
    }
  }

  async #arrived(entry: SignedEntry, from: PeerId, senderHasContent: boolean): Promise<void> {
    const { contents, fetcher, store, stats } = this.#tools
    stats.insertedRemote++
    if (isEmptyHash(entry.hash)) {
      this.#emit({ kind: 'insert-remote', from, entry, content: 'complete' })
      return
    }
    const hash = hashOf(entry.hash)
    const content = await contents.status(hash).catch(() => 'missing' as const)
    this.#emit({ kind: 'insert-remote', from, entry, content })
    if (content !== 'complete' && wantsContent(await store.policy(this.doc.id), keyOf(entry.id)))
      await fetcher.wanted(this.doc.id, hash, from, senderHasContent)
  }

  #tell(op: GossipOp): void {
    const topic = this.#topic
    const bytes = encodeGossipOp(op)
    if (topic === undefined || bytes.length > MAX_NEIGHBOR_OP_BYTES) return
    this.#tools.run(topic.broadcastNeighbors(bytes).catch((error: unknown) => this.#note('tell', error)))
  }

  /** Listeners that are slow lose events, never hold up others. */
  #emit(event: DocEvent): void {
    this.#tools.run(this.events.publish(event))
  }

  #note(what: string, error: unknown): void {
    if (this.#tools.signal.aborted) return
    this.#tools.log.debug({ ev: 'doc', doc: this.doc.id.slice(0, 10), what, code: errorCode(error), reason: errorMessage(error) })
  }
}
