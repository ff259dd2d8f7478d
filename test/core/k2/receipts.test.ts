import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import { ReceiptBook } from '../../../src/core/k2/receipt-book.ts'
import { decodeReceipt, encodeReceipt, RECEIPT_FRAME_BYTES, RECEIPT_KEYS } from '../../../src/core/k2/receipt-frame.ts'
import { topicIdOfName } from '../../../src/core/k2/topics.ts'
import { A, B, C } from './fixtures.ts'

const goods = topicIdOfName('Goods')
const jobs = topicIdOfName('Freelance Job')

function confirmedOnce(book: ReceiptBook, peer = B, now = 0): void {
  book.sent({ topic: goods, key: 'first' }, now)
  book.receipt(peer, { topic: goods, keys: ['first'] }, now)
}

test('a receipt frame reads back, and its bytes are fixed', () => {
  const receipt = { topic: goods, keys: ['ab', 'c'] }
  expect(toHex(encodeReceipt(receipt))).toBe(`${goods}020261620163`)
  expect(decodeReceipt(fromHex(`${goods}020261620163`))).toEqual(receipt)
  const full = { topic: goods, keys: Array.from({ length: RECEIPT_KEYS }, () => 'x'.repeat(64)) }
  expect(encodeReceipt(full).length).toBeLessThanOrEqual(RECEIPT_FRAME_BYTES)
})

test('arbitrary frames give a receipt or one of our errors', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (body) => {
      try {
        decodeReceipt(body)
      } catch (error) {
        if (!isK2Error(error)) throw error
      }
    }),
    { numRuns: 1000 },
  )
})

test('nobody is waited for who never confirmed anything', () => {
  const book = new ReceiptBook(() => false)
  book.sent({ topic: goods, key: 'k' }, 0)
  expect(book.missing({ topic: goods, key: 'k' }, 0)).toEqual([])
})

test('who confirmed a line is expected to confirm the next one, on that topic', () => {
  const book = new ReceiptBook(() => false)
  confirmedOnce(book)
  book.sent({ topic: goods, key: 'k' }, 10)
  expect(book.missing({ topic: goods, key: 'k' }, 10)).toEqual([B])
  expect(book.missing({ topic: jobs, key: 'j' }, 10)).toEqual([])
  book.receipt(B, { topic: goods, keys: ['k'] }, 20)
  expect(book.missing({ topic: goods, key: 'k' }, 20)).toEqual([])
})

test('a receipt for a line we never sent, or of another topic, makes nobody expected', () => {
  const book = new ReceiptBook(() => false)
  book.sent({ topic: goods, key: 'k' }, 0)
  book.receipt(C, { topic: goods, keys: ['unknown'] }, 0)
  book.receipt(C, { topic: jobs, keys: ['k'] }, 0)
  expect(book.missing({ topic: goods, key: 'k' }, 0)).toEqual([])
})

test('a silent stranger holds lines for 20 s and is then ignored, also when it confirms again', () => {
  const book = new ReceiptBook(() => false)
  confirmedOnce(book)
  const line = { topic: goods, key: 'k' }
  book.sent(line, 0)
  book.missed(line, 19_000)
  expect(book.missing(line, 19_000)).toEqual([B])
  book.missed(line, 20_000)
  expect(book.missing(line, 20_000)).toEqual([])
  book.receipt(B, { topic: goods, keys: ['k'] }, 21_000)
  expect(book.missing({ topic: goods, key: 'next' }, 21_000)).toEqual([])
})

test('a silent configured peer holds lines for a minute and is welcome again', () => {
  const book = new ReceiptBook((peer) => peer === B)
  confirmedOnce(book)
  const line = { topic: goods, key: 'k' }
  book.sent(line, 0)
  book.missed(line, 59_000)
  expect(book.missing(line, 59_000)).toEqual([B])
  book.missed(line, 60_000)
  expect(book.missing(line, 60_000)).toEqual([])
  book.sent(line, 61_000)
  book.receipt(B, { topic: goods, keys: ['k'] }, 61_000)
  expect(book.missing({ topic: goods, key: 'next' }, 61_000)).toEqual([B])
})

test('how long a configured peer holds lines can be chosen', () => {
  const book = new ReceiptBook((peer) => peer === B, 300_000)
  confirmedOnce(book)
  const line = { topic: goods, key: 'k' }
  book.sent(line, 0)
  book.missed(line, 299_000)
  expect(book.missing(line, 299_000)).toEqual([B])
  book.missed(line, 300_000)
  expect(book.missing(line, 300_000)).toEqual([])
})

test('a gateway that answers in between gets its patience back', () => {
  const book = new ReceiptBook(() => false)
  confirmedOnce(book)
  const line = { topic: goods, key: 'k' }
  book.sent(line, 0)
  book.missed(line, 15_000)
  book.receipt(B, { topic: goods, keys: ['k'] }, 16_000)
  const next = { topic: goods, key: 'next' }
  book.sent(next, 17_000)
  book.missed(next, 30_000)
  expect(book.missing(next, 30_000)).toEqual([B])
})

test('an earlier receipt counts for a later attempt of the same line', () => {
  const book = new ReceiptBook(() => false)
  confirmedOnce(book, B)
  confirmedOnce(book, C)
  const line = { topic: goods, key: 'k' }
  book.sent(line, 0)
  book.receipt(B, { topic: goods, keys: ['k'] }, 5)
  book.missed(line, 1000)
  book.sent(line, 2000)
  expect(book.missing(line, 2000)).toEqual([C])
})

test('who says goodbye is not waited for, who was expected before a restart is', () => {
  const book = new ReceiptBook(() => false)
  book.expect(A, goods, 0)
  book.expect(B, goods, 0)
  book.left(A)
  expect(book.missing({ topic: goods, key: 'k' }, 0)).toEqual([B])
  expect(book.expected(0)).toEqual([{ peer: B, topic: goods }])
  expect(book.missing({ topic: goods, key: 'k' }, 11 * 60_000)).toEqual([])
})

test('a neighbour is undecided until it confirms a line or lets one pass', () => {
  const book = new ReceiptBook(() => false)
  const line = { topic: goods, key: 'k' }
  book.sent(line, 0)
  expect(book.undecided(line, [A, B], 0)).toEqual([A, B])
  book.receipt(A, { topic: goods, keys: ['k'] }, 0)
  expect(book.undecided(line, [A, B], 0)).toEqual([B])
  book.passed(goods, [B], 0)
  expect(book.undecided(line, [A, B], 0)).toEqual([])
  expect(book.missing({ topic: goods, key: 'next' }, 0)).toEqual([A])
  expect(book.undecided({ topic: jobs, key: 'j' }, [B], 0)).toEqual([B])
  expect(book.undecided(line, [B], 11 * 60_000)).toEqual([B])
})

test('a receipt that comes after its line was given up still makes its gateway expected', () => {
  const book = new ReceiptBook(() => false)
  const line = { topic: goods, key: 'k' }
  book.sent(line, 0)
  book.passed(goods, [B], 1000)
  book.receipt(B, { topic: goods, keys: ['k'] }, 5000)
  expect(book.missing({ topic: goods, key: 'next' }, 5000)).toEqual([B])
})

test('a configured gateway that was given up on is asked again when it is a neighbour anew', () => {
  const book = new ReceiptBook(() => true)
  confirmedOnce(book)
  const line = { topic: goods, key: 'second' }
  book.sent(line, 1000)
  book.missed(line, 1000)
  book.missed(line, 61_000)
  expect(book.missing(line, 61_000)).toEqual([])
  // While it stays as it is, further lines do not wait for it.
  expect(book.undecided(line, [B], 61_000)).toEqual([])
  book.met(B, goods)
  expect(book.undecided(line, [B], 61_000)).toEqual([B])
})
