import type { Attachment, MarketCard, SenderClass } from '../model/message.ts'
import type { Network } from '../model/place.ts'
import type { RichText } from '../model/rich-text.ts'
import type { WireNotice } from './protocol.ts'

export interface WebChatAuthor {
  readonly key: string
  readonly name: string
  readonly network: Network
  readonly senderClass?: SenderClass
}

export interface WebChatBody {
  readonly rich: RichText
  readonly files?: readonly Attachment[]
  readonly card?: MarketCard
  /** Said by the gateway itself, with buttons and files; `rich` is its text for those who quote it. */
  readonly notice?: WireNotice
  /** Whom the message answers, as people read it. */
  readonly quote?: { readonly name?: string; readonly excerpt?: string }
}

/** One message of a room. Times are ms since the epoch. */
export interface WebChatRecord {
  readonly room: string
  readonly id: string
  readonly author: WebChatAuthor
  readonly body: WebChatBody
  /** Id of the answered message in the same room. */
  readonly replyTo?: string
  readonly at: number
  readonly editedAt?: number
  /** Deleted messages keep their place and lose their content. */
  readonly deletedAt?: number
}

/** Where rooms keep their messages. The bridge is the only writer and asks one room one thing at a time. */
export interface WebChatStore {
  /** The youngest `limit` messages of a room that are not deleted, oldest first: the order they were saved in. */
  load(room: string, limit: number): Promise<readonly WebChatRecord[]>
  get(room: string, id: string): Promise<WebChatRecord | undefined>
  /** Adds new records in order and replaces those with the same room and id in place. Durable when it resolves. */
  save(records: readonly WebChatRecord[]): Promise<void>
}

/** For tests and for gateways that keep nothing. */
export class MemoryWebChatStore implements WebChatStore {
  readonly #rooms = new Map<string, Map<string, WebChatRecord>>()
  readonly #perRoom: number

  constructor(perRoom = 10_000) {
    this.#perRoom = perRoom
  }

  async load(room: string, limit: number): Promise<readonly WebChatRecord[]> {
    const all = [...(this.#rooms.get(room)?.values() ?? [])].filter((r) => r.deletedAt === undefined)
    return limit > 0 ? all.slice(-limit) : []
  }

  async get(room: string, id: string): Promise<WebChatRecord | undefined> {
    return this.#rooms.get(room)?.get(id)
  }

  async save(records: readonly WebChatRecord[]): Promise<void> {
    for (const record of records) {
      let room = this.#rooms.get(record.room)
      if (!room) {
        room = new Map()
        this.#rooms.set(record.room, room)
      }
      room.set(record.id, record)
      const oldest = room.keys().next().value
      if (room.size > this.#perRoom && oldest !== undefined) room.delete(oldest)
    }
  }
}
