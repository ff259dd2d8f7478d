import { createIdCheck } from '../../../src/core/keys/endpoint-id.ts'
import { identityOfSeed } from '../../../src/core/keys/identity.ts'

/** Test identities of the specification and two more. */
export const A = identityOfSeed(new Uint8Array(32).fill(1)).id
export const B = identityOfSeed(new Uint8Array(32).fill(2)).id
export const C = identityOfSeed(new Uint8Array(32).fill(4)).id

export const idOf = createIdCheck()
export const NOW = 1_750_464_000_000

export const OFFER_JSON =
  '{"form_data":{"action":"sell","brand":"Apple","condition":"new","description":"Unlocked, boxed","location":"Hà Nội","priceRange":{"currency":"USD","max":800,"min":700},"selection":{"subtopic":"Electronics & Devices"},"title":"iPhone 15 Pro","topic":"Goods"},"message_type":"offer","sender_node_id":"8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c","timestamp":1750464000,"topic":"Goods"}'
export const INTEREST_JSON =
  '{"form_data":{"action":"buy","condition":"any","description":"","location":"","priceRange":{"currency":"USD","max":750,"min":500},"selection":{"subtopic":"Electronics & Devices"},"title":"Need an iPhone 15","topic":"Goods"},"message_type":"interest","sender_node_id":"8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394","target_node_id":"8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c","timestamp":1750464005,"topic":"Goods"}'
export const CHAT_JSON =
  '{"content":"Hello!","sender_node_id":"8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c","timestamp":1750464000123,"type":"chat_message"}'

export const offerForm = {
  topic: 'Goods',
  action: 'sell',
  title: 'iPhone 15 Pro',
  description: 'Unlocked, boxed',
  brand: 'Apple',
  condition: 'new',
  location: 'Hà Nội',
  priceRange: { min: 700, max: 800, currency: 'USD' },
  selection: { subtopic: 'Electronics & Devices' },
} as const
