import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { CommandResult } from '../../../src/gateway/commands/definition.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { marketActions } from '../../../src/gateway/market/actions.ts'
import { SearchDesk } from '../../../src/gateway/market/commands-alerts.ts'
import { talkCommands } from '../../../src/gateway/market/commands-talks.ts'
import { Desk } from '../../../src/gateway/market/desk.ts'
import { TalkDesk } from '../../../src/gateway/market/talk-desk.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { contextOf, dataOf, textOf } from './context.ts'
import { BUYER, peerForm, SELLER } from './peer-forms.ts'
import { type MarketRig, startMarket } from './rig.ts'

let dir: TestDir
let db: Database<unknown>
let rig: MarketRig

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
}, 60_000)
afterEach(async () => {
  await rig.stop()
  for (const table of ['intent', 'search', 'alert', 'notice', 'match', 'consent', 'person', 'trace', 'talk'])
    await db.pool.query(`delete from k2.market_${table}`)
})
afterAll(async () => {
  await db.close()
  await dir.remove()
})

/** Presses the last button of a label that somebody was shown. */
async function press(
  said: MarketRig['tg']['said'],
  label: string,
  at: MarketRig['telegram'],
  name: string,
): Promise<CommandResult> {
  const button = [...said]
    .reverse()
    .flatMap((s) => s.notice.actions?.flat() ?? [])
    .find((a) => a.label === label)
  if (button === undefined || !('id' in button)) throw new Error(`no button ${label}`)
  return run(button.id, at, name)
}

async function run(id: string, at: MarketRig['telegram'], name: string): Promise<CommandResult> {
  const desk = new Desk(rig.market)
  const colon = id.indexOf(':')
  const action = marketActions(desk, new SearchDesk(desk)).find((a) => a.name === id.slice(0, colon))
  if (action === undefined) throw new Error(`no action ${id}`)
  const result = await action.run(contextOf(at, name), id.slice(colon + 1))
  await rig.settled()
  return result
}

async function fill(result: CommandResult, at: MarketRig['telegram'], name: string, text: string): Promise<CommandResult> {
  if (result.kind !== 'form') throw new Error('no form')
  const answered = await result.submit(contextOf(at, name), { text })
  await rig.settled()
  return answered
}

async function offerOnK2() {
  const desk = new Desk(rig.market)
  const entry = await desk.create(contextOf(rig.telegram, 'ann'), 'sell', 'ThinkPad X1 Carbon, 700 USD')
  return desk.agree(contextOf(rig.telegram, 'ann'), entry.record.intent.intent_id, 'message')
}

describe('after an interest the two can write to each other', () => {
  it('a buyer of K2 and a seller here: told once, answered over K2 in the seller’s name, and back', async () => {
    rig = await startMarket(db)
    await offerOnK2()
    const wish = peerForm('Need a ThinkPad X1', { action: 'buy', priceRange: { currency: 'USD', min: 500, max: 750 } })
    for (let i = 0; i < 3; i++)
      await rig.hear({ kind: 'interest', senderId: BUYER, senderName: 'Bea', targetId: rig.node.id, form: wish })
    const told = rig.tg.said.filter((s) => s.notice.rich.text.includes('is interested'))
    expect(told).toHaveLength(1)
    // Nobody else can use the button.
    const foreign = await press(told, 'Write to them', rig.telegram, 'eve')
    await expect(fill(foreign, rig.telegram, 'eve', 'it is mine')).rejects.toMatchObject({ code: 'TALK_UNKNOWN' })
    const answered = await fill(
      await press(told, 'Write to them', rig.telegram, 'ann'),
      rig.telegram,
      'ann',
      'Yes, still there. Where are you?',
    )
    expect(textOf(answered)).toMatch(/^Sent\.\nOffer: ThinkPad X1 Carbon/)
    await rig.k2.until(() => rig.k2.texts(`dm:${BUYER}`).length === 1)
    expect(rig.k2.texts(`dm:${BUYER}`)).toEqual(['Yes, still there. Where are you?'])
    expect(rig.k2.requests[0]?.author).toMatchObject({ key: 'telegram:ann', displayName: 'ann' })
    await rig.chat({ peerId: BUYER, senderName: 'Bea', text: 'In Berlin' })
    const last = rig.tg.said.at(-1)
    expect(last?.target).toEqual({ kind: 'person', authorKey: 'telegram:ann' })
    expect(last?.notice.rich.text).toMatch(/^💬 Bea on K2\nIn Berlin\nOffer: ThinkPad X1 Carbon/)
    // A repeat of the same line, and a stranger: nothing.
    const before = rig.tg.said.length
    await rig.chat({ peerId: 'c'.repeat(64), text: 'hello?' })
    await rig.chat({ peerId: BUYER, text: 'on a topic', topic: 'Goods' })
    expect(rig.tg.said).toHaveLength(before)
  })

  it('people with ids of their own: an interest in one of them alerts that one, and they talk under that id', async () => {
    rig = await startMarket(db, { instance: 'hosted' })
    const idOf = (person: string) => `${person.replace(/\W/g, '')}${'0'.repeat(64)}`.slice(0, 64)
    rig.node.hosted = idOf
    const desk = new Desk(rig.market)
    for (const name of ['ann', 'cem']) {
      const entry = await desk.create(contextOf(rig.telegram, name), 'sell', `ThinkPad X1 Carbon of ${name}, 700 USD`)
      await desk.agree(contextOf(rig.telegram, name), entry.record.intent.intent_id, 'message')
    }
    await rig.settled()
    expect([...rig.node.active.values()].map((l) => l.person)).toEqual(['telegram:ann', 'telegram:cem'])
    const form = peerForm('Need a ThinkPad X1', { action: 'buy', priceRange: { currency: 'USD', min: 500, max: 750 } })
    const [ann, cem] = ['telegram:ann', 'telegram:cem'] as const
    for (let i = 0; i < 2; i++)
      await rig.hear({ kind: 'interest', senderId: BUYER, senderName: 'Bea', targetId: idOf(ann), forPerson: ann, form })
    const told = () => rig.tg.said.filter((s) => s.notice.rich.text.includes('is interested')).map((s) => s.target)
    expect(told()).toEqual([{ kind: 'person', authorKey: ann }])
    // The same buyer asks the other one, too: each conversation is its own.
    await rig.hear({ kind: 'interest', senderId: BUYER, senderName: 'Bea', targetId: idOf(cem), forPerson: cem, form })
    expect(told()[1]).toEqual({ kind: 'person', authorKey: cem })
    await rig.chat({ peerId: BUYER, senderName: 'Bea', text: 'Ann, in Berlin?', forPerson: ann })
    expect(rig.tg.said.at(-1)).toMatchObject({ target: { authorKey: ann } })
    await rig.chat({ peerId: BUYER, senderName: 'Bea', text: 'Who is it?', forPerson: 'telegram:eve' })
    expect(rig.tg.said.at(-1)?.notice.rich.text).toContain('Ann, in Berlin?')

    // A restart: their conversations are listened to again, and answered from the place of the two.
    await rig.stop()
    const before = rig.node
    rig = await startMarket(db, { instance: 'hosted', hosted: idOf })
    expect(rig.node).not.toBe(before)
    expect(new Set(rig.node.listening.map(([peer, person]) => `${peer} ${person}`))).toEqual(
      new Set([`${BUYER} ${ann}`, `${BUYER} ${cem}`]),
    )
    const [talk] = await rig.market.store.talksOf(ann, 10)
    await new TalkDesk(new Desk(rig.market)).write(contextOf(rig.telegram, 'ann'), talk?.id ?? '', 'Yes, Berlin')
    await rig.settled()
    const place = `dm:${BUYER}@${idOf(ann)}`
    await rig.k2.until(() => rig.k2.texts(place).length === 1)
    expect(rig.k2.requests[0]?.author.key).toBe(ann)
  })

  it('a buyer here and a seller of K2: the interest is the reference’s, what the seller answers is brought to the buyer', async () => {
    rig = await startMarket(db)
    await rig.hear({ kind: 'offer', senderId: SELLER, senderName: 'Sam', form: peerForm('ThinkPad X1 Carbon') })
    const [offer] = new Desk(rig.market).list(contextOf(rig.discord, 'bob'), { side: 'offer' })
    const result = await run(`interest-yes:${offer?.record.intent.intent_id}`, rig.discord, 'bob')
    expect(rig.node.interests).toEqual([expect.objectContaining({ topic: 'Goods', targetId: SELLER, person: 'discord:bob' })])
    expect(rig.node.listening).toEqual([[SELLER, 'discord:bob']])
    const { talk } = dataOf<{ talk: string }>(result)
    await rig.chat({ peerId: SELLER, text: 'It is yours for 650' })
    expect(rig.dc.said.at(-1)?.notice.rich.text).toMatch(/^💬 Sam on K2\nIt is yours for 650/)
    const [write] = talkCommands(new TalkDesk(new Desk(rig.market)))
    await write?.run(contextOf(rig.discord, 'bob'), { id: talk, text: 'Deal' })
    await rig.settled()
    await rig.k2.until(() => rig.k2.texts(`dm:${SELLER}`).length === 1)
    expect(rig.k2.texts(`dm:${SELLER}`)).toEqual(['Deal'])
    const listed = await talkCommands(new TalkDesk(new Desk(rig.market)))[1]?.run(contextOf(rig.discord, 'bob'), {})
    expect(listed && textOf(listed)).toMatch(/Sam on K2 · Offer: ThinkPad X1 Carbon/)
  })

  it('two people of different networks: what is private is not said before others, also over a restart', async () => {
    rig = await startMarket(db, { instance: 'talks' })
    await rig.say(rig.telegram, 'ann', 'WTS ThinkPad X1 Carbon, $700 shipped')
    const [offer] = new Desk(rig.market).list(contextOf(rig.discord, 'bob'), { side: 'offer' })
    const result = await run(`interest-yes:${offer?.record.intent.intent_id}`, rig.discord, 'bob')
    const { talk } = dataOf<{ talk: string }>(result)
    await rig.stop()
    rig = await startMarket(db, { instance: 'talks' })
    // The bot may not write to the seller first.
    rig.tg.unreachable.add('telegram:ann')
    await new TalkDesk(new Desk(rig.market)).write(contextOf(rig.discord, 'bob'), talk, 'My number is +1 555 0100')
    await rig.settled()
    const shown = rig.tg.said.at(-1)
    expect(shown?.target.kind).toBe('place')
    expect(shown?.notice.rich.text).not.toContain('555')
    const id = shown?.notice.actions?.flat()[0]
    if (id === undefined || !('id' in id)) throw new Error('no button')
    await expect(run(id.id, rig.telegram, 'eve')).rejects.toMatchObject({ code: 'TALK_UNKNOWN' })
    const read = await run(id.id, rig.telegram, 'ann')
    expect(read.kind === 'answer' && read.private).toBe(true)
    expect(textOf(read)).toMatch(/^💬 bob on Discord\nMy number is \+1 555 0100/)
    await fill(await run(`talk-write:${talk}`, rig.telegram, 'ann'), rig.telegram, 'ann', 'I will call')
    expect(rig.dc.said.at(-1)?.notice.rich.text).toMatch(/^💬 ann on Telegram\nI will call/)
  })
})
