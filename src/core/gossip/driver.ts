import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { Connection } from '../net/transport.ts'
import { encodeFrame } from '../wire/frame.ts'
import type { NetLimits } from './limits.ts'
import type { GossipCounters } from './metrics.ts'
import { PeerIdChecker } from './peer-ids.ts'
import { PeerTable } from './peer-table.ts'
import { type AddrInfo, tryDecodeAddrInfo } from './proto/addr-info.ts'
import type { GossipConfig } from './proto/config.ts'
import type { InEvent, OutEvent, TopicEvent, TopicTimer } from './proto/events.ts'
import { decodeMessage, encodeMessage, isDataMessage, type Message } from './proto/messages.ts'
import { GossipState } from './proto/state.ts'
import { TimerQueue } from './timer-queue.ts'
import type { OutFrame } from './topic-stream.ts'

/** Sizes of the metrics count the topic id with each message (gossip 10.3). */
const TOPIC_BYTES = 32

export interface DriverInit {
  readonly me: PeerId
  readonly config: GossipConfig
  readonly limits: NetLimits
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  readonly counters: GossipCounters
  readonly dial: (peer: PeerId) => Promise<Connection>
  readonly onTopicEvent: (topic: TopicId, event: TopicEvent) => void
  /** A peer told where it, or another one, can be reached: a hint, not to be trusted. */
  readonly onAddress: (peer: PeerId, info: AddrInfo) => void
}

/** Runs one protocol machine: feeds it frames, commands, timers and losses one at a time, and does what it says in order. */
export class GossipDriver {
  readonly #init: DriverInit
  readonly #state: GossipState
  readonly #table: PeerTable
  readonly #timers: TimerQueue<TopicTimer>
  readonly #ids = new PeerIdChecker()
  readonly #mailbox: InEvent[] = []
  #isBusy = false
  #cancelSweep = (): void => {}
  #lastEncoded: { readonly message: Message; readonly frame: OutFrame; readonly bodyBytes: number } | undefined

  constructor(init: DriverInit) {
    const { me, config, rng, clock, limits, counters, log, dial } = init
    this.#init = init
    this.#state = new GossipState({ me, config, rng })
    this.#timers = new TimerQueue(clock, (timer) => {
      counters.actorTickTimers++
      this.post({ type: 'timer', timer })
    })
    this.#table = new PeerTable({
      me,
      clock,
      log,
      limits,
      counters,
      dial,
      maxMessageBytes: config.maxMessageBytes,
      onFrame: (peer, topic, body) => this.#onFrame(peer, topic, body),
      onLost: (peer) => this.post({ type: 'peerDisconnected', peer }),
      onReplaced: (peer) => this.post({ type: 'connectionReplaced', peer }),
      isNeeded: (peer) => this.#state.interest(peer) > 0,
    })
  }

  /** From now on idle connections are closed. */
  start(): void {
    this.#sweepLater()
  }

  get state(): Pick<GossipState, 'topic' | 'topics'> {
    return this.#state
  }

  get table(): Pick<PeerTable, 'size' | 'connections' | 'dialing' | 'queuedBytes' | 'room'> {
    return this.#table
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Handles an event now, or after the one being handled. */
  post(event: InEvent): void {
    this.#mailbox.push(event)
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      for (let next = this.#mailbox.shift(); next !== undefined; next = this.#mailbox.shift()) {
        this.#init.counters.actorTickMain++
        for (const out of this.#state.handle(next, this.#init.clock.monotonic())) this.#execute(out)
        if (next.type === 'quit') this.#table.endTopic(next.topic)
      }
    } finally {
      this.#isBusy = false
    }
  }

  addConnection(connection: Connection): void {
    this.#table.add(connection)
  }

  /** Says goodbye on all topics, gives the words `ms` to get out, then closes every connection. */
  async stop(ms: number): Promise<void> {
    for (const topic of this.#state.topics()) this.post({ type: 'quit', topic })
    this.#cancelSweep()
    this.#timers.stop()
    await this.#table.flush(ms)
    await this.#linger(ms)
    await this.#table.stop()
  }

  #execute(out: OutEvent): void {
    const { counters } = this.#init
    switch (out.type) {
      case 'send':
        this.#send(out.to, out.topic, out.message)
        break
      case 'emit':
        if (out.event.type === 'neighborUp') counters.neighborUp++
        else if (out.event.type === 'neighborDown') counters.neighborDown++
        this.#init.onTopicEvent(out.topic, out.event)
        break
      case 'schedule':
        this.#timers.add(out.afterMs, out.timer)
        break
      case 'disconnect':
        if (this.#state.interest(out.peer) === 0) this.#table.release(out.peer)
        break
      case 'peerData': {
        const info = tryDecodeAddrInfo(out.data)
        if (info !== undefined) this.#init.onAddress(out.peer, info)
        break
      }
    }
  }

  #send(to: PeerId, topic: TopicId, message: Message): void {
    const { counters } = this.#init
    // One message often goes to several peers in a row.
    if (this.#lastEncoded?.message !== message) {
      const body = encodeMessage(message)
      const frame = { bytes: encodeFrame(body), isLast: message.type === 'disconnect' }
      this.#lastEncoded = { message, frame, bodyBytes: body.length }
    }
    const { frame, bodyBytes } = this.#lastEncoded
    if (isDataMessage(message)) {
      counters.msgsDataSent++
      counters.msgsDataSentSize += bodyBytes + TOPIC_BYTES
    } else {
      counters.msgsCtrlSent++
      counters.msgsCtrlSentSize += bodyBytes + TOPIC_BYTES
    }
    this.#table.send(to, topic, frame)
  }

  #onFrame(from: PeerId, topic: TopicId, body: Uint8Array): void {
    const { counters } = this.#init
    const message = decodeMessage(body, (id) => this.#ids.check(id, from, this.#init.clock.monotonic()))
    counters.actorTickInEventRx++
    if (message !== undefined && isDataMessage(message)) {
      counters.msgsDataRecv++
      counters.msgsDataRecvSize += body.length + TOPIC_BYTES
    } else {
      counters.msgsCtrlRecv++
      counters.msgsCtrlRecvSize += body.length + TOPIC_BYTES
    }
    if (message === undefined) return
    if (this.#state.topic(topic) === undefined) counters.unknownTopic++
    this.post({ type: 'message', from, topic, message })
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#init.clock.after(this.#init.limits.sweepMs, () => {
      this.#table.sweep()
      this.#sweepLater()
    })
  }

  /** A QUIC close discards what was not acknowledged yet (gossip 14 T-16); there is no way to ask, so some round trips it is. */
  #linger(maxMs: number): Promise<void> {
    if (this.#table.connections === 0) return Promise.resolve()
    const ms = Math.min(maxMs, 25 + 3 * this.#table.longestRttMs())
    return new Promise((resolve) => this.#init.clock.after(ms, resolve))
  }
}
