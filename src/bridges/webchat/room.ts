import type { BridgeSink } from '../port.ts'
import { CommitQueue, type Operation } from './commit-queue.ts'
import type { ServerMessage, WirePerson } from './protocol.ts'
import { type Catchup, RoomLog } from './room-log.ts'
import type { ChatSession } from './session.ts'
import type { WebChatRecord, WebChatStore } from './store.ts'
import { wireMessage } from './wire.ts'

/** People named in a presence message; the count tells about the rest. */
const MAX_PEOPLE = 100

export interface RoomOptions {
  readonly name: string
  readonly epoch: string
  readonly history: number
  readonly sink: BridgeSink
  readonly store: WebChatStore
}

/** One room: its youngest messages, the pages in it, and its one order of changes. */
export class ChatRoom {
  readonly name: string
  readonly #epoch: string
  readonly #log: RoomLog
  readonly #queue: CommitQueue
  readonly #sessions = new Set<ChatSession>()

  private constructor(options: RoomOptions, log: RoomLog) {
    this.name = options.name
    this.#epoch = options.epoch
    this.#log = log
    this.#queue = new CommitQueue({
      room: options.name,
      sink: options.sink,
      store: options.store,
      current: (id) => log.get(id),
    })
  }

  static async open(options: RoomOptions): Promise<ChatRoom> {
    const history = await options.store.load(options.name, options.history)
    return new ChatRoom(options, new RoomLog(options.epoch, options.history, history))
  }

  /** Nobody is here and nothing is under way. */
  get idle(): boolean {
    return this.#sessions.size === 0 && this.#queue.idle
  }

  get size(): number {
    return this.#sessions.size
  }

  enter(session: ChatSession, since: { readonly epoch: string; readonly version: number } | undefined): void {
    // Joining and catching up in one step: no change falls between them.
    const caught: Catchup = this.#log.catchup(since)
    this.#sessions.add(session)
    session.send({
      type: 'joined',
      room: this.name,
      epoch: this.#epoch,
      reset: caught.reset,
      version: caught.version,
      messages: caught.entries.map((e) => wireMessage(e.record, e.version)),
      people: this.#people(),
    })
  }

  leave(session: ChatSession): void {
    this.#sessions.delete(session)
  }

  offer(operation: Operation): boolean {
    return this.#queue.offer(operation)
  }

  settled(): Promise<void> {
    return this.#queue.settled()
  }

  /** Records a stored change and shows it to everybody here. */
  show(record: WebChatRecord): void {
    const { version } = this.#log.apply(record)
    this.#broadcast({ type: 'message', room: this.name, message: wireMessage(record, version) })
  }

  tellPresence(): void {
    const people = this.#people()
    this.#broadcast({ type: 'people', room: this.name, people, count: this.#keys().size })
  }

  #broadcast(message: ServerMessage): void {
    const text = JSON.stringify(message)
    for (const session of this.#sessions) session.sendText(text)
  }

  #keys(): Map<string, WirePerson> {
    const people = new Map<string, WirePerson>()
    for (const { person } of this.#sessions) if (person) people.set(person.key, person)
    return people
  }

  #people(): WirePerson[] {
    return [...this.#keys().values()].slice(0, MAX_PEOPLE)
  }
}
