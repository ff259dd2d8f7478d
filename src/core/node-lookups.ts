import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/random.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import type { DhtSettings } from './config.ts'
import type { PeerId } from './ids.ts'
import { createVerifier } from './keys/ed25519.ts'
import type { Identity } from './keys/identity.ts'
import type { DhtStats } from './lookup/dht-client.ts'
import type { DhtRecordStats, DhtRecords } from './lookup/dht-records.ts'
import type { Mdns, MdnsStats } from './lookup/mdns.ts'
import { type AddrScope, type K2Endpoint, LOOPBACK_ONLY, ROUTABLE } from './net/index.ts'

/** Nodes of the local network that are met at once; anybody there can make up more. Those the operator named do not count. */
const MEETINGS = { perSecond: 0.5, burst: 20 }

/** Addresses in the public DHT: nothing that means something else, or tells something, outside a network of its own. */
const GLOBAL_ONLY: ReadonlySet<AddrScope> = new Set<AddrScope>(['global'])

const PRIVATE_ONLY: ReadonlySet<AddrScope> = new Set<AddrScope>(['private'])

export interface NodeLookupsOptions {
  readonly endpoint: K2Endpoint
  readonly identity: Identity
  readonly mdns: boolean
  readonly dht: DhtSettings | undefined
  /** The node stays on this machine. */
  readonly loopback: boolean
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  /** The operator named this peer. */
  readonly isTrusted: (peer: PeerId) => boolean
  /** A node on the local network, new or with new addresses. */
  readonly onLocalPeer: (peer: PeerId) => void
}

export interface LookupStats {
  readonly mdns?: MdnsStats
  readonly dht?: DhtStats & DhtRecordStats
}

/**
 * The optional services that find addresses of nodes: mDNS feeds the address book, the DHT is asked while dialing. Loaded when
 * they are used. One that cannot start is left out with a warning: the others, and the node, go on.
 */
export class NodeLookups {
  readonly #options: NodeLookupsOptions
  #mdns: Mdns | undefined
  #records: DhtRecords | undefined
  #dhtStats: (() => DhtStats) | undefined

  constructor(options: NodeLookupsOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { mdns, dht, log } = this.#options
    const attempt = async (name: string, start: () => Promise<void>): Promise<void> => {
      try {
        await start()
      } catch (err) {
        log.warn({ ev: 'lookup-not-started', name, code: errorCode(err), err }, `nodes are not found by ${name}`)
      }
    }
    if (mdns) await attempt('mDNS', () => this.#startMdns())
    if (dht !== undefined) await attempt('the DHT', () => this.#startDht(dht))
  }

  /** Nodes heard on the local network. */
  localPeers(): readonly PeerId[] {
    return this.#mdns?.peers() ?? []
  }

  addrChanged(): void {
    if (this.#options.dht?.publish) this.#records?.addrChanged()
  }

  stats(): LookupStats {
    return {
      ...(this.#mdns && { mdns: this.#mdns.stats() }),
      ...(this.#records && this.#dhtStats && { dht: { ...this.#dhtStats(), ...this.#records.stats() } }),
    }
  }

  async stop(): Promise<void> {
    this.#options.endpoint.useLookup(undefined)
    await this.#mdns?.stop()
    await this.#records?.stop()
  }

  async #startMdns(): Promise<void> {
    const { endpoint, clock, rng, log, isTrusted, onLocalPeer } = this.#options
    const [{ Mdns }, { MulticastSocket }] = await Promise.all([
      import('./lookup/mdns.ts'),
      import('./lookup/multicast-socket.ts'),
    ])
    const port = await MulticastSocket.open(clock, log)
    const meetings = new TokenBucket(MEETINGS.perSecond, MEETINGS.burst, clock.monotonic())
    this.#mdns = new Mdns({
      me: endpoint.id,
      port,
      clock,
      rng,
      log,
      own: () => endpoint.shareableAddr(),
      onFound: (addr) => {
        endpoint.learn(addr, 'local')
        // The others are joined through later, when a topic asks for peers.
        if (isTrusted(addr.id) || meetings.take(clock.monotonic())) onLocalPeer(addr.id)
      },
      onGone: (peer) => endpoint.book.forget(peer, 'local'),
    })
    this.#mdns.start()
  }

  async #startDht({ bootstrap, publish, closed }: DhtSettings): Promise<void> {
    const { endpoint, identity, loopback, clock, rng, log } = this.#options
    const [{ DhtClient }, { DhtRecords }, { UdpSocket }] = await Promise.all([
      import('./lookup/dht-client.ts'),
      import('./lookup/dht-records.ts'),
      import('./lookup/udp-socket.ts'),
    ])
    const scopes = loopback ? LOOPBACK_ONLY : closed ? ROUTABLE : GLOBAL_ONLY
    // Private addresses go to nodes of the closed network only.
    const nodes = closed && !loopback ? PRIVATE_ONLY : scopes
    const port = await UdpSocket.open(loopback ? '127.0.0.1' : '0.0.0.0', log)
    const client = new DhtClient({ port, clock, rng, bootstrap, scopes: nodes })
    this.#dhtStats = () => client.stats()
    const own = (): ReturnType<typeof endpoint.addr> => endpoint.addr()
    this.#records = new DhtRecords({ client, identity, verify: createVerifier(), clock, rng, log, own, scopes })
    endpoint.useLookup(this.#records)
    if (publish) this.#records.start()
  }
}
