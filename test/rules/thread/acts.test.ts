import { describe, expect, it } from 'vitest'
import { MINUTE, SECOND, Talk, types } from './support.ts'

const DAY = 86_400_000

describe('acts (8.2)', () => {
  it('a listing opens an intent, and its words carry no contact data', () => {
    const talk = new Talk()
    const { act, events } = talk.say('a', 'WTS RTX 3080 FE, $380 shipped, call +49 170 1234567 or mail joe@example.org')
    expect(act).toBe('open')
    expect(types(events)).toEqual(['opened'])
    const [record] = [...talk.book.records()]
    expect(record?.intent).toMatchObject({ intent: 'sell', side: 'offer', status: 'open', revision: 1, owner: 'discord:a' })
    expect(record?.intent.text).not.toMatch(/1234567|example\.org/)
  })

  it('the owner closes by "sold": as a reply, as the only listing, or by naming it', () => {
    const replied = new Talk()
    const { id } = replied.say('a', 'WTS RTX 3080, $380')
    expect(types(replied.after(3 * DAY).say('a', 'sold', { reply_to: id }).events)).toEqual(['closed'])

    const only = new Talk()
    only.say('a', 'WTS RTX 3080, $380')
    expect(types(only.after(DAY).say('a', 'sold!').events)).toEqual(['closed'])

    const named = new Talk()
    named.say('a', 'WTS RTX 3080, $380')
    named.after(10 * MINUTE).say('a', 'WTS Nikon D750 camera, $500')
    const { events } = named.after(DAY).say('a', 'nikon sold')
    expect(types(events)).toEqual(['closed'])
    expect(named.listings).toEqual(['sell rtx 3080 380 open r1', expect.stringMatching(/nikon.* closed r2/)])
  })

  it.each(['sold', 'vendido', 'продано', 'đã bán'])('%s of somebody else closes nothing', (text) => {
    const talk = new Talk()
    talk.say('a', 'WTS RTX 3080, $380')
    expect(talk.say('b', text).events).toEqual([])
  })

  it('a reaction of the owner closes, of others not', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    expect(talk.step({ kind: 'done', id, author: 'discord:b' }).events).toEqual([])
    expect(types(talk.step({ kind: 'done', id, author: 'discord:a' }).events)).toEqual(['closed'])
  })

  it('bumps count once a day', () => {
    const talk = new Talk()
    talk.say('a', 'WTS RTX 3080, $380')
    expect(talk.after(MINUTE).say('a', 'bump')).toMatchObject({ act: 'bump', events: [] })
    expect(types(talk.after(DAY).say('a', 'bump').events)).toEqual(['bumped'])
    expect(talk.after(MINUTE).say('a', 'bump').events).toEqual([])
    expect(types(talk.after(DAY).say('a', 'still available!').events)).toEqual(['bumped'])
  })

  it('the owner hears of an interest once per person', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    const first = talk.say('b', 'still available?', { reply_to: id })
    expect(first.events).toMatchObject([{ type: 'interest', person: 'discord:b', amount: null, first: true }])
    expect(talk.after(DAY).say('b', "I'll take it", { reply_to: id }).events).toMatchObject([{ type: 'interest', first: false }])
    expect(talk.say('c', "I'll take it", { reply_to: id }).events).toMatchObject([
      { type: 'interest', person: 'discord:c', first: true },
    ])
    expect(talk.say('a', 'still available?', { reply_to: id }).events).toEqual([])
  })

  it('negotiating is an interest with an amount', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    const { act, events } = talk.say('b', 'would you take $320?', { reply_to: id })
    expect(act).toBe('negotiate')
    expect(events).toMatchObject([{ type: 'interest', amount: { max: '320', currency: 'USD' } }])
  })

  it.each([
    ['would you take 320?', '320'],
    ['320?', '320'],
    ['320 shipped?', '320'],
    ['I can do 320 cash today', '320'],
    ["I'll give you 320 for it", '320'],
    ['any chance of 320', '320'],
    ['could you do three hundred?', '300'],
    ['can you do 320', '320'],
    ['deal at 320?', '320'],
    ['te doy 320', '320'],
    ['lo dejas en 320?', '320'],
    ['faz por 320 no pix?', '320'],
    ['отдашь за 320?', '320'],
    ['fix 320 nhé', '320'],
    ['lowest? 320?', '320'],
  ])('%j offers %s in the currency of the listing', (text, max) => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    const { act, events } = talk.say('b', text, { reply_to: id })
    expect([act, types(events)]).toEqual(['negotiate', ['interest']])
    expect(events).toMatchObject([{ amount: { max, currency: 'USD' } }])
    expect(talk.listings).toEqual(['sell rtx 3080 380 open r1'])
  })

  it.each(['bớt 20 nhé', 'скинешь 20?', '20 off?', 'can you knock 20 off?'])('%j names no amount to pay', (text) => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    for (const event of talk.say('b', text, { reply_to: id }).events)
      expect(event).toMatchObject({ type: 'interest', amount: null })
  })

  it.each([
    'does it do 4k 120?',
    'is it the 10gb one?',
    'my 1080 died last week',
    'got mine in 2021',
    'looking for a monitor too, 300 max',
    'have you had it since 2020?',
    'looking for a kalimba too, 300 max',
  ])('%j is no amount', (text) => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    expect(types(talk.say('b', text, { reply_to: id }).events)).not.toContain('interest')
  })

  it('without an answer mark a number is nobody’s offer', () => {
    const talk = new Talk()
    talk.say('a', 'WTS RTX 3080, $380')
    expect(talk.say('b', '320 of us at the meetup').events).toEqual([])
  })

  it('questions are counted only', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    expect(types(talk.say('b', 'does it come with the box?', { reply_to: id }).events)).toEqual(['question'])
  })

  it.each([
    ['en', 'still available?'],
    ['vi', 'còn không ạ?'],
    ['es', 'sigue disponible?'],
    ['ru', 'актуально?'],
    ['pt', 'ainda tem?'],
  ])('interest is understood in %s', (_, text) => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    expect(types(talk.say('b', text, { reply_to: id }).events)).toEqual(['interest'])
  })
})

describe('target of an interest', () => {
  it('without a reply it is the latest listing of the last five messages and ten minutes', () => {
    const talk = new Talk()
    talk.say('a', 'WTS RTX 3080, $380')
    talk.say('b', 'WTS Nikon D750 camera, $500')
    expect(talk.say('c', 'still available?').events).toMatchObject([{ record: { intent: { owner: 'discord:b' } } }])
    for (let i = 0; i < 5; i++) talk.say('x', 'good morning everyone')
    expect(talk.say('d', 'still available?').events).toEqual([])
    talk.say('b', 'WTS Nikon D90 camera, $200')
    expect(talk.after(11 * MINUTE).say('d', 'still available?').events).toEqual([])
  })

  it('in a thread it is the only open listing, however long ago', () => {
    const talk = new Talk('post')
    talk.say('a', 'WTS RTX 3080, $380')
    for (let i = 0; i < 8; i++) talk.say('x', 'good morning everyone')
    expect(types(talk.after(DAY).say('c', 'still available?').events)).toEqual(['interest'])
  })

  it('the answered listing wins over the latest', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    talk.say('b', 'WTS Nikon D750 camera, $500')
    expect(talk.say('c', 'still available?', { reply_to: id }).events).toMatchObject([
      { record: { intent: { owner: 'discord:a' } } },
    ])
  })
})

describe('updates by the owner', () => {
  it('a reply with a new price makes a new revision', () => {
    const talk = new Talk()
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    const { act, events } = talk.after(DAY).say('a', 'now $350', { reply_to: id })
    expect(act).toBe('update')
    expect(events).toMatchObject([{ type: 'updated', reason: 'reply', before: { slots: { price: { max: '380' } } } }])
    expect(talk.listings).toEqual(['sell rtx 3080 350 open r2'])
  })

  it('a price drop in the own post needs no reply', () => {
    const talk = new Talk('post')
    talk.say('a', 'WTS RTX 3080, $380')
    talk.after(5 * MINUTE).say('a', 'price drop: $340')
    talk.after(5 * MINUTE).say('a', 'pickup in Berlin only')
    expect(talk.listings).toEqual(['sell rtx 3080 340 open r3'])
    expect([...talk.book.records()][0]?.intent.slots).toMatchObject({ delivery: { pickup: true }, place: { city: 'Berlin' } })
  })

  it('another thing in the same post is another intent', () => {
    const talk = new Talk('post')
    talk.say('a', 'WTS RTX 3080, $380')
    talk.after(5 * MINUTE).say('a', 'Also selling my Nikon D750 camera, $500')
    expect(talk.listings).toHaveLength(2)
  })

  it('small talk of the owner changes nothing', () => {
    const talk = new Talk('post')
    const { id } = talk.say('a', 'WTS RTX 3080, $380')
    for (const text of ['thanks all', 'good morning', 'it is a great card', 'will answer tonight'])
      talk.after(5 * MINUTE).say('a', text, { reply_to: id })
    expect(talk.listings).toEqual(['sell rtx 3080 380 open r1'])
  })
})

describe('observed channels', () => {
  it('open nothing', () => {
    const talk = new Talk()
    talk.opens = null
    const { act, events } = talk.say('a', 'WTS RTX 3080, $380')
    expect([act, events]).toEqual(['open', []])
    expect(talk.after(SECOND).say('b', 'still available?').events).toEqual([])
  })
})
