import { errorCode, errorMessage, K2Error } from '../../base/errors.ts'
import { placeKey } from '../../bridges/model/place.ts'
import { isPlatformPerson } from '../../bridges/p2p/port.ts'
import { type InterestToSend, type Listing, type PeerId, parseEndpointId } from '../../core/index.ts'
import { ownerOf } from './alerting.ts'
import { askNotice, previewOf } from './cards.ts'
import type { Changes } from './changes.ts'
import { formOf, formToSend, kindOf } from './listing.ts'
import { intentOf, type MarketIntent, type PublishConsent } from './model.ts'
import type { MarketParts } from './parts.ts'

/** What publishing needs of the K2 node. */
export interface MarketNode {
  readonly id: string
  publish(listing: Listing): string
  withdraw(listingId: string): boolean
  sendInterest(interest: InterestToSend): Promise<void>
  /** Joins the direct conversation of the node with a peer, or that of a person who has an id of their own. */
  listenTo(peer: PeerId, person?: string): unknown
  /** The id a person is known by on K2; undefined where all people speak in the node's name. */
  hostedIdOf(person: string): string | undefined
}

/**
 * Puts agreed intents on K2 and takes them off again. What is on K2 follows from the stored intents: after a restart it is put
 * there anew. Nothing gets here without a recorded consent.
 */
export class Publisher {
  readonly #node: MarketNode
  readonly #parts: MarketParts
  readonly #gateway: string | undefined
  /** Listing of the node by intent. */
  readonly #listings = new Map<string, string>()
  #suspended = false

  /** `gateway`: the name of this one, where several share a database and each repeats what was agreed to there. */
  constructor(node: MarketNode, parts: MarketParts, gateway?: string) {
    this.#node = node
    this.#parts = parts
    this.#gateway = gateway
  }

  get active(): number {
    return this.#listings.size
  }

  /** The preview a person agrees to; undefined for what cannot be published. */
  preview(entry: MarketIntent): string | undefined {
    const form = formOf(entry)
    return form === undefined ? undefined : previewOf(intentOf(entry), form)
  }

  /** Asks the author, with exactly what would be sent. Once per revision. */
  ask(entry: MarketIntent, text: string | undefined, changes: Changes, now: number): void {
    const preview = this.preview(entry)
    const told = ownerOf(this.#parts, entry)
    if (preview === undefined || told === undefined) return
    const { intent_id, revision } = intentOf(entry)
    this.#parts.counters.add('market_asked_total', { kind: kindOf(entry) })
    changes.notices.push({
      id: `ask.${intent_id}.${revision}`,
      kind: 'ask',
      target: told.target,
      via: told.via,
      notice: askNotice(entry, preview, text, (name) => this.#parts.buttonId(name, `${intent_id}.${revision}`)),
      intentId: intent_id,
      dueAt: now,
    })
  }

  /** The author agreed: the intent is marked, and goes to K2 once that is stored. Throws `MARKET_*` with what is in the way. */
  agree(entry: MarketIntent, by: string, scope: PublishConsent['scope'], changes: Changes, now: number): MarketIntent {
    const intent = intentOf(entry)
    const shown = this.preview(entry)
    if (shown === undefined || intent.topic === null) throw refused('this has no K2 topic: say what it is')
    if (intent.status !== 'open' && intent.status !== 'draft') throw refused(`it is ${intent.status}`)
    const consent: PublishConsent = { by, at: now, scope, shown, revision: intent.revision }
    if (scope === 'channel') {
      const place = placeKey(entry.origin.place)
      changes.consents.push({ person: by, place, consent })
      this.#parts.memory.consents.set(`${by}\0${place}`, consent)
    }
    const next: MarketIntent = {
      ...entry,
      consent,
      published: {
        kind: kindOf(entry),
        topic: intent.topic.k2_topic,
        at: now,
        ...(this.#gateway !== undefined && { by: this.#gateway }),
      },
      record: { ...entry.record, intent: { ...intent, status: 'open', updated_at: now, consent: { by, at: now, scope } } },
    }
    changes.afterwards.push(() => this.#put(next))
    this.#parts.counters.add('market_published_total', { kind: kindOf(entry) })
    return next
  }

  /** Takes an intent off K2; the entry without its publication. */
  take(entry: MarketIntent, changes: Changes): MarketIntent {
    if (entry.published === null) return entry
    const id = intentOf(entry).intent_id
    changes.afterwards.push(() => this.#withdraw(id))
    return { ...entry, published: null }
  }

  /** Puts everything on K2 that was there before a restart. */
  restore(): void {
    for (const entry of this.#parts.memory.published())
      if (intentOf(entry).status === 'open' && this.isOurs(entry)) this.#put(entry)
  }

  /** The id an account is known by on K2; undefined where it speaks in the node's name. */
  hostedIdOf(account: string): string | undefined {
    const { person } = personOf(account)
    return person === undefined ? undefined : this.#node.hostedIdOf(person)
  }

  /** Is there again to hear the other sides of conversations of people with ids of their own. */
  listen(talks: readonly { readonly peer: string; readonly account: string }[]): void {
    for (const { peer, account } of talks) if (this.hostedIdOf(account) !== undefined) this.#listenTo(peer, account)
  }

  /** Answers an offer of a peer the way K2 applications do: the buyer's form, addressed to the seller. `account`: the buyer's. */
  async sendInterest(offer: MarketIntent, form: InterestToSend['form'], account: string): Promise<void> {
    const { peer } = offer.origin
    const topic = intentOf(offer).topic?.k2_topic
    if (peer === undefined || topic === undefined) throw refused('this is no offer of a K2 peer')
    await this.#node.sendInterest({ topic, targetId: peer.nodeId, form, ...personOf(account) })
    // The seller answers in a direct message: be there to hear it.
    this.#listenTo(peer.nodeId, account)
  }

  #listenTo(peer: string, account: string): void {
    try {
      this.#node.listenTo(parseEndpointId(peer), personOf(account).person)
    } catch (error) {
      this.#parts.log.debug({ ev: 'seller-no-contact', code: errorCode(error) }, 'a seller has no usable node id')
    }
  }

  stop(): void {
    for (const id of [...this.#listings.keys()]) this.#withdraw(id)
  }

  /** Takes everything off K2 until `resume`: another gateway may repeat it meanwhile. */
  suspend(): void {
    this.#suspended = true
    this.stop()
  }

  resume(): void {
    this.#suspended = false
    this.refresh()
  }

  #put(entry: MarketIntent): void {
    if (this.#suspended) return
    const form = formOf(entry)
    const { published } = entry
    if (form === undefined || published === null) return
    const id = intentOf(entry).intent_id
    this.#withdraw(id)
    const { kind, topic } = published
    const listing = { kind, topic, form: formToSend(entry, form), ...personOf(intentOf(entry).owner) }
    try {
      this.#listings.set(id, this.#node.publish(listing))
    } catch (error) {
      // Tried again by `refresh`: too many at once, or a topic that is joined later.
      this.#parts.log.warn(
        { ev: 'publish-failed', intent: id, code: errorCode(error), reason: errorMessage(error) },
        'an agreed offer could not be put on K2 yet',
      )
    }
  }

  /** What should be on K2 and is not, is put there; called now and then. */
  refresh(): void {
    for (const entry of this.#parts.memory.published())
      if (!this.#listings.has(intentOf(entry).intent_id) && intentOf(entry).status === 'open' && this.isOurs(entry))
        this.#put(entry)
  }

  /** Whether this gateway's node repeats it. */
  isOurs({ published }: MarketIntent): boolean {
    return published?.by === undefined || published.by === this.#gateway
  }

  /** Another gateway changed an intent: what our node repeats of it follows. */
  follow(entry: MarketIntent): void {
    const isOn = entry.published !== null && intentOf(entry).status === 'open' && this.isOurs(entry)
    if (!isOn) this.#withdraw(intentOf(entry).intent_id)
    else if (this.#listings.has(intentOf(entry).intent_id)) this.#put(entry)
  }

  #withdraw(intentId: string): void {
    const listing = this.#listings.get(intentId)
    if (listing === undefined) return
    this.#listings.delete(intentId)
    this.#node.withdraw(listing)
  }
}

/** Only people of chat platforms may have ids of their own. */
const personOf = (account: string): { readonly person?: string } => (isPlatformPerson(account) ? { person: account } : {})

function refused(why: string): K2Error {
  return new K2Error({ code: 'MARKET_NOT_PUBLISHABLE', kind: 'input', message: `it cannot be published: ${why}` })
}
