import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advance, ChannelTable, EMPTY_CHANNEL, IntentBook, type ThreadInput } from '../../../src/rules/thread/index.ts'
import { ENTRY_LIFE_MS, MAX_ENTRIES } from '../../../src/rules/thread/model.ts'
import { NOON, reader, Talk } from './support.ts'

const TEXTS = [
  'WTS RTX 3080, $380',
  'WTB Nikon D750 camera, budget $500',
  'Selling my standing desk, oak',
  'WTS',
  '$150, pickup in Berlin',
  'now $350',
  'price drop: $300',
  'sold',
  '[SOLD] WTS RTX 3080, $380',
  'bump',
  'still available?',
  "I'll take it",
  'would you take $320?',
  'does it come with the box?',
  'good morning everyone',
  'WTS RTX 3080 $380, WTB Nikon D750 camera, budget $500',
  '> WTS RTX 3080, $380',
  '',
]
const step = fc.record({
  author: fc.constantFrom('a', 'b', 'c'),
  text: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...TEXTS) }, fc.string({ unit: 'grapheme', maxLength: 40 })),
  kind: fc.constantFrom('create', 'create', 'create', 'edit', 'delete', 'done'),
  about: fc.nat(20),
  reply: fc.boolean(),
  album: fc.constantFrom(undefined, undefined, undefined, 'g'),
  wait: fc.constantFrom(1_000, 30_000, 130_000, 700_000, 90_000_000),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function* run(steps: readonly Step[], thread: string | undefined) {
  const talk = new Talk(thread)
  const sent: { id: string; author: string }[] = []
  for (const s of steps) {
    talk.after(s.wait)
    const old = sent.length === 0 ? undefined : sent[s.about % sent.length]
    const reply = s.reply && old !== undefined ? { reply_to: old.id } : {}
    let input: ThreadInput
    if (s.kind === 'create' || old === undefined) {
      const message = talk.message(s.author, s.text, { ...reply, album: s.album })
      sent.push({ id: message.id, author: s.author })
      input = { kind: 'create', message }
    } else if (s.kind === 'edit') input = { kind: 'edit', message: talk.message(old.author, s.text, { id: old.id }) }
    else if (s.kind === 'done') input = { kind: 'done', id: old.id, author: `discord:${s.author}` }
    else input = { kind: 'delete', platform: 'discord', channel: 'c', id: old.id }
    const actor = `discord:${s.kind === 'create' || s.kind === 'done' || old === undefined ? s.author : old.author}`
    yield { talk, input, actor }
  }
}

const conversations = fc.tuple(fc.array(step, { maxLength: 40 }), fc.constantFrom(undefined, 'post'))

describe('conversations, whatever is said', () => {
  it('only owners change their intents, revisions grow, and each person is told of once', () => {
    fc.assert(
      fc.property(conversations, ([steps, thread]) => {
        const told = new Set<string>()
        for (const { talk, input, actor } of run(steps, thread)) {
          const { events } = talk.step(input)
          for (const event of events) {
            const { intent } = event.record
            if (event.type === 'interest' || event.type === 'question') expect(event.person).not.toBe(intent.owner)
            else expect(intent.owner).toBe(actor)
            if (event.type === 'updated') expect(intent.revision).toBe(event.before.revision + 1)
            if (event.type !== 'interest' || !event.first) continue
            const key = `${event.person} ${intent.intent_id}`
            expect(told.has(key)).toBe(false)
            told.add(key)
          }
          expect(new Set(events.map((e) => e.record.intent.intent_id)).size).toBe(events.length)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('is a pure function: the same step gives the same answer and changes neither state nor book', () => {
    fc.assert(
      fc.property(conversations, ([steps, thread]) => {
        for (const { talk, input } of run(steps, thread)) {
          const context = { now: talk.now, reader, intents: talk.book, opens: 'open' as const }
          const before = JSON.stringify([talk.state, [...talk.book.records()]])
          const once = advance(talk.state, input, context)
          expect(advance(talk.state, input, context)).toEqual(once)
          expect(JSON.stringify([talk.state, [...talk.book.records()]])).toBe(before)
          talk.step(input)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('the state is bounded by fifty messages and fifteen minutes', () => {
    fc.assert(
      fc.property(conversations, ([steps, thread]) => {
        for (const { talk, input } of run([...steps, ...steps], thread)) {
          const { state } = talk.step(input)
          expect(state.entries.length).toBeLessThanOrEqual(MAX_ENTRIES)
          for (const e of state.entries)
            if (e.message.sent_at < talk.now) expect(talk.now - e.message.sent_at).toBeLessThanOrEqual(ENTRY_LIFE_MS)
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('bounds', () => {
  it('the least recently used channel goes first', () => {
    const table = new ChannelTable(3)
    const { state } = advance(
      EMPTY_CHANNEL,
      { kind: 'create', message: new Talk().message('a', 'hello') },
      {
        now: NOON,
        reader,
        intents: new IntentBook(),
        opens: null,
      },
    )
    for (const place of ['a', 'b', 'c', 'd']) table.set(place, state, NOON)
    expect(table.size).toBe(3)
    expect(table.get('a', NOON)).toBe(EMPTY_CHANNEL)
    expect(table.get('d', NOON).entries).toHaveLength(1)
    expect(table.get('d', NOON + ENTRY_LIFE_MS + 1)).toBe(EMPTY_CHANNEL)
  })

  it('a full book lets ended intents go before open ones', () => {
    const talk = new Talk()
    const small = new IntentBook(2)
    for (const text of ['WTS RTX 3080, $380', 'WTS Nikon D750 camera, $500']) talk.after(300_000).say('a', text)
    const [first, second] = [...talk.book.records()]
    if (first === undefined || second === undefined) throw new Error('two listings were expected')
    small.put(first)
    small.put({ ...second, intent: { ...second.intent, status: 'closed' } })
    small.put({ ...first, message_id: 'x', parts: ['x'], intent: { ...first.intent, intent_id: 'third' } })
    expect([...small.records()].map((r) => r.intent.intent_id)).toEqual([first.intent.intent_id, 'third'])
    small.remove('third')
    expect([small.size, small.ofMessage('x'), small.get('third')]).toEqual([1, [], undefined])
  })
})
