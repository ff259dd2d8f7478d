import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { type MarketRig, startMarket } from './rig.ts'

let dir: TestDir
let db: Database<unknown>
let rig: MarketRig | undefined

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
}, 60_000)
afterEach(async () => {
  await rig?.stop()
  rig = undefined
  for (const table of [
    'market_intent',
    'market_search',
    'market_alert',
    'market_notice',
    'market_match',
    'market_consent',
    'rule_state',
  ])
    await db.pool.query(`delete from k2.${table}`)
})
afterAll(async () => {
  await db.close()
  await dir.remove()
})

const texts = (said: MarketRig['tg']['said']): string[] => said.map((s) => s.notice.rich.text)
const alertsIn = (said: MarketRig['tg']['said']): string[] => texts(said).filter((t) => t.includes('🔔'))

describe('the market of a gateway', () => {
  it('asks the author of a sell line with a card, and tells both sides of a match once, with reasons', async () => {
    rig = await startMarket(db)
    const { tg, dc } = rig
    await rig.say(rig.telegram, 'ann', 'WTS ThinkPad X1 Carbon, $700 shipped')
    expect(texts(tg.said)).toHaveLength(1)
    const card = tg.said[0]
    expect(card?.notice.rich.text).toMatch(/^Offer: ThinkPad X1 Carbon, 700 USD, Goods › laptops: publish to K2\?/)
    expect(card?.notice.actions?.flat().map((a) => a.label)).toEqual(['Yes', 'Edit', 'No', 'Always here'])
    expect(card?.target).toMatchObject({ kind: 'place', replyTo: { network: 'telegram' } })

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
})
