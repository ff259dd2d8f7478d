import type { Mutex } from '../../base/async.ts'
import { concatBytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { idBytes, type TopicId } from '../ids.ts'
import type { Connection, SendHalf } from '../net/transport.ts'
import { encodeFrame } from '../wire/frame.ts'
import type { NetLimits } from './limits.ts'
import type { GossipCounters } from './metrics.ts'

/** One frame on its way out. `isLast`: a Disconnect, after which the stream is finished (gossip 2.2). */
export interface OutFrame {
  readonly bytes: Uint8Array
  readonly isLast: boolean
}

export interface TopicStreamInit {
  readonly topic: TopicId
  readonly connection: Connection
  /** Shared by all streams of the connection: one is opened and gets its first bytes before the next one is opened. */
  readonly opening: Mutex
  readonly clock: Clock
  readonly limits: NetLimits
  readonly counters: GossipCounters
  /** So many queued bytes have been written or dropped. */
  readonly onDone: (bytes: number) => void
  /** The connection is of no use any more. */
  readonly onFailed: (error: unknown) => void
}

/**
 * Our sending direction for one topic on one connection: opened with the first frame, header and frame in one write
 * (gossip 14 T-13), further frames batched into one write where several wait.
 */
export class TopicStream {
  readonly #init: TopicStreamInit
  #queue: OutFrame[] = []
  #stream: SendHalf | undefined
  /** Since when a stream has been waited for. */
  #openingSince: number | undefined
  #isRunning = false
  #isEnded = false

  constructor(init: TopicStreamInit) {
    this.#init = init
  }

  push(frame: OutFrame): void {
    if (this.#isBlocked() && this.#queue.length >= this.#init.limits.blockedFrames) this.#dropOldest()
    this.#queue.push(frame)
    this.#start()
  }

  /** Takes the frames that are not being written yet, for another connection. */
  takeQueued(): OutFrame[] {
    const queue = this.#queue
    this.#queue = []
    return queue
  }

  /** Finishes the stream when all is written. A later frame opens a new one. */
  end(): void {
    this.#isEnded = true
    this.#start()
  }

  /** The peer allows no further stream: only this topic suffers. */
  #isBlocked(): boolean {
    const { clock, limits } = this.#init
    return this.#openingSince !== undefined && clock.monotonic() - this.#openingSince > limits.openMs
  }

  #dropOldest(): void {
    const dropped = this.#queue.shift()
    if (dropped === undefined) return
    this.#init.counters.framesDropped++
    this.#init.onDone(dropped.bytes.length)
  }

  #start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    // After the input of this turn of the event loop, so that everything it causes goes out in one write.
    setImmediate(() => this.#run().catch(this.#init.onFailed))
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 || this.#isEnded) {
        const batch = this.#takeBatch()
        try {
          if (batch.length > 0) await this.#deliver(batch)
        } finally {
          this.#init.onDone(batch.reduce((sum, frame) => sum + frame.bytes.length, 0))
        }
        if (batch.at(-1)?.isLast === true || (this.#isEnded && this.#queue.length === 0)) await this.#finish()
      }
    } finally {
      this.#isRunning = false
    }
  }

  #takeBatch(): OutFrame[] {
    let size = 0
    let count = 0
    for (const frame of this.#queue) {
      size += frame.bytes.length
      if (count > 0 && size > this.#init.limits.writeBytes) break
      count++
      if (frame.isLast) break
    }
    return this.#queue.splice(0, count)
  }

  /** Writes a batch; after a stop by the peer once more on a new stream (gossip 10.2 rule 7). */
  async #deliver(batch: readonly OutFrame[]): Promise<void> {
    const { clock, counters, limits, opening } = this.#init
    const bytes = batch.map((frame) => frame.bytes)
    for (let attempt = 1; ; attempt++) {
      try {
        if (this.#stream !== undefined) await this.#stream.write(concatBytes(bytes), { deadlineMs: limits.writeMs })
        else {
          this.#openingSince = clock.monotonic()
          await opening.run(() => this.#open(bytes))
        }
        return
      } catch (error) {
        this.#stream = undefined
        if (attempt > 1 || errorCode(error) !== 'NET_STREAM_STOPPED') {
          counters.framesDropped += batch.length
          throw error
        }
        counters.streamsReopened++
      }
    }
  }

  /**
   * Opens the stream with header and first frames. Waits without a deadline while the peer allows no further stream: an
   * opening given up would leave a stream without header behind, at which Rust peers stop reading altogether.
   */
  async #open(frames: readonly Uint8Array[]): Promise<void> {
    const { connection, limits, topic } = this.#init
    this.#stream = await connection.openUni()
    this.#openingSince = undefined
    await this.#stream.write(concatBytes([encodeFrame(idBytes(topic)), ...frames]), { deadlineMs: limits.writeMs })
  }

  async #finish(): Promise<void> {
    const stream = this.#stream
    this.#stream = undefined
    if (this.#queue.length === 0) this.#isEnded = false
    // A peer that stopped the stream meanwhile has no use for its end.
    await stream?.finish().catch(() => {})
  }
}
