import { Semaphore, TaskGroup } from '../../base/async.ts'
import { errorCode } from '../../base/errors.ts'
import type { Health } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { PeerHandler, PeerPort, PeerText, PeerUpdate, PublishResult } from '../../bridges/p2p/port.ts'
import type { EventStream, InboundMessage, K2Event, K2Node, TextToSend } from '../../core/index.ts'
import { parseEndpointId } from '../../core/index.ts'
import { toPeerEvent } from './peer-events.ts'

/** Messages handed to the bridge and not committed yet; enough to fill a commit, few enough to lose nothing of note. */
const WINDOW = 64
/** Messages read from gossip and not handed over yet. Behind it gossip's own buffers (2,048 per topic) fill up. */
const WAITING = 1024

/** What the port uses of the node. */
export type PeerNode = Pick<K2Node, 'id' | 'subscribe' | 'confirm' | 'refuse' | 'sendText' | 'sendDirect' | 'health'>

type Taker = (event: PeerUpdate, message: InboundMessage | undefined) => Promise<void>

/** The P2P bridge's view of the K2 node. */
export class NodePeerPort implements PeerPort {
  readonly nodeId: string
  readonly #node: PeerNode
  readonly #log: Logger
  /** A direct message left; `id` is that of its first part. */
  onDirectSent: (peerId: string, id: string, text: PeerText) => void = () => {}

  constructor(node: PeerNode, log: Logger) {
    this.nodeId = node.id
    this.#node = node
    this.#log = log
  }

  subscribe(handler: PeerHandler): () => void {
    return this.#listen(async (event, message) => {
      await handler(event)
      if (message?.type === 'chat') this.#node.confirm(message)
    })
  }

  observe(handler: PeerHandler): () => void {
    return this.#listen(handler)
  }

  #listen(handler: Taker): () => void {
    const stream = this.#node.subscribe({ capacity: WAITING, overflow: 'wait' })
    const reading = new AbortController()
    this.#pump(stream, handler, reading.signal).catch((err) =>
      this.#log.error({ ev: 'peer-pump-failed', err }, 'reading peer messages ended unexpectedly'),
    )
    return () => {
      reading.abort()
      stream.close()
    }
  }

  async sendTopicText(topic: string, text: PeerText): Promise<PublishResult> {
    return { messageIds: await this.#node.sendText(topic, toLine(text)) }
  }

  async sendDirectText(peerId: string, text: PeerText): Promise<PublishResult> {
    const messageIds = await this.#node.sendDirect(parseEndpointId(peerId), toLine(text))
    if (messageIds[0] !== undefined) this.onDirectSent(peerId, messageIds[0], text)
    return { messageIds }
  }

  health(): Health {
    return this.#node.health()
  }

  /** Starts handlers in order of arrival, a window of them at a time. */
  async #pump(stream: EventStream<K2Event>, handler: Taker, stopped: AbortSignal): Promise<void> {
    const slots = new Semaphore(WINDOW)
    const tasks = new TaskGroup((err) => this.#log.error({ ev: 'peer-event-failed', err }, 'a peer message could not be handled'))
    for (let event = await stream.next(); event !== undefined; event = await stream.next()) {
      const peerEvent = toPeerEvent(event)
      if (peerEvent === undefined) continue
      const message = event.type === 'message' ? event.message : undefined
      if (stopped.aborted) {
        if (message) this.#node.refuse(message)
        continue
      }
      await new Promise<void>((started) => {
        const task = slots.run(() => {
          started()
          return this.#deliver(peerEvent, message, handler)
        })
        tasks.add(task)
      })
    }
    await tasks.settled()
  }

  async #deliver(event: PeerUpdate, message: InboundMessage | undefined, handler: Taker): Promise<void> {
    try {
      await handler(event, message)
    } catch (error) {
      if (message) this.#node.refuse(message)
      this.#log.debug(
        { ev: 'peer-message-refused', code: errorCode(error) },
        'a peer message was not stored; its sender may try again',
      )
    }
  }
}

function toLine({ text, senderName, person, messageKey, via, origin, signal }: PeerText): TextToSend {
  return {
    text,
    senderName,
    key: messageKey,
    via,
    ...(person !== undefined && { person }),
    ...(origin !== undefined && { origin }),
    ...(signal !== undefined && { signal }),
  }
}
