import { z } from 'zod'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { decodePostcard, encodePostcard, type PostcardMessage } from '../../src/core/k2/postcard-messages.ts'

const listing = {
  id: z.string(),
  node_id: z.string(),
  topic: z.string(),
  subtopic: z.string().nullable(),
  category: z.string().nullable(),
  skill: z.string().nullable(),
  title: z.string(),
  description: z.string(),
  currency: z.string(),
  timestamp: z.int(),
}
const prices = { price_min: z.int(), price_max: z.int() }
const budgets = { budget_min: z.int(), budget_max: z.int() }
const Message = z.union([
  z.strictObject({ Offer: z.strictObject({ ...listing, ...prices, action: z.string() }) }),
  z.strictObject({ Request: z.strictObject({ ...listing, ...budgets }) }),
  z.strictObject({ Match: z.strictObject({ offer_id: z.string(), request_id: z.string() }) }),
])
const Encode = z.strictObject({ message: Message })
const Decode = z.strictObject({ hex: z.string() })

/** Encodes a message given as the Rust peer writes it in JSON. */
export const marketEncode = (args: unknown): object => ({ hex: toHex(encodePostcard(ourForm(Encode.parse(args).message))) })

/** The other way round. */
export const marketDecode = (args: unknown): object => theirForm(decodePostcard(fromHex(Decode.parse(args).hex)))

function ourForm(message: z.infer<typeof Message>): PostcardMessage {
  if ('Match' in message) return { type: 'match', offerId: message.Match.offer_id, requestId: message.Match.request_id }
  const fields = 'Offer' in message ? message.Offer : message.Request
  const shared = {
    id: fields.id,
    nodeId: fields.node_id,
    topic: fields.topic,
    subtopic: fields.subtopic ?? undefined,
    category: fields.category ?? undefined,
    skill: fields.skill ?? undefined,
    title: fields.title,
    description: fields.description,
    currency: fields.currency,
    timestamp: BigInt(fields.timestamp),
  }
  if ('price_min' in fields) {
    return {
      type: 'offer',
      action: fields.action,
      ...shared,
      priceMin: BigInt(fields.price_min),
      priceMax: BigInt(fields.price_max),
    }
  }
  return { type: 'request', ...shared, priceMin: BigInt(fields.budget_min), priceMax: BigInt(fields.budget_max) }
}

function theirForm(message: PostcardMessage): object {
  if (message.type === 'match') return { Match: { offer_id: message.offerId, request_id: message.requestId } }
  const shared = {
    id: message.id,
    node_id: message.nodeId,
    topic: message.topic,
    subtopic: message.subtopic ?? null,
    category: message.category ?? null,
    skill: message.skill ?? null,
    title: message.title,
    description: message.description,
    currency: message.currency,
    timestamp: Number(message.timestamp),
  }
  const [min, max] = [Number(message.priceMin), Number(message.priceMax)]
  return message.type === 'offer'
    ? { Offer: { ...shared, action: message.action, price_min: min, price_max: max } }
    : { Request: { ...shared, budget_min: min, budget_max: max } }
}
