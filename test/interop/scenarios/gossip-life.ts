import { strict as assert } from 'node:assert'
import { randomBytes } from 'node:crypto'
import type { LabNode, LabTopic } from '../lab/lab-node.ts'
import {
  ALL_PAIRS,
  BOTH_WAYS,
  type Direction,
  type Figures,
  type Lab,
  type NodeOptions,
  type Scenario,
  sides,
} from '../lab/scenario.ts'
import { neighbors, pause } from './gossip-basic.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')

/** A message each way. */
async function talk(ta: LabTopic, tb: LabTopic, text: string, ms = 5_000): Promise<void> {
  await Promise.all([ta.broadcast({ text: `${text} a` }), tb.broadcast({ text: `${text} b` })])
  await Promise.all([tb.received(hex(`${text} a`), ms), ta.received(hex(`${text} b`), ms)])
}

const lateSubscription: Scenario = {
  name: 'gossip.late-subscription',
  what: 'a join before the other side has subscribed is lost; repeated (ours by itself) it connects',
  directions: ALL_PAIRS,
  waits: true,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    await a.knows(b)
    const topic = lab.topic()
    const ta = await a.subscribe(topic, [b])
    await pause(1_000)
    assert.equal(ta.all('gossip.neighbor_up').length, 0, 'nobody is there yet')
    const begun = performance.now()
    const tb = await b.subscribe(topic)
    if (a.impl === 'rust') await ta.join(b)
    await Promise.all([ta.up(b, 20_000), tb.up(a, 20_000)])
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    await talk(ta, tb, 'late')
    return { seconds }
  },
}

const leave: Scenario = {
  name: 'gossip.leave',
  what: 'leaving: the other side sees it at once, sends nothing more; re-joining connects again',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const { a, b, ta, tb } = await neighbors(lab, direction)
    await talk(ta, tb, 'before')
    await ta.leave()
    await tb.down(a, 2_000)
    const mark = a.peer.mark()
    await tb.broadcast({ text: 'to nobody' })
    const again = await a.subscribe(ta.topic, [b])
    await again.up(b)
    await tb.up(a, 5_000, b.peer.events.findLastIndex((e) => e.event === 'gossip.neighbor_down') + 1)
    await talk(again, tb, 'after')
    const late = a.peer.events.slice(mark).filter((e) => e.data === hex('to nobody'))
    assert.equal(late.length, 0, 'nothing is delivered to a topic that was left')
    return undefined
  },
}

const kill: Scenario = {
  name: 'gossip.kill',
  what: 'a node killed without a goodbye is noticed by the connection timeout',
  directions: BOTH_WAYS,
  waits: true,
  limitMs: 90_000,
  async run(lab, direction) {
    const { a, tb } = await neighbors(lab, direction)
    const begun = performance.now()
    await a.peer.kill()
    await tb.down(a, 60_000)
    return { 'noticed after s': Math.round((performance.now() - begun) / 1000) }
  },
}

/** One of two neighbours is killed, started again with the same key, and joins the other one. */
async function restartOne(lab: Lab, direction: Direction, victimIs: 'joiner' | 'joined'): Promise<Figures> {
  const [first, second] = sides(direction)
  const secret = randomBytes(32).toString('hex')
  const bind = (is: typeof victimIs): NodeOptions => (is === victimIs ? { bind: { secret } } : {})
  const [a, b] = await Promise.all([lab.node(first, bind('joiner')), lab.node(second, bind('joined'))])
  await a.knows(b)
  const topic = lab.topic()
  const tb = await b.subscribe(topic)
  const ta = await a.subscribe(topic, [b])
  await Promise.all([ta.up(b), tb.up(a)])
  await talk(ta, tb, 'before')
  const [victim, other, theirs] = victimIs === 'joiner' ? [a, b, tb] : [b, a, ta]
  await victim.peer.kill()
  const again = await lab.node(victim.impl, { name: `${victim.name} again`, bind: { secret } })
  assert.equal(again.id, victim.id)
  await again.knows(other)
  const begun = performance.now()
  const ours = await again.subscribe(topic, [other])
  await ours.up(other, 15_000)
  await talk(ours, theirs, 'back', 10_000)
  return { seconds: ((performance.now() - begun) / 1000).toFixed(2) }
}

const restart: Scenario = {
  name: 'gossip.restart',
  what: 'the joining node killed and started again with the same key: messages flow both ways',
  directions: ALL_PAIRS,
  run: (lab, direction) => restartOne(lab, direction, 'joiner'),
}

const restartJoined: Scenario = {
  name: 'gossip.restart-joined',
  what: 'the same for the node that was joined; a Rust node leaves plain Joins of such a peer unanswered (13-D6), ours get through',
  directions: BOTH_WAYS,
  run: (lab, direction) => restartOne(lab, direction, 'joined'),
}

const ROUNDS = 10

const simultaneous: Scenario = {
  name: 'gossip.simultaneous-dial',
  what: `both dial at the same moment, ${ROUNDS} times: no message lost, no neighbour lost`,
  directions: ALL_PAIRS,
  limitMs: 120_000,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await Promise.all([a.rebind(), b.rebind()])
      await Promise.all([a.knows(b), b.knows(a)])
      const topic = lab.topic()
      const [ta, tb] = await Promise.all([a.subscribe(topic, [b]), b.subscribe(topic, [a])])
      await Promise.all([
        ta.up(b).then(() => ta.broadcast({ text: `first a ${round}` })),
        tb.up(a).then(() => tb.broadcast({ text: `first b ${round}` })),
      ])
      await Promise.all([tb.received(hex(`first a ${round}`)), ta.received(hex(`first b ${round}`))])
      await talk(ta, tb, `round ${round}`)
      for (const topicSide of [ta, tb]) {
        assert.equal(topicSide.all('gossip.neighbor_down').length, 0, `round ${round}: ${topicSide.node.name} lost its neighbour`)
      }
    }
    return undefined
  },
}

const twoTopics: Scenario = {
  name: 'gossip.two-topics',
  what: 'one peer in two topics: leaving one leaves the other untouched (upstream then dials again, 13-D3)',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const { a, b, ta, tb } = await neighbors(lab, direction)
    const other = lab.topic()
    const ob = await b.subscribe(other)
    const oa = await a.subscribe(other, [b])
    await Promise.all([oa.up(b), ob.up(a)])
    await talk(oa, ob, 'both')
    await ta.leave()
    await tb.down(a)
    for (let i = 0; i < 10; i++) await talk(oa, ob, `on ${i}`)
    await tb.leave()
    for (let i = 0; i < 10; i++) await talk(oa, ob, `off ${i}`)
    assert.equal(oa.all('gossip.neighbor_down').length + ob.all('gossip.neighbor_down').length, 0)
    for (const node of [a, b]) {
      const { connections = 0 } = await node.metrics()
      assert.ok(connections <= 4, `${node.name} keeps ${connections} connections to one peer`)
    }
    return undefined
  },
}

const TOPICS = 200
/** Streams a Rust peer lets us open on one connection. */
const STREAM_LIMIT = 100
/** It announces the places of ended streams when more than an eighth has come together; so many may be held back. */
const HELD_BACK = 13

const manyTopics: Scenario = {
  name: 'gossip.200-topics',
  what: '200 topics on one connection: 100 work at once, the node stays well, leaving some lets others in',
  directions: BOTH_WAYS,
  limitMs: 120_000,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    await a.knows(b)
    const names = Array.from({ length: TOPICS }, () => lab.topic())
    const tb = await Promise.all(names.map((name) => b.subscribe(name)))
    const ta = await Promise.all(names.map((name) => a.subscribe(name, [b])))
    const ready = (): number[] => names.flatMap((_, i) => (isUp(ta[i]) && isUp(tb[i]) ? [i] : []))
    await until('the first topics', () => ready().length >= STREAM_LIMIT - 1, 30_000)
    await pause(2_000)
    const open = ready()
    await Promise.all(open.map((i) => talk(ta[i] as LabTopic, tb[i] as LabTopic, `topic ${i}`, 10_000)))
    // What could not be opened had to wait; now it gets the place of the others.
    const rest = names.flatMap((_, i) => (open.includes(i) ? [] : [i]))
    await Promise.all(open.map((i) => (ta[i] as LabTopic).leave()))
    await Promise.all(open.map((i) => (tb[i] as LabTopic).leave()))
    if (a.impl === 'rust') await Promise.all(rest.map((i) => (ta[i] as LabTopic).join(b)))
    const up = (): number[] => rest.filter((i) => isUp(ta[i]) && isUp(tb[i]))
    await until('the other topics', () => up().length >= STREAM_LIMIT - HELD_BACK, 60_000)
    const talks = await Promise.allSettled(up().map((i) => talk(ta[i] as LabTopic, tb[i] as LabTopic, `then ${i}`, 8_000)))
    const working = talks.filter((t) => t.status === 'fulfilled').length
    assert.ok(working >= STREAM_LIMIT - HELD_BACK, `only ${working} of the other topics work`)
    return { 'at once': open.length, 'after leaving': working }
  },
}

const isUp = (topic: LabTopic | undefined): boolean => {
  const events = topic?.node.peer.events.filter((e) => e.handle === topic.handle) ?? []
  const last = events.findLast((e) => e.event === 'gossip.neighbor_up' || e.event === 'gossip.neighbor_down')
  return last?.event === 'gossip.neighbor_up'
}

async function until(what: string, holds: () => boolean, ms: number): Promise<void> {
  const deadline = performance.now() + ms
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${ms} ms`)
    await pause(100)
  }
}

const shuffle: Scenario = {
  name: 'gossip.shuffle-60s',
  what: 'a whole shuffle round at the real interval of 60 s: asked, answered, no neighbour lost',
  directions: ALL_PAIRS,
  waits: true,
  limitMs: 110_000,
  async run(lab, direction) {
    const { a, b, ta, tb } = await neighbors(lab, direction)
    await talk(ta, tb, 'before')
    await pause(55_000)
    const control = async (node: LabNode): Promise<number> => (await node.metrics()).ctrl_recv
    const before = [await control(a), await control(b)] as const
    await pause(8_000)
    // Each asks once and answers once; duplicates of a busy tree are out of the question without traffic.
    for (const [i, node] of [a, b].entries()) {
      const received = (await control(node)) - (before[i] as number)
      assert.ok(received >= 2, `${node.name} received ${received} messages instead of a Shuffle and a reply`)
    }
    await talk(ta, tb, 'after')
    assert.equal(ta.all('gossip.neighbor_down').length + tb.all('gossip.neighbor_down').length, 0)
    return undefined
  },
}

const refill: Scenario = {
  name: 'gossip.shuffle-refill',
  what: 'candidates learned by shuffling replace a killed hub: nobody ends alone (views of 2, shuffle every second)',
  directions: ['mixed', 'rust→rust'],
  waits: true,
  limitMs: 110_000,
  async run(lab, direction) {
    const bind = { active_view: 2, shuffle_ms: 1_000 }
    const impls =
      direction === 'mixed'
        ? (['rust', 'ts', 'rust', 'ts', 'rust', 'ts'] as const)
        : (['rust', 'rust', 'rust', 'rust', 'rust', 'rust'] as const)
    const nodes = await Promise.all(impls.map((impl) => lab.node(impl, { bind })))
    const hub = nodes[0] as LabNode
    const others = nodes.slice(1)
    for (const node of others) await node.knows(hub)
    const topic = lab.topic()
    await hub.subscribe(topic)
    const topics = await Promise.all(others.map((node) => node.subscribe(topic, [hub])))
    await Promise.all(topics.map((t) => t.anyUp()))
    await pause(8_000)
    await hub.peer.kill()
    await until('a neighbour for everybody', () => topics.every((t) => hasOther(t, hub)), 60_000)
    return undefined
  },
}

/** Neighbours a topic has now, without one of them. */
function hasOther(topic: LabTopic, without: LabNode): boolean {
  const present = new Set<unknown>()
  for (const event of topic.node.peer.events) {
    if (event.handle !== topic.handle) continue
    if (event.event === 'gossip.neighbor_up') present.add(event.peer)
    if (event.event === 'gossip.neighbor_down') present.delete(event.peer)
  }
  present.delete(without.id)
  return present.size > 0
}

export const gossipLife: readonly Scenario[] = [
  lateSubscription,
  leave,
  kill,
  restart,
  restartJoined,
  simultaneous,
  twoTopics,
  manyTopics,
  shuffle,
  refill,
]
