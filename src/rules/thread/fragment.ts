import { wordsOf } from '../match/terms.ts'
import type { Money, Reading } from '../model.ts'
import { hasOwnCue } from './group.ts'
import type { IntentRecord, ReadText, ThreadMessage, ThreadReader, TradeKind } from './model.ts'

/** Longer messages say more than what somebody would pay. */
const MAX_BID_WORDS = 14
/** Beginnings of a message looked behind for its amount. */
const MAX_STARTS = 10
/** Share of the asked price below or above which a number nobody called an amount is something else. */
const LEAST_SHARE = 0.2
const MOST_SHARE = 1.2

/** Something is to be taken off the price: what is left to pay is not said. Five languages. */
const TAKEN_OFF =
  /(?<!\p{L})(?:off|discount|cheaper|bớt|giảm(?!\s+(?:còn|xuống))|скин\p{L}*|сбро\p{L}*|скидк\p{L}*|descuento|rebaja\p{L}*|desconto|abat\p{L}*)(?!\p{L})/iu

/** Clear cues under which a fragment is read as terms of a known listing. */
const CUES: Readonly<Record<TradeKind, string>> = {
  sell: '[WTS]',
  buy: '[WTB]',
  exchange: '[WTT]',
  service_offered: '[For Hire]',
  service_wanted: '[Hiring]',
}

/** The words of an answer as they read below the listing they belong to. */
export function underItem(kind: TradeKind, item: string, message: ThreadMessage): ReadText {
  return { id: message.id, text: `${CUES[kind]} ${item}\n${message.text}`, sent_at: message.sent_at }
}

/** What somebody says to pay for a listing, in its currency where they name none; null when they name no amount. */
export function bidIn(message: ThreadMessage, listing: IntentRecord, reader: ThreadReader): Money | null {
  if (TAKEN_OFF.test(message.text)) return null
  const plain = reader.read(underItem('buy', 'item', message)).slots.price ?? behindWords(message, reader)
  if (plain === null || plain.currency !== null) return plain
  const { price } = listing.intent.slots
  return price?.currency == null ? plain : { ...plain, currency: price.currency, currency_source: price.currency_source }
}

/** "could you do two hundred?": the amount that stands out once the words before it are left away. */
function behindWords(message: ThreadMessage, reader: ThreadReader): Money | null {
  const starts = [...message.text.matchAll(/(?<![\p{L}\p{N}.,])[\p{L}\p{N}\p{Sc}]/gu)].slice(0, MAX_STARTS)
  for (const { index } of starts) {
    const text = `[WTB] item\nwill pay ${message.text.slice(index)}`
    const { price } = reader.read({ id: message.id, text, sent_at: message.sent_at }).slots
    if (price !== null) return price
  }
  return null
}

/**
 * The amount of a short answer to a listing that says neither what it is about nor that it wants to haggle: "I can do 250 cash
 * today", "250 shipped?". Only an amount near the asked price counts.
 */
export function bareBid(message: ThreadMessage, reading: Reading, listing: IntentRecord, reader: ThreadReader): Money | null {
  if (message.reply_to === undefined || wordsOf(message.text).length > MAX_BID_WORDS) return null
  if (reading.intent !== 'none' && (reading.intent !== 'buy' || namesThing(reading))) return null
  const asked = Number(listing.intent.slots.price?.max ?? Number.NaN)
  const bid = bidIn(message, listing, reader)
  // "300 max" is what somebody has for a thing of their own.
  if (bid === null || bid.min === null || bid.currency !== listing.intent.slots.price?.currency) return null
  const share = Number(bid.max ?? bid.min) / asked
  return share >= LEAST_SHARE && share <= MOST_SHARE ? bid : null
}

/** Where only the wording sounds like a purchase, what stands before the amount is no thing. */
const namesThing = (reading: Reading): boolean => {
  const { item } = reading.slots
  return item !== null && (hasOwnCue(reading) || item.brand !== null || item.model_tokens.length > 0)
}
