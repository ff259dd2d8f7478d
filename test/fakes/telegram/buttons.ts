import type { InlineKeyboardMarkup, Message } from 'grammy/types'
import { badRequest } from './errors.ts'
import type { Params } from './params.ts'

/** The bot whose buttons they are. */
interface FakeBot {
  readonly user: { readonly id: number }
}

/** A pressed button that waits for its answer. */
interface Query {
  readonly bot: FakeBot
  readonly user: number
  answered: boolean
}

export interface MenuCommand {
  readonly command: string
  readonly description: string
}

export interface Alert {
  readonly user: number
  readonly text: string
}

const MAX_DATA_BYTES = 64
const MAX_BUTTONS = 100
const MAX_ALERT = 200
const MAX_COMMANDS = 100

/** Inline buttons, their queries, and the menus of bots. */
export class Buttons {
  /** Messages that want a reply. */
  readonly forced = new WeakSet<object>()
  /** Pop-ups people saw. */
  readonly alerts: Alert[] = []
  readonly #queries = new Map<string, Query>()
  readonly #menus = new Map<string, readonly MenuCommand[]>()
  #next = 4_000_000_000_000

  newQuery(bot: FakeBot, user: number): string {
    const id = String(this.#next++)
    this.#queries.set(id, { bot, user, answered: false })
    return id
  }

  /** Buttons nobody answered still show a spinner. */
  get waiting(): number {
    return [...this.#queries.values()].filter((q) => !q.answered).length
  }

  answer(bot: FakeBot, params: Params): true {
    const query = this.#queries.get(params.text('callback_query_id') ?? '')
    if (query === undefined || query.bot !== bot || query.answered) {
      throw badRequest('query is too old and response timeout expired or query ID is invalid')
    }
    const text = params.text('text') ?? ''
    if (text.length > MAX_ALERT) throw badRequest('MESSAGE_TOO_LONG')
    query.answered = true
    if (text !== '') this.alerts.push({ user: query.user, text })
    return true
  }

  menu(bot: number, scope: string): readonly MenuCommand[] {
    return this.#menus.get(`${bot}:${scope}`) ?? []
  }

  setMenu(bot: FakeBot, params: Params): true {
    const commands = params.json('commands')
    if (!Array.isArray(commands)) throw badRequest("can't parse commands")
    if (commands.length > MAX_COMMANDS) throw badRequest('BOT_COMMANDS_TOO_MUCH')
    for (const { command, description } of commands as MenuCommand[]) {
      if (!/^[a-z0-9_]{1,32}$/.test(String(command))) throw badRequest('BOT_COMMAND_INVALID')
      if (typeof description !== 'string' || description.length < 1 || description.length > 256) {
        throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID')
      }
    }
    this.#menus.set(`${bot.user.id}:${scopeOf(params)}`, commands as MenuCommand[])
    return true
  }

  getMenu(bot: FakeBot, params: Params): readonly MenuCommand[] {
    return this.menu(bot.user.id, scopeOf(params))
  }
}

function scopeOf(params: Params): string {
  const type = params.object('scope')?.type
  return typeof type === 'string' ? type : 'default'
}

/** What a call hangs under its message: checked as the server does. Only inline keyboards become part of the message. */
export function markupOf(params: Params): { keyboard?: InlineKeyboardMarkup; forced: boolean } {
  const markup = params.object('reply_markup')
  if (markup === undefined) return { forced: false }
  if (markup.force_reply === true) {
    const placeholder = markup.input_field_placeholder
    if (placeholder !== undefined && (typeof placeholder !== 'string' || placeholder.length < 1 || placeholder.length > 64)) {
      throw badRequest('input field placeholder must have 1 to 64 characters')
    }
    return { forced: true }
  }
  const rows = markup.inline_keyboard
  if (!Array.isArray(rows)) throw badRequest('object expected as reply markup')
  let count = 0
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row)) throw badRequest('field "inline_keyboard" must be an Array of Arrays')
    for (const button of row as Record<string, unknown>[]) {
      count++
      if (typeof button.text !== 'string' || button.text.trim() === '')
        throw badRequest('inline keyboard button text must be non-empty')
      const kinds = ['callback_data', 'url'].filter((kind) => button[kind] !== undefined)
      if (kinds.length !== 1) throw badRequest('text buttons are unallowed in the inline keyboard')
      const data = button.callback_data
      if (data !== undefined && (typeof data !== 'string' || data === '' || Buffer.byteLength(data) > MAX_DATA_BYTES)) {
        throw badRequest('BUTTON_DATA_INVALID')
      }
      if (button.url !== undefined && !/^(https?|tg):\/\//.test(String(button.url))) throw badRequest('BUTTON_URL_INVALID')
    }
  }
  if (count > MAX_BUTTONS) throw badRequest('REPLY_MARKUP_TOO_LONG')
  return { forced: false, ...(count > 0 && { keyboard: markup as unknown as InlineKeyboardMarkup }) }
}

/** Labels of the buttons under a message. */
export function labelsOf(message: Message): string[] {
  return (message.reply_markup?.inline_keyboard ?? []).flat().map((b) => b.text)
}

export function dataOf(message: Message, label: string): string {
  const button = (message.reply_markup?.inline_keyboard ?? []).flat().find((b) => b.text === label)
  if (button === undefined || !('callback_data' in button)) throw new Error(`no button ${label}`)
  return button.callback_data
}
