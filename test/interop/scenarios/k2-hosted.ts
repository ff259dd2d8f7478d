import { strict as assert } from 'node:assert'
import { type LabNode, type LabTopic, refusal } from '../lab/lab-node.ts'
import type { PeerEvent } from '../lab/peer-process.ts'
import { BOTH_WAYS, type Lab, type Scenario, sides } from '../lab/scenario.ts'

/** People behind the gateway. */
const [ANN, BEN] = ['discord:1', 'telegram:2'] as const
const TOPIC = 'Goods'

const offerForm = (title: string): object => ({
  topic: TOPIC,
  action: 'sell',
  title,
  description: '',
  location: 'Hà Nội',
  selection: { subtopic: 'Electronics & Devices' },
  priceRange: { min: 700, max: 800, currency: 'USD' },
  sender_name: 'Ann (Discord)',
})
const wish = { ...offerForm('Need one'), action: 'buy', priceRange: { min: 500, max: 750, currency: 'USD' } }

/** What the application shows of a content. */
interface Shown {
  readonly kind: string
  readonly sender: string
  readonly title?: string
  readonly name?: string
  readonly content?: string
}

/** A gateway whose people have ids of their own, and a K2 application: what its core hears, read as its interface does. */
class Market {
  readonly gateway: LabNode
  readonly app: LabNode
  readonly goods: LabTopic
  readonly ids: ReadonlyMap<string, string>
  readonly addrs: readonly string[]

  private constructor(
    gateway: LabNode,
    app: LabNode,
    goods: LabTopic,
    ids: ReadonlyMap<string, string>,
    addrs: readonly string[],
  ) {
    this.gateway = gateway
    this.app = app
    this.goods = goods
    this.ids = ids
    this.addrs = addrs
  }

  static async open(lab: Lab): Promise<Market> {
    const app = await lab.node('rust')
    const gateway = await lab.node('ts', { unbound: true })
    const { topic } = await app.peer.call<{ topic: string }>('k2.topic', { name: TOPIC })
    const { addrs } = await gateway.peer.call<{ addrs: string[] }>('whole.start', {
      topics: [TOPIC],
      peers: app.address.addrs.map((addr) => `${app.id}@${addr}`),
    })
    const goods = await app.subscribe(topic)
    await goods.anyUp(30_000)
    const ids = new Map<string, string>()
    for (const person of [ANN, BEN]) {
      ids.set(person, (await gateway.peer.call<{ id: string }>('whole.id_of', { person })).id)
    }
    return new Market(gateway, app, goods, ids, addrs)
  }

  idOf(person: string): string {
    return this.ids.get(person) as string
  }

  /** The application's listener of a direct topic: no bootstrap, as it does it. Resolves when the gateway is there. */
  async directTopic(person: string): Promise<LabTopic> {
    const { topic } = await this.app.peer.call<{ topic: string }>('k2.dm_topic', { a: this.idOf(person), b: this.app.id })
    const handle = await this.app.subscribe(topic)
    await handle.anyUp(45_000)
    return handle
  }

  /** The first content of a topic that the application shows as wanted. */
  async shown(on: LabTopic, what: string, wanted: (shown: Shown) => boolean): Promise<Shown> {
    const known = new Set<unknown>()
    for (const end = performance.now() + 30_000; ; ) {
      const isNew = (e: PeerEvent): boolean => e.event === 'gossip.received' && e.handle === on.handle && !known.has(e.data)
      const { data } = await this.app.peer.next(what, isNew, 0, Math.max(1, end - performance.now()))
      known.add(data)
      const shown = await this.read(String(data))
      if (wanted(shown)) return shown
    }
  }

  async read(hex: string): Promise<Shown> {
    return await this.app.peer.call<Shown>('desktop.read', { hex, own_id: this.app.id })
  }

  async say(on: LabTopic, message: object): Promise<void> {
    const { hex } = await this.app.peer.call<{ hex: string }>('desktop.write', message)
    await on.broadcast({ hex })
  }

  async heard(what: string, wanted: (event: PeerEvent) => boolean): Promise<PeerEvent> {
    return await this.gateway.peer.next(what, wanted, 0, 30_000)
  }

  /** A line each way on the direct topic of the application and a person. */
  async talk(person: string): Promise<void> {
    const direct = await this.directTopic(person)
    await this.say(direct, { kind: 'chat', sender: this.app.id, content: `To ${person}` })
    const line = await this.heard('the line', (e) => e.event === 'whole.chat' && e.text === `To ${person}`)
    assert.deepEqual([line.sender, line.class, line.person], [this.app.id, 'verified', person])
    await this.gateway.peer.call('whole.write', { to: this.app.id, text: `From ${person}`, person })
    const answer = await this.shown(direct, 'the answer', (s) => s.kind === 'chat' && s.content === `From ${person}`)
    assert.deepEqual([answer.sender, answer.name], [this.idOf(person), person])
    // Nobody says anything in the person's name there, nor another one than the person's partner.
    for (const sender of [this.idOf(person), this.idOf(person === ANN ? BEN : ANN)]) {
      await this.say(direct, { kind: 'chat', sender, content: 'forged' })
    }
    await this.say(direct, { kind: 'chat', sender: this.app.id, content: `Bye ${person}` })
    await this.heard('the last line', (e) => e.event === 'whole.chat' && e.text === `Bye ${person}`)
    assert.equal(this.gateway.peer.events.filter((e) => e.event === 'whole.chat' && e.text === 'forged').length, 0)
  }

  /** Nobody is online under a person's id: whoever is at the gateway's address has another key. */
  async isNoNode(person: string): Promise<void> {
    await refusal(this.app.peer.call('invite.ping', { peer: { id: this.idOf(person), addrs: this.addrs } }, 45_000))
  }
}

const hosted: Scenario = {
  name: 'k2.hosted',
  what: 'people with ids of their own behind a gateway, as the desktop reads and writes: two offers of two senders, an interest for or of one of them, their direct chat over gossip both ways; nothing answers as a node under their ids',
  directions: BOTH_WAYS,
  limitMs: 120_000,
  async run(lab, direction) {
    const market = await Market.open(lab)
    const { gateway, app, goods } = market
    const isSeller = sides(direction)[0] === 'ts'
    if (isSeller) {
      for (const person of [ANN, BEN]) {
        await gateway.peer.call('whole.offer', { topic: TOPIC, form: offerForm(`${person} sells`), person })
      }
      for (const person of [ANN, BEN]) {
        const offer = await market.shown(goods, 'an offer', (s) => s.kind === 'offer' && s.title === `${person} sells`)
        assert.deepEqual([offer.sender, offer.name], [market.idOf(person), 'Ann (Discord)'])
      }
      await market.say(goods, { kind: 'interest', sender: app.id, target: market.idOf(ANN), form: wish })
      const interest = await market.heard('the interest', (e) => e.event === 'whole.market' && e.kind === 'interest')
      assert.deepEqual([interest.sender, interest.person, interest.class], [app.id, ANN, 'verified'])
    } else {
      await market.say(goods, { kind: 'offer', sender: app.id, form: offerForm('of the application') })
      const offer = await market.heard('the offer', (e) => e.event === 'whole.market' && e.kind === 'offer')
      assert.deepEqual([offer.sender, offer.title, offer.class], [app.id, 'of the application', 'verified'])
      await gateway.peer.call('whole.interest', { topic: TOPIC, target: app.id, form: wish, person: ANN })
      const interest = await market.shown(goods, 'the interest', (s) => s.kind === 'interest')
      assert.equal(interest.sender, market.idOf(ANN))
      await gateway.peer.call('whole.listen', { peer: app.id, person: ANN })
    }
    await market.talk(ANN)
    await market.isNoNode(ANN)
    return undefined
  },
}

export const k2Hosted: readonly Scenario[] = [hosted]
