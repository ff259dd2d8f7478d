import { Semaphore, TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Rng, unit } from '../../base/random.ts'
import type { PeerId } from '../ids.ts'
import type { TopicInfo } from '../k2/inbound.ts'
import { trackerHashOf } from '../k2/topics.ts'
import type { EndpointAddr } from '../keys/address.ts'
import type { Verify } from '../keys/ed25519.ts'
import type { Identity } from '../keys/identity.ts'
import type { TrackerClient } from './client.ts'
import { type ClockDoubt, clockDoubt } from './clock-doubt.ts'
import { type Content, type SignedAnnounce, signAnnounce } from './messages.ts'
import { rankHosts } from './rows.ts'

/** With fewer neighbours a topic is looked up more often (discovery 8.8). */
const ENOUGH_NEIGHBORS = 3
const LONELY_MS = 5 * 60_000
const SETTLED_MS = 30 * 60_000
/** Announcements live 12 h (discovery 8.7). */
const ANNOUNCE_MS = 3 * 3600_000
const JITTER = 0.2
/** A tracker that failed is asked again after this, doubling up to an hour. */
const BACKOFF_MS = 30_000
const MAX_BACKOFF_MS = 3600_000
/** Peers one look-up joins, and how many are kept for later joins. */
const JOIN_PEERS = 10
const SPARE_PEERS = 100
/** Requests under way over all topics and trackers. */
const CONCURRENCY = 8

export interface TopicFinderOptions {
  readonly client: Pick<TrackerClient, 'announce' | 'query'>
  readonly trackers: readonly PeerId[]
  readonly identity: Pick<Identity, 'id' | 'sign'>
  readonly verify: Verify
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  /** False: only look others up, tell nobody about us. */
  readonly announce: boolean
  /** How many neighbours the topic has at the moment. */
  readonly neighbors: (topic: TopicInfo) => number
  /** Members of a topic worth joining through, best first. */
  readonly onFound: (topic: TopicInfo, peers: readonly PeerId[]) => void
  /** Where a tracker saw a host: a hint. */
  readonly onSeen?: (addr: EndpointAddr) => void
}

export interface TrackerHealth {
  readonly tracker: PeerId
  /** Failures in a row; 0 while it answers. */
  readonly failures: number
  readonly lastOkAt?: number
  readonly lastError?: string
  /** What its answers say about the clock of this machine. */
  readonly clock?: ClockDoubt
}

interface Watched {
  readonly topic: TopicInfo
  readonly content: Content
  found: readonly PeerId[]
  announcedAt: number
  /** µs of the announcement each tracker has taken. */
  readonly takenBy: Map<PeerId, bigint>
  cancel: () => void
  busy: boolean
}

interface Tracker {
  readonly id: PeerId
  failures: number
  /** Not asked before this, ms. */
  pausedUntil: number
  lastOkAt: number | undefined
  lastError: string | undefined
  doubt: ClockDoubt | undefined
}

/**
 * Finds members of topics through trackers and announces this node there, for as long as the topics are watched. Trackers are
 * asked side by side and never waited for: joining a topic does not depend on them.
 */
export class TopicFinder {
  readonly #options: TopicFinderOptions
  readonly #watched = new Map<string, Watched>()
  readonly #trackers: readonly Tracker[]
  readonly #tasks: TaskGroup
  readonly #slots = new Semaphore(CONCURRENCY)
  readonly #stopped = new AbortController()
  readonly #counts = { queries: 0, announces: 0, failures: 0, found: 0 }
  /** Times never go backwards, whatever the clock does: an older announcement is ignored. */
  #lastStamp = 0n

  constructor(options: TopicFinderOptions) {
    this.#options = options
    this.#trackers = options.trackers.map((id) => ({
      id,
      failures: 0,
      pausedUntil: 0,
      lastOkAt: undefined,
      lastError: undefined,
      doubt: undefined,
    }))
    this.#tasks = new TaskGroup((err) => options.log.error({ ev: 'tracker-bug', err }, 'a look-up failed unexpectedly'))
  }

  /** Looks the topic up now and again and again. Watching it twice changes nothing. */
  watch(topic: TopicInfo): void {
    if (this.#trackers.length === 0 || this.#watched.has(topic.name) || this.#stopped.signal.aborted) return
    const content: Content = { hash: trackerHashOf(topic.id), format: 'raw' }
    const watched = {
      topic,
      content,
      found: [],
      announcedAt: Number.NEGATIVE_INFINITY,
      takenBy: new Map(),
      cancel: () => {},
      busy: false,
    }
    this.#watched.set(topic.name, watched)
    this.#tasks.add(this.#round(watched))
  }

  unwatch(name: string): void {
    this.#watched.get(name)?.cancel()
    this.#watched.delete(name)
  }

  /** Peers of the last look-up, best first. */
  peersOf(name: string): readonly PeerId[] {
    return this.#watched.get(name)?.found ?? []
  }

  /** The own address changed: others learn the new one only by asking, so the trackers hear from us again soon. */
  networkChanged(): void {
    for (const tracker of this.#trackers) tracker.pausedUntil = 0
    for (const watched of this.#watched.values()) {
      watched.announcedAt = Number.NEGATIVE_INFINITY
      if (watched.busy) continue
      watched.cancel()
      this.#tasks.add(this.#round(watched))
    }
  }

  health(): TrackerHealth[] {
    return this.#trackers.map(({ id, failures, lastOkAt, lastError, doubt }) => ({
      tracker: id,
      failures,
      ...(lastOkAt !== undefined && { lastOkAt }),
      ...(lastError !== undefined && { lastError }),
      ...(doubt !== undefined && { clock: doubt }),
    }))
  }

  stats(): { readonly queries: number; readonly announces: number; readonly failures: number; readonly found: number } {
    return { ...this.#counts }
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const name of [...this.#watched.keys()]) this.unwatch(name)
    await this.#tasks.settled()
  }

  /** Asks all trackers that are not paused, announces where it is due, and plans the next round. */
  async #round(watched: Watched): Promise<void> {
    const { clock, announce } = this.#options
    watched.busy = true
    const now = clock.now()
    const due = announce && now - watched.announcedAt >= this.#jittered(ANNOUNCE_MS)
    const asked = this.#trackers.filter((tracker) => tracker.pausedUntil <= now)
    const signed = due && asked.length > 0 ? this.#sign(watched.content) : undefined
    const answers = await Promise.all(asked.map((tracker) => this.#ask(tracker, watched, signed)))
    watched.busy = false
    if (signed !== undefined && answers.some((answer) => answer !== undefined)) watched.announcedAt = now
    if (this.#watched.get(watched.topic.name) !== watched) return
    this.#take(
      watched,
      answers.flatMap((answer) => answer ?? []),
    )
    watched.cancel = clock.after(this.#nextMs(watched), () => this.#tasks.add(this.#round(watched)))
  }

  #take(watched: Watched, rows: readonly SignedAnnounce[]): void {
    const { identity, verify, clock, rng, onFound, neighbors } = this.#options
    const peers = rankHosts(rows, { me: identity.id, hash: watched.content.hash, verify, now: clock.now(), rng })
    if (peers.length === 0) return
    this.#counts.found += peers.filter((peer) => !watched.found.includes(peer)).length
    watched.found = peers.slice(0, SPARE_PEERS)
    if (neighbors(watched.topic) < ENOUGH_NEIGHBORS) onFound(watched.topic, peers.slice(0, JOIN_PEERS))
  }

  /** The rows of one tracker; undefined when it failed. */
  async #ask(
    tracker: Tracker,
    { content, takenBy }: Watched,
    announce: SignedAnnounce | undefined,
  ): Promise<readonly SignedAnnounce[] | undefined> {
    const { client, clock, log, onSeen } = this.#options
    const { signal } = this.#stopped
    try {
      return await this.#slots.run(async () => {
        this.#counts.queries++
        const { rows, seen } = await client.query(tracker.id, { content, complete: false, verified: false }, signal)
        for (const addr of seen) onSeen?.(addr)
        this.#judgeClock(tracker, rows, takenBy.get(tracker.id))
        if (announce !== undefined) {
          await client.announce(tracker.id, announce, signal)
          takenBy.set(tracker.id, announce.timestamp)
          this.#counts.announces++
        }
        Object.assign(tracker, { failures: 0, pausedUntil: 0, lastOkAt: clock.now(), lastError: undefined })
        return rows
      })
    } catch (error) {
      if (signal.aborted) return undefined
      this.#counts.failures++
      tracker.lastError = errorCode(error)
      const pause = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** Math.min(tracker.failures++, 10))
      tracker.pausedUntil = Math.max(tracker.pausedUntil, clock.now() + this.#jittered(pause))
      log.debug({ ev: 'tracker-failed', tracker: tracker.id, code: tracker.lastError }, 'a tracker did not answer')
      return undefined
    }
  }

  #judgeClock(tracker: Tracker, rows: readonly SignedAnnounce[], announcedAt: bigint | undefined): void {
    const { identity, verify, clock, log } = this.#options
    const doubt = clockDoubt(rows, { me: identity.id, verify, now: clock.now(), announcedAt })
    if (doubt !== undefined && doubt !== tracker.doubt) {
      log.warn(
        { ev: 'clock-doubt', tracker: tracker.id, clock: doubt },
        doubt === 'behind'
          ? 'nodes announced themselves later than it is on this machine: its clock seems to be behind'
          : 'a tracker does not show what this node announced: it has forgotten it, or the clock of this machine is ahead',
      )
    }
    tracker.doubt = doubt
  }

  #nextMs(watched: Watched): number {
    const { clock, neighbors } = this.#options
    const regular = this.#jittered(neighbors(watched.topic) < ENOUGH_NEIGHBORS ? LONELY_MS : SETTLED_MS)
    const now = clock.now()
    const back = Math.min(...this.#trackers.filter((t) => t.pausedUntil > now).map((t) => t.pausedUntil - now))
    // Nobody answered yet: as soon as somebody may be asked again.
    return this.#trackers.every((t) => t.pausedUntil > now) ? Math.max(1000, back) : regular
  }

  #sign(content: Content): SignedAnnounce {
    const { clock, identity } = this.#options
    const now = BigInt(Math.floor(clock.now())) * 1000n
    this.#lastStamp = now > this.#lastStamp ? now : this.#lastStamp + 1n
    return signAnnounce(identity, { content, kind: 'complete', timestamp: this.#lastStamp })
  }

  #jittered(ms: number): number {
    return ms * (1 + JITTER * (2 * unit(this.#options.rng) - 1))
  }
}
