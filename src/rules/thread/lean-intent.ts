import { NOTHING_SAID, type Slots, type StoredIntent, type TopicRef } from '../model.ts'

/** Different topics held at once; a taxonomy has some forty. */
const MAX_TOPICS = 1_000
const NONE: readonly never[] = NOTHING_SAID.list

const listed = <T>(list: readonly T[]): readonly T[] => (list.length === 0 ? NONE : list)

/**
 * Intents as a reading makes them: what most of them have in common is there once. Read back from storage every part is an object
 * of its own, a third of what an intent takes in memory.
 */
export class LeanIntents {
  readonly #topics = new Map<string, TopicRef>()

  of(intent: StoredIntent): StoredIntent {
    return { ...intent, flags: listed(intent.flags), topic: this.#topic(intent.topic), slots: leanSlots(intent.slots) }
  }

  #topic(topic: TopicRef | null): TopicRef | null {
    if (topic === null) return null
    const { slug, source, selection } = topic
    const key = JSON.stringify([slug, source, selection.subtopic, selection.category, selection.skill, selection.sub_category])
    const known = this.#topics.get(key)
    if (known !== undefined && known.k2_topic === topic.k2_topic) return known
    if (this.#topics.size < MAX_TOPICS) this.#topics.set(key, topic)
    return topic
  }
}

function leanSlots(slots: Slots): Slots {
  const { item, want_item, price, delivery, contact } = slots
  return {
    ...slots,
    item: item && { ...item, model_tokens: listed(item.model_tokens) },
    want_item: want_item && { ...want_item, model_tokens: listed(want_item.model_tokens) },
    price: price && { ...price, flags: listed(price.flags) },
    extra_prices: listed(slots.extra_prices),
    delivery:
      delivery.pickup === null && delivery.ship === null && delivery.ship_to.length === 0 ? NOTHING_SAID.delivery : delivery,
    contact: contact.kinds.length === 0 && contact.masked.length === 0 ? NOTHING_SAID.contact : contact,
    payment: listed(slots.payment),
  }
}
