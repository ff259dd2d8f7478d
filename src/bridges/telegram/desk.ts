import type { TaskGroup } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorMessage, K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { toTelegramEntities } from '../format/telegram-entities.ts'
import type { ArgumentValue, CommandSpec, Form, Interaction, InteractionHandler, Notice, NoticeTarget } from '../interaction.ts'
import type { NativeRef, Place } from '../model/place.ts'
import { parseTextArguments } from '../text-command.ts'
import { authorOf } from './author.ts'
import { commandText, type Meaning, meaningOf } from './command-text.ts'
import { bodyOf } from './content.ts'
import { type CallOptions, DeskCalls, type Spot } from './desk-calls.ts'
import { CANCEL_HINT, type Dialogue, fieldOf, openDialogue, questionOf, takeAnswer } from './dialogue.ts'
import { GroupAdmins } from './group-admins.ts'
import { registerMenus } from './menus.ts'
import { TelegramResponder } from './responder.ts'
import { CallbackQuery, Message, MyChatMember, type TgChat, type TgMe, type TgMessage } from './schema.ts'

export interface DeskOptions extends CallOptions {
  readonly account: string
  /** Channel id of a chat as routes name it. */
  readonly channelOf: (chat: { readonly id: number; readonly username?: string | undefined }) => string
  /** Where a chat is now, when it moved. */
  readonly currentChat: (channel: string) => string
  readonly tasks: TaskGroup
  readonly clock: Clock
  readonly log: Logger
}

/** What a person is being asked. */
interface OpenDialogue {
  readonly dialogue: Dialogue
  /** The question they should reply to in groups. */
  readonly prompt: number
  readonly purpose:
    | { readonly kind: 'form'; readonly id: string }
    | { readonly kind: 'arguments'; readonly spec: CommandSpec; readonly args: Readonly<Record<string, ArgumentValue>> }
}

const MAX_DIALOGUES = 5_000
const DIALOGUE_MS = 15 * 60_000
/** Messages handled lately: a batch that could not be stored comes again. */
const MAX_HANDLED = 20_000
const MAX_OPEN = 200

/** Everything the bot itself says and is asked on Telegram: commands, inline buttons, dialogues, notices. */
export class Desk {
  readonly #o: DeskOptions
  readonly #calls: DeskCalls
  #specs: ReadonlyMap<string, CommandSpec> = new Map()
  /** Undefined: the bot answers nothing, and commands are messages like any others. */
  #handler: InteractionHandler | undefined
  #welcome: Notice | undefined
  readonly #dialogues = new BoundedMap<string, OpenDialogue>({ max: MAX_DIALOGUES, ttlMs: DIALOGUE_MS })
  readonly #handled = new BoundedMap<string, true>({ max: MAX_HANDLED })
  readonly #admins: GroupAdmins
  #me: TgMe | undefined
  #open = 0

  constructor(options: DeskOptions) {
    this.#o = options
    this.#calls = new DeskCalls(options)
    this.#admins = new GroupAdmins(this.#calls, options.clock)
  }

  open(specs: readonly CommandSpec[], handler: InteractionHandler, welcome?: Notice): void {
    this.#welcome = welcome
    this.#specs = new Map(specs.map((spec) => [spec.telegram, spec]))
    this.#handler = handler
  }

  /** The bot knows its name: from now on it answers. */
  connected(me: TgMe): void {
    this.#me = me
    if (this.#handler === undefined) return
    const { log, signal } = this.#o
    const registering = registerMenus(this.#calls, [...this.#specs.values()], signal)
    this.#o.tasks.add(
      registering.catch((err) =>
        log.warn({ ev: 'menu-failed', reason: errorMessage(err) }, 'the menu of commands could not be set'),
      ),
    )
  }

  /** Takes what is meant for the bot itself; false: it is a message like any other, to be bridged. */
  take(raw: unknown): boolean {
    const update = raw as { readonly message?: unknown; readonly callback_query?: unknown; readonly my_chat_member?: unknown }
    if (this.#me === undefined || this.#handler === undefined || typeof raw !== 'object' || raw === null) return false
    if (update.callback_query !== undefined) {
      const query = CallbackQuery.safeParse(update.callback_query)
      if (query.success && query.data.message && query.data.data !== undefined)
        this.#run(`q:${query.data.id}`, () => this.#pressed(query.data))
      return true
    }
    if (update.my_chat_member !== undefined) this.#greet(update.my_chat_member)
    const parsed = update.message === undefined ? undefined : Message.safeParse(update.message)
    return parsed?.success === true && this.#takeMessage(parsed.data, this.#me)
  }

  /** Says hello when somebody has added the bot to a group. */
  #greet(raw: unknown): void {
    const parsed = MyChatMember.safeParse(raw)
    const welcome = this.#welcome
    if (!parsed.success || welcome === undefined) return
    const { chat, old_chat_member: before, new_chat_member: now, date } = parsed.data
    const isIn = (status: string | undefined): boolean => status === 'member' || status === 'administrator'
    const isGroup = chat.type === 'group' || chat.type === 'supergroup'
    if (!isGroup || isIn(before?.status) || !isIn(now.status)) return
    this.#run(`w:${chat.id}:${date ?? 0}`, () => this.#calls.say({ chat: chat.id }, welcome).then(() => {}))
  }

  #takeMessage(m: TgMessage, me: TgMe): boolean {
    if (m.from?.is_bot === true && m.sender_chat === undefined) return false
    const key = `m:${m.chat.id}:${m.message_id}`
    const isPrivate = m.chat.type === 'private'
    const open = this.#dialogues.get(personIn(m), this.#o.clock.monotonic())
    // In groups /cancel and /skip are anybody's words, unless this person is being asked something.
    const known = (name: string): boolean =>
      this.#specs.has(name) || (open !== undefined && (name === 'cancel' || name === 'skip'))
    const command = commandText(m.text ?? m.caption ?? '', { username: me.username, isPrivate, known })
    const meaning = command && meaningOf(command, this.#specs)
    const isReply = m.reply_to_message?.from?.id === me.id && (m.reply_to_message.text ?? '').endsWith(CANCEL_HINT)
    if (meaning?.kind === 'command') {
      this.#run(key, () => this.#command(m, meaning))
      return true
    }
    // In groups only replies to the question are answers; everything else goes on as before.
    const isAnswer = open !== undefined && (isPrivate || m.reply_to_message?.message_id === open.prompt)
    if (open !== undefined && (isAnswer || meaning?.kind === 'cancel' || meaning?.kind === 'skip')) {
      this.#run(key, () => this.#answered(m, open, meaning))
      return true
    }
    if (isReply || meaning?.kind === 'cancel' || meaning?.kind === 'skip') {
      this.#run(key, () => this.#say(m, 'Nothing is being asked. Give the command again.'))
      return true
    }
    if (meaning?.kind === 'unknown' && (isPrivate || command?.name.startsWith('k2_') === true)) {
      this.#run(key, () => this.#say(m, 'I do not know this command. /k2_help lists all.'))
      return true
    }
    return false
  }

  /** Runs it beside the receiving of messages, once per message. */
  #run(key: string, work: () => Promise<void>): void {
    const now = this.#o.clock.monotonic()
    if (this.#handled.has(key, now) || this.#open >= MAX_OPEN) return
    this.#handled.set(key, true, now)
    this.#open++
    const done = work().finally(() => {
      this.#open--
    })
    this.#o.tasks.add(
      done.catch((err) => this.#o.log.warn({ ev: 'desk-failed', reason: errorMessage(err) }, 'a person could not be answered')),
    )
  }

  async #command(m: TgMessage, meaning: Extract<Meaning, { kind: 'command' }>): Promise<void> {
    this.#dialogues.delete(personIn(m))
    const specs = meaning.spec?.arguments ?? []
    const { args, missing, surplus } = parseTextArguments(specs, meaning.rest)
    const files = this.#filesOf(m, specs)
    const given = { ...args, ...files }
    const needed = missing.filter((spec) => given[spec.name] === undefined)
    if (surplus !== '') return this.#say(m, `I do not understand “${surplus.slice(0, 60)}”. Put texts with blanks into quotes.`)
    const noFile = needed.find((spec) => spec.type === 'attachment')
    if (noFile)
      return this.#say(
        m,
        `Attach a file: send it with /${meaning.spec?.telegram} as its caption, or reply to a file with the command.`,
      )
    if (needed.length > 0 && meaning.spec) {
      const fields = needed.map(({ name, summary }) => ({ name, label: summary, required: true }))
      const purpose = { kind: 'arguments', spec: meaning.spec, args: given } as const
      return this.#ask(m, openDialogue(meaning.spec.summary, fields), purpose)
    }
    await this.#hand(m, `m:${m.chat.id}:${m.message_id}`, { kind: 'command', path: meaning.path, args: given })
  }

  #filesOf(m: TgMessage, specs: CommandSpec['arguments']): Record<string, ArgumentValue> {
    const wanted = specs.filter((spec) => spec.type === 'attachment')
    if (wanted.length === 0) return {}
    const own = bodyOf(m, this.#o.account).attachments
    const found = own.length > 0 || !m.reply_to_message ? own : bodyOf(m.reply_to_message, this.#o.account).attachments
    return Object.fromEntries(wanted.flatMap((spec, i) => (found[i] ? [[spec.name, found[i]]] : [])))
  }

  async #answered(m: TgMessage, open: OpenDialogue, meaning: Meaning | undefined): Promise<void> {
    if (meaning?.kind === 'cancel') {
      this.#dialogues.delete(personIn(m))
      return this.#say(m, 'Cancelled. Nothing was done.')
    }
    const text = m.text ?? m.caption
    if (meaning?.kind !== 'skip' && text === undefined) return this.#ask(m, open.dialogue, open.purpose, 'Answer with text.')
    const turn = takeAnswer(open.dialogue, meaning?.kind === 'skip' ? undefined : text)
    if (turn.kind !== 'done') return this.#ask(m, turn.dialogue, open.purpose, turn.kind === 'again' ? turn.why : undefined)
    this.#dialogues.delete(personIn(m))
    const key = `m:${m.chat.id}:${m.message_id}`
    const { purpose } = open
    if (purpose.kind === 'form') return this.#hand(m, key, { kind: 'form', id: purpose.id, values: turn.values })
    await this.#hand(m, key, { kind: 'command', path: purpose.spec.path, args: { ...purpose.args, ...turn.values } })
  }

  async #ask(m: TgMessage, dialogue: Dialogue, purpose: OpenDialogue['purpose'], why?: string): Promise<void> {
    const { text, entities } = toTelegramEntities(questionOf(dialogue, why))
    const example = fieldOf(dialogue).placeholder
    const markup = { force_reply: true, selective: true, ...(example && { input_field_placeholder: example.slice(0, 64) }) }
    const prompt = await this.#calls.send(this.#spotOf(m), { text, entities, reply_markup: markup })
    this.#dialogues.set(personIn(m), { dialogue, prompt, purpose }, this.#o.clock.monotonic())
  }

  async #pressed(query: CallbackQuery): Promise<void> {
    const { message, data, from } = query
    if (message === undefined || data === undefined) return
    const m = { ...message, from, sender_chat: undefined } as TgMessage
    const { text: _, reply_to_message: __, ...bare } = m
    await this.#hand(
      bare as TgMessage,
      `q:${query.id}`,
      { kind: 'action', id: data, message: this.#refOf(m.chat, m.message_id, threadOf(m)) },
      { query: query.id, message: m.message_id },
    )
  }

  async #hand(
    m: TgMessage,
    id: string,
    input: Interaction['input'],
    pressed?: { readonly query: string; readonly message: number },
  ): Promise<void> {
    const { account } = this.#o
    const isPrivate = m.chat.type === 'private'
    const answer = new TelegramResponder({
      calls: this.#calls,
      spot: this.#spotOf(m),
      privateChat: m.from?.id ?? m.chat.id,
      isPrivate,
      ...(pressed && { pressed }),
      startUrl: `https://t.me/${this.#me?.username ?? ''}?start=k2`,
      ask: (form) => this.#askForm(m, form),
    })
    const reply = m.reply_to_message
    const interaction: Interaction = {
      id,
      network: 'telegram',
      account,
      at: this.#placeOf(m),
      actor: authorOf(m),
      platformAdmin: await this.#admins.isAdmin(m),
      direct: isPrivate,
      ...(reply && { replyTo: this.#refOf(m.chat, reply.message_id, threadOf(m)) }),
      input,
      answer,
    }
    try {
      await this.#handler?.(interaction)
    } finally {
      await answer.close()
    }
  }

  #askForm(m: TgMessage, form: Form): Promise<void> {
    return this.#ask(m, openDialogue(form.title, form.fields), { kind: 'form', id: form.id })
  }

  #say(m: TgMessage, text: string): Promise<void> {
    return this.#calls.send(this.#spotOf(m), { text }).then(() => {})
  }

  #spotOf(m: TgMessage): Spot {
    const thread = threadOf(m)
    return { chat: m.chat.id, replyTo: m.message_id, ...(thread !== undefined && { thread: Number(thread) }) }
  }

  #placeOf(m: TgMessage): Place {
    const thread = threadOf(m)
    return {
      network: 'telegram',
      account: this.#o.account,
      channel: this.#o.channelOf(m.chat),
      ...(thread !== undefined && { thread }),
    }
  }

  #refOf(chat: TgChat, id: number, thread: string | undefined): NativeRef {
    const at = { network: 'telegram' as const, account: this.#o.account, channel: this.#o.channelOf(chat) }
    return { ...at, ...(thread !== undefined && { thread }), id: String(id) }
  }

  async post(target: NoticeTarget, notice: Notice, signal: AbortSignal): Promise<NativeRef> {
    const place = target.kind === 'place' ? target.place : this.#directPlace(target.authorKey)
    const reply = target.kind === 'place' && target.replyTo?.network === 'telegram' ? Number(target.replyTo.id) : undefined
    const spot: Spot = {
      chat: this.#chatId(place.channel),
      ...(place.thread !== undefined && { thread: Number(place.thread) }),
      ...(reply !== undefined && { replyTo: reply }),
    }
    const id = await this.#calls.say(spot, notice, signal)
    const { network, account, channel, thread } = place
    return { network, account, channel, ...(thread !== undefined && { thread }), id: String(id) }
  }

  repost(ref: NativeRef, notice: Notice, signal: AbortSignal): Promise<boolean> {
    return this.#calls.edit(this.#chatId(ref.channel), Number(ref.id), notice, signal)
  }

  async retract(ref: NativeRef, signal: AbortSignal): Promise<void> {
    try {
      await this.#calls.call('deleteMessage', { chat_id: this.#chatId(ref.channel), message_id: Number(ref.id) }, signal)
    } catch (error) {
      if (!(error instanceof K2Error)) throw error
      if (/message to delete not found|message_id_invalid/i.test(error.message)) return
      // After 48 hours a bot may only change what it said.
      if (!/can't be deleted/i.test(error.message)) throw error
      await this.repost(ref, { rich: { text: '(removed)', spans: [] } }, signal)
    }
  }

  #directPlace(authorKey: string): Place {
    const user = /^telegram:(\d{1,20})$/.exec(authorKey)?.[1]
    if (user !== undefined) return { network: 'telegram', account: this.#o.account, channel: user }
    throw new K2Error({ code: 'TELEGRAM_NO_PERSON', kind: 'denied', message: 'this person is not on Telegram' })
  }

  #chatId(channel: string): number | string {
    const now = this.#o.currentChat(channel)
    return /^-?\d+$/.test(now) ? Number(now) : now
  }
}

function personIn(m: TgMessage): string {
  return `${m.chat.id}/${threadOf(m) ?? ''}/${m.sender_chat?.id ?? m.from?.id ?? ''}`
}

function threadOf(m: Pick<TgMessage, 'is_topic_message' | 'message_thread_id'>): string | undefined {
  return m.is_topic_message === true && m.message_thread_id !== undefined ? String(m.message_thread_id) : undefined
}
