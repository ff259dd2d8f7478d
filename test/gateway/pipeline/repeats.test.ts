import { expect, test } from 'vitest'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import { RepeatBook } from '../../../src/gateway/pipeline/repeats.ts'

const goods: Place = { network: 'p2p', account: 'self', channel: 'Goods' }
const jobs: Place = { network: 'p2p', account: 'self', channel: 'Jobs' }
const room: Place = { network: 'web', account: 'main', channel: 'lobby' }

const line = (eventId: string, at: Place, text: string, origin?: string): Envelope =>
  ({
    eventId,
    at,
    event: { kind: 'message.create', body: { rich: { text, spans: [] }, attachments: [] } },
    ...(origin !== undefined && { origin }),
  }) as unknown as Envelope

test('a message heard on two topics goes to a place once, by the event that came first', () => {
  const book = new RepeatBook()
  expect(book.isNews(line('a', goods, 'bike'), room, 0)).toBe(true)
  expect(book.isNews(line('b', jobs, 'bike', 'a'), room, 1)).toBe(false)
  expect(book.isNews(line('a', goods, 'bike'), room, 2)).toBe(true)
  // It was heard there.
  expect(book.isNews(line('a', goods, 'bike'), jobs, 3)).toBe(false)
})

test('a line that only claims to repeat a message keeps nobody from it', () => {
  const book = new RepeatBook()
  expect(book.isNews(line('b', jobs, 'nothing to see', 'a'), room, 0)).toBe(true)
  expect(book.isNews(line('a', goods, 'bike'), room, 1)).toBe(true)
})
