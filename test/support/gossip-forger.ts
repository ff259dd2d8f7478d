import { cryptoRng } from '../../src/base/random.ts'
import { GOSSIP_ALPN } from '../../src/core/gossip/index.ts'
import { decodeMessage, encodeMessage, type Message, messageId, type Scope } from '../../src/core/gossip/proto/messages.ts'
import { idBytes, type PeerId } from '../../src/core/ids.ts'
import { topicIdOfName } from '../../src/core/k2/topics.ts'
import { toPeerAddr } from '../../src/core/keys/address.ts'
import { newIdentity } from '../../src/core/keys/identity.ts'
import { parsePeer } from '../../src/core/keys/ticket.ts'
import { type Connection, openEndpoint, type RecvHalf } from '../../src/core/net/index.ts'
import { encodeFrame, FrameSplitter } from '../../src/core/wire/frame.ts'

const MAX_FRAME = 4096

/** One node as the forger holds it: a stream to it for one topic, and the contents it has sent. */
export interface Held {
  /** Writes content with whatever scope and hop count. */
  readonly say: (content: Uint8Array, scope?: Scope) => Promise<void>
  /** The first content of this node, past or future, that `wanted` accepts. */
  readonly heard: (wanted: (content: Uint8Array) => boolean) => Promise<Uint8Array>
}

/** A member of gossip over QUIC that keeps its neighbours apart: it forwards nothing by itself and tells nobody about anybody. */
export interface GossipForger extends AsyncDisposable {
  readonly id: PeerId
  /** Becomes a neighbour of the node behind a ticket on one topic. */
  readonly hold: (ticket: string, topic: string) => Promise<Held>
}

export async function startGossipForger(): Promise<GossipForger> {
  const identity = newIdentity(cryptoRng)
  const endpoint = await openEndpoint({ secretKey: identity.seed(), mode: 'loopback' })
  await endpoint.start()
  return {
    id: identity.id,
    hold: async (ticket, topic) => {
      const addr = toPeerAddr(parsePeer(ticket))
      endpoint.learn(addr, 'config')
      const connection = await endpoint.dial(addr.id, GOSSIP_ALPN, { exclusive: true })
      const listener = new Listener(connection)
      const stream = await connection.openUni()
      const say = (message: Message): Promise<void> => stream.write(encodeFrame(encodeMessage(message)))
      await stream.write(encodeFrame(idBytes(topicIdOfName(topic))))
      await say({ type: 'join', data: undefined })
      return {
        say: (content, scope = { type: 'swarm', round: 0 }) => say({ type: 'gossip', id: messageId(content), content, scope }),
        heard: (wanted) => listener.heard(wanted),
      }
    },
    [Symbol.asyncDispose]: () => endpoint.stop(),
  }
}

/** Reads everything a node sends on a connection. */
class Listener {
  readonly #contents: Uint8Array[] = []
  readonly #waiting = new Set<(content: Uint8Array) => void>()

  constructor(connection: Connection) {
    const streams = async (): Promise<void> => {
      for (;;) this.#read(await connection.acceptUni()).catch(() => {})
    }
    streams().catch(() => {}) // the connection has ended
  }

  heard(wanted: (content: Uint8Array) => boolean): Promise<Uint8Array> {
    const known = this.#contents.find(wanted)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve) => {
      const check = (content: Uint8Array): void => {
        if (!wanted(content)) return
        this.#waiting.delete(check)
        resolve(content)
      }
      this.#waiting.add(check)
    })
  }

  async #read(stream: RecvHalf): Promise<void> {
    const splitter = new FrameSplitter(MAX_FRAME)
    let hasHeader = false
    for (let piece = await stream.read(MAX_FRAME); piece !== null; piece = await stream.read(MAX_FRAME)) {
      splitter.push(piece.slice())
      for (let body = splitter.next(); body !== undefined; body = splitter.next()) {
        if (hasHeader) this.#take(decodeMessage(body, () => 'usable'))
        hasHeader = true
      }
    }
  }

  #take(message: ReturnType<typeof decodeMessage>): void {
    if (message === undefined || message.type !== 'gossip') return
    this.#contents.push(message.content)
    for (const check of [...this.#waiting]) check(message.content)
  }
}
