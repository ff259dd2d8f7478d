import { strict as assert } from 'node:assert'
import type { LabNode, LabTopic } from '../lab/lab-node.ts'
import { refusal, settledTogether } from '../lab/lab-node.ts'
import { ALL_PAIRS, type Direction, type Lab, type Scenario, sides } from '../lab/scenario.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
const pattern = (size: number): string => Buffer.from(Array.from({ length: size }, (_, i) => i % 251)).toString('hex')
export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

export interface Pair {
  readonly a: LabNode
  readonly b: LabNode
  readonly ta: LabTopic
  readonly tb: LabTopic
}

/** Two neighbours: a of the first kind has joined b of the second. */
export async function neighbors(lab: Lab, direction: Direction): Promise<Pair> {
  const [first, second] = sides(direction)
  const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
  await a.knows(b)
  const topic = lab.topic()
  const tb = await b.subscribe(topic)
  const ta = await a.subscribe(topic, [b])
  await Promise.all([ta.up(b), tb.up(a)])
  return { a, b, ta, tb }
}

const join: Scenario = {
  name: 'gossip.join',
  what: 'join by bootstrap id: neighbours on both sides within 5 s',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const { a, b, ta, tb } = await neighbors(lab, direction)
    assert.equal(ta.all('gossip.neighbor_up').length, 1, `${a.name} has one neighbour`)
    assert.equal(tb.all('gossip.neighbor_up').length, 1, `${b.name} has one neighbour`)
    return undefined
  },
}

const broadcast: Scenario = {
  name: 'gossip.broadcast',
  what: 'both authors, both scopes: bytes, delivered-from, scope and hop as sent; authors hear nothing of their own',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const { a, b, ta, tb } = await neighbors(lab, direction)
    for (const [from, to, text] of [
      [ta, tb, 'from a'],
      [tb, ta, 'from b'],
    ] as const) {
      await from.broadcast({ text })
      const swarm = await to.received(hex(text))
      assert.deepEqual([swarm.scope, swarm.round, swarm.from], ['swarm', 0, from.node.id])
      const near = `${text}, near`
      await from.broadcast({ text: near }, { neighbors: true })
      const direct = await to.received(hex(near))
      assert.deepEqual([direct.scope, direct.round, direct.from], ['neighbors', null, from.node.id])
    }
    assert.equal(ta.all('gossip.received').length, 2, `${a.name} received the two of the other`)
    assert.equal(tb.all('gossip.received').length, 2, `${b.name} received the two of the other`)
    return undefined
  },
}

const HOP_ATTEMPTS = 6

const hops: Scenario = {
  name: 'gossip.hops',
  what: 'forwarding: in a tree of eight, the second kind passes messages on; the round counts the hops, delivered-from is the last one',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    // Eight nodes with views of three cannot all be direct neighbours, so messages have to be passed on.
    const nodes = await Promise.all(
      [first, second, first, second, first, second, first, second].map((impl) => lab.node(impl, { bind: { active_view: 3 } })),
    )
    const hub = nodes[0] as LabNode
    for (const node of nodes.slice(1)) await node.knows(hub)
    let forwarded = 0
    let split = 0
    // The shape of a tree is up to chance; a new topic is a new tree.
    for (let attempt = 0; attempt < HOP_ATTEMPTS && forwarded === 0; attempt++) {
      const topic = lab.topic()
      const topics = [await hub.subscribe(topic)]
      for (const node of nodes.slice(1)) topics.push(await node.subscribe(topic, [hub]))
      await Promise.all(topics.map((t) => t.anyUp()))
      // Nodes that join a full hub all at once may push each other out into two groups, upstream as well as we; and what is sent
      // while neighbours change is promised to nobody.
      if (!(await settledTogether(topics))) {
        split++
        continue
      }
      for (const [i, author] of topics.entries()) {
        const text = `${i} in attempt ${attempt}`
        await author.broadcast({ text })
        for (const reader of topics.filter((t) => t !== author)) {
          const got = await reader.received(hex(text), 10_000)
          const last = nodes.find((node) => node.id === got.from)
          assert.equal(
            last === author.node,
            got.round === 0,
            `round ${got.round} from ${last?.name}, written by ${author.node.name}`,
          )
          if (last?.impl === second && last !== author.node) forwarded++
        }
      }
    }
    assert.ok(forwarded > 0, `no message came over a node of the second kind (${split} groups apart)`)
    return split === 0 ? undefined : { 'attempts in two groups': split }
  },
}

const sizes: Scenario = {
  name: 'gossip.sizes',
  what: 'contents of 0, 1, 127, 128, 4,055 to 4,057 bytes and 4,058 for neighbours; larger ones refused by us',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const { a, ta, tb } = await neighbors(lab, direction)
    for (const size of [0, 1, 127, 128, 4055, 4056, 4057]) {
      await ta.broadcast({ pattern: size })
      const got = await tb.received(pattern(size))
      assert.equal(got.round, 0, `${size} bytes come straight from their author`)
    }
    if (a.impl === 'ts') {
      for (const options of [{}, { neighbors: true }]) {
        assert.equal((await refusal(ta.broadcast({ pattern: 4058 }, options))).code, 'GOSSIP_TOO_LARGE')
      }
    } else {
      await ta.broadcast({ pattern: 4058 }, { neighbors: true })
      await tb.received(pattern(4058))
    }
    await ta.broadcast({ text: 'still here' })
    await tb.received(hex('still here'))
    return undefined
  },
}

const duplicates: Scenario = {
  name: 'gossip.duplicates',
  what: 'the same bytes within 90 s are delivered once; the pruned link still carries new messages (IHave, Graft)',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const { ta, tb } = await neighbors(lab, direction)
    for (let i = 0; i < 3; i++) await ta.broadcast({ text: 'again and again' })
    await tb.received(hex('again and again'))
    await ta.broadcast({ text: 'something new' })
    await tb.received(hex('something new'))
    await tb.broadcast({ text: 'and back' })
    await ta.received(hex('and back'))
    assert.equal(tb.all('gossip.received').filter((e) => e.data === hex('again and again')).length, 1)
    return undefined
  },
}

export const gossipBasic: readonly Scenario[] = [join, broadcast, hops, sizes, duplicates]
