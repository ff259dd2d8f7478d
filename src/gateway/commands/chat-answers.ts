import type { Notice, Responder } from '../../bridges/interaction.ts'

/** What is said to one interaction: progress, then the end, in one message where that is possible. */
export class ChatAnswers {
  readonly #answer: Responder
  readonly #isPrivate: boolean
  #said: boolean

  /** `replaces`: the first answer takes the place of the message with the pressed button. */
  constructor(answer: Responder, options: { readonly isPrivate: boolean; readonly replaces: boolean }) {
    this.#answer = answer
    this.#isPrivate = options.isPrivate
    this.#said = options.replaces
  }

  /** `secret`: nobody else may see it, wherever that takes it. */
  async say(notice: Notice, isPrivate = this.#isPrivate, secret = false): Promise<void> {
    if (this.#said) await this.#answer.update(notice)
    else await this.#answer.reply(notice, { private: isPrivate, secret })
    this.#said = true
  }

  /** Something everybody may see although the first answer was for one person. */
  async sayToAll(notice: Notice): Promise<void> {
    await this.#answer.reply(notice, { private: false })
  }
}
