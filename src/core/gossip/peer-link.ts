import { Mutex } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { Connection } from '../net/transport.ts'
import { InboundStreams } from './inbound-streams.ts'
import type { NetLimits } from './limits.ts'
import type { GossipCounters } from './metrics.ts'
import { type OutFrame, TopicStream } from './topic-stream.ts'

/** Close codes carry no meaning in this protocol (gossip 2.4). */
const CLOSE_CODE = 0n

export interface LinkInit {
  readonly connection: Connection
  readonly clock: Clock
  readonly limits: NetLimits
  readonly counters: GossipCounters
  readonly maxMessageBytes: number
  readonly onFrame: (link: PeerLink, topic: TopicId, body: Uint8Array) => void
  /** See `InboundStreamsInit.room`. */
  readonly room: (link: PeerLink) => Promise<void> | undefined
  /** Queued bytes have gone. */
  readonly onProgress: (link: PeerLink) => void
  readonly onClosed: (link: PeerLink) => void
  readonly onBug: (error: unknown) => void
}

/** One connection to a peer: all its incoming streams, and our outgoing stream of every topic. */
export class PeerLink {
  readonly connection: Connection
  readonly peer: PeerId
  readonly #init: LinkInit
  readonly #inbound: InboundStreams
  readonly #streams = new Map<TopicId, TopicStream>()
  readonly #opening = new Mutex()
  #queuedBytes = 0
  #lastInboundAt: number
  #lastOutboundAt: number
  #isFull = false
  #stalledTicks = 0

  constructor(init: LinkInit) {
    this.#init = init
    this.connection = init.connection
    this.peer = init.connection.peer
    const now = init.clock.monotonic()
    this.#lastInboundAt = now
    this.#lastOutboundAt = now
    this.#inbound = new InboundStreams({
      ...init,
      onFrame: (topic, body) => {
        this.#lastInboundAt = init.clock.monotonic()
        init.onFrame(this, topic, body)
      },
      room: () => init.room(this),
      onHopeless: () => this.close('malformed streams'),
    })
  }

  /** Time of the last frame from the peer, or of the beginning. */
  get lastInboundAt(): number {
    return this.#lastInboundAt
  }

  get lastOutboundAt(): number {
    return this.#lastOutboundAt
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** More is queued than should be, and the peer is taking it: worth waiting for. */
  get isFull(): boolean {
    return this.#isFull && this.#stalledTicks < this.#init.limits.stallTicks
  }

  /** Called at intervals while somebody waits for room. Counted rather than timed, so that a busy process is not the peer's fault. */
  tick(): void {
    if (this.#isFull) this.#stalledTicks++
  }

  start(): void {
    const { connection, limits } = this.#init
    connection.setMaxStreams({ uni: limits.uniStreams })
    this.#inbound.start()
    connection.closed.then(() => this.#init.onClosed(this)).catch(this.#init.onBug)
  }

  send(topic: TopicId, frame: OutFrame): void {
    const { limits } = this.#init
    this.#queuedBytes += frame.bytes.length
    if (this.#queuedBytes > limits.queueBytes) this.#cut('too slow')
    if (this.#queuedBytes > limits.highWaterBytes) this.#isFull = true
    this.#streamOf(topic).push(frame)
  }

  /** Takes what is not being written yet, by topic, in order. */
  takeQueued(): [TopicId, OutFrame[]][] {
    const taken: [TopicId, OutFrame[]][] = []
    for (const [topic, stream] of this.#streams) {
      const frames = stream.takeQueued()
      if (frames.length === 0) continue
      taken.push([topic, frames])
      this.#onDone(frames.reduce((sum, frame) => sum + frame.bytes.length, 0))
    }
    return taken
  }

  /** Finishes our stream of a topic, or all of them; frames sent later open new ones. */
  endStreams(topic?: TopicId): void {
    if (topic === undefined) {
      for (const stream of this.#streams.values()) stream.end()
      this.#streams.clear()
      return
    }
    this.#streams.get(topic)?.end()
    this.#streams.delete(topic)
  }

  close(reason: string): void {
    this.connection.close(CLOSE_CODE, reason)
  }

  /** Resolves when the connection has ended and its streams have been read out. */
  ended(): Promise<void> {
    return this.#inbound.ended()
  }

  #streamOf(topic: TopicId): TopicStream {
    let stream = this.#streams.get(topic)
    if (stream === undefined) {
      stream = new TopicStream({
        topic,
        connection: this.connection,
        opening: this.#opening,
        clock: this.#init.clock,
        limits: this.#init.limits,
        counters: this.#init.counters,
        onDone: (bytes) => this.#onDone(bytes),
        onFailed: (error) => this.#onFailed(error),
      })
      this.#streams.set(topic, stream)
    }
    return stream
  }

  #onDone(bytes: number): void {
    this.#queuedBytes -= bytes
    this.#lastOutboundAt = this.#init.clock.monotonic()
    this.#stalledTicks = 0
    if (this.#queuedBytes <= this.#init.limits.highWaterBytes / 2) this.#isFull = false
    this.#init.onProgress(this)
  }

  #onFailed(error: unknown): void {
    if (errorCode(error) === 'NET_TIMEOUT') this.#cut('takes nothing')
    else this.close('sending failed')
  }

  #cut(reason: string): void {
    if (!this.connection.isClosed) this.#init.counters.slowPeersCut++
    this.close(reason)
  }
}
