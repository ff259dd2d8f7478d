/** Kinds of words that fill slots, as bits: a text without a kind needs no look for it. */
export const SLOT = {
  condition: 1,
  delivery: 1 << 1,
  pay: 1 << 2,
  contact: 1 << 3,
  place: 1 << 4,
  term: 1 << 5,
  free: 1 << 6,
  priceWord: 1 << 7,
} as const
const SLOT_OF: ReadonlyMap<string, number> = new Map([
  ['cond_for_parts', SLOT.condition],
  ['cond_refurbished', SLOT.condition],
  ['cond_like_new', SLOT.condition],
  ['cond_used', SLOT.condition],
  ['cond_new', SLOT.condition],
  ['pickup', SLOT.delivery],
  ['ship', SLOT.delivery],
  ['pay', SLOT.pay],
  ['contact', SLOT.contact],
  ['place', SLOT.place],
  ['place_prep', SLOT.place],
  ['urgent', SLOT.term],
  ['soon', SLOT.term],
  ['free', SLOT.free],
  ['f_negotiable', SLOT.priceWord],
  ['f_firm', SLOT.priceWord],
  ['f_plus_shipping', SLOT.priceWord],
  ['f_shipped', SLOT.priceWord],
])

/** What kind of slot words of a list fill; 0 for none. */
export const slotOf = (name: string): number => SLOT_OF.get(name) ?? 0
