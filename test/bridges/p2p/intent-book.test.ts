import { expect, test } from 'vitest'
import { IntentBook } from '../../../src/bridges/p2p/intent-book.ts'
import { NOW, offer, PEER } from './fixtures.ts'

const ops = (changes: readonly { op: string; intent: { state: string } }[]): string[] =>
  changes.map((c) => `${c.op} ${c.intent.state}`)

test('repeats every 5 s are refreshes, not messages', () => {
  const book = new IntentBook()
  expect(ops(book.observe(offer(), NOW))).toEqual(['create active'])
  for (let i = 1; i <= 60; i++)
    expect(book.observe(offer({ sentAt: NOW + i * 5000, messageId: `m${i}` }), NOW + i * 5000)).toEqual([])
  expect(book.sweep(NOW + 310_000)).toEqual([])
})

test('a changed form edits the same message', () => {
  const book = new IntentBook()
  const [created] = book.observe(offer(), NOW)
  const cheaper = offer({
    intentKey: 'key-2',
    form: { ...offer().form, priceRange: { min: 600, max: 650, currency: 'USD' } },
    sentAt: NOW + 5000,
  })
  const [edited] = book.observe(cheaper, NOW + 5000)
  expect(edited).toMatchObject({ op: 'edit', at: NOW + 5000, intent: { nativeId: created!.intent.nativeId } })
})

test('another title, sender, topic, side or host is another intent', () => {
  const book = new IntentBook()
  const all = [
    offer(),
    offer({ form: { ...offer().form, title: 'Hat' } }),
    offer({ senderId: 'b'.repeat(64) }),
    offer({ topic: 'Digital Assets' }),
    offer({ kind: 'request' }),
    offer({ hostId: 'c'.repeat(64), senderClass: 'hosted' }),
  ].map((message) => book.observe(message, NOW))
  expect(new Set(all.map((changes) => changes[0]?.intent.nativeId)).size).toBe(6)
})

test('the id a gateway gave an intent outlives a new title', () => {
  const book = new IntentBook()
  const marked = (title: string, intentKey: string): ReturnType<typeof offer> =>
    offer({ intentKey, form: { ...offer().form, title, x_gateway: { v: 1, intent_id: 'i7' } } })
  expect(ops(book.observe(marked('Hat', 'k1'), NOW))).toEqual(['create active'])
  expect(ops(book.observe(marked('Red hat', 'k2'), NOW + 1000))).toEqual(['edit active'])
})

test('a minute of silence marks it expired, once; a copy within the hour brings the same message back', () => {
  const book = new IntentBook()
  const [created] = book.observe(offer(), NOW)
  expect(book.nextSweepAt()).toBe(NOW + 60_000)
  expect(book.sweep(NOW + 59_999)).toEqual([])
  expect(ops(book.sweep(NOW + 60_000))).toEqual(['edit expired'])
  expect(book.sweep(NOW + 70_000)).toEqual([])
  expect(book.nextSweepAt()).toBeUndefined()
  const [revived] = book.observe(offer({ sentAt: NOW + 1800_000 }), NOW + 1800_000)
  expect(revived).toMatchObject({ op: 'edit', intent: { state: 'active', nativeId: created!.intent.nativeId } })
})

test('an offer that returns much later is news', () => {
  const book = new IntentBook()
  const [first] = book.observe(offer(), NOW)
  book.sweep(NOW + 60_000)
  const [again] = book.observe(offer(), NOW + 2 * 3600_000)
  expect(again).toMatchObject({ op: 'create' })
  expect(again!.intent.nativeId).not.toBe(first!.intent.nativeId)
})

test('the marking of silence names the same moment whenever it is noticed', () => {
  const at = (sweepAt: number): number => {
    const book = new IntentBook()
    book.observe(offer(), NOW)
    return book.sweep(sweepAt)[0]!.at
  }
  expect(at(NOW + 60_000)).toBe(at(NOW + 900_000))
})

test('nobody can change what a proven sender offers by writing in its name', () => {
  const book = new IntentBook()
  book.observe(offer(), NOW)
  const forged = offer({ senderClass: 'claimed', intentKey: 'key-2', form: { ...offer().form, description: 'send money to …' } })
  expect(book.observe(forged, NOW + 1000)).toEqual([])
  expect(book.snapshot()[0]!.message.form.description).toBe('Unlocked, boxed')
})

test('a claimed sender that is proven later is shown as proven, and stays so', () => {
  const book = new IntentBook()
  book.observe(offer({ senderClass: 'claimed' }), NOW)
  expect(book.verified('other', NOW)).toEqual([])
  expect(book.verified('m1', NOW + 10)).toMatchObject([{ op: 'edit', intent: { message: { senderClass: 'verified' } } }])
  expect(book.verified('m1', NOW + 20)).toEqual([])
  expect(book.observe(offer({ senderClass: 'claimed', messageId: 'm2' }), NOW + 5000)).toEqual([])
})

test('after a restart it knows what it showed, and the same hour gives the same id without it', () => {
  const before = new IntentBook()
  const [created] = before.observe(offer(), NOW)
  const after = new IntentBook()
  after.restore(JSON.parse(JSON.stringify(before.snapshot())))
  expect(after.observe(offer({ sentAt: NOW + 5000 }), NOW + 5000)).toEqual([])
  const [again] = new IntentBook().observe(offer({ sentAt: NOW + 5000 }), NOW + 5000)
  expect(again!.intent.nativeId).toBe(created!.intent.nativeId)
})

test('is bounded: what is heard least recently is let go, as expired', () => {
  const book = new IntentBook()
  let expired = 0
  for (let i = 0; i < 2500; i++) {
    const changes = book.observe(offer({ senderId: `${PEER.slice(0, 56)}${String(i).padStart(8, '0')}` }), NOW + i)
    expired += changes.filter((c) => c.intent.state === 'expired').length
  }
  expect(book.size).toBe(2000)
  expect(expired).toBe(500)
})
