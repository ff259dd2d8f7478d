import { TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import { type TopicId, topicIdOf } from '../ids.ts'
import type { CallOptions, Connection, RecvHalf } from '../net/transport.ts'
import { FrameReader } from '../wire/frame.ts'
import { WireReader } from '../wire/reader.ts'
import type { NetLimits } from './limits.ts'
import type { GossipCounters } from './metrics.ts'

const TOPIC_BYTES = 32
const STOP_CODE = 0n

export interface InboundStreamsInit {
  readonly connection: Connection
  readonly clock: Clock
  readonly limits: NetLimits
  readonly counters: GossipCounters
  /** Largest frame body accepted. */
  readonly maxMessageBytes: number
  /** One frame body of a topic, in the order of its stream. Throws `WIRE_*` when it cannot be decoded. */
  readonly onFrame: (topic: TopicId, body: Uint8Array) => void
  /**
   * Undefined when messages can be passed on, else something to wait for before asking again: a node that cannot pass
   * messages on stops taking them.
   */
  readonly room: () => Promise<void> | undefined
  /** Too many bad headers. */
  readonly onHopeless: () => void
  /** Something that is nobody's fault but ours. */
  readonly onBug: (error: unknown) => void
}

/** Reads all streams a peer opens on one connection, each on its own: a stalled one holds up no other (gossip 2.2). */
export class InboundStreams {
  readonly #init: InboundStreamsInit
  readonly #tasks: TaskGroup
  #headerFaults = 0

  constructor(init: InboundStreamsInit) {
    this.#init = init
    this.#tasks = new TaskGroup(init.onBug)
  }

  start(): void {
    this.#tasks.add(this.#acceptAll())
  }

  /** Resolves when the connection has ended and everything read from it has been handled. */
  ended(): Promise<void> {
    return this.#tasks.settled()
  }

  async #acceptAll(): Promise<void> {
    const { connection } = this.#init
    for (;;) {
      let stream: RecvHalf
      try {
        stream = await connection.acceptUni()
      } catch (error) {
        if (!isK2Error(error)) throw error
        return // the connection has ended
      }
      this.#tasks.add(this.#read(stream))
    }
  }

  async #read(stream: RecvHalf): Promise<void> {
    const { clock, limits } = this.#init
    const headerUntil = clock.monotonic() + limits.headerMs
    let options: CallOptions | undefined
    const reader = new FrameReader({ read: (max) => stream.read(max, options) }, this.#init.maxMessageBytes)

    let topic: TopicId
    try {
      let header: Uint8Array | undefined
      while (header === undefined) {
        options = { deadlineMs: Math.max(1, headerUntil - clock.monotonic()) }
        if (!(await reader.fill())) return this.#onHeaderFault(stream)
        header = reader.buffered()
      }
      topic = topicIdOf(new WireReader(header).fixed(TOPIC_BYTES))
    } catch (error) {
      if (!isK2Error(error)) throw error
      if (error.code === 'NET_CLOSED' || error.code === 'NET_STREAM_RESET') return
      return this.#onHeaderFault(stream)
    }
    options = undefined
    await this.#readFrames(stream, reader, topic)
  }

  async #readFrames(stream: RecvHalf, reader: FrameReader, topic: TopicId): Promise<void> {
    const { onFrame, room, counters } = this.#init
    try {
      do {
        for (let wait = room(); wait !== undefined; wait = room()) await wait
        for (let body = reader.buffered(); body !== undefined; body = reader.buffered()) onFrame(topic, body)
      } while (await reader.fill())
    } catch (error) {
      if (!isK2Error(error)) throw error
      if (!errorCode(error).startsWith('WIRE_')) return // reset, or the connection has ended
      counters.frameFaults++
      await stream.stop(STOP_CODE)
    }
  }

  async #onHeaderFault(stream: RecvHalf): Promise<void> {
    this.#init.counters.headerFaults++
    this.#headerFaults++
    if (this.#headerFaults >= this.#init.limits.headerFaultsMax) this.#init.onHopeless()
    else await stream.stop(STOP_CODE)
  }
}
