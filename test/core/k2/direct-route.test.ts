import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { DirectAttempt, DirectHabit } from '../../../src/core/k2/direct-link.ts'
import { DirectRoute } from '../../../src/core/k2/direct-route.ts'
import { JoinedTopic } from '../../../src/core/k2/joined-topic.ts'
import type { ChatToSend } from '../../../src/core/k2/json-messages.ts'
import { directTopicName, topicIdOfName } from '../../../src/core/k2/topics.ts'
import { VariantTwins } from '../../../src/core/k2/variant-twins.ts'
import { A, B, NOW } from './fixtures.ts'

let clock: ManualClock
let habit: DirectHabit | undefined
let answer: DirectAttempt
let sent: number
let route: DirectRoute

beforeEach(() => {
  clock = new ManualClock(NOW)
  habit = undefined
  answer = 'delivered'
  sent = 0
  const link = {
    habitOf: () => habit,
    send: async () => {
      sent++
      return answer
    },
  }
  route = new DirectRoute({ clock, link: () => link })
})

function topicOf({ heard }: { heard: boolean }): JoinedTopic {
  const name = directTopicName(A, B)
  const topic = new JoinedTopic({
    info: { id: topicIdOfName(name), name, contact: B },
    channel: { broadcast: async () => {}, join: async () => {}, close: async () => {} },
    bootstrap: () => [],
    clock,
    rng: seededRng(1),
    onJoinFailed: () => {},
  })
  if (heard) topic.neighborUp(B)
  return topic
}

const chat = (): ChatToSend => ({ senderId: A, text: 'hi', sentAt: NOW })
const take = (heard: boolean, key = 'k'): Promise<boolean> =>
  route.take(topicOf({ heard }), chat, { key, signal: undefined, record: async () => {} })

describe('the way of a direct line', () => {
  test.each<{ habit: DirectHabit | undefined; heard: boolean; tries: boolean }>([
    { habit: undefined, heard: true, tries: false },
    { habit: undefined, heard: false, tries: true },
    { habit: 'silent', heard: true, tries: false },
    { habit: 'silent', heard: false, tries: true },
    { habit: 'refused', heard: true, tries: false },
    { habit: 'refused', heard: false, tries: false },
    { habit: 'receipts', heard: true, tries: true },
    { habit: 'receipts', heard: false, tries: true },
  ])('to one that is $habit and heard: $heard', async (known) => {
    habit = known.habit
    expect(await take(known.heard)).toBe(known.tries)
    expect(sent).toBe(known.tries ? 1 : 0)
  })

  test.each<DirectAttempt>(['refused', 'unreachable'])('goes on over gossip when %s', async (outcome) => {
    answer = outcome
    expect(await take(false)).toBe(false)
  })

  test('what may have arrived goes over gossip too, or is reported as in doubt', async () => {
    habit = 'receipts'
    answer = 'unknown'
    expect(await take(true)).toBe(false)
    await expect(take(false)).rejects.toThrow(expect.objectContaining({ code: 'K2_UNCONFIRMED', retry: 'ambiguous' }))
  })

  test('what was taken without a word is not sent again; gossip gets its chance, then it is left at that', async () => {
    answer = 'accepted'
    await expect(take(false)).rejects.toThrow(expect.objectContaining({ code: 'K2_UNCONFIRMED' }))
    await expect(take(false)).rejects.toThrow(expect.objectContaining({ code: 'K2_UNCONFIRMED' }))
    expect(await take(true)).toBe(false)
    clock.advance(61_000)
    expect(await take(false)).toBe(true)
    expect(sent).toBe(1)
  })

  test('topics that are not direct are none of its business', async () => {
    const info = { id: topicIdOfName('Goods'), name: 'Goods' }
    const topic = Object.assign(topicOf({ heard: true }), { info })
    expect(await route.take(topic, chat, { key: 'k', signal: undefined, record: async () => {} })).toBe(false)
  })
})

describe('copies over both ways', () => {
  const copy = (variant: 'gossip' | 'stream', sentAt: number, messageId: string) =>
    ({ peer: B, text: 'ok', variant, sentAt, messageId }) as const

  test('within two seconds are one message, in either order, each once', () => {
    const twins = new VariantTwins()
    expect(twins.twinOf(copy('stream', NOW, 's1'), NOW)).toBeUndefined()
    expect(twins.twinOf(copy('gossip', NOW + 2000, 'g1'), NOW)).toBe('s1')
    expect(twins.twinOf(copy('gossip', NOW + 2000, 'g2'), NOW)).toBeUndefined()
    expect(twins.twinOf(copy('stream', NOW + 1500, 's2'), NOW)).toBe('g2')
  })

  test('further apart, of another text or over the same way are several', () => {
    const twins = new VariantTwins()
    expect(twins.twinOf(copy('stream', NOW, 's1'), NOW)).toBeUndefined()
    expect(twins.twinOf(copy('stream', NOW + 1, 's2'), NOW)).toBeUndefined()
    expect(twins.twinOf(copy('gossip', NOW + 2002, 'g1'), NOW)).toBeUndefined()
    expect(twins.twinOf({ ...copy('gossip', NOW, 'g2'), text: 'no' }, NOW)).toBeUndefined()
    expect(twins.twinOf({ ...copy('gossip', NOW, 'g3'), peer: A }, NOW)).toBeUndefined()
  })
})
