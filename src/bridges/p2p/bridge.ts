import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Health } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { bodyFiles } from '../media.ts'
import type { Attachment, Author } from '../model/message.ts'
import type { NativeRef, Place } from '../model/place.ts'
import { placeKey } from '../model/place.ts'
import type { Bridge, BridgeSink, Capabilities, NativePart, SendOutcome, SendRequest } from '../port.ts'
import { HeardBook } from './heard-book.ts'
import { chatEnvelope, type InboundContext, intentEnvelope } from './inbound.ts'
import { type Intent, IntentBook, type IntentChange } from './intent-book.ts'
import { OrderedIngest } from './ordered-ingest.ts'
import { planOutbound, type Shares } from './outbound.ts'
import { outcomeOf } from './outcomes.ts'
import {
  isPlatformPerson,
  nodeTag,
  type PeerChatMessage,
  type PeerMarketMessage,
  type PeerPort,
  type PeerUpdate,
  type PublishResult,
} from './port.ts'
import type { ContactNames } from './presentation.ts'

/** Longest chain of gateways a message may have passed (bridging 12.5). */
const MAX_VIA = 4
const TAG = /^[0-9a-f]{16}$/
/** Places whose listeners are waited for. */
const WAITING_PLACES = 1000
const SAVE_EVERY_MS = 5_000
/** Attempts of a message that wait for a file that cannot be read. */
const SHARE_ATTEMPTS = 3

/** Keeps the intents of peers across restarts. */
export interface IntentStore {
  load(): Promise<readonly Intent[]>
  save(intents: readonly Intent[]): Promise<void>
}

/**
 * Makes a K2 ticket of a file, as `name|ticket`; undefined where the routes of the place do not ask for it or the file may not be
 * shared. The same text for the same file. Rejects when the file cannot be read at the moment.
 */
export type ShareFile = (
  file: Attachment,
  context: { readonly place: Place; readonly author: Author },
  signal: AbortSignal,
) => Promise<string | undefined>

export interface P2pBridgeOptions {
  readonly port: PeerPort
  readonly sink: BridgeSink
  readonly clock: Clock
  readonly log: Logger
  /** Account name of places; default `self`. */
  readonly account?: string
  readonly contactName?: ContactNames
  readonly cardButton?: InboundContext['cardButton']
  readonly intents?: IntentStore
  readonly share?: ShareFile
}

export interface P2pBridgeStats {
  readonly received: number
  readonly refreshes: number
  /** Messages of other gateways that had passed this one before, or too many. */
  readonly loops: number
  /** Interests in what other nodes offer. */
  readonly notForUs: number
  readonly intents: number
}

/** K2 topics and direct messages as places of the gateway (bridging 6.1). K2 has no edits, deletes, replies or files. */
export class P2pBridge implements Bridge {
  readonly name: string
  readonly network = 'p2p' as const
  readonly account: string
  readonly capabilities: Capabilities = { maxText: 100_000, edit: false, delete: false, reply: false, senderName: true }
  readonly #options: P2pBridgeOptions
  readonly #contactName: ContactNames
  readonly #ingest: OrderedIngest
  readonly #intents = new IntentBook()
  readonly #unheard = new BoundedMap<string, number>({ max: WAITING_PLACES })
  readonly #heard: HeardBook
  readonly #counts = { received: 0, refreshes: 0, loops: 0, notForUs: 0 }
  #unsubscribe: (() => void) | undefined
  #cancelSweep: (() => void) | undefined
  #cancelSave: (() => void) | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor(options: P2pBridgeOptions) {
    this.#options = options
    this.account = options.account ?? 'self'
    this.name = `p2p/${this.account}`
    this.#heard = new HeardBook(nodeTag(options.port.nodeId))
    this.#contactName = options.contactName ?? (() => undefined)
    this.#ingest = new OrderedIngest(options.sink, options.log)
  }

  async start(): Promise<void> {
    this.#intents.restore((await this.#options.intents?.load()) ?? [])
    this.#unsubscribe = this.#options.port.subscribe((event) => this.#handle(event))
    this.#scheduleSweep()
  }

  /** Stops listening and waits for what was heard to be committed. */
  async drain(): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    this.#cancelSweep?.()
    await this.#ingest.settled()
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    this.#cancelSweep?.()
    await this.#ingest.stop()
    this.#cancelSave?.()
    this.#cancelSave = undefined
    this.#save()
    await this.#saving
  }

  health(): Health {
    return this.#options.port.health()
  }

  stats(): P2pBridgeStats {
    return { ...this.#counts, intents: this.#intents.size }
  }

  async send(request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    let shares: Shares
    try {
      shares = await this.#shares(request, signal)
    } catch (error) {
      return { kind: 'not-sent', code: errorCode(error), message: errorMessage(error) }
    }
    const plan = planOutbound(request, shares)
    if (plan.kind === 'nothing') return { kind: 'done', parts: request.op === 'create' ? [] : request.parts }
    const { port } = this.#options
    const passed = (request.via ?? []).filter((tag) => TAG.test(tag) && tag !== nodeTag(port.nodeId))
    if (plan.kind === 'topic' && request.origin !== undefined) {
      const now = this.#options.clock.now()
      if (this.#heard.isSaid(plan.topic, { origin: request.origin, text: plan.text }, now)) {
        this.#counts.loops++
        return { kind: 'done', parts: [] }
      }
      // What other gateways repeated gets a little time to be heard there first.
      const afterMs = passed.length > 0 ? this.#heard.waitMs(plan.topic, request.origin, now) : 0
      if (afterMs > 0) return { kind: 'later', afterMs }
    }
    if (signal.aborted) return { kind: 'not-sent', code: 'ABORTED', message: 'stopped before it was sent' }
    // Where the gateway and a contact talk, it speaks for everybody; people's own conversations are places of their own.
    const isNamed = plan.kind === 'topic' || plan.hosted
    const text = {
      text: plan.text,
      senderName: plan.senderName,
      author: request.author.key,
      ...(isNamed && isPlatformPerson(request.author.key) && { person: request.author.key }),
      messageKey: request.idemKey,
      via: [...passed, nodeTag(port.nodeId)],
      ...(request.origin !== undefined && { origin: request.origin }),
      signal,
    }
    const lane = placeKey(request.place)
    const failures = this.#unheard.get(lane, 0) ?? 0
    try {
      const result = await (plan.kind === 'topic' ? port.sendTopicText(plan.topic, text) : port.sendDirectText(plan.peerId, text))
      this.#unheard.delete(lane)
      return await this.#done(request, result)
    } catch (error) {
      if (errorCode(error) === 'K2_NO_NEIGHBOR') this.#unheard.set(lane, failures + 1, 0)
      return outcomeOf(error, failures)
    }
  }

  /** Tickets of the message's files. Rejects while a file may still be readable later. */
  async #shares(request: SendRequest, signal: AbortSignal): Promise<Shares> {
    const { share, log } = this.#options
    const shares = new Map<string, string>()
    if (share === undefined || request.op === 'delete') return shares
    for (const file of bodyFiles(request.body)) {
      try {
        const text = await share(file, { place: request.place, author: request.author }, signal)
        if (text !== undefined) shares.set(file.id, text)
      } catch (error) {
        // One bad file must not keep the text back for long.
        const isLast = request.attempt >= SHARE_ATTEMPTS
        if (!isLast && isK2Error(error) && error.retry !== 'never' && !signal.aborted) throw error
        log.warn({ ev: 'file-not-shared', file: file.id, code: errorCode(error) }, 'a file reaches K2 by its name only')
      }
    }
    return shares
  }

  async #done(request: SendRequest, { messageIds }: PublishResult): Promise<SendOutcome> {
    const parts: NativePart[] = messageIds.map((id, part) => ({ part, ref: this.#ref(request.place, id) }))
    for (const part of parts.slice(0, -1)) await request.onPart(part)
    return { kind: 'done', parts }
  }

  #ref(place: Place, id: string): NativeRef {
    return { network: 'p2p', account: this.account, channel: place.channel, id }
  }

  /** Computes the events at once, so that calls keep their order, and resolves after their commit. */
  #handle(event: PeerUpdate): Promise<void> {
    switch (event.kind) {
      case 'chat':
        return this.#chat(event.message)
      case 'market':
        return this.#market(event.message)
      case 'verified':
        return this.#changes(this.#intents.verified(event.messageId, this.#options.clock.now()))
    }
  }

  #chat(message: PeerChatMessage): Promise<void> {
    // Said to one person alone: no place of the gateway's may show it.
    if (message.forPerson !== undefined) return Promise.resolve()
    const via = message.via ?? []
    if (via.includes(nodeTag(this.#options.port.nodeId)) || via.length > MAX_VIA) {
      this.#counts.loops++
      return Promise.resolve()
    }
    this.#counts.received++
    const envelope = chatEnvelope(message, this.#context())
    const speaker = TAG.test(via.at(-1) ?? '') ? via.at(-1) : undefined
    const { topic } = message
    const said = { origin: envelope.origin ?? envelope.eventId, text: message.text }
    if (topic !== undefined) this.#heard.hear(topic, said, speaker, this.#options.clock.now())
    return this.#ingest.add([envelope])
  }

  #market(message: PeerMarketMessage): Promise<void> {
    if (message.kind === 'interest' && message.targetId !== this.#options.port.nodeId && message.forPerson === undefined) {
      this.#counts.notForUs++
      return Promise.resolve()
    }
    const changes = this.#intents.observe(message, this.#options.clock.now())
    if (changes.length === 0) this.#counts.refreshes++
    else this.#counts.received++
    return this.#changes(changes)
  }

  #changes(changes: readonly IntentChange[]): Promise<void> {
    this.#scheduleSweep()
    if (changes.length === 0) return Promise.resolve()
    this.#scheduleSave()
    const context = this.#context()
    return this.#ingest.add(changes.map((change) => intentEnvelope(change, context)))
  }

  #context(): InboundContext {
    const { cardButton, clock } = this.#options
    return { account: this.account, contactName: this.#contactName, cardButton, now: clock.now() }
  }

  /** One timer for the intent that falls silent first; later ones are found when it fires. */
  #scheduleSweep(): void {
    if (this.#cancelSweep !== undefined || this.#unsubscribe === undefined) return
    const at = this.#intents.nextSweepAt()
    if (at === undefined) return
    const { clock, log } = this.#options
    this.#cancelSweep = clock.after(Math.max(0, at - clock.now()), () => {
      this.#cancelSweep = undefined
      this.#changes(this.#intents.sweep(clock.now())).catch((err) =>
        log.debug({ ev: 'sweep-stopped', err }, 'expired intents were not marked before the stop'),
      )
    })
  }

  #scheduleSave(): void {
    if (this.#options.intents === undefined || this.#cancelSave !== undefined) return
    this.#cancelSave = this.#options.clock.after(SAVE_EVERY_MS, () => {
      this.#cancelSave = undefined
      this.#save()
    })
  }

  /** One save at a time; losing one only means that an intent may be shown again after a restart. */
  #save(): void {
    const { intents, log } = this.#options
    if (intents === undefined) return
    this.#saving = this.#saving
      .then(() => intents.save(this.#intents.snapshot()))
      .catch((error) => log.warn({ ev: 'intents-not-saved', reason: errorMessage(error) }, 'open offers could not be remembered'))
  }
}
