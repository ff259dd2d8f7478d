import { strict as assert } from 'node:assert'
import type { BindOptions, LabNode, LabTopic } from '../lab/lab-node.ts'
import { type Host, HostNetwork, namespacesRefused } from '../lab/netns.ts'
import type { PeerProcess } from '../lab/peer-process.ts'
import { ALL_PAIRS, type Lab, type NodeOptions, type Scenario, sides } from '../lab/scenario.ts'
import { askAgain } from './blobs.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
/** Large enough for the threads of our node, which have endpoints of their own. */
const BLOB_BYTES = 5 << 20
const RELAY_PORT = 3340
/** Where the hosts stand in the network. */
const [A, B, HUB] = [0, 1, 2] as const

interface Internet {
  /** The process with the relay. */
  readonly relay: PeerProcess
  readonly url: string
  readonly hub: Host
  readonly network: HostNetwork
  /** Options of a node on a host. */
  readonly on: (index: number, more?: BindOptions) => NodeOptions
}

/** Two hosts that cannot reach each other, and a third, with a relay server, that both can. */
async function behindRouters(lab: Lab): Promise<Internet> {
  const network = await HostNetwork.create(3)
  lab.defer(() => network.close())
  await network.isolate(A, B)
  const hub = network.hosts[HUB] as Host
  const { peer: relay } = await lab.node('rust', { name: 'relay', unbound: true, wrapper: hub.wrapper })
  const { url } = await relay.call<{ url: string }>('relay.start', { ip: hub.ip, port: RELAY_PORT })
  const on = (index: number, more: BindOptions = {}): NodeOptions => {
    const host = network.hosts[index] as Host
    return { wrapper: host.wrapper, bind: { ip: host.ip, ...more } }
  }
  return { relay, url, hub, network, on }
}

/** Joined again, as applications do, until both are neighbours. */
async function meet([ta, tb]: readonly [LabTopic, LabTopic], ms = 60_000): Promise<void> {
  for (const end = performance.now() + ms; ; ) {
    const isUp = await Promise.all([ta.up(tb.node, 5_000), tb.up(ta.node, 5_000)]).then(
      () => true,
      () => false,
    )
    if (isUp) return
    if (performance.now() > end) throw new Error('the hosts did not meet')
    await ta.join(tb.node)
  }
}

async function bothWays(ta: LabTopic, tb: LabTopic): Promise<void> {
  for (const [i, size] of [1, 200, 4_000].entries()) {
    const text = `${i}`.repeat(size)
    await ta.broadcast({ text })
    await tb.received(hex(text), 20_000)
    await tb.broadcast({ text: `b${text.slice(1)}` })
    await ta.received(hex(`b${text.slice(1)}`), 20_000)
  }
}

/** The asking side gets a blob of the other one. */
async function fetchBlob(asker: LabNode, owner: LabNode): Promise<void> {
  const { hash } = await owner.peer.call<{ hash: string }>('blobs.add', { content: { pattern: BLOB_BYTES } })
  const { ticket } = await owner.peer.call<{ ticket: string }>('blobs.ticket', { hash })
  await askAgain(asker, ticket)
  const read = await asker.peer.call<{ size: number; matches: boolean }>('blobs.read', { hash })
  assert.deepEqual([read.size, read.matches], [BLOB_BYTES, true])
}

const relayed: Scenario = {
  name: 'hosts.relay',
  what: 'two hosts that cannot reach each other directly, and a relay server of one’s own: joined by id and relay, messages both ways, a blob of 5 MiB; again after the relay’s restart',
  directions: ALL_PAIRS,
  skip: namespacesRefused,
  waits: true,
  limitMs: 240_000,
  async run(lab, direction) {
    const { relay, url, hub, on } = await behindRouters(lab)
    const [first, second] = sides(direction)
    const [a, b, direct] = (await Promise.all([
      lab.node(first, on(A, { relay: url })),
      lab.node(second, on(B, { relay: url })),
      lab.node(second, on(B)),
    ])) as [LabNode, LabNode, LabNode]
    await a.knowsRelayOf(b, url)
    await a.knows(direct)
    const topic = lab.topic()
    const tb = await b.subscribe(topic)
    const td = await direct.subscribe(topic)
    const begun = performance.now()
    const ta = await a.subscribe(topic, [b])
    await meet([ta, tb])
    const seconds = Math.round((performance.now() - begun) / 100) / 10
    await bothWays(ta, tb)
    const before = await relay.call<{ bytes: number }>('relay.stats')
    await fetchBlob(a, b)
    const after = await relay.call<{ bytes: number }>('relay.stats')
    assert.ok(after.bytes - before.bytes > BLOB_BYTES, 'the blob did not come through the relay')
    // The other way round, and without the relay there is no way at all.
    assert.equal(ta.neighbors().has(direct.id) || td.neighbors().has(a.id), false, 'the hosts can reach each other directly')
    await relay.call('relay.stop')
    await relay.call('relay.start', { ip: hub.ip, port: RELAY_PORT })
    await again(ta, tb)
    return { 'neighbours after s': seconds, 'blob MiB through the relay': Math.round((after.bytes - before.bytes) / (1 << 20)) }
  },
}

/** A message each way arrives some time after a disturbance; said again, because gossip keeps nothing for later. */
async function again(ta: LabTopic, tb: LabTopic): Promise<void> {
  for (const [from, to] of [
    [ta, tb],
    [tb, ta],
  ] as const) {
    for (let time = 1; ; time++) {
      const text = `again ${time} of ${from.node.name}`
      await from.broadcast({ text })
      const isThere = await to.received(hex(text), 5_000).then(
        () => true,
        () => false,
      )
      if (isThere) break
      if (time === 12) throw new Error('no message came after the relay was restarted')
      await ta.join(tb.node)
    }
  }
}

/** What the servers of n0 are called. */
const N0_PKARR = 'dns.iroh.link'

const n0: Scenario = {
  name: 'hosts.n0',
  what: 'the preset of K2 applications without the internet: known by id alone, found by the DNS record of n0’s service, reached through the relay it names; both sides call n0’s server to publish theirs (its name in the TLS greeting)',
  directions: ALL_PAIRS,
  skip: namespacesRefused,
  waits: true,
  limitMs: 180_000,
  async run(lab, direction) {
    const internet = await behindRouters(lab)
    const { url, hub, network, on } = internet
    await Promise.all([network.setResolver(A, hub.ip), network.setResolver(B, hub.ip)])
    const { peer: services } = await lab.node('ts', { name: 'services', unbound: true, wrapper: hub.wrapper })
    await services.call('dns.serve', { ip: hub.ip, hosts: { [N0_PKARR]: hub.ip } })
    await services.call('tls.listen', { ip: hub.ip, port: 443 })
    const [first, second] = sides(direction)
    const [a, b, unlisted] = (await Promise.all([
      lab.node(first, on(A, { relay: url, n0: true })),
      lab.node(second, on(B, { relay: url, n0: true })),
      lab.node(second, on(B, { relay: url })),
    ])) as [LabNode, LabNode, LabNode]
    // What n0's server makes of the record that it would have taken over the connection below.
    const { name } = await services.call<{ name: string }>('dns.publish', { id: b.id, texts: [`relay=${url}`] })
    const topic = lab.topic()
    const tb = await b.subscribe(topic)
    const tu = await unlisted.subscribe(topic)
    const begun = performance.now()
    const ta = await a.subscribe(topic, [b])
    await ta.join(unlisted)
    await meet([ta, tb])
    const seconds = Math.round((performance.now() - begun) / 100) / 10
    await bothWays(ta, tb)
    await fetchBlob(a, b)
    assert.equal(tu.neighbors().has(a.id), false, 'a node without a record was found')
    const fromHost = (index: number) => (network.hosts[index] as Host).ip
    await services.next(
      'the question for the record',
      (e) => e.event === 'dns.asked' && e.name === name && e.from === fromHost(A),
    )
    for (const index of [A, B]) {
      await services.next(
        'a connection to n0’s server',
        (e) => e.event === 'tls.hello' && e.name === N0_PKARR && e.from === fromHost(index),
      )
    }
    return { 'neighbours after s': seconds }
  },
}

export const relayScenarios: readonly Scenario[] = [relayed, n0]
