import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { K2Error } from '../../../src/base/errors.ts'
import type { CommandResult } from '../../../src/gateway/commands/definition.ts'
import { CommandRegistry } from '../../../src/gateway/commands/registry.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { marketActions } from '../../../src/gateway/market/actions.ts'
import { alertCommands, SearchDesk } from '../../../src/gateway/market/commands-alerts.ts'
import { offerCommands } from '../../../src/gateway/market/commands-offers.ts'
import { ruleCommands } from '../../../src/gateway/market/commands-rules.ts'
import { Desk } from '../../../src/gateway/market/desk.ts'
import { listCommands } from '../../../src/gateway/market/lists.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { ShiftedClock } from '../pipeline/rig.ts'
import { contextOf, dataOf, textOf } from './context.ts'
import { type MarketRig, startMarket } from './rig.ts'

let dir: TestDir
let db: Database<unknown>
let rig: MarketRig
const TABLES = [
  'market_intent',
  'market_search',
  'market_alert',
  'market_notice',
  'market_match',
  'market_consent',
  'market_person',
]

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
}, 60_000)
afterEach(async () => {
  await rig.stop()
  for (const table of [...TABLES, 'market_profile', 'market_trace', 'rule_state']) await db.pool.query(`delete from k2.${table}`)
})
afterAll(async () => {
  await db.close()
  await dir.remove()
})

type Said = MarketRig['tg']['said']
const texts = (said: Said): string[] => said.map((s) => s.notice.rich.text)
const alertsIn = (said: Said): string[] => texts(said).filter((t) => t.startsWith('🔔') || t.startsWith('📉'))
const buttonOf = (said: Said, label: string): string => {
  const found = [...said]
    .reverse()
    .flatMap((s) => s.notice.actions?.flat() ?? [])
    .find((a) => a.label === label)
  if (found === undefined || !('id' in found)) throw new Error(`no button ${label}`)
  return found.id
}
const SELL = 'WTS ThinkPad X1 Carbon, $700 shipped'

async function press(id: string, at: MarketRig['telegram'], name: string) {
  const desk = new Desk(rig.market)
  const colon = id.indexOf(':')
  const action = marketActions(desk, new SearchDesk(desk)).find((a) => a.name === id.slice(0, colon))
  if (action === undefined) throw new Error(`no action ${id}`)
  const result = await action.run(contextOf(at, name), id.slice(colon + 1))
  await rig.settled()
  return result
}

async function command(path: string, at: MarketRig['telegram'], name: string, given: Record<string, unknown> = {}) {
  const desk = new Desk(rig.market)
  const all = [...offerCommands(desk), ...alertCommands(new SearchDesk(desk)), ...listCommands(new SearchDesk(desk))]
  const found = all.find((c) => c.path.join(' ') === path)
  if (found === undefined) throw new Error(`no command ${path}`)
  const result = await found.run(contextOf(at, name), found.arguments.parse(given))
  await rig.settled()
  return result
}

describe('messages', () => {
  it('asks the author of a sell line with a card, and tells both sides of a match once, with reasons', async () => {
    rig = await startMarket(db)
    const { tg, dc } = rig
    await rig.say(rig.telegram, 'ann', SELL)
    expect(texts(tg.said)).toHaveLength(1)
    expect(texts(tg.said)[0]).toMatch(/^Offer: ThinkPad X1 Carbon, 700 USD, Goods › laptops: publish to K2\?/)
    expect(tg.said[0]?.notice.actions?.flat().map((a) => a.label)).toEqual(['Yes', 'Edit', 'No', 'Always here'])
    expect(tg.said[0]?.target).toMatchObject({ kind: 'place', replyTo: { network: 'telegram' } })

    await rig.say(rig.discord, 'bob', 'WTB ThinkPad X1 Carbon, budget $800')
    expect(alertsIn(tg.said)).toHaveLength(1)
    expect(alertsIn(dc.said)).toHaveLength(1)
    expect(alertsIn(dc.said)[0]).toMatch(/Offer: ThinkPad X1 Carbon, 700 USD/)
    expect(alertsIn(dc.said)[0]).toMatch(/Why: match 0\.\d\d \(text \d/)
    expect(alertsIn(tg.said)[0]).toMatch(/Wanted: ThinkPad X1 Carbon/)
    expect(await rig.rows('select * from k2.market_match')).toHaveLength(1)

    // The same lines again tell nobody anything new.
    await rig.say(rig.discord, 'bob', 'WTB ThinkPad X1 Carbon, budget $800')
    expect(alertsIn(dc.said)).toHaveLength(1)
  })

  it('only counts in places nobody switched on, and reads nothing where it is off', async () => {
    rig = await startMarket(db, { config: { profiles: [{ places: ['discord/**'], mode: 'off' }] } })
    await rig.say(rig.telegram, 'ann', SELL)
    await rig.say(rig.discord, 'bob', 'WTB ThinkPad X1 Carbon, budget $800')
    expect(rig.tg.said).toEqual([])
    expect(rig.dc.said).toEqual([])
    expect(rig.parts.memory.open.size).toBe(0)
    expect(rig.pipeline.counters.total('readings_total', { intent: 'sell' })).toBe(1)
    expect(rig.pipeline.counters.total('readings_total', { intent: 'buy' })).toBe(0)
  })

  it('"sold" below the listing closes it, edits update it, and deleting withdraws it', async () => {
    rig = await startMarket(db)
    const ref = await rig.say(rig.telegram, 'ann', SELL)
    const [entry] = [...rig.parts.memory.all()]
    expect(entry?.record.intent.slots.price?.min).toBe('700')
    await rig.change(ref, 'ann', 'WTS ThinkPad X1 Carbon, $600 shipped')
    expect([...rig.parts.memory.all()][0]?.record.intent).toMatchObject({ revision: 2, slots: { price: { min: '600' } } })
    await rig.say(rig.telegram, 'ann', 'sold, thanks', { replyTo: ref })
    expect(rig.parts.memory.open.size).toBe(0)
    expect(await rig.rows('select status from k2.market_intent')).toEqual([{ status: 'closed' }])
    // The card is marked, where the platform can.
    expect(rig.tg.changed.at(-1)?.notice.rich.text).toMatch(/No longer open/)

    const other = await rig.say(rig.telegram, 'ann', 'WTS Dell U2720Q monitor, $250')
    expect(rig.parts.memory.open.size).toBe(1)
    await rig.drop(other, 'ann')
    expect(rig.parts.memory.open.size).toBe(0)
  })

  it('an offer can be paused and renewed: off K2 and out of matching, then back with what was agreed to', async () => {
    rig = await startMarket(db)
    const desk = new Desk(rig.market)
    const ann = contextOf(rig.telegram, 'ann')
    const entry = await desk.create(ann, 'sell', 'ThinkPad X1 Carbon, 700 USD')
    const id = entry.record.intent.intent_id
    await desk.agree(ann, id, 'message')
    expect(rig.node.active.size).toBe(1)
    await command('offer pause', rig.telegram, 'ann', { id })
    expect(rig.node.active.size).toBe(0)
    expect(desk.list(contextOf(rig.discord, 'bob'), { side: 'offer' })).toEqual([])
    await rig.say(rig.discord, 'bob', 'WTB ThinkPad X1 Carbon, budget $800')
    expect(alertsIn(rig.tg.said)).toEqual([])
    await expect(command('offer pause', rig.telegram, 'bob', { id })).rejects.toMatchObject({ code: 'MARKET_NOT_YOURS' })
    await command('offer renew', rig.telegram, 'ann', { id })
    expect(rig.node.active.size).toBe(1)
    expect(alertsIn(rig.dc.said)).toHaveLength(1)
    const mine = await command('offer mine', rig.telegram, 'ann', { page: 2 })
    expect(dataOf<unknown[]>(mine)).toEqual([])
  })

  it('"Remind me" says it once more in a day, if it is still open; saved searches are asked about before they end', async () => {
    const clock = new ShiftedClock()
    rig = await startMarket(db, { clock })
    const search = await new SearchDesk(new Desk(rig.market)).add(contextOf(rig.discord, 'bob'), 'thinkpad under 800 usd')
    await rig.say(rig.telegram, 'ann', SELL)
    // Quiet from 23 to 27 hours after now, when it would be due.
    const at = (hours: number) => new Date(clock.now() + hours * 3_600_000).toISOString().slice(11, 16)
    await command('alert settings', rig.discord, 'bob', { zone: 'UTC', quiet: `${at(23)}-${at(27)}` })
    await press(buttonOf(rig.dc.said, 'Remind me'), rig.discord, 'bob')
    const reminders = () => texts(rig.dc.said).filter((t) => t.startsWith('⏰'))
    expect(reminders()).toEqual([])
    clock.shift(25 * 3_600_000)
    await rig.market.round()
    await rig.settled()
    expect(reminders()).toEqual([])
    clock.shift(3 * 3_600_000)
    await rig.market.round()
    await rig.settled()
    expect(reminders()).toEqual([expect.stringMatching(/^⏰ Still open\nOffer: ThinkPad X1 Carbon/)])
    clock.shift(search.expiresAt - clock.now() - 2 * 86_400_000)
    await rig.market.round()
    await rig.settled()
    await press(buttonOf(rig.dc.said, 'Go on'), rig.discord, 'bob')
    expect(rig.parts.memory.searches.get(search.id)?.expiresAt).toBeGreaterThan(search.expiresAt)
    expect(texts(rig.dc.said).filter((t) => t.startsWith('⌛ A saved search'))).toHaveLength(1)
  })

  it('a reported offer is told to the operator once, whoever reports it', async () => {
    rig = await startMarket(db, { config: { operator: 'telegram/tg/-100777' } })
    const desk = new SearchDesk(new Desk(rig.market))
    for (const name of ['bob', 'cid']) await desk.add(contextOf(rig.discord, name), 'thinkpad under 800 usd')
    await rig.say(rig.telegram, 'ann', SELL)
    for (const name of ['bob', 'cid']) {
      // Alerts go out in the order of their ids, which is nobody's.
      const alert = rig.dc.said.find(({ target }) => target.kind === 'person' && target.authorKey === `discord:${name}`)
      const button = alert?.notice.actions?.flat().find((action) => action.label === 'Report')
      if (button === undefined || !('id' in button)) throw new Error('no report button')
      expect(textOf(await press(button.id, rig.discord, name))).toMatch(/is told/)
    }
    const told = rig.tg.said.filter((s) => s.notice.rich.text.startsWith('🚩'))
    expect(told.map((s) => s.notice.rich.text)).toEqual([
      expect.stringMatching(/^🚩 Reported: Offer: ThinkPad X1 Carbon.*\nfrom ann/),
    ])
    expect(told[0]?.target).toMatchObject({ kind: 'place', place: { channel: '-100777' } })
    expect(rig.pipeline.counters.total('feedback_total', { verdict: 'spam' })).toBe(2)
    const rows = await rig.rows<{ feedback: string }>('select * from k2.market_alert')
    expect(rows.map((r) => r.feedback)).toEqual(['spam', 'spam'])
  })

  it('tells the seller of an interested reader once', async () => {
    rig = await startMarket(db)
    const ref = await rig.say(rig.telegram, 'ann', SELL)
    await rig.say(rig.telegram, 'cid', 'still available?', { replyTo: ref })
    await rig.say(rig.telegram, 'cid', 'I can pick it up, still available?', { replyTo: ref })
    const told = texts(rig.tg.said).filter((t) => t.includes('is interested'))
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/cid on Telegram is interested/)
  })

  it('scam words open nothing and ask nobody', async () => {
    rig = await startMarket(db)
    await rig.say(rig.telegram, 'eve', 'Selling iPhone 15 $100, gift card only')
    expect(rig.tg.said).toEqual([])
    expect(rig.parts.memory.size).toBe(0)
    expect(rig.pipeline.counters.total('rules_fired_total', { rule: 'drop-scam' })).toBe(1)
  })
})

describe('consent and publishing', () => {
  it('publishes nothing before its author agrees, then exactly what was shown, and stops when it is sold', async () => {
    rig = await startMarket(db)
    const ref = await rig.say(rig.telegram, 'ann', `${SELL}, call +49 151 23456789 or ann@example.org`)
    expect(rig.node.active.size).toBe(0)
    const yes = buttonOf(rig.tg.said, 'Yes')
    await expect(press(yes, rig.telegram, 'mallory')).rejects.toMatchObject({ code: 'MARKET_NOT_YOURS' })
    expect(rig.node.active.size).toBe(0)
    const card = texts(rig.tg.said)[0] ?? ''
    expect(textOf(await press(yes, rig.telegram, 'ann'))).toMatch(/On K2/)
    const [listing] = [...rig.node.active.values()]
    expect(listing).toMatchObject({
      kind: 'offer',
      topic: 'Goods',
      form: {
        action: 'sell',
        title: 'ThinkPad X1 Carbon',
        topic: 'Goods',
        priceRange: { min: 700, max: 700, currency: 'USD' },
        sender_name: 'ann (Telegram)',
        x_gateway: { v: 1, platform: 'telegram' },
      },
    })
    // Contact data never leaves, and the card showed every word that did.
    expect(JSON.stringify(listing?.form)).not.toMatch(/23456789|example\.org/)
    for (const word of String(listing?.form.description).split(/\s+/)) expect(card).toContain(word)
    const [row] = await rig.rows<{ consent: { by: string; shown: string; at: number } }>('select consent from k2.market_intent')
    expect(row?.consent).toMatchObject({ by: 'telegram:ann', scope: 'message' })
    expect(row?.consent.shown).toContain('ThinkPad X1 Carbon, 700 USD')

    await rig.say(rig.telegram, 'ann', 'sold', { replyTo: ref })
    expect(rig.node.active.size).toBe(0)
  })

  it('an edit takes an agreed offer off K2 until its new text is agreed to', async () => {
    rig = await startMarket(db)
    const ref = await rig.say(rig.telegram, 'ann', SELL)
    const old = buttonOf(rig.tg.said, 'Yes')
    await press(old, rig.telegram, 'ann')
    await rig.change(ref, 'ann', 'WTS ThinkPad X1 Carbon, $500 shipped')
    expect(rig.node.active.size).toBe(0)
    // The card of the old text is worth nothing any more.
    await expect(press(old, rig.telegram, 'ann')).rejects.toMatchObject({ code: 'MARKET_CHANGED' })
    await press(buttonOf(rig.tg.said, 'Yes'), rig.telegram, 'ann')
    expect([...rig.node.active.values()][0]?.form.priceRange).toEqual({ min: 500, max: 500, currency: 'USD' })
  })

  it('"No" ends it; "Always here" agrees for later offers, too', async () => {
    rig = await startMarket(db)
    await rig.say(rig.telegram, 'ann', SELL)
    await press(buttonOf(rig.tg.said, 'No'), rig.telegram, 'ann')
    expect(rig.parts.memory.open.size).toBe(0)
    await rig.say(rig.telegram, 'ann', 'WTS Dell U2720Q monitor, $250')
    await press(buttonOf(rig.tg.said, 'Always here'), rig.telegram, 'ann')
    const cards = rig.tg.said.length
    await rig.say(rig.telegram, 'ann', 'WTS Sony WH-1000XM5 headphones, $200')
    expect(rig.node.active.size).toBe(2)
    expect(rig.tg.said).toHaveLength(cards)
    expect(await rig.rows('select person from k2.market_consent')).toEqual([{ person: 'telegram:ann' }])
  })

  it('what was agreed to is on K2 again after a restart, with its searches and alerts', async () => {
    const clock = new ShiftedClock()
    rig = await startMarket(db, { clock, instance: 'same' })
    await rig.say(rig.telegram, 'ann', SELL)
    await press(buttonOf(rig.tg.said, 'Yes'), rig.telegram, 'ann')
    await command('alert add', rig.discord, 'bob', { search: 'thinkpad under 800 usd' })
    await rig.stop()
    rig = await startMarket(db, { clock, instance: 'same' })
    expect(rig.node.active.size).toBe(1)
    expect(rig.parts.memory.index.size).toBe(1)
    await rig.say(rig.telegram, 'cid', 'WTS ThinkPad T480, $300')
    expect(alertsIn(rig.dc.said)).toHaveLength(1)
    expect(alertsIn(rig.dc.said)[0]).toMatch(/Why: search thinkpad under 800 usd/)
  })
})

describe('commands', () => {
  it('all fit into one registry, with buttons and paths of their own', async () => {
    rig = await startMarket(db)
    const desk = new Desk(rig.market)
    const searches = new SearchDesk(desk)
    const definitions = [
      ...offerCommands(desk),
      ...alertCommands(searches),
      ...listCommands(searches),
      ...ruleCommands(desk, rig.rules),
    ]
    const registry = new CommandRegistry(definitions, marketActions(desk, searches))
    expect(registry.specsFor('telegram').map((s) => s.telegram)).toEqual(
      expect.arrayContaining(['k2_sell', 'k2_buy', 'k2_offers', 'k2_intent', 'k2_alert_add', 'k2_alerts']),
    )
  })

  it('sell opens an intent and asks; edit and yes publish it; offers lists it; close ends it', async () => {
    rig = await startMarket(db)
    const asked = await command('sell', rig.discord, 'ann', { text: 'ThinkPad X1 Carbon, 700 USD, Berlin' })
    expect(textOf(asked)).toMatch(/Offer: ThinkPad X1 Carbon, 700 USD/)
    const { id } = dataOf<{ id: string }>(asked)
    const form = await press(`offer-edit:${id}.1`, rig.discord, 'ann')
    if (form.kind !== 'form') throw new Error('no form')
    const edited = await form.submit(contextOf(rig.discord, 'ann'), {
      item: 'ThinkPad X1 Carbon',
      price: '650 USD',
      place: '',
      details: '',
    })
    expect(textOf(edited)).toMatch(/650 USD/)
    await press(`offer-yes:${id}.2`, rig.discord, 'ann')
    expect([...rig.node.active.values()][0]?.form.priceRange).toMatchObject({ min: 650 })
    const list = await command('offers', rig.telegram, 'bob', { topic: 'laptops', max: 700 })
    expect(textOf(list)).toMatch(/1\. Offer: ThinkPad X1 Carbon, 650 USD/)
    expect(dataOf<{ total: number }>(await command('offers', rig.telegram, 'bob', { max: 600 })).total).toBe(0)
    await expect(command('offer close', rig.telegram, 'bob', { id })).rejects.toMatchObject({ code: 'MARKET_NOT_YOURS' })
    await command('offer close', rig.discord, 'ann', { id: id.slice(0, 8) })
    expect(rig.node.active.size).toBe(0)
    expect(textOf(await command('sell', rig.discord, 'ann'))).toBe('form: What do you sell?')
    await expect(command('sell', rig.discord, 'ann', { text: '...' })).rejects.toBeInstanceOf(K2Error)
  })

  it('takes the whole name of a thing, with and without words that say what is wanted', async () => {
    rig = await startMarket(db)
    const said = async (name: string, text: string) => textOf(await command(name, rig.discord, 'ann', { text }))
    expect(await said('sell', 'Folding bike, 250 EUR')).toMatch(/Offer: folding bike, 250 EUR/i)
    expect(await said('sell', 'selling my folding bike, 240 EUR')).toMatch(/Offer: folding bike, 240 EUR/i)
    expect(await said('buy', 'Folding bike, 250 EUR')).toMatch(/Request: folding bike, up to 250 EUR|Wanted: folding bike/i)
  })

  it('pages through offers with buttons', async () => {
    rig = await startMarket(db)
    for (let i = 0; i < 7; i++) await command('sell', rig.discord, 'ann', { text: `ThinkPad T4${i}0, ${300 + i} USD` })
    const first = await command('offers', rig.discord, 'bob')
    expect(textOf(first)).toMatch(/page 1 of 2, 7 in all/)
    if (first.kind !== 'answer') throw new Error('no answer')
    const next = first.notice.actions?.flat().find((a) => a.label === '▶')
    if (next === undefined || !('id' in next)) throw new Error('no next page')
    expect(textOf(await press(next.id, rig.discord, 'bob'))).toMatch(/page 2 of 2/)
  })

  it('saved searches and matches have pages, too, with buttons', async () => {
    rig = await startMarket(db)
    const turn = async (result: CommandResult, label: string) => {
      if (result.kind !== 'answer') throw new Error('no answer')
      const button = result.notice.actions?.flat().find((a) => a.label === label)
      if (button === undefined || !('id' in button)) throw new Error(`no ${label}`)
      return press(button.id, rig.discord, 'bob')
    }
    for (let i = 0; i < 11; i++) await command('alert add', rig.discord, 'bob', { search: `thinkpad t4${i}0 under 800 eur` })
    const searches = await command('alert list', rig.discord, 'bob')
    expect(textOf(searches)).toMatch(/page 1 of 2, 11 in all/)
    const second = await turn(searches, '▶')
    expect(second).toMatchObject({ replace: true, data: { total: 11, page: 2, pages: 2 } })
    expect(dataOf<{ alerts: unknown[] }>(second).alerts).toHaveLength(1)
    expect(dataOf<{ alerts: unknown[] }>(await command('alert list', rig.discord, 'bob', { page: 9 })).alerts).toEqual([])
    expect(textOf(await command('alert list', rig.telegram, 'ann'))).toBe('You have no saved searches.')

    for (let i = 0; i < 7; i++) await command('sell', rig.telegram, 'ann', { text: `ThinkPad X1 Carbon, ${700 + i} USD` })
    await command('buy', rig.discord, 'bob', { text: 'ThinkPad X1 Carbon, budget 800 USD' })
    const matches = await command('match list', rig.discord, 'bob')
    expect(textOf(matches)).toMatch(/page 1 of 2, 7 in all/)
    const rest = await turn(matches, '▶')
    expect(dataOf<{ matches: unknown[] }>(rest).matches).toHaveLength(2)
    expect(textOf(await turn(rest, '◀'))).toMatch(/page 1 of 2/)
  })

  it('a want is published as a request, and an interest in a local offer tells its author once', async () => {
    rig = await startMarket(db)
    const { id } = dataOf<{ id: string }>(await command('buy', rig.discord, 'bob', { text: 'ThinkPad X1, budget 800 USD' }))
    await command('offer publish', rig.discord, 'bob', { id })
    expect([...rig.node.active.values()][0]).toMatchObject({ kind: 'request', form: { action: 'buy' } })
    const offer = dataOf<{ id: string }>(await command('sell', rig.telegram, 'ann', { text: 'Dell U2720Q monitor, 250 USD' }))
    expect(textOf(await command('offer interest', rig.discord, 'bob', { id: offer.id }))).toMatch(/were told/)
    expect(textOf(await command('offer interest', rig.discord, 'bob', { id: offer.id }))).toMatch(/know already/)
    expect(texts(rig.tg.said).filter((t) => t.includes('bob on Discord is interested'))).toHaveLength(1)
    await expect(command('offer interest', rig.telegram, 'ann', { id: offer.id })).rejects.toMatchObject({ code: 'MARKET_OWN' })
  })

  it('a person can be forgotten: nothing of theirs stays open, searched for or agreed to', async () => {
    rig = await startMarket(db)
    await rig.say(rig.telegram, 'ann', SELL)
    await press(buttonOf(rig.tg.said, 'Always here'), rig.telegram, 'ann')
    await command('alert add', rig.telegram, 'ann', { search: 'dell monitor under 300 usd' })
    await command('market forget', rig.telegram, 'ann')
    expect(rig.node.active.size).toBe(0)
    expect(rig.parts.memory.open.size).toBe(0)
    expect(rig.parts.memory.index.size).toBe(0)
    for (const table of ['market_search', 'market_consent', 'market_person'])
      expect(await rig.rows(`select * from k2.${table}`)).toEqual([])
  })

  it('says afterwards which rules fired for which message', async () => {
    rig = await startMarket(db)
    const ref = await rig.say(rig.telegram, 'eve', 'Selling iPhone 15 $100, gift card only')
    const [fire] = await rig.market.store.fires('drop-scam', 10)
    expect(fire).toMatchObject({ message: `telegram:${ref.channel}:${ref.id}` })
    expect(await rig.market.store.traceOf(fire?.message ?? '')).toMatchObject({ reading: { intent: 'sell' } })
    expect(await rig.market.store.fires('ask-to-publish', 10)).toEqual([])
  })

  it('lists matches with their reasons', async () => {
    rig = await startMarket(db)
    await command('sell', rig.telegram, 'ann', { text: 'ThinkPad X1 Carbon, 700 USD' })
    await command('buy', rig.discord, 'bob', { text: 'ThinkPad X1 Carbon, budget 800 USD' })
    expect(textOf(await command('match list', rig.discord, 'bob'))).toMatch(/Offer: ThinkPad X1 Carbon, 700 USD.*\n.*text 0\.9/)
  })
})
