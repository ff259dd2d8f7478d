import { hashId } from '../../base/ids.ts'
import type { Attachment, Author, Envelope } from '../../bridges/model/message.ts'
import { type NativeRef, type Place, placeKey } from '../../bridges/model/place.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import type { Decided } from './prepare.ts'
import { type StoreTools, storeRun } from './store-batch.ts'

/** How long a message of our own is worth sending, ms. */
const MAX_AGE_MS = 86_400_000

/** Author of what the gateway itself says. */
export const GATEWAY_AUTHOR: Author = { key: 'system:k2gw', displayName: 'K2 gateway', isBot: true, kind: 'bot' }

/** A message of the gateway's own to one place. */
export interface OwnMessage {
  /** The same key twice is one message, however often and by whomever it is asked for. */
  readonly key: string
  readonly place: Place
  readonly rich: RichText
  readonly attachments?: readonly Attachment[] | undefined
  readonly replyTo?: NativeRef | undefined
  /** In whose name it is said; the gateway's own when absent. */
  readonly author?: Pick<Author, 'key' | 'displayName'> | undefined
}

/** The message as an event of its place with that place as its only destination: it goes the way of all others. */
export function ownMessage(message: OwnMessage, now: number): Decided {
  const { key, place, rich, attachments = [], replyTo, author } = message
  const eventId = hashId(['own message', key])
  const { network, account, channel, thread } = place
  const envelope: Envelope = {
    v: 1,
    eventId,
    account,
    at: place,
    msg: { network, account, channel, ...(thread !== undefined && { thread }), id: `own-${eventId}` },
    author: author === undefined ? GATEWAY_AUTHOR : { ...GATEWAY_AUTHOR, ...author },
    occurredAt: now,
    receivedAt: now,
    event: { kind: 'message.create', body: { rich, attachments }, ...(replyTo && { replyTo: { ref: replyTo } }) },
    via: [],
  }
  const destination = { lane: placeKey(place), place, route: 'own', maxAgeMs: MAX_AGE_MS, render: { identity: 'bot' as const } }
  return { envelope, decision: { status: 'routed', destinations: [destination], trace: { routes: [] } } }
}

/** What the gateway itself has to say, put into the lanes of places for good: sent in order, once, also after a kill. */
export class OwnMessages {
  readonly #tools: StoreTools
  readonly #wake: (lane: string) => Promise<void>

  /** `wake` has a lane looked at; where it fails the sweeper finds the message. */
  constructor(tools: StoreTools, wake: (lane: string) => Promise<void>) {
    this.#tools = tools
    this.#wake = wake
  }

  /** Resolves once the message is stored. Rejects `DB_*`, then nothing was. */
  async say(message: OwnMessage): Promise<void> {
    const item = ownMessage(message, this.#tools.clock.now())
    const { lanes } = await storeRun(this.#tools.pool, { kind: 'messages', items: [item] }, [], this.#tools)
    // A queue that is away is no failure: the message is stored.
    for (const lane of lanes) await this.#wake(lane).catch(() => {})
  }
}
