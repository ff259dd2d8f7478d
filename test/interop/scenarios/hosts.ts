import type { BindOptions, LabNode } from '../lab/lab-node.ts'
import { type Host, HostNetwork, namespacesRefused } from '../lab/netns.ts'
import type { Impl } from '../lab/peer-process.ts'
import { ALL_PAIRS, BOTH_WAYS, type Figures, type Lab, type NodeOptions, type Scenario, sides } from '../lab/scenario.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
const IMPAIRMENT = { delayMs: 25, lossPercent: 1 }

interface Hosts {
  readonly nodes: readonly LabNode[]
  readonly network: HostNetwork
  readonly figures: Figures
}

/** One node per host; each in a namespace and process of its own. */
async function hosts(lab: Lab, impls: readonly Impl[]): Promise<Hosts> {
  const network = await HostNetwork.create(impls.length, IMPAIRMENT)
  lab.defer(() => network.close())
  const nodes = await Promise.all(
    network.hosts.map((host, i) => lab.node(impls[i] as Impl, { wrapper: host.wrapper, bind: { ip: host.ip } })),
  )
  const { impairment } = network
  return {
    nodes,
    network,
    figures: { links: impairment === undefined ? 'plain' : `${impairment.delayMs} ms, ${impairment.lossPercent} % lost` },
  }
}

const smoke: Scenario = {
  name: 'hosts.smoke',
  what: 'three hosts (delay and loss where the kernel has netem): join, addresses by gossip, messages of all sizes both ways, leave',
  directions: ALL_PAIRS,
  skip: namespacesRefused,
  waits: true,
  limitMs: 90_000,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const { nodes, figures } = await hosts(lab, [first, second, first])
    const [a, hub, c] = nodes as [LabNode, LabNode, LabNode]
    await Promise.all([a.knows(hub), c.knows(hub)])
    const topic = lab.topic()
    const th = await hub.subscribe(topic)
    const ta = await a.subscribe(topic, [hub])
    const tc = await c.subscribe(topic, [hub])
    await Promise.all([th.up(a, 10_000), th.up(c, 10_000), ta.up(c, 10_000), tc.up(a, 10_000)])
    for (const [i, from] of [ta, th, tc].entries()) {
      const text = `${i}`.repeat([1, 200, 4_000][i] as number)
      await from.broadcast({ text })
      await Promise.all([ta, th, tc].filter((t) => t !== from).map((t) => t.received(hex(text), 10_000)))
    }
    await ta.leave()
    await Promise.all([th.down(a), tc.down(a)])
    return figures
  },
}

const cut: Scenario = {
  name: 'hosts.cut',
  what: 'a host off the network for 45 s and back: the loss is noticed, ours finds back by itself, Rust when asked',
  directions: BOTH_WAYS,
  skip: namespacesRefused,
  waits: true,
  limitMs: 170_000,
  async run(lab, direction) {
    const { nodes, network, figures } = await hosts(lab, sides(direction))
    const [a, b] = nodes as [LabNode, LabNode]
    await a.knows(b)
    const topic = lab.topic()
    const tb = await b.subscribe(topic)
    const ta = await a.subscribe(topic, [b])
    await Promise.all([ta.up(b, 10_000), tb.up(a, 10_000)])
    const [fromA, fromB] = [a.peer.mark(), b.peer.mark()]
    await network.setLink(0, 'down')
    await Promise.all([ta.down(b, 60_000, fromA), tb.down(a, 60_000, fromB)])
    await network.setLink(0, 'up')
    const begun = performance.now()
    if (a.impl === 'rust' && b.impl === 'rust') await ta.join(b)
    await Promise.all([ta.up(b, 90_000, fromA), tb.up(a, 90_000, fromB)])
    await ta.broadcast({ text: 'back' })
    await tb.received(hex('back'), 10_000)
    return { ...figures, 'together again after s': Math.round((performance.now() - begun) / 1000) }
  },
}

const mdns: Scenario = {
  name: 'hosts.mdns',
  what: 'two hosts that know each other by id alone: found by mDNS, dialed, neighbours, messages both ways; a host that announces nothing is not found',
  directions: ALL_PAIRS,
  skip: namespacesRefused,
  waits: true,
  limitMs: 120_000,
  async run(lab, direction) {
    const network = await HostNetwork.create(3)
    lab.defer(() => network.close())
    const bind = (i: number, more: BindOptions = {}): NodeOptions => {
      const host = network.hosts[i] as Host
      return { wrapper: host.wrapper, bind: { ip: host.ip, ...more } }
    }
    const [dialing, dialed] = sides(direction)
    const [a, b, silent] = (await Promise.all([
      lab.node(dialing, bind(0, { mdns: true })),
      lab.node(dialed, bind(1, { mdns: true })),
      lab.node(dialed, bind(2)),
    ])) as [LabNode, LabNode, LabNode]
    const topic = lab.topic()
    const tb = await b.subscribe(topic)
    const ts = await silent.subscribe(topic)
    const begun = performance.now()
    const ta = await a.subscribe(topic, [b])
    // What does not announce itself cannot be found, whatever else works.
    await ta.join(silent)
    for (const end = performance.now() + 60_000; ; ) {
      const isUp = await Promise.all([ta.up(b, 5_000), tb.up(a, 5_000)]).then(
        () => true,
        () => false,
      )
      if (isUp) break
      if (performance.now() > end) throw new Error('the hosts did not find each other by mDNS')
      // A first dial may come before the first announcement: asked again, as applications do.
      await ta.join(b)
    }
    const seconds = Math.round((performance.now() - begun) / 100) / 10
    await ta.broadcast({ text: 'found you' })
    await tb.received(hex('found you'), 10_000)
    await tb.broadcast({ text: 'and I you' })
    await ta.received(hex('and I you'), 10_000)
    if (ts.neighbors().size > 0) throw new Error('a host that announces nothing was found')
    return { 'neighbours after s': seconds }
  },
}

export const hostScenarios: readonly Scenario[] = [smoke, cut, mdns]
