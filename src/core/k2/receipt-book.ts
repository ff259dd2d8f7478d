import { BoundedMap } from '../../base/bounded-map.ts'
import type { PeerId, TopicId } from '../ids.ts'

/** Who confirmed something on a topic within this time is expected to confirm the next line as well. */
const MEMORY_MS = 10 * 60_000
/** How long a silent stranger holds lines back: one dead one must not matter. */
const STRANGER_PATIENCE_MS = 20_000
/** How long a silent configured peer holds lines back unless told otherwise: long enough to restart. */
export const PEER_PATIENCE_MS = 60_000
/** A stranger that ran out of patience is not waited for again for this long, whatever it confirms. */
const IGNORE_MS = 10 * 60_000
const CONFIRMERS = 2000
const LINES = 10_000

interface Confirmer {
  readonly peer: PeerId
  readonly topic: TopicId
  /** Since when a line has been waiting for it. */
  silentSince: number | undefined
  ignoredUntil: number
}

interface Line {
  readonly topic: TopicId
  readonly firstSentAt: number
  readonly confirmed: Set<PeerId>
  /** Somebody it waited for left without confirming it. */
  deserted: boolean
}

export interface SentLine {
  readonly topic: TopicId
  readonly key: string
}

/**
 * Decides when a chat line counts as delivered to the other gateways of a topic: when each that has been confirming lines has
 * confirmed this one, or has been silent for too long. K2 applications never confirm and are never waited for. Pure; `now` in ms.
 */
export class ReceiptBook {
  readonly #isTrusted: (peer: PeerId) => boolean
  readonly #peerPatienceMs: number
  readonly #confirmers = new BoundedMap<string, Confirmer>({ max: CONFIRMERS, ttlMs: MEMORY_MS })
  readonly #lines = new BoundedMap<string, Line>({ max: LINES, ttlMs: MEMORY_MS })
  /** Neighbours that let a line pass without a word: K2 applications. */
  readonly #silent = new BoundedMap<string, true>({ max: CONFIRMERS, ttlMs: MEMORY_MS })

  /** `peerPatienceMs`: at most ten minutes, after which nobody is remembered. */
  constructor(isTrusted: (peer: PeerId) => boolean, peerPatienceMs = PEER_PATIENCE_MS) {
    this.#isTrusted = isTrusted
    this.#peerPatienceMs = peerPatienceMs
  }

  /** The line was handed to gossip (again). */
  sent({ topic, key }: SentLine, now: number): void {
    const known = this.#lines.get(key, now)
    const line = known ?? { topic, firstSentAt: now, confirmed: new Set(), deserted: false }
    line.deserted = false
    this.#lines.set(key, line, now)
  }

  /** Gateways this line still waits for; empty = delivered as far as anybody can tell. */
  missing({ topic, key }: SentLine, now: number): PeerId[] {
    const confirmed = this.#lines.get(key, now)?.confirmed
    return this.#awaited(topic, now)
      .map((confirmer) => confirmer.peer)
      .filter((peer) => !confirmed?.has(peer))
  }

  /** Neighbours of whom nobody knows yet whether they confirm lines; worth a moment's wait, not more. */
  undecided({ topic, key }: SentLine, neighbors: Iterable<PeerId>, now: number): PeerId[] {
    const confirmed = this.#lines.get(key, now)?.confirmed
    return [...neighbors].filter((peer) => {
      const id = idOf(topic, peer)
      return !this.#confirmers.has(id, now) && !this.#silent.has(id, now) && !confirmed?.has(peer)
    })
  }

  /** These neighbours had their moment for a line and did not confirm it. */
  passed(topic: TopicId, peers: readonly PeerId[], now: number): void {
    for (const peer of peers) this.#silent.set(idOf(topic, peer), true, now)
  }

  /** A gateway has stored lines. */
  receipt(peer: PeerId, { topic, keys }: { readonly topic: TopicId; readonly keys: readonly string[] }, now: number): void {
    let ours = false
    for (const key of keys) {
      const line = this.#lines.get(key, now)
      if (line?.topic !== topic) continue
      line.confirmed.add(peer)
      ours = true
    }
    if (ours) this.expect(peer, topic, now)
  }

  /** Lines on this topic wait for the gateway from now on, e.g. because it confirmed lines before we restarted. */
  expect(peer: PeerId, topic: TopicId, now: number): void {
    const id = idOf(topic, peer)
    this.#silent.delete(id)
    const ignoredUntil = this.#confirmers.get(id, now)?.ignoredUntil ?? 0
    this.#confirmers.set(id, { peer, topic, silentSince: undefined, ignoredUntil }, now)
  }

  /** The wait for a line ended without every receipt. */
  missed({ topic, key }: SentLine, now: number): void {
    const line = this.#lines.get(key, now)
    for (const confirmer of this.#awaited(topic, now)) {
      if (line?.confirmed.has(confirmer.peer)) continue
      confirmer.silentSince ??= line?.firstSentAt ?? now
      const trusted = this.#isTrusted(confirmer.peer)
      if (now - confirmer.silentSince < (trusted ? this.#peerPatienceMs : STRANGER_PATIENCE_MS)) continue
      if (trusted) this.#giveUpOn(confirmer, now)
      else confirmer.ignoredUntil = now + IGNORE_MS
    }
  }

  #giveUpOn({ peer, topic }: Confirmer, now: number): void {
    const id = idOf(topic, peer)
    this.#confirmers.delete(id)
    this.#silent.set(id, true, now)
  }

  /** It is a neighbour anew: what it was silent about before says nothing any more. */
  met(peer: PeerId, topic: TopicId): void {
    this.#silent.delete(idOf(topic, peer))
  }

  /** A gateway said goodbye: it will not confirm anything for now. When it is back it counts as new. */
  left(peer: PeerId): void {
    const topics = new Set<TopicId>()
    for (const [id, confirmer] of [...this.#confirmers.entries()]) {
      if (confirmer.peer !== peer) continue
      this.#confirmers.delete(id)
      topics.add(confirmer.topic)
    }
    for (const [, line] of this.#lines.entries()) {
      if (topics.has(line.topic) && !line.confirmed.has(peer)) line.deserted = true
    }
  }

  /** These neighbours went, or do not answer, before anybody knew whether they would confirm the line. */
  lost({ key }: SentLine, peers: readonly PeerId[], now: number): void {
    const line = this.#lines.get(key, now)
    if (line !== undefined && peers.some((peer) => !line.confirmed.has(peer))) line.deserted = true
  }

  /** Whether a configured peer that does not answer is still waited for with this line. */
  isPatient({ key }: SentLine, now: number): boolean {
    return now - (this.#lines.get(key, now)?.firstSentAt ?? now) < this.#peerPatienceMs
  }

  /** Whether somebody left since this line was last sent, without confirming it. */
  isDeserted({ key }: SentLine, now: number): boolean {
    return this.#lines.get(key, now)?.deserted ?? false
  }

  /** Everybody lines currently wait for, for the journal. */
  expected(now: number): { readonly peer: PeerId; readonly topic: TopicId }[] {
    return [...this.#confirmers.entries()]
      .filter(([id, confirmer]) => this.#confirmers.has(id, now) && confirmer.ignoredUntil <= now)
      .map(([, { peer, topic }]) => ({ peer, topic }))
  }

  #awaited(topic: TopicId, now: number): Confirmer[] {
    const awaited: Confirmer[] = []
    for (const [id, confirmer] of [...this.#confirmers.entries()]) {
      if (confirmer.topic !== topic || confirmer.ignoredUntil > now || !this.#confirmers.has(id, now)) continue
      awaited.push(confirmer)
    }
    return awaited
  }
}

const idOf = (topic: TopicId, peer: PeerId): string => `${topic}/${peer}`
