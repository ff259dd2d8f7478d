import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { K2Error } from '../../../src/base/errors.ts'
import type { JsonObject } from '../../../src/core/k2/json-reader.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { SearchDesk } from '../../../src/gateway/market/commands-alerts.ts'
import { Desk } from '../../../src/gateway/market/desk.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { ShiftedClock } from '../pipeline/rig.ts'
import { contextOf } from './context.ts'
import { BUYER, peerForm, SELLER } from './peer-forms.ts'
import { type MarketRig, startMarket } from './rig.ts'

let dir: TestDir
let db: Database<unknown>
let rig: MarketRig
const HOUR = 3_600_000

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
}, 60_000)
afterEach(async () => {
  await rig.stop()
  for (const table of ['intent', 'search', 'alert', 'notice', 'match', 'consent', 'person', 'profile', 'reader'])
    await db.pool.query(`delete from k2.market_${table}`)
  await db.pool.query('delete from k2.rule_state')
})
afterAll(async () => {
  await db.close()
  await dir.remove()
})

const alerts = (): string[] => rig.dc.said.map((s) => s.notice.rich.text).filter((t) => t.startsWith('🔔'))
const told = (): string[] => rig.tg.said.map((s) => s.notice.rich.text).filter((t) => t.includes('is interested'))

async function search(words: string, name = 'bob') {
  return new SearchDesk(new Desk(rig.market)).add(contextOf(rig.discord, name), words)
}

async function offerOnK2(text = 'ThinkPad X1 Carbon, 700 USD') {
  const desk = new Desk(rig.market)
  const entry = await desk.create(contextOf(rig.telegram, 'ann'), 'sell', text)
  return desk.agree(contextOf(rig.telegram, 'ann'), entry.record.intent.intent_id, 'message')
}

describe('offers of K2 peers', () => {
  it('alert those who look for it once, however often they are repeated, and end by themselves', async () => {
    rig = await startMarket(db)
    await search('thinkpad under 800 usd')
    for (let i = 0; i < 4; i++)
      await rig.hear({ kind: 'offer', senderId: SELLER, senderName: 'Sam', form: peerForm('ThinkPad X1 Carbon') })
    expect(alerts()).toHaveLength(1)
    expect(alerts()[0]).toMatch(/Offer: ThinkPad X1 Carbon, 700 USD, used/)
    expect(alerts()[0]).toMatch(/from Sam on K2/)
    rig.clock.shift(16 * 60_000)
    await rig.market.round()
    expect(rig.parts.memory.open.size).toBe(0)
  })

  it('a price drop of five per cent is told, a small change is not', async () => {
    rig = await startMarket(db)
    await search('thinkpad under 800 usd')
    const offer = (price: number) =>
      rig.hear({
        kind: 'offer',
        senderId: SELLER,
        form: peerForm('ThinkPad X1 Carbon', { priceRange: { currency: 'USD', min: price, max: price } }),
      })
    await offer(700)
    await offer(695)
    expect(rig.dc.said).toHaveLength(1)
    await offer(600)
    expect(rig.dc.said.at(-1)?.notice.rich.text).toMatch(/^📉 Price drop · Offer: ThinkPad X1 Carbon, 600 USD/)
  })

  it('get an interest the way K2 applications send one, and nobody is asked twice', async () => {
    rig = await startMarket(db)
    await rig.hear({ kind: 'offer', senderId: SELLER, form: peerForm('ThinkPad X1 Carbon') })
    const desk = new Desk(rig.market)
    await desk.create(contextOf(rig.discord, 'bob'), 'buy', 'ThinkPad X1 Carbon, budget 800 USD')
    const [offer] = desk.list(contextOf(rig.discord, 'bob'), { side: 'offer' })
    const id = offer?.record.intent.intent_id ?? ''
    expect(await desk.interest(contextOf(rig.discord, 'bob'), id)).toBe('sent')
    expect(await desk.interest(contextOf(rig.discord, 'bob'), id)).toBe('known')
    expect(rig.node.interests).toEqual([
      {
        topic: 'Goods',
        targetId: SELLER,
        // Whose it is; a node with one identity for all sends the same bytes as without (core/hosted-talks.loopback.test.ts).
        person: 'discord:bob',
        form: expect.objectContaining({
          action: 'buy',
          title: 'ThinkPad X1 Carbon',
          topic: 'Goods',
          priceRange: { min: 0, max: 800, currency: 'USD' },
        }),
      },
    ])
  })
})

describe('interests of K2 peers', () => {
  it('tell the seller once, about the offer they fit best, and only when they are for this node', async () => {
    rig = await startMarket(db)
    await offerOnK2()
    await offerOnK2('Dell U2720Q monitor, 250 USD')
    const wish = peerForm('Need a ThinkPad X1', { action: 'buy', priceRange: { currency: 'USD', min: 500, max: 750 } })
    await rig.hear({ kind: 'interest', senderId: BUYER, targetId: 'c'.repeat(64), form: wish })
    expect(told()).toHaveLength(0)
    for (let i = 0; i < 3; i++)
      await rig.hear({ kind: 'interest', senderId: BUYER, senderName: 'Bea', targetId: rig.node.id, form: wish })
    expect(told()).toHaveLength(1)
    expect(told()[0]).toMatch(/Bea on K2 is interested\nOffer: ThinkPad X1 Carbon/)
    expect(told()[0]).toMatch(/up to 750 USD/)
  })

  it('survive strange forms', async () => {
    rig = await startMarket(db)
    await offerOnK2()
    const strange: JsonObject[] = [
      {},
      { title: 7, priceRange: 'free' },
      { title: '\u0000\ud800', description: '((((('.repeat(600), priceRange: { min: 1e308, max: -1 } },
      { title: 'x'.repeat(3000), selection: ['a'], location: 5, action: 'steal' },
    ]
    for (const odd of strange) {
      await rig.hear({ kind: 'offer', senderId: BUYER, form: odd })
      await rig.hear({ kind: 'interest', senderId: BUYER, targetId: rig.node.id, form: odd })
    }
    expect(rig.market.health()).toEqual({ status: 'ok' })
  })
})

describe('alerts', () => {
  it('go where the person asked when they cannot be written to directly, and are tried again when the platform is away', async () => {
    rig = await startMarket(db)
    rig.dc.unreachable.add('discord:bob')
    await search('thinkpad under 800 usd')
    rig.dc.failures = [new K2Error({ code: 'X', kind: 'platform', message: 'away' })]
    await rig.hear({ kind: 'offer', senderId: SELLER, form: peerForm('ThinkPad X1 Carbon') })
    expect(alerts()).toHaveLength(0)
    rig.clock.shift(5_000)
    await rig.settled()
    expect(alerts()).toHaveLength(1)
    expect(rig.dc.said[0]?.target).toMatchObject({ kind: 'place', place: { network: 'discord' } })
  })

  it('wait in quiet hours for a summary at their end, and are summed up beyond the cap', async () => {
    const clock = new ShiftedClock()
    // A moment at 23:00 UTC.
    clock.shift(Math.ceil(Date.now() / (24 * HOUR)) * 24 * HOUR - HOUR - Date.now() + 60_000)
    rig = await startMarket(db, { clock })
    await search('thinkpad under 800 usd')
    const desk = new SearchDesk(new Desk(rig.market))
    await desk.set(contextOf(rig.discord, 'bob'), (s) => ({ ...s, quiet: '22:00-07:00', timeZone: 'UTC' }))
    await rig.hear({ kind: 'offer', senderId: SELLER, form: peerForm('ThinkPad X1 Carbon') })
    await rig.hear({ kind: 'offer', senderId: BUYER, form: peerForm('ThinkPad T480') })
    expect(rig.dc.said).toHaveLength(0)
    // Restarted in between: what was held back is not lost.
    const instance = 'quiet'
    await rig.stop()
    rig = await startMarket(db, { clock, instance })
    for (let i = 0; i < 50; i++) {
      clock.shift(10 * 60_000)
      for (const [sender, title] of [
        [SELLER, 'ThinkPad X1 Carbon'],
        [BUYER, 'ThinkPad T480'],
      ] as const)
        await rig.hear({ kind: 'offer', senderId: sender, form: peerForm(title) })
    }
    await rig.market.round()
    await rig.settled()
    const texts = rig.dc.said.map((s) => s.notice.rich.text)
    expect(texts).toHaveLength(1)
    expect(texts[0]).toMatch(/Since the last time:\nthinkpad under 800 usd\n· Offer: ThinkPad/)
    expect(texts[0]?.match(/· Offer/g)).toHaveLength(2)
  })

  it('are refused for people and for nearly everything, and bounded per person', async () => {
    rig = await startMarket(db)
    await expect(search('@ann')).rejects.toMatchObject({ code: 'SUBSCRIPTION_PERSONAL' })
    await expect(search('topic:laptops')).rejects.toMatchObject({ code: 'SUBSCRIPTION_BROAD' })
    await expect(search('thinkpad under 800')).rejects.toMatchObject({ code: 'SEARCH_NOT_UNDERSTOOD' })
    for (let i = 0; i < 50; i++) await search(`thinkpad t4${i}0`)
    await expect(search('one more thing')).rejects.toMatchObject({ code: 'SEARCH_TOO_MANY' })
  })

  it('a muted author, a muted search and an opt-out are silent', async () => {
    rig = await startMarket(db)
    const found = await search('thinkpad under 800 usd')
    const desk = new SearchDesk(new Desk(rig.market))
    const bob = contextOf(rig.discord, 'bob')
    await desk.set(bob, (s) => ({ ...s, mutedAuthors: [`p2p:${SELLER}`] }))
    await rig.hear({ kind: 'offer', senderId: SELLER, form: peerForm('ThinkPad X1 Carbon') })
    await desk.set(bob, () => ({ mutedSearches: [found.id] }))
    await rig.hear({ kind: 'offer', senderId: BUYER, form: peerForm('ThinkPad T480') })
    await desk.set(bob, () => ({ optedOut: true }))
    await rig.hear({ kind: 'offer', senderId: 'c'.repeat(64), form: peerForm('ThinkPad X270') })
    expect(rig.dc.said).toHaveLength(0)
    await desk.set(bob, () => ({}))
    await rig.hear({ kind: 'offer', senderId: 'd'.repeat(64), form: peerForm('ThinkPad P50') })
    expect(rig.dc.said).toHaveLength(1)
  })
})
