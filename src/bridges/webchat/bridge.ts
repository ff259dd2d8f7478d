import { TaskGroup } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import { toHex } from '../../base/bytes.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Health } from '../../base/lifecycle.ts'
import { cryptoRng } from '../../base/random.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { CommandSpec, InteractionHandler, InteractiveBridge, Notice, NoticeTarget, OutFile } from '../interaction.ts'
import type { NativeRef } from '../model/place.ts'
import type { Bridge, Capabilities, SendOutcome, SendRequest } from '../port.ts'
import type { Operation, OperationResult } from './commit-queue.ts'
import { Desk, type DeskMessage } from './desk.ts'
import { freeName } from './names.ts'
import { noticeOperation, removal } from './notice-operations.ts'
import { deliveryOperation, isEmpty, type PageOperation, pageOperation, personKey } from './operations.ts'
import type { WebChatBridgeOptions, WebChatStats } from './options.ts'
import { parsePageMessage, REFUSALS } from './page-messages.ts'
import { type ClientMessage, type ErrorCode, MAX_NAME, MAX_TEXT, PROTOCOL_VERSION, type WirePerson } from './protocol.ts'
import { ChatRoom } from './room.ts'
import { ChatSession, CLOSE, type WebChatSession } from './session.ts'

/** The web shows texts of any length that other networks let through. */
const CAPABILITIES: Capabilities = { maxText: 100_000, edit: true, delete: true, reply: true, senderName: true }
/** A page that has not introduced itself by then is closed, ms. */
const HELLO_MS = 10_000
/** Messages a second and burst of one address, all its pages together. */
const ADDRESS_RATE = { perSecond: 10, burst: 40 }
const MAX_ADDRESSES = 10_000
/** Presence changes are told together after this, ms. */
const PRESENCE_MS = 250
/** Wait named to a page whose operation could not be stored, ms. */
const RETRY_MS = 2_000

/** The built-in web chat: rooms, people with a chosen name, and their pages (network `web`). */
export class WebChatBridge implements Bridge, InteractiveBridge {
  readonly network = 'web'
  readonly capabilities = CAPABILITIES
  readonly account: string
  readonly name: string
  readonly #options: WebChatBridgeOptions
  readonly #clock: Clock
  readonly #epoch: string
  readonly #sessions = new Set<ChatSession>()
  readonly #rooms = new Map<string, Promise<ChatRoom>>()
  readonly #addresses = new BoundedMap<string, TokenBucket>({ max: MAX_ADDRESSES })
  readonly #presence = new Map<string, () => void>()
  readonly #tasks: TaskGroup
  readonly #refused: Partial<Record<ErrorCode, number>> = {}
  readonly #desk: Desk
  #received = 0
  #delivered = 0
  #trouble: string | undefined
  #accepting = true

  constructor(options: WebChatBridgeOptions) {
    this.#options = options
    this.account = options.account ?? 'main'
    this.name = `web/${this.account}`
    this.#clock = options.clock ?? systemClock
    this.#epoch = toHex((options.rng ?? cryptoRng).bytes(8))
    this.#desk = new Desk({
      account: this.account,
      files: options.files,
      sessions: () => this.#sessions,
      show: (room, id, body, isNew) => this.#operateFor(room, noticeOperation({ room, id, body, isNew, now: this.#clock.now() })),
      remove: (room, id) => this.#operateFor(room, removal(id, this.#clock.now())),
      clock: this.#clock,
      rng: options.rng ?? cryptoRng,
    })
    this.#tasks = new TaskGroup((err) => options.log.error({ ev: 'webchat-task', err }, 'a task of the web chat failed'))
  }

  /** Takes over a page's connection. */
  connect(connection: WebChatSession): void {
    const session = new ChatSession(connection, this.#clock.monotonic())
    const refusal = this.#refusal(session)
    if (refusal) {
      session.close(refusal.code, refusal.reason)
      return
    }
    this.#sessions.add(session)
    const cancelHello = this.#clock.after(HELLO_MS, () => {
      if (!session.person) session.close(CLOSE.policy, 'no hello')
    })
    connection.onClose(() => {
      cancelHello()
      this.#ended(session)
    })
    connection.onMessage((text) => this.#take(session, text))
  }

  #refusal(session: ChatSession): { code: number; reason: string } | undefined {
    if (!this.#accepting) return { code: CLOSE.goingAway, reason: 'the gateway is stopping' }
    const { maxSessions = 200, maxSessionsPerAddress = 20 } = this.#options
    const same = [...this.#sessions].filter((s) => s.address === session.address).length
    const full = this.#sessions.size >= maxSessions || same >= maxSessionsPerAddress
    return full ? { code: CLOSE.tryLater, reason: 'too many connections' } : undefined
  }

  #take(session: ChatSession, text: string): void {
    if (session.closed) return
    const message = parsePageMessage(text)
    if (!message) session.violation(REFUSALS['bad-message'])
    else {
      session.enqueue(
        () => this.#handle(session, message),
        (err) => this.#options.log.error({ ev: 'webchat-message', err }, 'a message of a page could not be handled'),
      )
    }
  }

  async #handle(session: ChatSession, message: ClientMessage): Promise<void> {
    if (message.type === 'hello') return this.#hello(session, message)
    const { person } = session
    if (!person) return session.violation('say hello first')
    switch (message.type) {
      case 'rename':
        return this.#rename(session, person, message.name)
      case 'join':
        return this.#join(session, message)
      case 'command':
      case 'action':
      case 'form':
      case 'suggest':
        return this.#ask(session, person, message)
      default:
        return this.#operate(session, person, message)
    }
  }

  #hello(session: ChatSession, message: Extract<ClientMessage, { type: 'hello' }>): void {
    if (session.person) {
      session.violation('hello was said already')
      return
    }
    const key = personKey(message.client)
    session.person = { key, name: this.#nameFor(key, message.name) }
    this.#welcome(session, session.person)
  }

  #welcome(session: ChatSession, you: WirePerson): void {
    const limits = { text: MAX_TEXT, name: MAX_NAME }
    const more = this.#options.files?.grant(session, you.key)
    session.send({ type: 'welcome', version: PROTOCOL_VERSION, you, rooms: this.#options.rooms(), limits, ...more })
    this.#desk.greet(session)
  }

  #nameFor(key: string, wanted: string): string {
    const here = [...this.#sessions].map(({ person }) => person)
    return freeName(wanted, key, here)
  }

  #rename(session: ChatSession, person: WirePerson, wanted: string): void {
    const wait = this.#charge(session)
    if (wait > 0) {
      this.#refuse(session, 'rate-limited', { retryAfterMs: wait })
      return
    }
    session.person = { key: person.key, name: this.#nameFor(person.key, wanted) }
    this.#welcome(session, session.person)
    if (session.room !== undefined) this.#presenceChanged(session.room)
  }

  async #join(session: ChatSession, message: Extract<ClientMessage, { type: 'join' }>): Promise<void> {
    if (!this.#options.rooms().includes(message.room)) return this.#refuse(session, 'unknown-room')
    const wait = this.#charge(session)
    if (wait > 0) return this.#refuse(session, 'rate-limited', { retryAfterMs: wait })
    const room = await this.#room(message.room).catch((err) => {
      this.#options.log.error({ ev: 'webchat-load', room: message.room, err }, 'the history of a room cannot be read')
      return undefined
    })
    if (session.closed) return
    if (!room) return this.#refuse(session, 'not-stored', { retryAfterMs: RETRY_MS })
    await this.#leave(session)
    if (session.closed) return
    session.room = room.name
    room.enter(session, message.since)
    this.#presenceChanged(room.name)
  }

  async #leave(session: ChatSession): Promise<void> {
    const { room } = session
    if (room === undefined) return
    session.room = undefined
    const left = await this.#rooms.get(room)
    left?.leave(session)
    this.#presenceChanged(room)
  }

  async #operate(session: ChatSession, person: WirePerson, message: PageOperation): Promise<void> {
    const { id } = message
    if (!this.#accepting) return this.#refuse(session, 'stopping', { id, retryAfterMs: RETRY_MS })
    if (session.room !== message.room) return this.#refuse(session, 'not-in-room', { id })
    if (isEmpty(message)) return this.#refuse(session, 'empty', { id })
    if (session.tooManyPending) return this.#refuse(session, 'busy', { id, retryAfterMs: RETRY_MS })
    const wait = this.#charge(session)
    if (wait > 0) return this.#refuse(session, 'rate-limited', { id, retryAfterMs: wait })
    const room = await this.#room(message.room)
    const ids = (message.type === 'send' && message.files) || []
    const files = this.#options.files?.claim(person.key, ids)
    const prepare = pageOperation(message, { account: this.account, person, now: this.#clock.now(), files })
    session.pending++
    const taken = room.offer({
      prepare,
      done: (result) => {
        session.pending--
        if (result.kind === 'stored') this.#options.files?.settle(ids)
        this.#answer(session, room, id, result)
      },
    })
    if (taken) return
    session.pending--
    this.#refuse(session, 'busy', { id, retryAfterMs: RETRY_MS })
  }

  /** Questions to the gateway run beside the page's other messages: some take long. */
  async #ask(session: ChatSession, person: WirePerson, message: DeskMessage): Promise<void> {
    const { id } = message
    if (!this.#accepting) return this.#refuse(session, 'stopping', { id, retryAfterMs: RETRY_MS })
    const wait = message.type === 'suggest' ? 0 : this.#charge(session)
    if (wait > 0) return this.#refuse(session, 'rate-limited', { id, retryAfterMs: wait })
    this.#tasks.add(this.#desk.take(session, person, message))
  }

  #answer(session: ChatSession, room: ChatRoom, id: string, result: OperationResult): void {
    if (result.kind === 'stored') {
      this.#trouble = undefined
      this.#received++
      if (result.record) room.show(result.record)
      session.send({ type: 'ack', id, message: result.id })
    } else if (result.kind === 'refused') this.#refuse(session, result.code, { id })
    else {
      this.#trouble = `messages cannot be stored (${result.code})`
      this.#refuse(session, 'not-stored', { id, retryAfterMs: RETRY_MS })
    }
  }

  #charge(session: ChatSession): number {
    const now = this.#clock.monotonic()
    let bucket = this.#addresses.get(session.address, now)
    if (!bucket) {
      bucket = new TokenBucket(ADDRESS_RATE.perSecond, ADDRESS_RATE.burst, now)
      this.#addresses.set(session.address, bucket, now)
    }
    const wait = session.charge(now)
    if (wait > 0) return wait
    return bucket.take(now) ? 0 : bucket.waitMs(now)
  }

  #refuse(session: ChatSession, code: ErrorCode, more: { id?: string; retryAfterMs?: number } = {}): void {
    this.#refused[code] = (this.#refused[code] ?? 0) + 1
    session.fail(code, REFUSALS[code], more)
  }

  /** Opens a room once, however many ask at the same time. Only configured places become rooms, so their number is bounded. */
  #room(name: string): Promise<ChatRoom> {
    const known = this.#rooms.get(name)
    if (known) return known
    const { sink, store, history = 200 } = this.#options
    const opening = ChatRoom.open({ name, epoch: this.#epoch, history, sink, store })
    this.#rooms.set(name, opening)
    // Whoever asked hears of a failure; the next one tries again.
    opening.catch(() => this.#rooms.delete(name))
    return opening
  }

  #presenceChanged(room: string): void {
    if (this.#presence.has(room)) return
    const cancel = this.#clock.after(PRESENCE_MS, () => {
      this.#presence.delete(room)
      const open = this.#rooms.get(room)
      if (open) this.#tasks.add(open.then((r) => r.tellPresence()))
    })
    this.#presence.set(room, cancel)
  }

  #ended(session: ChatSession): void {
    session.ended()
    this.#options.files?.revoke(session)
    this.#sessions.delete(session)
    this.#tasks.add(this.#leave(session))
  }

  /** Idempotent per `idemKey`: the message's id comes from it. One part always. */
  async send(request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    if (signal.aborted || !this.#accepting) {
      return { kind: 'not-sent', code: 'WEB_STOPPED', message: 'stopped before it was shown' }
    }
    const place = request.place.channel
    let room: ChatRoom
    try {
      room = await this.#room(place)
    } catch {
      return { kind: 'not-sent', code: 'WEB_NOT_STORED', message: 'the history of the room cannot be read' }
    }
    return new Promise((resolve) => {
      const prepare = deliveryOperation(request, this.#clock.now(), this.#options.files?.maxBytes)
      const done = (result: OperationResult): void => resolve(this.#outcome(request, room, result))
      if (!room.offer({ prepare, done })) resolve({ kind: 'rate-limited', afterMs: 1000, scope: 'lane' })
    })
  }

  #outcome(request: SendRequest, room: ChatRoom, result: OperationResult): SendOutcome {
    if (result.kind !== 'stored') {
      return { kind: 'not-sent', code: 'WEB_NOT_STORED', message: `the message cannot be stored (${result.code})` }
    }
    this.#delivered++
    if (result.record) room.show(result.record)
    if (request.op !== 'create') return { kind: 'done', parts: request.parts }
    const ref = { network: 'web' as const, account: this.account, channel: room.name, id: result.id }
    return { kind: 'done', parts: [{ part: 0, ref }] }
  }

  interactions(specs: readonly CommandSpec[], handler: InteractionHandler): void {
    this.#desk.open(specs, handler)
  }

  post(target: NoticeTarget, notice: Notice): Promise<NativeRef> {
    return this.#desk.post(target, notice)
  }

  repost(ref: NativeRef, notice: Notice): Promise<boolean> {
    return this.#desk.repost(ref, notice)
  }

  retract(ref: NativeRef): Promise<void> {
    return this.#desk.retract(ref)
  }

  /** A file of a notice, by the id in its path. */
  noticeFile(id: string): OutFile | undefined {
    return this.#desk.file(id)
  }

  /** False when the gateway cannot change the room. */
  async #operateFor(name: string, prepare: Operation['prepare']): Promise<boolean> {
    if (!this.#accepting || !this.#options.rooms().includes(name)) return false
    const room = await this.#room(name).catch(() => undefined)
    return new Promise((resolve) => {
      const done = (result: OperationResult): void => {
        if (result.kind === 'stored' && result.record) room?.show(result.record)
        resolve(result.kind === 'stored')
      }
      if (!room?.offer({ prepare, done })) resolve(false)
    })
  }

  health(): Health {
    return this.#trouble === undefined ? { status: 'ok' } : { status: 'degraded', reason: this.#trouble }
  }

  stats(): WebChatStats {
    return {
      sessions: this.#sessions.size,
      rooms: this.#rooms.size,
      received: this.#received,
      delivered: this.#delivered,
      refused: { ...this.#refused },
    }
  }

  /** Takes nothing new from pages and answers what they have sent. */
  async drain(): Promise<void> {
    this.#accepting = false
    for (const opening of [...this.#rooms.values()]) await opening.then((room) => room.settled()).catch(() => {})
  }

  async stop(): Promise<void> {
    await this.drain()
    for (const session of this.#sessions) session.close(CLOSE.goingAway, 'the gateway is stopping')
    for (const cancel of this.#presence.values()) cancel()
    this.#presence.clear()
    await this.#tasks.settled()
  }
}
