// A person in the web chat, without a browser: speaks the page's protocol over a real WebSocket.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { withDeadline } from '../../src/base/async.ts'

export interface SeenMessage {
  readonly room: string
  readonly author: string
  readonly text: string
  /** Title of a market card. */
  readonly card?: string
}

interface Wire {
  readonly type: string
  readonly room?: string
  readonly text?: string
  readonly message?: WireMessage
  readonly messages?: readonly WireMessage[]
}
interface WireMessage {
  readonly author: { readonly name: string }
  readonly text: readonly { readonly text: string }[]
  readonly card?: { readonly title: string }
}

const id = (): string => randomBytes(12).toString('base64url')

export class WebPerson {
  readonly #socket: WebSocket
  readonly #seen: SeenMessage[] = []
  readonly #waiting = new Set<() => void>()

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => this.#take(JSON.parse(String(data)) as Wire))
  }

  static async enter(url: string, name: string, room: string): Promise<WebPerson> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`)
    const person = new WebPerson(socket)
    await once(socket, 'open')
    person.#send({ type: 'hello', version: 1, client: id(), name })
    person.#send({ type: 'join', room })
    return person
  }

  say(room: string, text: string): void {
    this.#send({ type: 'send', id: id(), room, text })
  }

  /** The first message, past or future, that `wanted` accepts. */
  async sees(what: string, ms: number, wanted: (message: SeenMessage) => boolean): Promise<SeenMessage> {
    const find = async (): Promise<SeenMessage> => {
      for (;;) {
        const found = this.#seen.find(wanted)
        if (found) return found
        await new Promise<void>((wake) => this.#waiting.add(wake))
      }
    }
    return withDeadline(find(), { ms, what })
  }

  leave(): void {
    this.#socket.close()
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message))
  }

  #take(wire: Wire): void {
    const messages =
      wire.type === 'message' && wire.message ? [wire.message] : wire.type === 'joined' ? (wire.messages ?? []) : []
    for (const m of messages) {
      const text = m.text.map((run) => run.text).join('')
      this.#seen.push({ room: wire.room ?? '', author: m.author.name, text, ...(m.card && { card: m.card.title }) })
    }
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
