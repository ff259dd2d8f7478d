import { K2Error } from '../../base/errors.ts'
import type { JsonObject } from '../../core/k2/json-reader.ts'
import { match } from '../../rules/index.ts'
import type { StoredIntent } from '../../rules/model.ts'
import { itemOf } from './cards.ts'
import { formOf, formToSend } from './listing.ts'
import { intentOf, type MarketIntent, type Origin } from './model.ts'
import type { MarketParts } from './parts.ts'

/** Who is interested: their account, and where they said so. */
export interface Interested {
  readonly account: string
  readonly origin: Origin
  readonly own: readonly MarketIntent[]
}

/** What an interest tells the seller, and with that everybody on the topic: the best fitting own wish, or only the title. */
export function interestForm(parts: MarketParts, person: Interested, offer: MarketIntent): JsonObject {
  const now = parts.clock.now()
  const own = person.own.filter((e) => intentOf(e).side === 'want' && intentOf(e).status === 'open')
  const ids = new Set(own.map((e) => intentOf(e).intent_id))
  const best = parts.memory.open
    .search(intentOf(offer), { now, rates: match.converter(parts.rates, now), limit: 20 })
    .find((m) => ids.has(m.intent.intent_id))
  const wish = best === undefined ? undefined : own.find((e) => intentOf(e).intent_id === best.intent.intent_id)
  const entry = wish ?? plainWish(person, offer)
  const form = formOf({ ...entry, record: { ...entry.record, intent: { ...intentOf(entry), topic: intentOf(offer).topic } } })
  if (form === undefined) throw new K2Error({ code: 'MARKET_NOT_UNDERSTOOD', kind: 'input', message: 'this offer has no topic' })
  return { ...formToSend(entry, form), action: 'buy' }
}

function plainWish({ account, origin }: Interested, offer: MarketIntent): MarketIntent {
  const intent = intentOf(offer)
  const wish: StoredIntent = {
    ...intent,
    intent_id: `wish.${intent.intent_id}`.slice(0, 40),
    owner: account,
    platform: origin.place.network,
    intent: intent.intent === 'service_offered' ? 'service_wanted' : 'buy',
    side: 'want',
    text: '',
    slots: { ...intent.slots, item: intent.slots.item === null ? null : { ...intent.slots.item, text: itemOf(intent) } },
  }
  return { record: { ...offer.record, intent: wish }, origin, consent: null, published: null }
}
