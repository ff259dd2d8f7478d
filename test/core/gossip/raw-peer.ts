import { concatBytes, fromHex, toHex } from '../../../src/base/bytes.ts'
import { decodeMessage, encodeMessage, type Message } from '../../../src/core/gossip/proto/messages.ts'
import { idBytes, type PeerId, type TopicId } from '../../../src/core/ids.ts'
import type { MemoryTransport } from '../../../src/core/net/memory-transport.ts'
import type { Connection, RecvHalf, SendHalf } from '../../../src/core/net/transport.ts'
import { encodeFrame, FrameSplitter } from '../../../src/core/wire/frame.ts'
import { type MemorySwarm, peerNumber, type TestNode } from './harness.ts'

const ALPN = '/iroh-gossip/1'

/** One stream the node opened towards us, as it arrives. */
export class SeenStream {
  readonly recv: RecvHalf
  readonly bytes: Uint8Array[] = []
  readonly messages: Message[] = []
  topic: string | undefined
  end: 'fin' | 'error' | undefined
  readonly #splitter = new FrameSplitter(4096)

  constructor(recv: RecvHalf, paused: () => boolean) {
    this.recv = recv
    this.#read(paused).catch(() => {
      this.end = 'error'
    })
  }

  async #read(paused: () => boolean): Promise<void> {
    while (!paused()) {
      const piece = await this.recv.read(64 * 1024)
      if (piece === null) {
        this.end = 'fin'
        return
      }
      this.bytes.push(piece)
      this.#splitter.push(piece.slice())
      for (let body = this.#splitter.next(); body !== undefined; body = this.#splitter.next()) {
        if (this.topic === undefined) this.topic = toHex(body)
        else this.messages.push(decodeMessage(body, () => 'usable') as Message)
      }
    }
  }
}

/** A peer that speaks bytes: whatever a test wants, well-formed or not. */
export class RawPeer {
  readonly id: PeerId
  readonly transport: MemoryTransport
  readonly accepted: Connection[] = []
  readonly streams: SeenStream[] = []
  /** Stops reading streams opened from now on. */
  paused = false

  constructor(swarm: MemorySwarm, n: number) {
    this.transport = swarm.network.bind({ id: peerNumber(n), alpns: [ALPN] })
    this.id = this.transport.id
    this.#accept().catch(() => {})
  }

  async dial(node: TestNode): Promise<Connection> {
    const connection = await this.transport.connect(node.endpoint.addr(), ALPN)
    this.watch(connection)
    return connection
  }

  watch(connection: Connection): void {
    const read = async (): Promise<void> => {
      for (;;) this.streams.push(new SeenStream(await connection.acceptUni(), () => this.paused))
    }
    read().catch(() => {})
  }

  /** All messages of a topic seen so far. */
  messages(topic: TopicId): Message[] {
    return this.streams.filter((s) => s.topic === topic).flatMap((s) => s.messages)
  }

  async #accept(): Promise<void> {
    for (;;) {
      const incoming = await this.transport.nextIncoming()
      if (incoming === null) return
      const connection = await incoming.accept()
      this.accepted.push(connection)
      this.watch(connection)
    }
  }
}

export const header = (topic: TopicId): Uint8Array => encodeFrame(idBytes(topic))
export const frame = (message: Message): Uint8Array => encodeFrame(encodeMessage(message))
export const hexFrame = (hex: string): Uint8Array => encodeFrame(fromHex(hex))

/** Opens a stream for a topic and writes frames after the header, in one write. */
export async function say(connection: Connection, topic: TopicId, ...frames: Uint8Array[]): Promise<SendHalf> {
  const stream = await connection.openUni()
  await stream.write(concatBytes([header(topic), ...frames]))
  return stream
}
