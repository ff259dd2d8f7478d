import { createSocket, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { lookupError } from './errors.ts'
import type { MulticastPort } from './mdns.ts'

const MDNS_PORT = 5353
const GROUP = '224.0.0.251'
/** As Rust peers set it (discovery 12). */
const TTL = 16
/** Networks come and go. */
const REFRESH_MS = 10_000
/** Network interfaces that take part. */
const MAX_INTERFACES = 16

/**
 * The multicast group of mDNS on every IPv4 network of this machine: one socket that listens, and one per network that sends,
 * since the sending network is a property of the socket and a machine need not have a default route.
 */
export class MulticastSocket implements MulticastPort {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #receiver: Socket
  readonly #senders = new Map<string, Socket>()
  #listener: (packet: Uint8Array) => void = () => {}
  #cancel = (): void => {}
  #closed = false

  private constructor(receiver: Socket, clock: Clock, log: Logger) {
    this.#receiver = receiver
    this.#clock = clock
    this.#log = log
    receiver.on('message', (packet) => this.#listener(packet))
    receiver.on('error', (error) => this.#failed(error))
  }

  /** Rejects `LOOKUP_NO_SOCKET`, e.g. when another program does not share the port. */
  static async open(clock: Clock, log: Logger): Promise<MulticastSocket> {
    const receiver = createSocket({ type: 'udp4', reuseAddr: true })
    try {
      await bound(receiver, MDNS_PORT, '0.0.0.0')
    } catch (cause) {
      receiver.close()
      throw lookupError('LOOKUP_NO_SOCKET', `mDNS cannot listen on port ${MDNS_PORT}: ${errorCode(cause)}`, {}, cause)
    }
    receiver.unref()
    const socket = new MulticastSocket(receiver, clock, log)
    await socket.#refresh()
    socket.#refreshLater()
    return socket
  }

  send(packet: Uint8Array): void {
    for (const [address, sender] of this.#senders) {
      sender.send(packet, MDNS_PORT, GROUP, (error) => {
        if (error) this.#log.debug({ ev: 'mdns-not-sent', address, code: errorCode(error) }, 'a packet was not sent')
      })
    }
  }

  onPacket(listener: (packet: Uint8Array) => void): void {
    this.#listener = listener
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancel()
    const sockets = [this.#receiver, ...this.#senders.values()]
    this.#senders.clear()
    await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(done))))
  }

  #refreshLater(): void {
    this.#cancel = this.#clock.after(REFRESH_MS, () => {
      this.#refresh().catch((err) => this.#log.warn({ ev: 'mdns-networks', err }, 'the networks could not be read'))
      this.#refreshLater()
    })
  }

  async #refresh(): Promise<void> {
    const now = ownAddresses()
    for (const [address, sender] of this.#senders) {
      if (now.includes(address)) continue
      this.#senders.delete(address)
      sender.close()
    }
    for (const address of now) if (!this.#senders.has(address)) await this.#join(address)
  }

  async #join(address: string): Promise<void> {
    const sender = createSocket({ type: 'udp4', reuseAddr: true })
    sender.on('error', (error) => this.#failed(error))
    try {
      await bound(sender, MDNS_PORT, address)
      if (this.#closed) throw new Error('closed meanwhile')
      sender.setMulticastInterface(address)
      sender.setMulticastTTL(TTL)
      sender.setMulticastLoopback(true)
      sender.unref()
      this.#senders.set(address, sender)
      this.#receiver.addMembership(GROUP, address)
    } catch (error) {
      const code = errorCode(error)
      // The membership outlives a sender that came and went.
      if (code === 'EADDRINUSE' && this.#senders.has(address)) return
      this.#senders.delete(address)
      sender.close()
      this.#log.debug({ ev: 'mdns-no-network', address, code }, 'a network takes no part in mDNS')
    }
  }

  #failed(error: Error): void {
    this.#log.debug({ ev: 'mdns-socket', code: errorCode(error) }, 'a socket of mDNS reported an error')
  }
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all
    .flatMap(({ family, internal, address }) => (family === 'IPv4' && !internal ? [address] : []))
    .slice(0, MAX_INTERFACES)
}

function bound(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port, address }, () => {
      socket.removeListener('error', reject)
      resolve()
    })
  })
}
