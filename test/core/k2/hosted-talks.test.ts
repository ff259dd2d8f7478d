import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import { HostBook } from '../../../src/core/k2/host-book.ts'
import { HOSTED_TALK_IDLE_MS, HostedTalks, MAX_HOSTED_TALKS } from '../../../src/core/k2/hosted-talks.ts'

function listening() {
  const clock = new ManualClock()
  const left: string[] = []
  return { clock, left, talks: new HostedTalks({ clock, leave: (topic) => void left.push(topic) }) }
}

test('so many conversations at once: the one longest silent ends for a new one', () => {
  const { talks, left } = listening()
  for (let i = 0; i < MAX_HOSTED_TALKS; i++) talks.used(`dm:${i}`)
  talks.heard('dm:0')
  talks.heard('no conversation')
  expect(left).toEqual([])
  talks.used('dm:new')
  expect(left).toEqual(['dm:1'])
})

test('a conversation ends when nobody has used it for a day', () => {
  const { talks, clock, left } = listening()
  talks.used('dm:a')
  talks.used('dm:b')
  clock.advance(HOSTED_TALK_IDLE_MS / 2)
  talks.heard('dm:a')
  clock.advance(HOSTED_TALK_IDLE_MS / 2)
  expect(left).toEqual(['dm:b'])
  clock.advance(HOSTED_TALK_IDLE_MS / 2)
  expect(left).toEqual(['dm:b', 'dm:a'])
})

test('senders that are only claimed begin few, and those that go on are not counted', () => {
  const { talks, clock } = listening()
  const begun = Array.from({ length: 1000 }, (_, i) => talks.mayBegin(`dm:${i}`)).filter(Boolean)
  expect(begun).toHaveLength(10)
  talks.used('dm:known')
  expect(talks.mayBegin('dm:known')).toBe(true)
  clock.advance(10_000)
  expect([talks.mayBegin('dm:later'), talks.mayBegin('dm:too soon')]).toEqual([true, false])
})

test('the first host of an id stays, and a node has none', () => {
  const book = new HostBook()
  book.note('ann', 'first' as PeerId)
  book.note('ann', 'second' as PeerId)
  expect(book.hostOf('ann')).toBe('first')
  book.proved('ann' as PeerId)
  book.note('ann', 'second' as PeerId)
  expect([book.hostOf('ann'), book.hostOf('nobody')]).toEqual([undefined, undefined])
})
