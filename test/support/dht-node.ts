import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { utf8 } from '../../src/base/bytes.ts'
import { isK2Error } from '../../src/base/errors.ts'
import { type Bencode, decodeBencode, encodeBencode } from '../../src/core/lookup/bencode.ts'

/** A node of a small DHT (BEP 5, 44) that knows all others of it; checks tokens and numbers, not signatures. */
export class DhtNode {
  readonly id = randomBytes(20)
  readonly items = new Map<string, ReadonlyMap<string, Bencode>>()
  /** Questions answered, by kind. */
  readonly asked: Record<string, number> = {}
  readonly #socket: Socket
  readonly #token = randomBytes(8)
  #others: readonly DhtNode[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (packet, { address, port }) => {
      try {
        const answer = this.#answer(decodeBencode(packet) as ReadonlyMap<string, Bencode>)
        socket.send(encodeBencode(answer), port, address)
      } catch (error) {
        if (!isK2Error(error)) throw error
      }
    })
  }

  /** `count` nodes on one address. */
  static async network(count: number, address = '127.0.0.1'): Promise<DhtNode[]> {
    const nodes = await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = createSocket('udp4')
        await new Promise<void>((done) => socket.bind({ address, port: 0 }, done))
        return new DhtNode(socket)
      }),
    )
    for (const node of nodes) node.#others = nodes.filter((other) => other !== node)
    return nodes
  }

  get addr(): string {
    const { address, port } = this.#socket.address()
    return `${address}:${port}`
  }

  close(): Promise<void> {
    return new Promise((done) => this.#socket.close(() => done()))
  }

  #answer(message: ReadonlyMap<string, Bencode>): Bencode {
    const kind = Buffer.from(message.get('q') as Uint8Array).toString()
    const args = message.get('a') as ReadonlyMap<string, Bencode>
    this.asked[kind] = (this.asked[kind] ?? 0) + 1
    const reply = (r: [string, Bencode][]): Bencode =>
      new Map<string, Bencode>([
        ['t', message.get('t') as Bencode],
        ['y', utf8('r')],
        ['r', new Map([['id', this.id as Bencode], ...r])],
      ])
    if (kind === 'put') {
      const key = args.get('k') as Uint8Array
      const target = createHash('sha1').update(key).digest('hex')
      const held = this.items.get(target)?.get('seq') as bigint | undefined
      const token = Buffer.from(args.get('token') as Uint8Array)
      if (!token.equals(this.#token) || (held !== undefined && held > (args.get('seq') as bigint))) {
        return new Map<string, Bencode>([
          ['t', message.get('t') as Bencode],
          ['y', utf8('e')],
          ['e', [302n, utf8('no')]],
        ])
      }
      this.items.set(target, args)
      return reply([])
    }
    const target = Buffer.from(args.get('target') as Uint8Array)
    const held = this.items.get(target.toString('hex'))
    const item =
      held === undefined ? [] : ['k', 'seq', 'sig', 'v'].map((name): [string, Bencode] => [name, held.get(name) as Bencode])
    return reply([['token', this.#token], ['nodes', this.#nearest(target)], ...item])
  }

  #nearest(target: Buffer): Uint8Array {
    const distance = (id: Buffer): string => Buffer.from(id.map((byte, i) => byte ^ (target[i] as number))).toString('hex')
    const nearest = this.#others.toSorted((a, b) => (distance(a.id) < distance(b.id) ? -1 : 1)).slice(0, 8)
    return Buffer.concat(
      nearest.map((node) => {
        const { address, port } = node.#socket.address()
        return Buffer.concat([node.id, Buffer.from(address.split('.').map(Number)), Buffer.from([port >> 8, port & 0xff])])
      }),
    )
  }
}
