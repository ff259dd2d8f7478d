import type { JsonObject } from '../../core/k2/json-reader.ts'
import { cleanName } from '../../core/k2/names.ts'
import { type K2Form, k2Form } from '../../rules/index.ts'
import { itemOf, networkName } from './cards.ts'
import { intentOf, type MarketIntent } from './model.ts'

/** What K2 gets of an intent (rules 9.3, 9.4); undefined when it has no topic. The text is the author's without contact data. */
export function formOf(entry: MarketIntent): K2Form | undefined {
  const intent = intentOf(entry)
  const { item } = intent.slots
  const slots = item === null ? intent.slots : { ...intent.slots, item: { ...item, text: itemOf(intent) } }
  return k2Form({ intent: intent.intent, slots, topic: intent.topic }, intent.text)
}

/** The form as it is sent: with the name people see and what other gateways want to know (k2-application 2.4). */
export function formToSend(entry: MarketIntent, form: K2Form): JsonObject {
  const intent = intentOf(entry)
  const { price } = intent.slots
  const name = cleanName(`${entry.origin.authorName.slice(0, 40)} (${networkName(intent.platform)})`)
  return {
    ...form,
    selection: stringsOf(form.selection),
    priceRange: { ...form.priceRange },
    ...(name !== '' && { sender_name: name }),
    x_gateway: {
      v: 1,
      intent_id: intent.intent_id,
      platform: intent.platform,
      expires_at: intent.expires_at,
      ...(price !== null && { price: [price.min, price.max, price.currency].map((part) => part ?? '').join(' ') }),
    },
  }
}

function stringsOf(selection: K2Form['selection']): Record<string, string> {
  return Object.fromEntries(Object.entries(selection).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
}

export const kindOf = (entry: MarketIntent): 'offer' | 'request' => (intentOf(entry).side === 'want' ? 'request' : 'offer')
