import { blake3 } from '@noble/hashes/blake3.js'
import { abortedError, sleep } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { hashId } from '../../base/ids.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { type Hash, hashOf, type PeerId } from '../ids.ts'
import type { DirectRoute } from './direct-route.ts'
import { k2Error } from './errors.ts'
import type { JoinedTopic } from './joined-topic.ts'
import { type ChatToSend, chatIdentityBytes, encodeChatMessage } from './json-messages.ts'
import { MAX_CONTENT_BYTES, MAX_VIA } from './messages.ts'
import { cleanName } from './names.ts'
import { NeighborCheck, type ReceiptHabit } from './neighbor-check.ts'
import type { Rate } from './rate-guard.ts'
import type { ReceiptBook, SentLine } from './receipt-book.ts'
import type { SendJournal } from './send-journal.ts'
import type { Seal } from './signed-envelope.ts'
import { MAX_PART_BYTES, splitText } from './split-text.ts'
import { StampClock } from './stamp-clock.ts'

/** Attempts told apart on the wire; an outbox gives up long before. */
const MAX_ATTEMPTS = 999_999_999
/** How long one call waits for receipts before it reports that it does not know. */
const CONFIRM_MS = 10_000
/** A line is repeated this often while a gateway that should confirm it is connected but silent. */
const REPEAT_MS = 2_000
/** How long a first line waits to learn whether a stranger confirms lines at all. */
const PROBATION_MS = 1_000

export interface TextToSend {
  readonly text: string
  readonly senderName?: string
  /** Same for every attempt, also after a restart. */
  readonly key: string
  /** Tags of the gateways it has passed. */
  readonly via?: readonly string[]
  /** Who of this gateway's people says it, where people have ids of their own; on a direct topic the topic decides. */
  readonly person?: string
  /** What it repeats (see `GatewayMark`); further parts of a long text count on behind it. */
  readonly origin?: string
  /** Ends the wait for receipts. */
  readonly signal?: AbortSignal | undefined
}

/** A text and in whose name it goes out. */
interface Line extends TextToSend {
  readonly senderId: PeerId
}

export interface TextSenderOptions {
  readonly me: PeerId
  readonly clock: Clock
  readonly journal: SendJournal
  readonly receipts: ReceiptBook
  /** Own lines per second over all topics, so that strangers' limits do not swallow them; not for trusted neighbours. */
  readonly rate: Rate
  readonly isTrusted: (peer: PeerId) => boolean
  /** Signs lines, so that they prove their sender wherever they come from. */
  readonly seal?: Seal
  /** The ids of people; without it everything is said in the node's own name. */
  readonly hosted?: (person: string) => PeerId | undefined
  /** Connections of their own for direct messages; without it they go over gossip alone. */
  readonly direct?: DirectRoute
  /** Asks a neighbour whether it confirms lines; without it only its receipts say so. */
  readonly ask?: (peer: PeerId) => Promise<ReceiptHabit>
}

/** Sends texts as chat lines: split, stamped, remembered, and repeated until the gateways that confirm lines have done so. */
export class TextSender {
  readonly #options: TextSenderOptions
  readonly #stamps = new StampClock()
  readonly #bucket: TokenBucket
  readonly #wakeUps = new Set<() => void>()
  readonly #counts = { lines: 0, repeats: 0, unconfirmed: 0 }

  constructor(options: TextSenderOptions) {
    this.#options = options
    const { rate, clock, journal, receipts } = options
    this.#bucket = new TokenBucket(rate.perSecond, rate.burst, clock.now())
    const { confirmers, lines } = journal.restored()
    for (const { peer, topic } of confirmers) receipts.expect(peer, topic, clock.now())
    for (const { topic, sentAt } of lines) this.#stamps.observe(topic, sentAt)
  }

  stats(): { readonly lines: number; readonly repeats: number; readonly unconfirmed: number } {
    return { ...this.#counts }
  }

  /** A receipt came in, or a neighbour: whoever waits looks again. */
  wake(): void {
    for (const wakeUp of [...this.#wakeUps]) wakeUp()
  }

  /**
   * Sends a text on a topic; answers the ids of its lines. Rejects `K2_NO_NEIGHBOR` and `K2_RATE_LIMITED` before anything was
   * sent, `K2_UNCONFIRMED` or `ABORTED` when lines may have arrived: calling again with the same key is always right.
   */
  async send(topic: JoinedTopic, message: TextToSend): Promise<readonly Hash[]> {
    const senderId = this.#senderOf(topic, message)
    const parts = splitText(message.text, this.#partBytes(topic, { ...message, senderId }))
    const ids: Hash[] = []
    for (const [i, text] of parts.entries()) {
      await this.#pace(topic, i === 0 ? 'refuse' : 'wait', message.signal)
      const origin = message.origin === undefined || i === 0 ? {} : { origin: `${message.origin}.${i}` }
      ids.push(await this.#sendLine(topic, { ...message, senderId, text, key: hashId([message.key, i]), ...origin }))
    }
    return ids
  }

  /** A first line over budget is refused, so that its lane waits; the following lines of a text wait here. */
  async #pace(topic: JoinedTopic, over: 'refuse' | 'wait', signal: AbortSignal | undefined): Promise<void> {
    const { clock, isTrusted, direct } = this.#options
    const { contact } = topic.info
    if (contact === undefined || direct === undefined || topic.isHosted) this.#checkHeard(topic)
    if (contact === undefined ? [...topic.neighbors].every(isTrusted) : isTrusted(contact)) return
    while (!this.#bucket.take(clock.now())) {
      const waitMs = this.#bucket.waitMs(clock.now())
      if (over === 'refuse') throw k2Error('K2_RATE_LIMITED', 'too many lines at once', {}, { afterMs: waitMs })
      await sleep(waitMs, signal)
    }
  }

  #checkHeard(topic: JoinedTopic): void {
    if (topic.isHeard) return
    throw topic.info.contact === undefined
      ? k2Error('K2_NO_NEIGHBOR', 'no other node is on this topic right now')
      : k2Error('K2_NO_NEIGHBOR', 'the contact is not connected right now')
  }

  /** Room for a part beside long names and via lists; the same for every attempt. */
  #partBytes(topic: JoinedTopic, message: Line): number {
    const origin = message.origin === undefined ? {} : { origin: `${message.origin}.999` }
    const chat = this.#chat({ ...message, ...origin }, hashId([]), Number.MAX_SAFE_INTEGER, MAX_ATTEMPTS)
    const empty = this.#encode(topic, { ...chat, text: '' })
    return Math.min(MAX_PART_BYTES, MAX_CONTENT_BYTES - empty.length)
  }

  #encode(topic: JoinedTopic, chat: ChatToSend): Uint8Array {
    const { seal } = this.#options
    return encodeChatMessage(chat, seal && ((object) => seal(topic.info.id, object)))
  }

  /** On a topic of two nobody is heard but those two. */
  #senderOf(topic: JoinedTopic, { person }: TextToSend): PeerId {
    const { me, hosted } = this.#options
    if (topic.info.contact !== undefined) return topic.info.as?.id ?? me
    return person === undefined ? me : (hosted?.(person) ?? me)
  }

  #chat({ senderId, text, senderName, via, origin }: Line, key: string, sentAt: number, attempt: number): ChatToSend {
    const name = cleanName(senderName ?? '')
    const mark = { key, attempt, via: (via ?? []).slice(0, MAX_VIA), ...(origin !== undefined && { origin }) }
    return { senderId, text, sentAt, mark, ...(name !== '' && { senderName: name }) }
  }

  async #sendLine(topic: JoinedTopic, line: Line): Promise<Hash> {
    const { journal, clock } = this.#options
    const known = journal.find(line.key)
    const sentAt = known?.topic === topic.info.id ? known.sentAt : this.#stamps.next(topic.info.id, clock.now())
    let attempt = Math.min(known?.attempts ?? 0, MAX_ATTEMPTS)
    const chat = (): ChatToSend => this.#chat(line, line.key, sentAt, attempt)
    const id = hashOf(blake3(chatIdentityBytes(chat())))
    const record = async (): Promise<void> => {
      attempt++
      await journal.record({ key: line.key, topic: topic.info.id, sentAt, attempts: attempt })
    }
    const broadcast = async (): Promise<void> => {
      this.#checkHeard(topic)
      const content = this.#encode(topic, chat())
      await record()
      this.#options.receipts.sent({ topic: topic.info.id, key: line.key }, clock.now())
      await topic.broadcast(content)
    }
    this.#counts.lines++
    if (await this.#options.direct?.take(topic, chat, { key: line.key, signal: line.signal, record })) return id
    await broadcast()
    await this.#confirmed(topic, line, broadcast)
    return id
  }

  /** Waits until nobody's receipt is missing; repeats the line for those that come back or stay silent. */
  async #confirmed(topic: JoinedTopic, line: Line, repeat: () => Promise<void>): Promise<void> {
    const { clock } = this.#options
    const sent: SentLine = { topic: topic.info.id, key: line.key }
    const started = clock.monotonic()
    let repeatAt = started + REPEAT_MS
    let present = new Set(topic.neighbors)
    const undecided = this.#options.receipts.undecided(sent, topic.neighbors, clock.now())
    const check = this.#check(topic)
    for (;;) {
      const gone = undecided.filter((peer) => !topic.neighbors.has(peer))
      this.#options.receipts.lost(sent, gone, clock.now())
      const until = this.#waitUntil(topic, sent, check, started)
      if (until === undefined) return this.#settle(sent)
      if (line.signal?.aborted) throw abortedError(line.signal)
      const now = clock.monotonic()
      if (now >= until) return this.#giveUp(topic, sent, check)
      const missing = this.#missingNeighbors(topic, line.key)
      const cameBack = missing.some((peer) => !present.has(peer))
      present = new Set(topic.neighbors)
      if (cameBack || (missing.length > 0 && now >= repeatAt)) {
        this.#counts.repeats++
        repeatAt = now + REPEAT_MS
        if (topic.isHeard) await repeat()
        continue
      }
      await this.#event(Math.min(until, missing.length > 0 ? repeatAt : until) - now, line.signal)
    }
  }

  #check(topic: JoinedTopic): NeighborCheck | undefined {
    const { receipts, clock, isTrusted, ask } = this.#options
    if (ask === undefined) return undefined
    const { id } = topic.info
    return new NeighborCheck({
      ask,
      isTrusted,
      onAnswer: (peer, habit) => {
        if (habit === 'gateway') receipts.expect(peer, id, clock.now())
        else receipts.passed(id, [peer], clock.now())
      },
      onSettled: () => this.wake(),
    })
  }

  /** When the wait for a line ends at the latest; undefined when there is nothing to wait for. */
  #waitUntil(topic: JoinedTopic, sent: SentLine, check: NeighborCheck | undefined, started: number): number | undefined {
    const { receipts, clock } = this.#options
    if (receipts.missing(sent, clock.now()).length > 0) return started + CONFIRM_MS
    const undecided = receipts.undecided(sent, topic.neighbors, clock.now())
    if (undecided.length === 0) return undefined
    check?.ask(undecided)
    return started + (check?.isOpen(undecided) ? CONFIRM_MS : PROBATION_MS)
  }

  #missingNeighbors(topic: JoinedTopic, key: string): PeerId[] {
    const missing = this.#options.receipts.missing({ topic: topic.info.id, key }, this.#options.clock.now())
    return missing.filter((peer) => topic.neighbors.has(peer))
  }

  /** Who has been silent for too long is no longer waited for; anybody else still makes this an open question. */
  #giveUp(topic: JoinedTopic, sent: SentLine, check: NeighborCheck | undefined): void {
    const { receipts, clock } = this.#options
    const now = clock.now()
    const undecided = receipts.undecided(sent, topic.neighbors, now)
    const owed = check !== undefined && receipts.isPatient(sent, now) ? check.owed(undecided) : []
    const others = undecided.filter((peer) => !owed.includes(peer))
    receipts.passed(sent.topic, others, now)
    receipts.lost(sent, owed, now)
    receipts.missed(sent, now)
    this.#settle(sent)
  }

  /** A line is done when nobody's receipt is missing and nobody left before confirming it. */
  #settle(sent: SentLine): void {
    const { receipts, clock } = this.#options
    const missing = receipts.missing(sent, clock.now()).length
    if (missing === 0 && !receipts.isDeserted(sent, clock.now())) return
    this.#counts.unconfirmed++
    throw k2Error('K2_UNCONFIRMED', `${Math.max(1, missing)} gateway(s) have not confirmed this line yet`, { missing })
  }

  /** Resolves at the next `wake`, after `ms`, or when the signal fires. */
  #event(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        signal?.removeEventListener('abort', done)
        this.#wakeUps.delete(done)
        resolve()
      }
      const cancel = this.#options.clock.after(ms, done)
      this.#wakeUps.add(done)
      signal?.addEventListener('abort', done, { once: true })
    })
  }
}
