import type { JsonObject } from '../../../src/core/k2/json-reader.ts'

export const SELLER = 'a'.repeat(64)
export const BUYER = 'b'.repeat(64)

/** What the reference's form sends (k2-application 2.4). */
export const peerForm = (title: string, over: JsonObject = {}): JsonObject => ({
  action: 'sell',
  condition: 'used',
  description: '',
  location: '',
  priceRange: { currency: 'USD', min: 700, max: 700 },
  selection: { subtopic: 'Electronics & Devices' },
  title,
  topic: 'Goods',
  ...over,
})
