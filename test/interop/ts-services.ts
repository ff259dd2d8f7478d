import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { z } from 'zod'
import { utf8 } from '../../src/base/bytes.ts'
import type { PeerId } from '../../src/core/ids.ts'
import { parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import { CLASS_IN, type DnsRecord, decodeDns, dnsName, encodeDns, sameName, TYPE } from '../../src/core/lookup/dns-message.ts'
import { z32OfId } from '../../src/core/lookup/z32.ts'

/** Response, recursion desired and available; the lowest bits hold NXDOMAIN. */
const ANSWER = 0x8180
const NXDOMAIN = 3
const TTL_S = 30

const Serve = z.strictObject({
  ip: z.string(),
  /** IPv4 addresses by name. */
  hosts: z.record(z.string(), z.string()).default({}),
})
const Publish = z.strictObject({ id: z.string().transform(parseEndpointId), texts: z.array(z.string()) })
const Listen = z.strictObject({ ip: z.string(), port: z.int() })

/** The name under which n0's service holds the record of a node (discovery 10.3). */
const recordName = (id: PeerId): string => `_iroh.${z32OfId(id)}.dns.iroh.link`

/** Servers of the internet that nodes of the lab talk to: names, and whoever they believe to be behind them. */
export class LabServices {
  readonly #emit: (event: object) => void
  readonly #hosts = new Map<string, string>()
  readonly #texts = new Map<string, readonly string[]>()
  #dns: UdpSocket | undefined
  #tls: Server | undefined
  readonly #callers = new Set<Socket>()

  constructor(emit: (event: object) => void) {
    this.#emit = emit
  }

  readonly commands: Readonly<Record<string, (args: unknown) => object | Promise<object>>> = {
    'dns.serve': (args) => this.#serve(Serve.parse(args)),
    'dns.publish': (args) => {
      const { id, texts } = Publish.parse(args)
      this.#texts.set(recordName(id), texts)
      return { name: recordName(id) }
    },
    'tls.listen': (args) => this.#listen(Listen.parse(args)),
  }

  async close(): Promise<void> {
    this.#dns?.close()
    this.#tls?.close()
    for (const caller of this.#callers) caller.destroy()
  }

  async #serve({ ip, hosts }: z.infer<typeof Serve>): Promise<object> {
    for (const [name, address] of Object.entries(hosts)) this.#hosts.set(name, address)
    const socket = createSocket('udp4')
    this.#dns = socket
    socket.on('message', (bytes, { address, port }) => socket.send(this.#answer(bytes, address), port, address))
    socket.bind(53, ip)
    await once(socket, 'listening')
    return {}
  }

  #answer(bytes: Uint8Array, from: string): Uint8Array {
    const { id, questions } = decodeDns(bytes)
    const question = questions[0]
    if (question === undefined) throw new Error('a question without a name')
    const name = question.name.join('.').toLowerCase()
    this.#emit({ event: 'dns.asked', name, type: question.type, from })
    const known = [...this.#hosts.keys(), ...this.#texts.keys()].some((k) => sameName(dnsName(k), question.name))
    const records: DnsRecord['data'][] = []
    const address = this.#hosts.get(name)
    if (question.type === TYPE.A && address !== undefined) {
      records.push({ type: 'address', ip: Uint8Array.from(address.split('.').map(Number)) })
    }
    if (question.type === TYPE.TXT) {
      for (const text of this.#texts.get(name) ?? []) records.push({ type: 'txt', strings: [utf8(text)] })
    }
    return encodeDns({
      id,
      flags: known ? ANSWER : ANSWER | NXDOMAIN,
      questions: [question],
      answers: records.map((data) => ({ name: question.name, class: CLASS_IN, ttl: TTL_S, data })),
      authorities: [],
      additionals: [],
    })
  }

  /** Reads which server a caller believes to have reached, and hangs up: nobody here has a certificate for it. */
  async #listen({ ip, port }: z.infer<typeof Listen>): Promise<object> {
    const server = createServer((socket) => {
      const from = socket.remoteAddress
      this.#callers.add(socket)
      socket.on('close', () => this.#callers.delete(socket)).on('error', () => {}) // callers may leave at any time
      const tls = new TLSSocket(socket, {
        isServer: true,
        SNICallback: (name, done) => {
          this.#emit({ event: 'tls.hello', name, from })
          done(new Error('no certificate'))
        },
      })
      tls.on('error', () => socket.destroy())
    })
    this.#tls = server
    server.listen(port, ip)
    await once(server, 'listening')
    return {}
  }
}
