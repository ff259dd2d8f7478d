import type { PeerChatMessage, PeerMarketMessage } from '../../../src/bridges/p2p/port.ts'

export const ME = 'a'.repeat(64)
export const PEER = '8a88e3dd'.padEnd(64, '0')
export const NOW = 1_750_464_000_000

export const offer = (extra: Partial<PeerMarketMessage> = {}): PeerMarketMessage => ({
  kind: 'offer',
  topic: 'Goods',
  senderId: PEER,
  senderClass: 'verified',
  form: {
    topic: 'Goods',
    action: 'sell',
    title: 'iPhone 15 Pro',
    description: 'Unlocked, boxed',
    location: 'Hà Nội',
    condition: 'new',
    brand: 'Apple',
    priceRange: { min: 700, max: 1800, currency: 'USD' },
    selection: { subtopic: 'Electronics & Devices' },
  },
  sentAt: NOW,
  intentKey: 'key-1',
  messageId: 'm1',
  ...extra,
})

export const line = (extra: Partial<PeerChatMessage> = {}): PeerChatMessage => ({
  peerId: PEER,
  senderClass: 'verified',
  text: 'Hello!',
  sentAt: NOW,
  messageId: 'c1',
  ...extra,
})
