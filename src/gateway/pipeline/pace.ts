import { BoundedMap } from '../../base/bounded-map.ts'

/** How fast one author may write on one route before others go first (bridging 16). */
export interface AuthorRate {
  /** Messages at once, after a quiet time. */
  readonly burst: number
  /** Then one in this time, ms. */
  readonly everyMs: number
  /** Messages that may wait for their turn; further ones are dropped. */
  readonly waiting: number
}

/** A message and where it goes. */
export interface Arrival {
  readonly eventId: string
  readonly author: string
  /** Where it was written: what an author writes in one place keeps its order. */
  readonly place: string
  /** When it was written, ms; not after now. */
  readonly at: number
  readonly routes: readonly { readonly id: string; readonly rate: AuthorRate }[]
}

/** `full` with `tell`: the first of a flood that is dropped. */
export type Turn =
  | { readonly kind: 'now' }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'full'; readonly tell: boolean }

interface Bucket {
  /** When everything let through so far is paid for at the rate, ms. */
  readonly paid: number
  /** The author was told that messages are dropped, and wrote on without a pause. */
  readonly told: boolean
}

/** Authors on routes that are remembered; those quiet the longest begin anew. */
const MAX_BUCKETS = 20_000
/** Answers that are remembered for events that are offered again. */
const MAX_ANSWERS = 10_000
/** Messages that wait, of all authors together. */
const MAX_WAITING = 10_000

const NOW: Turn = { kind: 'now' }

/**
 * Gives each message of an author its turn: one token bucket per author and route, as a virtual schedule, so that each
 * message knows on arrival when it goes. What an author wrote in one place never overtakes. Pure: `now` is passed in, ms.
 */
export class Pacer {
  readonly #buckets = new BoundedMap<string, Bucket>({ max: MAX_BUCKETS })
  readonly #answers = new BoundedMap<string, Turn>({ max: MAX_ANSWERS })
  /** Turns of what waits, by author and place, in order. */
  readonly #queues = new Map<string, Map<string, number>>()
  /** The queue a message waits in. */
  readonly #queueOf = new Map<string, string>()

  get waiting(): number {
    return this.#queueOf.size
  }

  /** The same event gets the same answer. */
  turn(arrival: Arrival, now: number): Turn {
    const before = this.#answers.get(arrival.eventId, now)
    if (before?.kind === 'wait') this.#enqueue(arrival, before.until)
    if (before !== undefined) return before
    const turn = this.#decide(arrival, now)
    this.#answers.set(arrival.eventId, turn, now)
    return turn
  }

  /** Takes up what waited when the process before this one ended: nothing is given its turn earlier than it had. */
  resume(arrival: Arrival, until: number, now: number): number {
    const queue = keyOf(arrival)
    const due = Math.max(until, now, this.#lastOf(queue), ...arrival.routes.map((route) => this.#resumed(arrival, route, now)))
    this.#take(arrival, due, now)
    this.#enqueue(arrival, due)
    this.#answers.set(arrival.eventId, { kind: 'wait', until: due }, now)
    return due
  }

  /** It waits no more: it went on, or ended. */
  done(eventId: string): void {
    const key = this.#queueOf.get(eventId)
    if (key === undefined) return
    this.#queueOf.delete(eventId)
    const queue = this.#queues.get(key)
    queue?.delete(eventId)
    if (queue?.size === 0) this.#queues.delete(key)
  }

  /** When the next turn is, ms. */
  next(): number | undefined {
    let next: number | undefined
    for (const queue of this.#queues.values()) {
      const first = queue.values().next().value
      if (first !== undefined && (next === undefined || first < next)) next = first
    }
    return next
  }

  /** What has had its turn and still counts as waiting. */
  due(now: number): string[] {
    return [...this.#queues.values()].flatMap((queue) => [...queue].flatMap(([id, until]) => (until <= now ? [id] : [])))
  }

  #decide(arrival: Arrival, now: number): Turn {
    const queue = keyOf(arrival)
    const starts = arrival.routes.map((route) => this.#start(arrival, route))
    const due = Math.max(arrival.at, this.#lastOf(queue), ...starts)
    const mustWait = due > now || this.#queues.has(queue)
    if (!mustWait) {
      this.#take(arrival, due, now)
      return NOW
    }
    if (this.#isFull(arrival, starts, now)) return { kind: 'full', tell: this.#tell(arrival, now) }
    this.#take(arrival, due, now)
    this.#enqueue(arrival, due)
    return { kind: 'wait', until: due }
  }

  #isFull(arrival: Arrival, starts: readonly number[], now: number): boolean {
    if (this.#queueOf.size >= MAX_WAITING) return true
    const here = this.#queues.get(keyOf(arrival))?.size ?? 0
    return arrival.routes.some(({ rate }, i) => {
      const ahead = ((starts[i] as number) - now) / rate.everyMs
      return ahead > rate.waiting || here >= rate.waiting
    })
  }

  /** When the bucket lets it through. */
  #start({ author, at }: Arrival, { id, rate }: Arrival['routes'][number]): number {
    const bucket = this.#buckets.get(bucketKey(author, id), at)
    return bucket === undefined ? at : Math.max(at, bucket.paid - (rate.burst - 1) * rate.everyMs)
  }

  /** A bucket nobody knows the state of is empty. */
  #resumed(arrival: Arrival, route: Arrival['routes'][number], now: number): number {
    const key = bucketKey(arrival.author, route.id)
    const { burst, everyMs } = route.rate
    if (!this.#buckets.has(key, now)) this.#buckets.set(key, { paid: now + (burst - 1) * everyMs, told: false }, now)
    return this.#start({ ...arrival, at: now }, route)
  }

  #take({ author, routes }: Arrival, due: number, now: number): void {
    for (const { id, rate } of routes) {
      const key = bucketKey(author, id)
      const bucket = this.#buckets.get(key, now)
      const paid = Math.max(due, bucket?.paid ?? 0) + rate.everyMs
      this.#buckets.set(key, { paid, told: bucket?.told === true && due > now }, now)
    }
  }

  #tell({ author, routes }: Arrival, now: number): boolean {
    const keys = routes.map(({ id }) => bucketKey(author, id))
    const told = keys.some((key) => this.#buckets.get(key, now)?.told === true)
    for (const key of keys) {
      const bucket = this.#buckets.get(key, now)
      this.#buckets.set(key, { paid: bucket?.paid ?? 0, told: true }, now)
    }
    return !told
  }

  #lastOf(key: string): number {
    const queue = this.#queues.get(key)
    return queue === undefined ? 0 : Math.max(...queue.values())
  }

  #enqueue(arrival: Arrival, until: number): void {
    if (this.#queueOf.has(arrival.eventId)) return
    const key = keyOf(arrival)
    const queue = this.#queues.get(key)
    if (queue) queue.set(arrival.eventId, until)
    else this.#queues.set(key, new Map([[arrival.eventId, until]]))
    this.#queueOf.set(arrival.eventId, key)
  }
}

const keyOf = ({ author, place }: Arrival): string => `${author}\n${place}`
const bucketKey = (author: string, route: string): string => `${route}\n${author}`
