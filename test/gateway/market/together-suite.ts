import { afterEach, expect, it } from 'vitest'
import { SearchDesk } from '../../../src/gateway/market/commands-alerts.ts'
import { Desk } from '../../../src/gateway/market/desk.ts'
import { language } from '../../../src/rules/index.ts'
import type { TestDatabase } from '../pipeline/rig.ts'
import { contextOf } from './context.ts'
import { type MarketRig, startMarket } from './rig.ts'

/** Waits for what another gateway brings about. */
async function until(what: string, look: () => boolean): Promise<void> {
  for (let i = 0; i < 2_500; i++) {
    if (look()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`never: ${what}`)
}

/** Two gateways on one database, each with a pool of its own. */
export function describeTogether(databases: () => readonly [TestDatabase, TestDatabase]): void {
  let rigs: MarketRig[] = []
  let run = 0

  afterEach(async () => {
    for (const rig of rigs) await rig.stop()
    rigs = []
    for (const table of [
      'intent',
      'search',
      'alert',
      'notice',
      'match',
      'consent',
      'person',
      'profile',
      'trace',
      'reader',
      'talk',
      'change',
    ])
      await databases()[0].pool.query(`delete from k2.market_${table}`)
    await databases()[0].pool.query('delete from k2.rule_state')
  })

  async function both(): Promise<readonly [MarketRig, MarketRig]> {
    const [one, two] = databases()
    const n = ++run
    const a = await startMarket(one, { several: true, instance: `a${n}-${process.pid}` })
    rigs.push(a)
    const b = await startMarket(two, { several: true, instance: `b${n}-${process.pid}`, places: [a.telegram, a.discord] })
    rigs.push(b)
    return [a, b]
  }
  const open = (rig: MarketRig) => new Desk(rig.market).list(contextOf(rig.discord, 'x'), { side: 'all' })

  it('what is searched for at one is told for what is written at the other, once', async () => {
    const [a, b] = await both()
    await new SearchDesk(new Desk(b.market)).add(contextOf(b.discord, 'bob'), 'thinkpad under 800 usd')
    await until('the search', () => a.parts.memory.searches.size === 1)
    await a.say(a.telegram, 'ann', 'WTS ThinkPad X1 Carbon, $700 shipped')
    const alerts = () => [...a.dc.said, ...b.dc.said].filter((s) => s.notice.rich.text.startsWith('🔔'))
    await until('the alert', () => alerts().length > 0)
    await until('the offer at the other', () => open(b).length > 0)
    await a.settled()
    await b.settled()
    expect(alerts()).toHaveLength(1)
    const [search] = b.parts.memory.searches.values()
    await new SearchDesk(new Desk(a.market)).remove(contextOf(a.discord, 'bob'), search?.id ?? '')
    await until('the search to go', () => b.parts.memory.searches.size === 0)
  })

  it('an offer closed at one is no longer repeated by the node of the other, and consents hold at both', async () => {
    const [a, b] = await both()
    const desk = new Desk(a.market)
    const entry = await desk.create(contextOf(a.telegram, 'ann'), 'sell', 'ThinkPad X1 Carbon, 700 USD')
    const id = entry.record.intent.intent_id
    await desk.agree(contextOf(a.telegram, 'ann'), id, 'channel')
    expect(a.node.active.size).toBe(1)
    await until('the offer at the other', () => b.parts.memory.get(id)?.published != null)
    expect(b.node.active.size).toBe(0)
    await until('the consent at the other', () => b.parts.memory.consents.size === 1)
    await new Desk(b.market).close(contextOf(b.telegram, 'ann'), id)
    await until('the end of repeats', () => a.node.active.size === 0)
    expect(a.parts.memory.get(id)?.record.intent.status).toBe('closed')
    // An older view never wins: the edit at the one that knew it open is refused or made on what the other left.
    await expect(desk.agree(contextOf(a.telegram, 'ann'), id, 'message')).rejects.toMatchObject({
      code: 'MARKET_NOT_PUBLISHABLE',
    })
  })

  it('both change the same thing at the same time, and agree about it afterwards', async () => {
    const [a, b] = await both()
    const entry = await new Desk(a.market).create(contextOf(a.telegram, 'ann'), 'sell', 'ThinkPad X1 Carbon, 700 USD')
    const id = entry.record.intent.intent_id
    await until('the offer at the other', () => b.parts.memory.get(id) !== undefined)
    const people = Array.from({ length: 10 }, (_, i) => `p${i}`)
    await Promise.all(
      people.flatMap((name) => [
        new Desk(a.market).interest(contextOf(a.discord, `${name}a`), id),
        new Desk(b.market).interest(contextOf(b.discord, `${name}b`), id),
      ]),
    )
    const interested = (rig: MarketRig) => rig.parts.memory.get(id)?.record.interested.length
    await until('all of them at both', () => interested(a) === 20 && interested(b) === 20)
    await a.settled()
    await b.settled()
    const told = () => [...a.tg.said, ...b.tg.said].filter((s) => s.notice.rich.text.includes('is interested'))
    await until('the seller to be told', () => told().length === 20)
    expect(told()).toHaveLength(20)
  })

  it('what administrators set at one holds at both, and the one that is left goes on reading', async () => {
    const [a, b] = await both()
    await b.market.act((step) => {
      const change = language.muteRule('ask-to-publish', step.now + 3_600_000)
      step.parts.memory.remember([change])
      step.changes.ruleState.push(change)
    })
    await b.market.store.setProfile(b.parts.profiles.keyOf(b.discord), 'off', 'test', b.clock.now())
    await b.market.tellOthers('profile', b.parts.profiles.keyOf(b.discord))
    await until('the mute', () => a.parts.memory.ruleState.get('mute', 'ask-to-publish', '', a.clock.now()) !== undefined)
    await until('the mode', () => a.parts.profiles.of(a.discord).mode === 'off')
    await a.stop()
    const ref = await b.say(b.telegram, 'ann', 'WTS ThinkPad X1 Carbon, $700 shipped')
    // The lease of the one that left was given back.
    await until('the message to be read', () => {
      b.market.wake()
      return open(b).some((e) => e.origin.ref?.id === ref.id && e.origin.ref.channel === ref.channel)
    })
  })

  it('offers of a gateway that is gone for long are repeated by another, by one node at a time', async () => {
    const [a, b] = await both()
    const desk = new Desk(a.market)
    const agreed = async (text: string): Promise<string> => {
      const { intent_id } = (await desk.create(contextOf(a.telegram, 'ann'), 'sell', text)).record.intent
      await desk.agree(contextOf(a.telegram, 'ann'), intent_id, 'message')
      return intent_id
    }
    const sold = await agreed('ThinkPad X1 Carbon, 700 USD')
    const kept = await agreed('ThinkPad T480, 250 USD')
    await until('the offers at the other', () => b.parts.memory.get(kept)?.published != null)
    await a.market.drain()
    await a.market.stop()
    // The reading was given back: now the other looks after what time brings.
    await b.settled()
    await b.market.round()
    expect(b.node.active.size).toBe(0)
    b.clock.shift(11 * 60_000)
    await b.market.round()
    expect([...b.node.active.values()].map((l) => l.form.title).sort()).toEqual(['ThinkPad T480', 'ThinkPad X1 Carbon'])
    expect(b.parts.memory.get(kept)?.published).toMatchObject({ kind: 'offer', by: b.instance })
    // Its author ends one there; rounds change nothing.
    await new Desk(b.market).close(contextOf(b.telegram, 'ann'), sold)
    await b.market.round()
    expect(b.node.active.size).toBe(1)
    // Back again, it leaves alone what the other took.
    const back = await startMarket(databases()[0], {
      several: true,
      instance: a.instance,
      places: [a.telegram, a.discord],
      clock: a.clock,
    })
    rigs.push(back)
    await back.market.round()
    expect(back.node.active.size).toBe(0)
    expect(b.node.active.size).toBe(1)
  })

  it('who lost its lease without noticing stops, and keeps what nobody took', async () => {
    const [a, b] = await both()
    const entry = await new Desk(b.market).create(contextOf(b.telegram, 'ann'), 'sell', 'ThinkPad X1 Carbon, 700 USD')
    const id = entry.record.intent.intent_id
    await new Desk(b.market).agree(contextOf(b.telegram, 'ann'), id, 'message')
    await until('the offer at the one that reads', () => a.parts.memory.get(id)?.published != null)
    expect(b.node.active.size).toBe(1)
    // The clock of the one that reads runs ahead: to it the other seems to be gone.
    a.clock.shift(11 * 60_000)
    await a.market.round()
    expect(a.node.active.size).toBe(1)
    await until('the end of repeats at the other', () => b.node.active.size === 0)
    expect(b.parts.memory.get(id)?.published?.by).toBe(a.instance)
  })
}
