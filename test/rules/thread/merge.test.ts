import { describe, expect, it } from 'vitest'
import { MINUTE, SECOND, Talk, types } from './support.ts'

describe('merging of messages (8.1)', () => {
  it('terms sent after the listing belong to it', () => {
    const talk = new Talk()
    const first = talk.say('a', 'Selling my standing desk, oak')
    const second = talk.after(20 * SECOND).say('a', '$150, pickup in Berlin')
    expect([first.act, second.act]).toEqual(['open', 'update'])
    expect(second.events).toMatchObject([{ type: 'updated', reason: 'merge', record: { parts: [first.id, second.id] } }])
    expect([...talk.book.records()]).toHaveLength(1)
    expect([...talk.book.records()][0]?.intent.slots).toMatchObject({
      price: { max: '150', currency: 'USD' },
      place: { city: 'Berlin' },
    })
  })

  it('a cue alone becomes a listing when the goods follow', () => {
    const talk = new Talk()
    const first = talk.say('a', 'WTS')
    expect(first.events).toEqual([])
    const second = talk.say('a', 'RTX 3080 FE, $380 shipped')
    expect(second.events).toMatchObject([{ type: 'opened', record: { message_id: first.id, parts: [first.id, second.id] } }])
  })

  it.each<[string, (talk: Talk) => void]>([
    ['two minutes later', (t) => t.after(121 * SECOND)],
    ['after four other messages', (t) => [1, 2, 3, 4].forEach((i) => void t.say(`x${i}`, 'good morning everyone'))],
    ['with a cue of its own', (t) => void t.say('a', 'WTB Nikon D750 camera, $500')],
  ])('not %s', (_, between) => {
    const talk = new Talk()
    talk.say('a', 'Selling my standing desk, oak')
    between(talk)
    expect(
      talk.say('a', '$150, pickup in Berlin').events.filter((e) => e.type === 'updated' && /desk/.test(e.record.intent.text)),
    ).toEqual([])
  })

  it('three foreign messages between are not too many', () => {
    const talk = new Talk()
    talk.say('a', 'Selling my standing desk, oak')
    for (let i = 0; i < 3; i++) talk.say(`x${i}`, 'good morning everyone')
    expect(types(talk.say('a', '$150').events)).toEqual(['updated'])
  })

  it('at most four messages, and none of another author', () => {
    const talk = new Talk()
    talk.say('a', 'Selling my standing desk, oak')
    expect(talk.say('b', '$150').events).toEqual([])
    for (const text of ['$150', 'pickup in Berlin', 'like new']) expect(types(talk.say('a', text).events)).toEqual(['updated'])
    expect(talk.say('a', 'cash only').events).toEqual([])
  })

  it('an album is one message, whatever its captions', () => {
    const talk = new Talk()
    talk.say('a', '', { album: 'g' })
    const { events } = talk.say('a', 'WTS RTX 3080, $380', { album: 'g' })
    talk.say('a', '', { album: 'g' })
    expect(types(events)).toEqual(['opened'])
    expect([...talk.book.records()]).toHaveLength(1)
  })

  it('chat after a listing does not touch it', () => {
    const talk = new Talk()
    talk.say('a', 'WTS RTX 3080, $380')
    for (const text of ['thanks', 'lol', 'brb', 'see you later at the station']) talk.say('a', text)
    expect(talk.listings).toEqual(['sell rtx 3080 380 open r1'])
  })

  it('a forum post is read with its title and tags', () => {
    const talk = new Talk('post')
    talk.say('a', 'good shape, $380 shipped', { title: 'RTX 3080 FE', tags: ['Selling'] })
    expect(talk.listings).toEqual([expect.stringMatching(/^sell .*rtx 3080.* 380 open r1$/)])
  })

  it('two intents of one message live on their own', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080 $380, WTB Nikon D750 camera, budget $500')
    expect(talk.listings.map((l) => l.split(' ')[0]).sort()).toEqual(['buy', 'sell'])
    talk.edit(id, 'a', 'WTS RTX 3080 $380')
    expect(talk.listings.filter((l) => l.includes(' open '))).toEqual([expect.stringContaining('sell rtx 3080 380')])
  })
})

describe('edits and deletions (8.1)', () => {
  it('the same kind is a new revision, the same text none', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    expect(talk.edit(id, 'a', 'WTS RTX 3080, $380').events).toEqual([])
    expect(talk.edit(id, 'a', 'WTS RTX 3080, $350').events).toMatchObject([{ type: 'updated', reason: 'edit' }])
    expect(talk.listings).toEqual(['sell rtx 3080 350 open r2'])
  })

  it('another kind withdraws the old and opens a new one', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    expect(types(talk.edit(id, 'a', 'WTB RTX 3080, $380').events).sort()).toEqual(['opened', 'withdrawn'])
    expect(new Set([...talk.book.records()].map((r) => r.intent.intent_id)).size).toBe(2)
    // And back again: the first one lives on.
    talk.edit(id, 'a', 'WTS RTX 3080, $380')
    expect(talk.listings.filter((l) => l.includes(' open '))).toEqual([expect.stringMatching(/^sell/)])
  })

  it.each(['SOLD', '[SOLD] WTS RTX 3080, $380', '~~WTS RTX 3080, $380~~ SOLD', 'WTS RTX 3080, $380\nEdit: SOLD'])(
    'edited to %j it is closed, days later too',
    (text) => {
      const talk = new Talk()
      const { id } = talk.say('a', 'WTS RTX 3080, $380')
      expect(types(talk.after(3 * 86_400_000).edit(id, 'a', text).events)).toEqual(['closed'])
    },
  )

  it('taking the word back opens it again; correcting a typo of what was sold does not', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    talk.edit(id, 'a', 'WTS RTX 3080, $380\nEdit: SOLD')
    expect(types(talk.edit(id, 'a', 'WTS RTX 3080, $380').events)).toEqual(['updated'])
    expect(talk.listings).toEqual([expect.stringContaining(' open ')])
    talk.say('a', 'sold', { reply_to: id })
    expect(talk.edit(id, 'a', 'WTS RTX 3080 FE, $380').events).toEqual([])
    expect(talk.listings).toEqual([expect.stringContaining(' closed ')])
  })

  it('terms written after it was sold add nothing', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'Selling my standing desk, oak')
    talk.say('a', 'sold', { reply_to: id })
    expect(talk.say('a', '$150').events).toEqual([])
    expect(talk.listings).toEqual([expect.stringContaining(' closed ')])
  })

  it('edited to nothing of the kind it is withdrawn; edited into a listing it opens', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    expect(types(talk.edit(id, 'a', 'never mind').events)).toEqual(['withdrawn'])
    const other = talk.say('b', 'good morning everyone')
    expect(types(talk.edit(other.id, 'b', 'WTS Nikon D750 camera, $500').events)).toEqual(['opened'])
  })

  it('a deleted listing is withdrawn; a deleted part takes its terms with it', () => {
    const talk = new Talk()
    const first = talk.say('a', 'Selling my standing desk, oak')
    const second = talk.say('a', '$150')
    expect(types(talk.delete(second.id).events)).toEqual(['updated'])
    expect([...talk.book.records()][0]?.intent.slots.price).toBe(null)
    expect(types(talk.delete(first.id).events)).toEqual(['withdrawn'])
    expect(talk.delete(first.id).events).toEqual([])
  })

  it('an edit long after a restart keeps what later parts said', () => {
    const talk = new Talk()
    const first = talk.say('a', 'Selling my standing desk, oak')
    talk.say('a', '$150')
    talk.after(60 * MINUTE)
    talk.state = { entries: [] }
    talk.edit(first.id, 'a', 'Selling my standing desk, oak, pickup in Berlin')
    expect([...talk.book.records()][0]?.intent.slots).toMatchObject({ price: { max: '150' }, place: { city: 'Berlin' } })
  })
})
