import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { DirectLink } from './direct-link.ts'
import { encodeDirectMessage } from './direct-stream.ts'
import { k2Error } from './errors.ts'
import type { JoinedTopic } from './joined-topic.ts'
import type { ChatToSend } from './json-messages.ts'

/** How long a line taken without a word is still offered over gossip; then its delivery stays unknown. */
const ACCEPTED_MS = 60_000
const ACCEPTED_LINES = 5000

export interface DirectRouteOptions {
  readonly clock: Clock
  /** Undefined while the node is not running. */
  readonly link: () => Pick<DirectLink, 'habitOf' | 'send'> | undefined
}

export interface LineToTake {
  /** Of the line, the same for every attempt. */
  readonly key: string
  readonly signal: AbortSignal | undefined
  /** Remembers the attempt before it goes out. */
  readonly record: () => Promise<void>
}

/**
 * Chooses the way of a direct line (k2-application 6.2): a connection of its own to gateways, and to contacts that are not there
 * by gossip; gossip to everybody else. Whoever may have got it on the one way gets it on the other as well, under the same
 * mark, so that it is shown once.
 */
export class DirectRoute {
  readonly #options: DirectRouteOptions
  /** Lines taken without a confirmation, and when. */
  readonly #accepted = new BoundedMap<string, number>({ max: ACCEPTED_LINES })

  constructor(options: DirectRouteOptions) {
    this.#options = options
  }

  /** True when the line is done; false when gossip goes on with it. Rejects `K2_UNCONFIRMED`, and what `record` rejects. */
  async take(topic: JoinedTopic, chat: () => ChatToSend, line: LineToTake): Promise<boolean> {
    const { contact } = topic.info
    const { clock } = this.#options
    const link = this.#options.link()
    if (contact === undefined || link === undefined || topic.isHosted) return false
    const acceptedAt = this.#accepted.get(line.key, 0)
    if (acceptedAt !== undefined) return this.#isSettled(topic, clock.now() - acceptedAt)
    const habit = link.habitOf(contact)
    if (habit === 'refused' || (habit !== 'receipts' && topic.isHeard)) return false
    await line.record()
    const attempt = await link.send(contact, payloadOf(chat()), line.signal)
    if (attempt === 'delivered') return true
    if (attempt === 'accepted') this.#accepted.set(line.key, clock.now(), 0)
    return attempt === 'accepted' || attempt === 'unknown' ? this.#isSettled(topic, 0) : false
  }

  /** What may have arrived is offered over gossip as soon as the contact is there. */
  #isSettled(topic: JoinedTopic, waitedMs: number): boolean {
    if (topic.isHeard) return false
    if (waitedMs > ACCEPTED_MS) return true
    throw k2Error('K2_UNCONFIRMED', 'the contact has not confirmed this line yet', { missing: 1 })
  }
}

function payloadOf({ senderId, senderName = '', text: content, sentAt, mark }: ChatToSend): Uint8Array {
  return encodeDirectMessage({ senderId, senderName, content, sentAt, ...(mark !== undefined && { mark }) })
}
