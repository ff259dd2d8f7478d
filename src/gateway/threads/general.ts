import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { type Network, type Place, placeKey } from '../../bridges/model/place.ts'
import type { Bridge, BridgeSink, SendOutcome, SendRequest } from '../../bridges/port.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'
import type { RouteDefinition } from '../pipeline/index.ts'
import type { ThreadPair } from './pairs.ts'
import { sendingBy } from './sending.ts'
import type { TopicTitles } from './titles.ts'

/** What Telegram answers for a topic that is not there any more. */
const GONE: ReadonlySet<string> = new Set(['TELEGRAM_TOPIC_DELETED', 'TELEGRAM_TOPIC_NOT_FOUND'])
/** A topic that was gone is tried again after this, ms: very old topics of busy groups are sometimes not found either. */
const GONE_MS = 3_600_000
const MAX_GONE = 10_000

export interface GeneralTopicOptions {
  readonly bridges: BridgeRegistry
  readonly routes: () => readonly RouteDefinition[]
  readonly pairs: () => readonly ThreadPair[]
  readonly titles: TopicTitles
  readonly clock: Clock
  readonly log: Logger
}

/**
 * What is said to a topic that was deleted, and cannot be made again, goes to the general topic with the topic's name in front,
 * where a route says `deletedTopics: general` (bridging 5.3).
 */
export class GeneralTopic implements BridgeRegistry {
  readonly #options: GeneralTopicOptions
  readonly #gone: BoundedMap<string, true>

  constructor(options: GeneralTopicOptions) {
    this.#options = options
    this.#gone = new BoundedMap({ max: MAX_GONE, ttlMs: GONE_MS })
  }

  /** The same sink; the names of topics that may be needed later are kept. */
  sink(inner: BridgeSink): BridgeSink {
    return {
      ingest: async (envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> => {
        await inner.ingest(envelopes, cursors)
        for (const envelope of envelopes) await this.#note(envelope)
      },
    }
  }

  find(network: Network, account: string): Bridge | undefined {
    const bridge = this.#options.bridges.find(network, account)
    if (bridge === undefined || network !== 'telegram' || !this.#options.routes().some(isWanted)) return bridge
    return sendingBy(bridge, (request, signal) => this.#send(bridge, request, signal))
  }

  async #send(bridge: Bridge, request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    const { place, parts } = request
    if (place.thread === undefined || !this.#isAllowed(place)) return bridge.send(request, signal)
    const { clock, log } = this.#options
    const key = placeKey(place)
    // Messages of the topic that are there already stay where they are.
    const isThere = parts.length > 0 && parts[0]?.ref.thread === undefined
    if (!isThere && (parts.length > 0 || !this.#gone.has(key, clock.now()))) {
      const outcome = await bridge.send(request, signal)
      if (outcome.kind !== 'lane-failed' || !GONE.has(outcome.code)) return outcome
      // What was in the topic went with it.
      if (request.op !== 'create') return { kind: 'done', parts: [] }
      this.#gone.set(key, true, clock.now())
      log.info({ ev: 'topic-gone', place: key }, 'a topic is gone: what is said there goes to the general topic')
    }
    const { thread, ...general } = place
    const title = await this.#titleOf(place, thread)
    const displayName = `[${title}] ${request.author.displayName}`
    return bridge.send({ ...request, place: general, author: { ...request.author, displayName } }, signal)
  }

  #isAllowed(place: Place): boolean {
    const key = placeKey(place)
    return this.#options.routes().some((route) => isWanted(route) && route.members.some((m) => placeKey(m.place) === key))
  }

  /** A topic that was made again has an earlier id than its pair; the name is the pair's. */
  async #titleOf(place: Place, thread: string): Promise<string> {
    const told = await this.#options.titles.find(place).catch((error: unknown) => this.#failed(error))
    if (told !== undefined) return told
    const key = placeKey(place)
    const pair = this.#options.pairs().find(({ places }) => places.some((p) => placeKey(p) === key))
    return pair?.title ?? `topic ${thread}`
  }

  async #note(envelope: Envelope): Promise<void> {
    if (envelope.at.network !== 'telegram' || !this.#options.routes().some(isWanted)) return
    const { event, at } = envelope
    const thread = 'thread' in event ? event.thread : at.thread
    if (thread === undefined || !this.#isAllowed({ ...at, thread })) return
    // Without the name the topic is called by its number; nothing is lost.
    await this.#options.titles.note(envelope).catch((error: unknown) => this.#failed(error))
  }

  #failed(error: unknown): undefined {
    const why = { code: errorCode(error), reason: errorMessage(error) }
    this.#options.log.warn({ ev: 'topic-title', ...why }, 'the name of a topic could not be kept or found')
    return undefined
  }
}

const isWanted = ({ deletedTopics }: RouteDefinition): boolean => deletedTopics === 'general'
