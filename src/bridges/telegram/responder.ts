import { Mutex } from '../../base/async.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Form, Notice, Responder } from '../interaction.ts'
import type { DeskCalls, Spot } from './desk-calls.ts'

export interface ResponderOptions {
  readonly calls: DeskCalls
  readonly spot: Spot
  /** The person's own chat with the bot. */
  readonly privateChat: number
  readonly isPrivate: boolean
  /** The pressed button: its query and the message that carries it. */
  readonly pressed?: { readonly query: string; readonly message: number }
  /** Where a person opens the conversation with the bot. */
  readonly startUrl: string
  readonly ask: (form: Form) => Promise<void>
}

/** Longest text of a pop-up. */
const MAX_ALERT = 200

/** Answers one command, button or dialogue on Telegram. */
export class TelegramResponder implements Responder {
  readonly #o: ResponderOptions
  readonly #turn = new Mutex()
  #query: string | undefined
  #last: { readonly chat: number | string; readonly id: number } | undefined

  constructor(options: ResponderOptions) {
    this.#o = options
    this.#query = options.pressed?.query
  }

  reply(notice: Notice, options: { readonly private?: boolean; readonly secret?: boolean } = {}): Promise<void> {
    return this.#turn.run(async () => {
      const { calls, spot, isPrivate } = this.#o
      // A pop-up is the only thing in a group that others do not see.
      if (this.#query !== undefined && options.private && fitsAlert(notice)) return this.#acknowledge(notice.rich.text)
      await this.#acknowledge()
      if (options.secret && !isPrivate) return this.#whisper(notice)
      this.#last = { chat: spot.chat, id: await calls.say(spot, notice) }
    })
  }

  update(notice: Notice): Promise<void> {
    return this.#turn.run(async () => {
      const { calls, spot, pressed } = this.#o
      await this.#acknowledge()
      const target = this.#last ?? (pressed && { chat: spot.chat, id: pressed.message })
      if (target && (await calls.edit(target.chat, target.id, notice))) return
      this.#last = { chat: spot.chat, id: await calls.say(spot, notice) }
    })
  }

  form(form: Form): Promise<void> {
    return this.#turn.run(async () => {
      await this.#acknowledge()
      await this.#o.ask(form)
    })
  }

  /** Telegram has no suggestions while typing. */
  async suggest(): Promise<void> {}

  /** The button stops waiting. */
  close(): Promise<void> {
    return this.#turn.run(() => this.#acknowledge())
  }

  async #acknowledge(text?: string): Promise<void> {
    const query = this.#query
    if (query === undefined) return
    this.#query = undefined
    const shown = text === undefined ? {} : { text, show_alert: true }
    try {
      await this.#o.calls.call('answerCallbackQuery', { callback_query_id: query, ...shown })
    } catch (error) {
      // Too old to be answered: the person has long stopped waiting for the button, but not for the text.
      if (!isK2Error(error)) throw error
      if (text !== undefined)
        this.#last = { chat: this.#o.spot.chat, id: await this.#o.calls.say(this.#o.spot, { rich: { text, spans: [] } }) }
    }
  }

  async #whisper(notice: Notice): Promise<void> {
    const { calls, spot, privateChat, startUrl } = this.#o
    try {
      this.#last = { chat: privateChat, id: await calls.say({ chat: privateChat }, notice) }
      await calls.say(spot, { rich: { text: 'I have sent you the answer in our private chat.', spans: [] } })
    } catch (error) {
      if (!isK2Error(error) || error.kind !== 'denied') throw error
      const text =
        'The answer is for you alone, and I may not write to you yet. Open our private chat, press Start and give the command there.'
      await calls.say(spot, { rich: { text, spans: [] }, actions: [[{ url: startUrl, label: 'Open the private chat' }]] })
    }
  }
}

function fitsAlert({ title, rich, actions, files }: Notice): boolean {
  return title === undefined && rich.text.length <= MAX_ALERT && (actions ?? []).length === 0 && (files ?? []).length === 0
}
