import { sharedAbort, TaskGroup, withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { Bridge, BridgeSink } from '../../bridges/port.ts'
import type { ReactiveBridge } from '../../bridges/reactions.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import type { RouteDefinition } from '../pipeline/route-definition.ts'
import type { ReactionEvent, ReactionStore } from './store.ts'
import { tallyLine, type Wanted, wantedOf } from './tally.ts'

/** Reactions of one message within this become one change of its copies, ms. */
const COALESCE_MS = 300
/** How often messages are looked for whose copies wait for a change, and how many at a time. */
const LOOK_MS = 1_000
const BATCH = 50
/** A platform may take this long for one change, ms. */
const REACT_MS = 20_000
const RETRY_MS = 5_000
/** The line that counts reactions below a copy changes at most this often, ms. */
const TALLY_MS = 5_000
/** A line that is to be counted waits this long when people's words wait in its lane, ms. */
const BUSY_MS = 2_000
const PRUNE_MS = 3_600_000

export interface ReactionsOptions {
  readonly store: ReactionStore
  readonly bridges: BridgeRegistry
  readonly routes: () => readonly RouteDefinition[]
  readonly clock: Clock
  readonly log: Logger
}

/** Carries reactions from network to network as a state, not as messages (bridging 10.4). What is due is in the database. */
export class Reactions implements Lifecycle {
  readonly name = 'reactions'
  readonly #options: ReactionsOptions
  readonly #tasks: TaskGroup
  readonly #stop = sharedAbort()
  #cancel = (): void => {}
  #lookAt = Number.POSITIVE_INFINITY
  #looking = false
  #prunedAt = 0

  constructor(options: ReactionsOptions) {
    this.#options = options
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'reactions-failed', err }, 'reactions could not be carried over'))
  }

  async start(): Promise<void> {
    this.#lookIn(0)
  }

  async drain(): Promise<void> {
    this.#stop.abort()
    this.#cancel()
    await this.#tasks.settled()
  }

  async stop(): Promise<void> {
    await this.drain()
  }

  /** The same sink, from which reactions come here after the pipeline stored their events. */
  sink(inner: BridgeSink): BridgeSink {
    return {
      ingest: async (envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> => {
        await inner.ingest(envelopes, cursors)
        for (const envelope of envelopes) {
          const event = reactionOf(envelope)
          if (event !== undefined) await this.#take(event)
        }
      },
    }
  }

  async #take(event: ReactionEvent): Promise<void> {
    const { clock, store } = this.#options
    const dueAt = clock.now() + COALESCE_MS
    if ((await store.apply(event, dueAt)) !== undefined) this.#lookIn(COALESCE_MS)
  }

  #lookIn(ms: number): void {
    const { clock } = this.#options
    const at = clock.now() + ms
    if (this.#stop.signal.aborted || (at >= this.#lookAt && this.#lookAt > clock.now())) return
    this.#cancel()
    this.#lookAt = at
    this.#cancel = clock.after(ms, () => this.#tasks.add(this.#look()))
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#stop.signal.aborted) return
    this.#looking = true
    const { store, clock } = this.#options
    try {
      const due = await store.due(clock.now(), BATCH)
      for (const cid of due) {
        if (this.#stop.signal.aborted) return
        await this.#carry(cid)
      }
      if (clock.now() - this.#prunedAt > PRUNE_MS) {
        this.#prunedAt = clock.now()
        await store.prune()
      }
    } finally {
      this.#looking = false
      this.#lookAt = Number.POSITIVE_INFINITY
      this.#lookIn(LOOK_MS)
    }
  }

  /** Makes all copies of a message show what they should. */
  async #carry(cid: string): Promise<void> {
    const { store, routes, bridges, clock } = this.#options
    const readAt = clock.now()
    const [reactions, copies] = await Promise.all([store.reactions(cid), store.copies(cid)])
    let again: number | undefined
    for (const wanted of wantedOf(reactions, copies, routes())) {
      const { copy, emojis } = wanted
      const bridge = bridges.find(copy.ref.network, copy.ref.account)
      if (bridge === undefined) continue
      if (!isReactive(bridge) || (emojis.length === 0 && copy.shown.length === 0)) {
        const votes = isReactive(bridge) ? wanted.votes : []
        again = later(again, await this.#count(cid, { ...wanted, votes }, [], bridge))
        continue
      }
      const change = { ref: copy.ref, wanted: emojis, shown: copy.shown }
      const work = bridge.react(change, this.#stop.signal)
      const outcome = await withDeadline(work, { ms: REACT_MS, what: 'a reaction', clock }).catch(() => undefined)
      if (outcome === undefined) again = later(again, RETRY_MS)
      else if (outcome.kind !== 'gone') await store.show(cid, copy.ref, outcome.shown)
      if (outcome?.kind === 'later') again = later(again, outcome.afterMs)
      const shown = outcome?.kind === 'done' ? outcome.shown : []
      // Until it is known what is shown, what is counted stays as it is.
      if (outcome?.kind === 'done' || outcome?.kind === 'gone')
        again = later(again, await this.#count(cid, wanted, shown, bridge))
    }
    if (again === undefined) await store.settled(cid, readAt)
    else await store.postpone(cid, clock.now() + again)
  }

  /** The line below the copy that counts what is not shown; answers how long to wait when it has just changed, or others wait. */
  async #count(cid: string, wanted: Wanted, shown: readonly string[], bridge: Bridge): Promise<number | undefined> {
    const { copy } = wanted
    if (copy.isOrigin || copy.isJoined || !bridge.capabilities.edit) return undefined
    const line = tallyLine(wanted, shown)
    if (line === (copy.tally?.line ?? '')) return undefined
    const now = this.#options.clock.now()
    const waitMs = (copy.tally?.at ?? 0) + TALLY_MS - now
    if (waitMs > 0) return waitMs
    if (await this.#options.store.isBusy(cid, copy.lane)) return BUSY_MS
    await this.#options.store.count(cid, copy.lane, line, now)
    return undefined
  }
}

/** The longer of two waits. */
const later = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)

function isReactive(bridge: Bridge): bridge is Bridge & ReactiveBridge {
  return typeof (bridge as Partial<ReactiveBridge>).react === 'function'
}

function reactionOf({ event, msg, occurredAt }: Envelope): ReactionEvent | undefined {
  switch (event.kind) {
    case 'reaction.set':
      return { msg, at: occurredAt, change: { kind: 'set', actor: event.actor.key, emojis: event.emojis } }
    case 'reaction.delta':
      return { msg, at: occurredAt, change: { kind: 'delta', actor: event.actor.key, add: event.add, remove: event.remove } }
    case 'reaction.clear':
      return { msg, at: occurredAt, change: { kind: 'clear', ...(event.emoji && { emoji: event.emoji }) } }
    default:
      return undefined
  }
}
