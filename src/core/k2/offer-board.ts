import type { Clock } from '../../base/clock.ts'
import type { Rng } from '../../base/random.ts'
import type { PeerId } from '../ids.ts'
import { k2Error } from './errors.ts'
import { checkSendForm } from './form-check.ts'
import { encodeMarketMessage, type MarketToSend } from './json-messages.ts'
import type { JsonObject } from './json-reader.ts'
import { k2IdOf } from './k2-id.ts'
import { OfferSchedule } from './offer-schedule.ts'
import type { Seal } from './signed-envelope.ts'
import { StampClock } from './stamp-clock.ts'
import { topicIdOfName } from './topics.ts'

export interface Listing {
  /** An `offer` is taken for a seller's by every reference buyer; what somebody wants is a `request`. */
  readonly kind: 'offer' | 'request'
  /** Exact name of a joined topic. */
  readonly topic: string
  readonly form: JsonObject
  /** Whose it is: published under the person's own id where people have them. */
  readonly person?: string
}

export interface InterestToSend {
  readonly topic: string
  /** The seller's node id. */
  readonly targetId: string
  readonly form: JsonObject
  /** Who is interested, as in `Listing`. */
  readonly person?: string
}

export interface OfferBoardOptions {
  readonly me: PeerId
  readonly clock: Clock
  readonly rng: Rng
  /** Sends content on a topic; false when nobody is there to hear it. Rejects `K2_UNKNOWN_TOPIC`. */
  readonly broadcast: (topic: string, content: Uint8Array) => Promise<boolean>
  readonly onFailure: (error: unknown) => void
  /** Signs messages, so that they prove their sender wherever they come from. */
  readonly seal?: Seal
  /** The ids of people; without it everything is published in the node's own name. */
  readonly hosted?: (person: string) => PeerId | undefined
}

/** Repeats our offers and requests while they are active, and sends interests. */
export class OfferBoard {
  readonly #options: OfferBoardOptions
  readonly #schedule: OfferSchedule
  readonly #listings = new Map<string, Listing>()
  /** Seconds: an interest to the same seller must differ from the one before. */
  readonly #interestStamps = new StampClock()
  readonly #counts = { published: 0, unheard: 0 }
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(options: OfferBoardOptions) {
    this.#options = options
    this.#schedule = new OfferSchedule(options.rng)
  }

  stats(): { readonly active: number; readonly published: number; readonly unheard: number } {
    return { active: this.#listings.size, ...this.#counts }
  }

  /** Publishes now and repeats until withdrawn; answers the listing's id. Throws `K2_BAD_FORM`, `K2_TOO_LARGE`, `K2_RATE_LIMITED`. */
  publish(listing: Listing): string {
    const { clock, rng } = this.#options
    this.#encode(this.#message(listing))
    const id = k2IdOf(clock.now(), rng.u32())
    if (!this.#schedule.add(id, listing.topic, clock.now())) {
      throw k2Error('K2_RATE_LIMITED', 'too many active offers; withdraw some', { active: this.#schedule.size })
    }
    this.#listings.set(id, listing)
    this.#tick()
    return id
  }

  /** Stops the repeats; receivers see it end by itself after a minute. */
  withdraw(id: string): boolean {
    this.#schedule.remove(id)
    return this.#listings.delete(id)
  }

  /** Tells a seller that somebody is interested. Rejects `K2_BAD_FORM`, `K2_TOO_LARGE`, `K2_UNKNOWN_TOPIC` or `K2_NO_NEIGHBOR`. */
  async sendInterest({ topic, targetId, form, person }: InterestToSend): Promise<void> {
    const { clock } = this.#options
    const senderId = this.#senderOf(person)
    checkSendForm(form, topic)
    const seconds = this.#interestStamps.next(`${topic}/${senderId}/${targetId}`, clock.now() / 1000)
    const content = this.#encode({ kind: 'interest', topic, senderId, targetId, form, sentAt: seconds * 1000 })
    if (!(await this.#options.broadcast(topic, content))) {
      throw k2Error('K2_NO_NEIGHBOR', 'no other node is on this topic right now')
    }
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #tick(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#stopped) return
    const { send, nextMs } = this.#schedule.due(this.#options.clock.now())
    for (const id of send) {
      const listing = this.#listings.get(id)
      if (listing !== undefined) this.#send(listing).catch(this.#options.onFailure)
    }
    if (nextMs !== undefined) this.#cancel = this.#options.clock.after(nextMs, () => this.#tick())
  }

  async #send(listing: Listing): Promise<void> {
    const heard = await this.#options.broadcast(listing.topic, this.#encode(this.#message(listing)))
    if (heard) this.#counts.published++
    else this.#counts.unheard++
  }

  #encode(message: MarketToSend): Uint8Array {
    const { seal } = this.#options
    return encodeMarketMessage(message, seal && ((object) => seal(topicIdOfName(message.topic), object)))
  }

  #message({ kind, topic, form, person }: Listing): MarketToSend {
    return { kind, topic, form, senderId: this.#senderOf(person), sentAt: this.#options.clock.now() }
  }

  #senderOf(person: string | undefined): PeerId {
    const { me, hosted } = this.#options
    return person === undefined ? me : (hosted?.(person) ?? me)
  }
}
