import { BoundedMap } from '../../base/bounded-map.ts'
import { toBase32 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { Rng } from '../../base/random.ts'
import {
  type ArgumentValue,
  type CommandSpec,
  DISCORD_ADMIN_ROOT,
  DISCORD_ROOT,
  type Interaction,
  type InteractionHandler,
  type Notice,
  type NoticeTarget,
  type OutFile,
} from '../interaction.ts'
import type { Attachment } from '../model/message.ts'
import type { NativeRef } from '../model/place.ts'
import { parseTextArguments } from '../text-command.ts'
import type { ChatFiles } from './files.ts'
import { wireNotice } from './notice.ts'
import { NoticeFiles } from './notice-files.ts'
import type { ClientMessage, WirePerson } from './protocol.ts'
import { WebResponder } from './responder.ts'
import type { ChatSession } from './session.ts'
import type { WebChatBody } from './store.ts'

export interface DeskOptions {
  readonly account: string
  /** Files that pages have uploaded; undefined where they cannot. */
  readonly files?: Pick<ChatFiles, 'claim' | 'settle'> | undefined
  readonly sessions: () => Iterable<ChatSession>
  /** Puts a notice into a room, or changes it; answers false when the room cannot be written or the notice is gone. */
  readonly show: (room: string, id: string, notice: WebChatBody, isNew: boolean) => Promise<boolean>
  readonly remove: (room: string, id: string) => Promise<boolean>
  readonly clock: Clock
  readonly rng: Rng
}

export type DeskMessage = Extract<ClientMessage, { type: 'command' | 'action' | 'form' | 'suggest' }>

/** Forms for arguments that were left out. */
const ARGUMENTS = 'args:'
const MAX_QUESTIONS = 2_000
const QUESTION_MS = 15 * 60_000
/** Channel of notices for one person. */
const PERSON = 'person:'
const ID_BYTES = 15

interface Question {
  readonly person: string
  readonly spec: CommandSpec
  readonly args: Readonly<Record<string, ArgumentValue>>
}

/** Everything the gateway itself says and is asked in the web chat: commands, buttons, forms, notices. */
export class Desk {
  readonly #o: DeskOptions
  readonly #files: NoticeFiles
  readonly #questions = new BoundedMap<string, Question>({ max: MAX_QUESTIONS, ttlMs: QUESTION_MS })
  #specs: readonly CommandSpec[] = []
  #handler: InteractionHandler | undefined

  constructor(options: DeskOptions) {
    this.#o = options
    this.#files = new NoticeFiles(options.clock, options.rng)
  }

  open(specs: readonly CommandSpec[], handler: InteractionHandler): void {
    this.#specs = specs
    this.#handler = handler
  }

  /** What a page needs to complete commands while somebody types. */
  greet(session: ChatSession): void {
    if (this.#handler === undefined) return
    session.send({
      type: 'commands',
      commands: this.#specs.map(({ path, summary, arguments: args }) => ({ path, summary, arguments: args })),
    })
  }

  file(id: string): OutFile | undefined {
    return this.#files.get(id)
  }

  async take(session: ChatSession, person: WirePerson, message: DeskMessage): Promise<void> {
    if (message.type === 'command') return this.#command(session, person, message)
    if (message.type === 'suggest') {
      const { path, argument, typed } = message
      return this.#hand(session, person, message, { kind: 'suggest', path, argument, typed })
    }
    if (message.type === 'action') {
      const ref = this.#ref(message.room ?? '', message.message)
      return this.#hand(session, person, message, { kind: 'action', id: message.action, message: ref }, message.message)
    }
    if (!message.form.startsWith(ARGUMENTS)) {
      return this.#hand(session, person, message, { kind: 'form', id: message.form, values: message.values })
    }
    const question = this.#questions.get(message.form, this.#o.clock.monotonic())
    this.#questions.delete(message.form)
    if (question?.person !== person.key) return this.#tell(session, 'This is too old. Give the command again.')
    const args = { ...question.args, ...message.values }
    return this.#hand(session, person, message, { kind: 'command', path: question.spec.path, args })
  }

  async #command(session: ChatSession, person: WirePerson, message: Extract<DeskMessage, { type: 'command' }>): Promise<void> {
    const words = message.text.replace(/^\//, '').trim()
    const text = words.replace(new RegExp(`^(${DISCORD_ADMIN_ROOT}|${DISCORD_ROOT})(\\s+|$)`, 'i'), '')
    const spec = this.#find(text)
    if (spec === undefined) return this.#tell(session, `There is no command “${text.slice(0, 40)}”. /help lists all.`)
    const rest = text.slice(matchOf(text, spec)?.length ?? 0)
    const { args, missing, surplus } = parseTextArguments(spec.arguments, rest)
    if (surplus !== '')
      return this.#tell(session, `I do not understand “${surplus.slice(0, 60)}”. Put texts with blanks into quotes.`)
    const file = this.#fileFor(spec, person, message.files)
    if (typeof file === 'string') return this.#tell(session, file)
    Object.assign(args, file)
    const needed = missing.filter((a) => a.type !== 'attachment')
    if (needed.length === 0) return this.#hand(session, person, message, { kind: 'command', path: spec.path, args })
    const id = `${ARGUMENTS}${this.#newId()}`
    this.#questions.set(id, { person: person.key, spec, args }, this.#o.clock.monotonic())
    const fields = needed.map((a) => ({ name: a.name, label: a.summary, required: true, ...(a.rest && { multiline: true }) }))
    session.send({ type: 'form', operation: message.id, form: { id, title: spec.summary, fields } })
  }

  /** The upload a command is about as its argument, or what the person has to be told. */
  #fileFor(spec: CommandSpec, person: WirePerson, ids: readonly string[] = []): Readonly<Record<string, Attachment>> | string {
    const argument = spec.arguments.find((a) => a.type === 'attachment')
    if (argument === undefined) return {}
    if (this.#o.files === undefined) return 'Files cannot be uploaded here.'
    if (ids.length > 1) return 'One file at a time, please.'
    const [file] = this.#o.files.claim(person.key, ids) ?? []
    if (file !== undefined) {
      this.#o.files.settle(ids)
      return { [argument.name]: file }
    }
    if (ids.length > 0) return 'The file is not here any more. Please choose it again.'
    return argument.required ? 'Choose a file with the 📎 button first, then give the command.' : {}
  }

  /** The longest command the text begins with. */
  #find(text: string): CommandSpec | undefined {
    const fitting = this.#specs.filter((spec) => matchOf(text, spec) !== undefined)
    return fitting.sort((a, b) => b.path.length - a.path.length)[0]
  }

  async #hand(
    session: ChatSession,
    person: WirePerson,
    message: DeskMessage,
    input: Interaction['input'],
    pressed?: string,
  ): Promise<void> {
    if (this.#handler === undefined) return this.#tell(session, 'Commands are switched off.')
    const { account } = this.#o
    const room = session.room ?? ''
    const answer = new WebResponder({
      session,
      room,
      operation: message.id,
      newId: () => this.#newId(),
      wire: (notice) => wireNotice(notice, (file) => this.#files.add(file)),
      show: this.#o.show,
      body: (notice) => this.#body(notice),
      ...(pressed !== undefined && { pressed }),
    })
    await this.#handler({
      id: `${person.key}/${message.id}`,
      network: 'web',
      account,
      at: { network: 'web', account, channel: room },
      actor: { key: person.key, displayName: person.name, isBot: false, kind: 'user' },
      platformAdmin: false,
      direct: false,
      input,
      answer,
    })
  }

  #body(notice: Notice): WebChatBody {
    return { rich: notice.rich, notice: wireNotice(notice, (file) => this.#files.add(file)) }
  }

  #tell(session: ChatSession, text: string): void {
    session.send({ type: 'answer', id: this.#newId(), notice: wireNotice({ rich: { text, spans: [] } }, () => '') })
  }

  #ref(channel: string, id: string): NativeRef {
    return { network: 'web', account: this.#o.account, channel, id }
  }

  #newId(): string {
    return toBase32(this.#o.rng.bytes(ID_BYTES))
  }

  async post(target: NoticeTarget, notice: Notice): Promise<NativeRef> {
    const id = this.#newId()
    if (target.kind === 'person') {
      if (this.#toPerson(target.authorKey, id, notice)) return this.#ref(`${PERSON}${target.authorKey}`, id)
      throw new K2Error({ code: 'WEB_NOT_HERE', kind: 'network', retry: 'later', message: 'this person has no page open' })
    }
    if (await this.#o.show(target.place.channel, id, this.#body(notice), true)) return this.#ref(target.place.channel, id)
    throw new K2Error({ code: 'WEB_NOT_STORED', kind: 'storage', retry: 'later', message: 'the room cannot be written to' })
  }

  async repost(ref: NativeRef, notice: Notice): Promise<boolean> {
    if (ref.channel.startsWith(PERSON)) return this.#toPerson(ref.channel.slice(PERSON.length), ref.id, notice)
    return this.#o.show(ref.channel, ref.id, this.#body(notice), false)
  }

  async retract(ref: NativeRef): Promise<void> {
    if (!ref.channel.startsWith(PERSON)) {
      await this.#o.remove(ref.channel, ref.id)
      return
    }
    for (const session of this.#sessionsOf(ref.channel.slice(PERSON.length))) session.send({ type: 'retracted', id: ref.id })
  }

  /** Shows it on every page of a person; false when there is none. */
  #toPerson(key: string, id: string, notice: Notice): boolean {
    const sessions = this.#sessionsOf(key)
    const shown = wireNotice(notice, (file) => this.#files.add(file))
    for (const session of sessions) session.send({ type: 'answer', id, notice: shown })
    return sessions.length > 0
  }

  #sessionsOf(key: string): ChatSession[] {
    return [...this.#o.sessions()].filter((session) => session.person?.key === key)
  }
}

/** The part of a text that names a command. */
function matchOf(text: string, { path }: CommandSpec): string | undefined {
  return new RegExp(`^\\s*${path.join('\\s+')}(?=\\s|$)\\s*`, 'i').exec(text)?.[0]
}
