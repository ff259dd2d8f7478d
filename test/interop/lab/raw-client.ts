import { randomBytes } from 'node:crypto'
import { errorCode } from '../../../src/base/errors.ts'
import { GOSSIP_ALPN } from '../../../src/core/gossip/index.ts'
import { encodeMessage, type Message, messageId, type Scope } from '../../../src/core/gossip/proto/messages.ts'
import { idBytes, parsePeerId, parseTopicId } from '../../../src/core/ids.ts'
import { bindIrohTransport, type Connection, type SendHalf, type Transport } from '../../../src/core/net/index.ts'
import { encodeFrame } from '../../../src/core/wire/frame.ts'
import type { LabNode } from './lab-node.ts'
import type { Lab } from './scenario.ts'

const WAIT_MS = 10_000

/** A bare QUIC client of the gossip ALPN: writes what it is told, records what it gets. No node, no protocol. */
export class RawClient {
  readonly transport: Transport

  private constructor(transport: Transport) {
    this.transport = transport
  }

  static async open(lab: Lab): Promise<RawClient> {
    const transport = await bindIrohTransport({ secretKey: randomBytes(32), mode: 'loopback', alpns: [GOSSIP_ALPN] })
    lab.defer(() => transport.close())
    return new RawClient(transport)
  }

  /** Tells a node where this client is. */
  async introduceTo(node: LabNode): Promise<void> {
    const { id, direct } = this.transport.localAddr()
    await node.peer.call('node.add_addr', { id, addrs: direct.filter((addr) => !addr.startsWith('[')) })
  }

  async dial(node: LabNode): Promise<Connection> {
    const { id, addrs } = node.address
    return await this.transport.connect({ id: parsePeerId(id), direct: addrs }, GOSSIP_ALPN, { deadlineMs: WAIT_MS })
  }

  /** The next connection somebody dials to us. */
  async accept(): Promise<Connection> {
    const incoming = await this.transport.nextIncoming()
    if (incoming === null) throw new Error('the raw client is closed')
    return await incoming.accept({ deadlineMs: WAIT_MS })
  }

  /** The first bytes of the first stream on a connection. */
  static async firstBytes(connection: Connection, length: number): Promise<Buffer> {
    const stream = await connection.acceptUni({ deadlineMs: WAIT_MS })
    let bytes = Buffer.alloc(0)
    while (bytes.length < length) {
      const piece = await stream.read(length - bytes.length, { deadlineMs: WAIT_MS })
      if (piece === null) break
      bytes = Buffer.concat([bytes, piece])
    }
    return bytes
  }

  /** Opens a stream and writes header and frames at once. */
  static async write(connection: Connection, topic: string, ...frames: readonly Uint8Array[]): Promise<SendHalf> {
    const stream = await connection.openUni({ deadlineMs: WAIT_MS })
    await stream.write(Buffer.concat([headerFrame(topic), ...frames]))
    return stream
  }
}

export const headerFrame = (topic: string): Uint8Array => encodeFrame(idBytes(parseTopicId(topic)))
export const messageFrame = (message: Message): Uint8Array => encodeFrame(encodeMessage(message))

/** A frame with a message of this content, as its author sends it. */
export const gossipFrame = (content: Uint8Array, scope: Scope = { type: 'swarm', round: 0 }): Uint8Array =>
  messageFrame({ type: 'gossip', id: messageId(content), content, scope })

/** True when the peer stops the stream within the time; keeps writing harmless bytes to notice. */
export async function isStopped(stream: SendHalf, ms = 5_000): Promise<boolean> {
  const deadline = performance.now() + ms
  while (performance.now() < deadline) {
    try {
      await stream.write(new Uint8Array(1))
    } catch (error) {
      return errorCode(error) === 'NET_STREAM_STOPPED'
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return false
}
