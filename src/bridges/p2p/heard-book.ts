import { BoundedMap } from '../../base/bounded-map.ts'
import { hashId } from '../../base/ids.ts'
import { saidAs } from './said.ts'

/** Lines on topics that are remembered, and how long, so that nothing is repeated where it was said. Lost at a restart. */
const HEARD_LINES = 20_000
const HEARD_MS = 3_600_000
/** Gateways remembered for a topic, and topics. */
const MAX_GATEWAYS = 32
const MAX_TOPICS = 10_000
/** What another gateway repeated waits this long before it is repeated further: the place may hear it on a shorter way. */
const FIRST_MS = 2_000
/** Each gateway that speaks on the topic and comes before us has this long for its turn. */
const TURN_MS = 2_000
/** Sets gateways apart that do not know of each other yet. */
const SPREAD_MS = 1_000
/** Longest wait: a send must end before its deadline. */
const MAX_WAIT_MS = 12_000

/** A message, whoever repeats it, and its text. */
export interface Said {
  readonly origin: string
  readonly text: string
}

/**
 * Gateways in a ring hear one message on several ways, and two of them may be equally far from where it was said. They take turns:
 * whoever comes first in an order that the topic decides repeats it, and the others find it said (bridging 6.3, 12.4). One order
 * for all messages of a topic: each waits as long as the one before it, so that none holds up another. Pure: `now` is passed in, ms.
 */
export class HeardBook {
  readonly #me: string
  /** Since when an origin is known, and what was said of it on a topic. */
  readonly #since = new BoundedMap<string, number>({ max: HEARD_LINES, ttlMs: HEARD_MS })
  readonly #said = new BoundedMap<string, true>({ max: HEARD_LINES, ttlMs: HEARD_MS })
  /** Tags of the gateways that speak on a topic. */
  readonly #gateways = new BoundedMap<string, BoundedMap<string, true>>({ max: MAX_TOPICS })

  constructor(me: string) {
    this.#me = me
  }

  /** `speaker` is the tag of the gateway that said it, where one did. */
  hear(topic: string, { origin, text }: Said, speaker: string | undefined, now: number): void {
    if (!this.#since.has(origin, now)) this.#since.set(origin, now, now)
    this.#said.set(keyOf(topic, origin, text), true, now)
    if (speaker === undefined) return
    const known = this.#gateways.get(topic, now) ?? new BoundedMap<string, true>({ max: MAX_GATEWAYS, ttlMs: HEARD_MS })
    known.set(speaker, true, now)
    this.#gateways.set(topic, known, now)
  }

  isSaid(topic: string, { origin, text }: Said, now: number): boolean {
    return this.#said.has(keyOf(topic, origin, text), now)
  }

  /** How long to wait before repeating on this topic what another gateway repeated already. */
  waitMs(topic: string, origin: string, now: number): number {
    const since = this.#since.get(origin, now)
    if (since === undefined) return 0
    const others = [...(this.#gateways.get(topic, now)?.entries() ?? [])].map(([tag]) => tag)
    const mine = hashId([topic, this.#me])
    const before = others.filter((tag) => tag !== this.#me && hashId([topic, tag]) < mine).length
    const spread = (mine.charCodeAt(0) * 32 + mine.charCodeAt(1)) % SPREAD_MS
    return Math.max(0, since + Math.min(MAX_WAIT_MS, FIRST_MS + before * TURN_MS + spread) - now)
  }
}

const keyOf = (topic: string, origin: string, text: string): string => `${saidAs(origin, text)} ${topic}`
