// The TypeScript node behind the same JSON lines as the Rust peer: a command per line on standard input, answers and
// events on standard output. Run as `node --import tsx test/interop/ts-peer.ts`.
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { systemClock } from '../../src/base/clock.ts'
import { errorCode, errorMessage, K2Error } from '../../src/base/errors.ts'
import { nullLogger } from '../../src/base/logger.ts'
import { cryptoRng } from '../../src/base/random.ts'
import { DEFAULT_CONFIG, Gossip, type GossipEvent, type TopicHandle } from '../../src/core/gossip/index.ts'
import { parseTopicId } from '../../src/core/ids.ts'
import { directTopicName, topicIdOfName, trackerHashOf } from '../../src/core/k2/topics.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import { parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import { identityOfSeed } from '../../src/core/keys/identity.ts'
import { encodeEndpointTicket } from '../../src/core/keys/ticket.ts'
import { type IrohReach, type K2Endpoint, openEndpoint } from '../../src/core/net/index.ts'
import { NodeLookups } from '../../src/core/node-lookups.ts'
import { content, LabBlobs } from './ts-blobs.ts'
import { LabBooks } from './ts-books.ts'
import { LabDocs } from './ts-docs.ts'
import { isLoad, LoadBook } from './ts-load.ts'
import { marketDecode, marketEncode } from './ts-market.ts'
import { LabK2Node } from './ts-node.ts'
import { LabServices } from './ts-services.ts'
import { LabStreams } from './ts-streams.ts'

const id = z.string().transform(parseEndpointId)
const Bind = z.strictObject({
  secret: z.string().optional(),
  ip: z.string().optional(),
  port: z.int().default(0),
  data_dir: z.string().optional(),
  shuffle_ms: z.int().optional(),
  active_view: z.int().optional(),
  mdns: z.boolean().default(false),
  relay: z.string().optional(),
  n0: z.boolean().default(false),
})
const AddAddr = z.strictObject({ id, addrs: z.array(z.string()).default([]), relay: z.string().optional() })
const Subscribe = z.strictObject({ topic: z.string(), bootstrap: z.array(id).default([]), handle: z.string().optional() })
const Join = z.strictObject({ handle: z.string(), peers: z.array(id) })
const Broadcast = z.strictObject({ handle: z.string(), content, neighbors: z.boolean().default(false) })
const Leave = z.strictObject({ handle: z.string() })
const Send = z.strictObject({
  handle: z.string(),
  run: z.int(),
  sender: z.int(),
  count: z.int(),
  size: z.int(),
  rate: z.number().default(0),
  window: z.int().default(0),
})
const Report = z.strictObject({ topic: z.string(), run: z.int(), latencies: z.boolean().default(false) })
const Request = z.strictObject({ id: z.unknown(), cmd: z.string(), args: z.unknown() })

interface Node {
  readonly endpoint: K2Endpoint
  readonly gossip: Gossip
  readonly topics: Map<string, TopicHandle>
  readonly load: LoadBook
  readonly blobs: LabBlobs
  readonly docs: LabDocs
  readonly books: LabBooks
  readonly streams: LabStreams
  readonly lookups: NodeLookups
}

/** ms a node has to find its relay. */
const RELAY_WAIT_MS = 20_000

let node: Node | undefined

const print = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
const services = new LabServices(print)
const whole = new LabK2Node(print)
const fail = (code: string, message: string): K2Error => new K2Error({ code, kind: 'input', message })

function bound(): Node {
  if (node === undefined) throw fail('NOT_BOUND', 'bind a node first')
  return node
}

function topicOf(handle: string): TopicHandle {
  const topic = bound().topics.get(handle)
  if (topic === undefined) throw fail('NOT_SUBSCRIBED', 'no subscription has this handle')
  return topic
}

async function bind(args: z.infer<typeof Bind>): Promise<object> {
  if (node !== undefined) throw fail('ALREADY_BOUND', 'this process has a node already')
  const secretKey = args.secret === undefined ? cryptoRng.bytes(32) : fromHex(args.secret)
  const ip = args.ip ?? '127.0.0.1'
  // Most runs do without relay and lookup; addresses come by hand and by gossip.
  const reach: IrohReach = {
    mode: args.n0 ? 'n0' : ip === '127.0.0.1' ? 'loopback' : 'lan',
    ...(args.relay !== undefined && { relays: [args.relay] }),
  }
  const endpoint = await openEndpoint({ secretKey, ...reach, bind: [`${ip}:${args.port}`] })
  await endpoint.start()
  if (args.relay !== undefined && !(await endpoint.waitForRelay({ deadlineMs: RELAY_WAIT_MS }))) {
    throw fail('BIND_FAILED', 'the relay does not answer')
  }
  const lookups = new NodeLookups({
    endpoint,
    identity: identityOfSeed(secretKey),
    mdns: args.mdns,
    dht: undefined,
    loopback: false,
    clock: systemClock,
    rng: cryptoRng,
    log: nullLogger,
    isTrusted: () => false,
    onLocalPeer: (peer) => print({ event: 'mdns.found', peer }),
  })
  await lookups.start()
  const { membership } = DEFAULT_CONFIG
  const gossip = new Gossip({
    endpoint,
    config: {
      ...DEFAULT_CONFIG,
      membership: {
        ...membership,
        shuffleIntervalMs: args.shuffle_ms ?? membership.shuffleIntervalMs,
        activeCapacity: args.active_view ?? membership.activeCapacity,
      },
    },
  })
  await gossip.start()
  const blobs = new LabBlobs({ endpoint, reach, folder: args.data_dir }, print)
  const docs = await LabDocs.open({ endpoint, gossip, contents: blobs.contents, folder: args.data_dir }, print)
  node = {
    endpoint,
    gossip,
    topics: new Map(),
    load: new LoadBook(),
    blobs,
    docs,
    books: new LabBooks(docs.docs),
    streams: new LabStreams(endpoint, print),
    lookups,
  }
  return describe(node)
}

/** `addrs`: where others find the node in these runs; `advertised`: what it tells them in gossip. */
function describe({ endpoint }: Node): object {
  const { id, direct, relayUrl } = endpoint.addr()
  const own = direct.filter((addr) => !addr.startsWith('[')).sort()
  const advertised = endpoint.shareableAddr().direct
  return { id, addrs: own, relay: relayUrl ?? null, advertised, ticket: encodeEndpointTicket(endpointAddr(id, [], own)) }
}

async function close(): Promise<object> {
  const old = node
  node = undefined
  await old?.lookups.stop()
  await old?.docs.close()
  await old?.gossip.stop()
  await old?.endpoint.stop()
  await old?.blobs.close()
  await services.close()
  await whole.close()
  return {}
}

function subscribe({ topic, bootstrap, handle = topic }: z.infer<typeof Subscribe>): object {
  const { gossip, topics, load } = bound()
  if (topics.has(handle)) throw fail('ALREADY_SUBSCRIBED', 'a subscription has this handle already')
  const subscription = gossip.subscribe(parseTopicId(topic), { bootstrap })
  topics.set(handle, subscription)
  void report(subscription, { topic, handle }, load).catch((error) =>
    print({ event: 'gossip.failed', topic, handle, message: errorMessage(error) }),
  )
  return { handle }
}

async function report(subscription: TopicHandle, names: { topic: string; handle: string }, load: LoadBook): Promise<void> {
  for await (const event of subscription.events) {
    if (event.type === 'received' && isLoad(event.content)) {
      const ack = load.take(names.topic, event.content)
      if (ack !== undefined) await subscription.broadcast(ack)
      continue
    }
    const line = lineOf(event)
    if (line !== undefined) print({ ...line, ...names })
  }
  print({ event: 'gossip.closed', ...names })
}

function lineOf(event: GossipEvent): object | undefined {
  switch (event.type) {
    case 'neighborUp':
      return { event: 'gossip.neighbor_up', peer: event.peer }
    case 'neighborDown':
      return { event: 'gossip.neighbor_down', peer: event.peer }
    case 'received':
      return {
        event: 'gossip.received',
        data: toHex(event.content),
        from: event.from,
        scope: event.scope.type,
        round: event.scope.type === 'swarm' ? event.scope.round : null,
      }
    case 'lagged':
      return { event: 'gossip.lagged' }
    default:
      return undefined
  }
}

function metrics(): object {
  const s = bound().gossip.stats()
  return {
    data_sent: s.msgsDataSent,
    data_recv: s.msgsDataRecv,
    ctrl_sent: s.msgsCtrlSent,
    ctrl_recv: s.msgsCtrlRecv,
    neighbor_up: s.neighborUp,
    neighbor_down: s.neighborDown,
    faults: s.headerFaults + s.frameFaults + s.badIds,
    connections: s.connections,
    dropped: s.framesDropped,
    queued_bytes: s.queuedBytes,
    unknown_topic: s.unknownTopic,
    streams_reopened: s.streamsReopened,
  }
}

const topicLine = (name: string): object => {
  const topic = topicIdOfName(name)
  return { name, topic, tracker_key: trackerHashOf(topic) }
}

/** Parts that have their commands below; scenarios of the others are pending. */
const OFFERS: readonly string[] = ['gossip', 'blobs', 'docs', 'invite', 'dm']

const COMMANDS: Readonly<Record<string, (args: unknown) => object | Promise<object>>> = {
  hello: () => ({ impl: 'ts', offers: OFFERS, monotonic_ns: process.hrtime.bigint().toString() }),
  'node.bind': (args) => bind(Bind.parse(args)),
  'node.close': () => close(),
  'node.addr': () => describe(bound()),
  'node.add_addr': (args) => {
    const { id, addrs, relay } = AddAddr.parse(args)
    bound().endpoint.learn({ id, direct: addrs, ...(relay !== undefined && { relayUrl: relay }) }, 'config')
    return {}
  },
  'node.metrics': () => metrics(),
  'gossip.subscribe': (args) => subscribe(Subscribe.parse(args)),
  'gossip.join': async (args) => {
    const { handle, peers } = Join.parse(args)
    await topicOf(handle).join(peers)
    return {}
  },
  'gossip.broadcast': async (args) => {
    const { handle, content, neighbors } = Broadcast.parse(args)
    const topic = topicOf(handle)
    await (neighbors ? topic.broadcastNeighbors(content) : topic.broadcast(content))
    return {}
  },
  'gossip.leave': async (args) => {
    const { handle } = Leave.parse(args)
    await topicOf(handle).close()
    bound().topics.delete(handle)
    return {}
  },
  'load.send': async (args) => {
    const { handle, ...order } = Send.parse(args)
    return { seconds: await bound().load.send(topicOf(handle), order) }
  },
  'load.report': (args) => {
    const { topic, run, latencies } = Report.parse(args)
    return bound().load.report(topic, run, latencies)
  },
  'blobs.parse_ticket': LabBlobs.parseTicket,
  'k2.topic': (args) => topicLine(z.strictObject({ name: z.string() }).parse(args).name),
  'k2.market_encode': marketEncode,
  'k2.market_decode': marketDecode,
  'k2.dm_topic': (args) => {
    const { a, b } = z.strictObject({ a: id, b: id }).parse(args)
    return topicLine(directTopicName(a, b))
  },
}

function commandOf(name: string): ((args: unknown) => object | Promise<object>) | undefined {
  if (COMMANDS[name] !== undefined) return COMMANDS[name]
  const unbound = services.commands[name] ?? whole.commands[name]
  if (unbound !== undefined) return unbound
  if (name.startsWith('blobs.')) return bound().blobs.commands[name]
  if (name.startsWith('books.')) return bound().books.commands[name]
  if (name.startsWith('docs.')) return bound().docs.commands[name]
  return bound().streams.commands[name]
}

async function serve(line: string): Promise<void> {
  let request: z.infer<typeof Request>
  try {
    request = Request.parse(JSON.parse(line))
  } catch (error) {
    print({ id: null, error: { code: 'BAD_JSON', message: errorMessage(error) } })
    return
  }
  try {
    const command = commandOf(request.cmd)
    if (command === undefined) throw fail('BAD_COMMAND', 'no command has this name')
    print({ id: request.id, ok: await command(request.args ?? {}) })
  } catch (error) {
    const code = error instanceof z.ZodError ? 'BAD_ARGUMENT' : errorCode(error, 'FAILED')
    print({ id: request.id, error: { code, message: errorMessage(error) } })
  }
}

const input = createInterface({ input: process.stdin })
input.on('line', (line) => {
  if (line.trim() !== '') void serve(line)
})
input.on('close', () => {
  close()
    .catch(() => {}) // ending anyway
    .finally(() => process.exit(0))
})
