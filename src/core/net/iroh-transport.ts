import type { Endpoint, EndpointAddr, Connection as RawConnection, Incoming as RawIncoming } from '@number0/iroh/index.js'
import { withDeadline } from '../../base/async.ts'
import { toHex } from '../../base/bytes.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import { idBytes, type PeerId, parsePeerId } from '../ids.ts'
import { parseRelayUrl } from '../keys/address.ts'
import { compareSocketAddrs, parseSocketAddr, printSocketAddr } from '../keys/socket-addr.ts'
import { waitFor } from './call-wait.ts'
import { bindEndpoint, encodeAlpns, type IrohBindOptions } from './iroh-bind.ts'
import { type Iroh, type IrohLogLevel, loadIroh, setIrohLogLevel } from './iroh-binding.ts'
import { toNumbers } from './iroh-bytes.ts'
import { IrohConnection } from './iroh-connection.ts'
import { mapConnectError, mapHandshakeError } from './iroh-errors.ts'
import { LostPaths } from './lost-path.ts'
import { endpointClosed, netError } from './net-errors.ts'
import { originOf } from './origin.ts'
import type { CallOptions, Connection, Incoming, PeerAddr, Transport } from './transport.ts'

/** Longest wait for goodbyes; the library needs up to 3 s when a dial to a dead address is pending (discovery 17.1). */
const CLOSE_CAP_MS = 5_000

/** The library keeps at most this many direct paths of a peer (discovery 14.1). */
const MAX_DIRECT_ADDRS = 30

/** How often a dial under way is looked at, ms: most are over sooner. */
const LOOK_MS = 1_000

/** Endpoints in use, held here so that no forgotten variable can close one (discovery 17.4). */
const living = new Set<IrohTransport>()

let serials = 0

export interface IrohTransportOptions extends IrohBindOptions {
  /** Runs the deadlines; the system clock when omitted. */
  readonly clock?: Clock
  readonly log?: Logger
  /** Lets the native library write to standard error. Only the first endpoint of a process can choose. */
  readonly nativeLogLevel?: IrohLogLevel
}

/** Binds a QUIC endpoint. Rejects `NET_BIND_FAILED` with the addresses that were asked for. */
export async function bindIrohTransport(options: IrohTransportOptions): Promise<IrohTransport> {
  const iroh = await loadIroh()
  if (options.nativeLogLevel !== undefined) setIrohLogLevel(iroh, options.nativeLogLevel)
  const endpoint = await bindEndpoint(iroh, options)
  const transport = new IrohTransport(iroh, endpoint, options.clock ?? systemClock, options.log ?? nullLogger)
  living.add(transport)
  return transport
}

/** The transport port over `@number0/iroh`. */
export class IrohTransport implements Transport {
  readonly id: PeerId
  readonly #iroh: Iroh
  readonly #clock: Clock
  readonly #log: Logger
  readonly #connections = new Set<IrohConnection>()
  readonly #lost = new LostPaths()
  /** Undefined once closed: the sockets stay bound until the endpoint object is collected (discovery 17.4). */
  #endpoint: Endpoint | undefined
  #lastAddr: PeerAddr
  #closing: Promise<void> | undefined

  constructor(iroh: Iroh, endpoint: Endpoint, clock: Clock, log: Logger) {
    this.#iroh = iroh
    this.#endpoint = endpoint
    this.#clock = clock
    this.#log = log
    this.id = parsePeerId(endpoint.id().toString())
    this.#lastAddr = { id: this.id, direct: [] }
  }

  localAddr(): PeerAddr {
    if (this.#endpoint !== undefined) this.#lastAddr = peerAddrOf(this.#endpoint.addr())
    return this.#lastAddr
  }

  setAlpns(alpns: readonly string[]): void {
    this.#endpoint?.setAlpns(encodeAlpns(alpns))
  }

  async nextIncoming(): Promise<Incoming | null> {
    const endpoint = this.#open()
    if (endpoint === undefined) return null
    try {
      const incoming = await endpoint.acceptNext()
      return incoming === null ? null : this.#incoming(incoming)
    } catch (error) {
      if (this.#closing !== undefined) return null
      throw netError('FAILED', undefined, { cause: error })
    }
  }

  async connect(addr: PeerAddr, alpn: string, options?: CallOptions): Promise<Connection> {
    const endpoint = this.#open()
    if (endpoint === undefined) throw endpointClosed()
    if (addr.id === this.id) throw netError('SELF')
    const alpnBytes = new TextEncoder().encode(alpn)
    if (alpnBytes.length === 0 || alpnBytes.length > 255) throw netError('ALPN', 'a name has 1 to 255 bytes')
    const target = this.#target(addr)
    const work = endpoint.connect(target, toNumbers(alpnBytes)).then(
      (raw) => {
        this.#lost.forget(addr.id)
        return this.#adopt(raw, 'dialer')
      },
      (error) => {
        throw this.#closing === undefined ? mapConnectError(error) : endpointClosed()
      },
    )
    const stopLooking = this.#lookWhile(addr.id)
    return await waitFor(work, options, {
      clock: this.#clock,
      what: 'connecting',
      onGiveUp: () => work.then((late) => late.close(0n, 'too late')).catch(() => {}),
    }).finally(stopLooking)
  }

  /** Starts over with a peer that is there and cannot be dialed; the library sends the dial under way again by itself. */
  #lookWhile(peer: PeerId): () => void {
    const look = (): void => {
      cancel = this.#clock.after(LOOK_MS, look)
      const open = [...this.#connections].filter((one) => one.peer === peer)
      const glances = open.flatMap((one) => one.glance() ?? [])
      if (!this.#lost.look(peer, glances, this.#clock.monotonic())) return
      this.#lost.forget(peer)
      const fields = { ev: 'path-lost', peer, connections: open.length }
      this.#log.info(fields, 'a peer is there and cannot be dialed: its connections are closed so that it is looked for anew')
      for (const one of open) one.lose('the path to the peer was lost')
    }
    let cancel = this.#clock.after(LOOK_MS, look)
    return () => cancel()
  }

  async knownAddr(peer: PeerId): Promise<PeerAddr | undefined> {
    const endpoint = this.#open()
    if (endpoint === undefined) return undefined
    try {
      const addr = await endpoint.remoteAddr(this.#iroh.EndpointId.fromString(peer))
      return addr === null ? undefined : peerAddrOf(addr)
    } catch {
      return undefined // an id that is no curve point, or the endpoint closed meanwhile: nothing is known
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const endpoint = this.#endpoint as Endpoint
    this.localAddr()
    for (const connection of [...this.#connections]) connection.close(0n, '')
    const closed = endpoint.close().finally(() => {
      this.#endpoint = undefined
      living.delete(this)
    })
    await withDeadline(closed, { ms: CLOSE_CAP_MS, what: 'closing the endpoint', clock: this.#clock }).catch((err) =>
      this.#log.warn({ ev: 'endpoint-close', err }, 'the endpoint did not close in time'),
    )
  }

  /** The endpoint while it may be used. */
  #open(): Endpoint | undefined {
    return this.#closing === undefined ? this.#endpoint : undefined
  }

  #target(addr: PeerAddr): EndpointAddr {
    let id: InstanceType<Iroh['EndpointId']>
    try {
      id = this.#iroh.EndpointId.fromBytes(toNumbers(idBytes(addr.id)))
    } catch (cause) {
      throw netError('FAILED', 'the id is not a public key', { cause })
    }
    return new this.#iroh.EndpointAddr(id, usableRelay(addr.relayUrl), usableAddrs(addr.direct))
  }

  #incoming(raw: RawIncoming): Incoming {
    return {
      accept: async (options) => {
        let origin: string | undefined
        const work = raw
          .remoteAddr()
          .then(({ kind, addr }) => {
            origin = kind === 'ip' ? originOf(addr) : undefined
            return raw.accept()
          })
          .then((accepting) => accepting.connect())
          .then(
            (connection) => this.#adopt(connection, 'acceptor', origin),
            (error) => {
              throw this.#closing === undefined ? mapHandshakeError(error) : endpointClosed()
            },
          )
        return await waitFor(work, options, {
          clock: this.#clock,
          what: 'accepting a connection',
          onGiveUp: () => work.then((late) => late.close(0n, 'too late')).catch(() => {}),
        })
      },
      refuse: () => raw.refuse().catch(() => {}), // already answered, or the stranger has gone
    }
  }

  #adopt(raw: RawConnection, side: 'dialer' | 'acceptor', origin?: string): IrohConnection {
    const connection = new IrohConnection({
      raw,
      side,
      origin,
      serial: ++serials,
      clock: this.#clock,
      onClosed: (ended) => this.#connections.delete(ended),
    })
    if (this.#closing !== undefined) {
      connection.close(0n, '')
      throw endpointClosed()
    }
    this.#connections.add(connection)
    return connection
  }
}

function peerAddrOf(addr: EndpointAddr): PeerAddr {
  const relayUrl = addr.relayUrl()
  const id = parsePeerId(toHex(Uint8Array.from(addr.id().toBytes())))
  return { id, direct: usableAddrs(addr.directAddresses()), ...(relayUrl === null ? {} : { relayUrl }) }
}

/** Normalised, sorted and without what the library could not parse: one bad text would fail the whole dial (discovery 4.3). */
function usableAddrs(texts: readonly string[]): string[] {
  const parsed = texts.flatMap((text) => {
    try {
      return [parseSocketAddr(text)]
    } catch {
      return [] // hints come from strangers; the other addresses still count
    }
  })
  return [...new Set(parsed.sort(compareSocketAddrs).map(printSocketAddr))].slice(0, MAX_DIRECT_ADDRS)
}

function usableRelay(url: string | undefined): string | undefined {
  try {
    return url === undefined ? undefined : parseRelayUrl(url)
  } catch {
    return undefined // as above
  }
}
