import type { Form, Notice, Responder } from '../interaction.ts'
import type { WireNotice } from './protocol.ts'
import type { ChatSession } from './session.ts'
import type { WebChatBody } from './store.ts'

export interface ResponderOptions {
  readonly session: ChatSession
  readonly room: string
  /** The page's own id of what it asked. */
  readonly operation: string
  /** The message or answer with the pressed button. */
  readonly pressed?: string
  readonly newId: () => string
  readonly wire: (notice: Notice) => WireNotice
  readonly body: (notice: Notice) => WebChatBody
  readonly show: (room: string, id: string, body: WebChatBody, isNew: boolean) => Promise<boolean>
}

/** Answers one page: for it alone, or in the room for everybody. */
export class WebResponder implements Responder {
  readonly #o: ResponderOptions
  #last: { readonly id: string; readonly inRoom: boolean } | undefined

  constructor(options: ResponderOptions) {
    this.#o = options
  }

  async reply(notice: Notice, options: { readonly private?: boolean; readonly secret?: boolean } = {}): Promise<void> {
    const id = this.#o.newId()
    const forOne = options.private || options.secret || this.#o.room === ''
    if (forOne || !(await this.#o.show(this.#o.room, id, this.#o.body(notice), true))) this.#tell(id, notice)
    this.#last = { id, inRoom: !forOne }
  }

  async update(notice: Notice): Promise<void> {
    const { pressed, room, body, show } = this.#o
    if (this.#last === undefined && pressed === undefined) return this.reply(notice, { private: true })
    const id = this.#last?.id ?? pressed ?? ''
    // A button is under a message of the room or under an answer for this page alone.
    const isPrivate = this.#last !== undefined && !this.#last.inRoom
    if (isPrivate || !(await show(room, id, body(notice), false))) this.#tell(id, notice)
  }

  async form(form: Form): Promise<void> {
    this.#o.session.send({ type: 'form', operation: this.#o.operation, form })
  }

  async suggest(values: readonly { readonly name: string; readonly value: string }[]): Promise<void> {
    this.#o.session.send({ type: 'suggestions', operation: this.#o.operation, values })
  }

  #tell(id: string, notice: Notice): void {
    const { session, operation, wire } = this.#o
    session.send({ type: 'answer', id, operation, notice: wire(notice) })
  }
}
