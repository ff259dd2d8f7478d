import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { DatagramPort } from './dht-client.ts'
import { lookupError } from './errors.ts'

/** A UDP socket for IPv4 on any free port, opened when it is first used. */
export class UdpSocket implements DatagramPort {
  readonly #socket: Socket
  readonly #log: Logger
  #listener: (packet: Uint8Array, from: string) => void = () => {}

  private constructor(socket: Socket, log: Logger) {
    this.#socket = socket
    this.#log = log
    socket.on('message', (packet, { address, port }) => this.#listener(packet, `${address}:${port}`))
    socket.on('error', (error) =>
      log.debug({ ev: 'dht-socket', code: errorCode(error) }, 'the socket of the DHT reported an error'),
    )
  }

  /** `address`: local one, e.g. `127.0.0.1`. Rejects `LOOKUP_NO_SOCKET`. */
  static async open(address: string, log: Logger): Promise<UdpSocket> {
    const socket = createSocket({ type: 'udp4' })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (cause) => {
        socket.close()
        reject(lookupError('LOOKUP_NO_SOCKET', `no socket for the DHT: ${errorCode(cause)}`, {}, cause))
      })
      socket.bind({ address, port: 0 }, () => {
        socket.removeAllListeners('error')
        resolve()
      })
    })
    socket.unref()
    return new UdpSocket(socket, log)
  }

  send(packet: Uint8Array, addr: string): void {
    const colon = addr.lastIndexOf(':')
    this.#socket.send(packet, Number(addr.slice(colon + 1)), addr.slice(0, colon), (error) => {
      if (error) this.#log.debug({ ev: 'dht-not-sent', code: errorCode(error) }, 'a packet was not sent')
    })
  }

  onPacket(listener: (packet: Uint8Array, from: string) => void): void {
    this.#listener = listener
  }

  async resolve(hosts: readonly string[]): Promise<string[]> {
    const addrs = hosts.map(async (text) => {
      const colon = text.lastIndexOf(':')
      const [host, port] = [text.slice(0, colon), text.slice(colon + 1)]
      if (isIPv4(host)) return [text]
      const found = await lookup(host, { family: 4, all: true }).catch(() => []) // the others may do
      return found.map(({ address }) => `${address}:${port}`)
    })
    return (await Promise.all(addrs)).flat()
  }

  close(): Promise<void> {
    return new Promise((done) => this.#socket.close(done))
  }
}
