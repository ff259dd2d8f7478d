import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import { decodeContent } from '../../../src/core/k2/decode.ts'
import { parseK2Id } from '../../../src/core/k2/k2-id.ts'
import type { MarketMessage } from '../../../src/core/k2/messages.ts'
import { OfferBoard } from '../../../src/core/k2/offer-board.ts'
import { A, B, idOf, NOW, offerForm } from './fixtures.ts'

function board() {
  const clock = new ManualClock(NOW)
  const sent: { at: number; message: MarketMessage }[] = []
  const state = { heard: true }
  const offers = new OfferBoard({
    me: A,
    clock,
    rng: seededRng(1),
    broadcast: async (_, content) => {
      if (state.heard)
        sent.push({ at: clock.now() - NOW, message: decodeContent(content, { direct: false, idOf }) as MarketMessage })
      return state.heard
    },
    onFailure: (error) => {
      throw error
    },
  })
  return { clock, sent, state, offers }
}

test('an offer goes out at once and again with new timestamps until it is withdrawn', async () => {
  const { clock, sent, offers } = board()
  const id = offers.publish({ kind: 'offer', topic: 'Goods', form: offerForm })
  expect(parseK2Id(id)?.atMs).toBe(NOW)
  for (let i = 0; i < 30; i++) clock.advance(1000)
  expect(sent.length).toBeGreaterThanOrEqual(6)
  expect(new Set(sent.map((s) => s.message.sentAt)).size).toBe(sent.length)
  expect(sent[0]).toMatchObject({ at: 0, message: { kind: 'offer', senderId: A, form: { title: 'iPhone 15 Pro' } } })
  expect(offers.withdraw(id)).toBe(true)
  expect(offers.withdraw(id)).toBe(false)
  const before = sent.length
  clock.advance(600_000)
  expect(sent).toHaveLength(before)
})

test('an offer nobody hears is kept and counted', async () => {
  const { clock, sent, state, offers } = board()
  state.heard = false
  offers.publish({ kind: 'request', topic: 'Goods', form: offerForm })
  clock.advance(6_000)
  await Promise.resolve()
  await Promise.resolve()
  expect(offers.stats()).toMatchObject({ active: 1, published: 0, unheard: 2 })
  state.heard = true
  clock.advance(6_000)
  expect(sent[0]!.message.kind).toBe('request')
})

test('a bad form is refused at once', () => {
  const { offers } = board()
  expect(() => offers.publish({ kind: 'offer', topic: 'Goods', form: { ...offerForm, title: 5 } })).toThrow(
    expect.objectContaining({ code: 'K2_BAD_FORM' }),
  )
  expect(() => offers.publish({ kind: 'offer', topic: 'Goods', form: { ...offerForm, description: 'x'.repeat(4000) } })).toThrow(
    expect.objectContaining({ code: 'K2_TOO_LARGE' }),
  )
  expect(offers.stats().active).toBe(0)
})

test('interests in the same second differ, and need somebody to hear them', async () => {
  const { sent, state, offers } = board()
  const form = { ...offerForm, action: 'buy' }
  await offers.sendInterest({ topic: 'Goods', targetId: B, form })
  await offers.sendInterest({ topic: 'Goods', targetId: B, form })
  expect(sent.map((s) => [s.message.targetId, s.message.sentAt])).toEqual([
    [B, NOW],
    [B, NOW + 1000],
  ])
  state.heard = false
  await expect(offers.sendInterest({ topic: 'Goods', targetId: B, form })).rejects.toThrow(
    expect.objectContaining({ code: 'K2_NO_NEIGHBOR' }),
  )
})

test('stopping ends all repeats', () => {
  const { clock, sent, offers } = board()
  offers.publish({ kind: 'offer', topic: 'Goods', form: offerForm })
  offers.stop()
  clock.advance(600_000)
  expect(sent).toHaveLength(1)
})
