import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorMessage, K2Error } from '../../base/errors.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { Form, Interaction, InteractionHandler } from '../../bridges/interaction.ts'
import type { Access } from './access.ts'
import type { ActionIds, ActionRef } from './action-ids.ts'
import { cancelled, errorNotice, expired, question } from './answers.ts'
import { parseArguments } from './arguments.ts'
import { type AuditEntry, auditedArguments } from './audit.ts'
import { ChatAnswers } from './chat-answers.ts'
import type { CommandResult, FormSubmit, Role } from './definition.ts'
import { notice } from './notices.ts'
import { Pending } from './pending.ts'
import type { CommandRegistry, RegisteredCommand } from './registry.ts'
import { type Caller, Runner, type Work } from './runner.ts'

/** What is kept about interactions. */
export interface CommandLog {
  /** False when this interaction was handled before. */
  claim(id: string, now: number): Promise<boolean>
  audit(entry: AuditEntry): Promise<void>
  /** Youngest first. */
  recent(limit: number): Promise<readonly AuditEntry[]>
  prune(now: number): Promise<void>
}

export interface CommandServiceOptions {
  readonly registry: CommandRegistry
  readonly access: Access
  readonly store: CommandLog
  readonly ids: ActionIds
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
}

/** Commands, buttons and forms of one person: a burst, then one every two seconds. */
const ACTOR_RATE = { perSecond: 0.5, burst: 10 }
/** Suggestions while typing. */
const SUGGEST_RATE = { perSecond: 5, burst: 20 }
const MAX_ACTORS = 10_000
/** Commands of one person at once. */
const MAX_RUNNING = 4
const SUGGEST_MS = 2_500
const MAX_SUGGESTIONS = 25
const PRUNE_EVERY_MS = 3_600_000

interface OpenForm {
  readonly name: string
  readonly role: Role
  readonly isPrivate: boolean
  readonly form: Omit<Form, 'id'>
  readonly submit: FormSubmit
}

interface OpenQuestion {
  readonly command: RegisteredCommand
  readonly args: Readonly<Record<string, unknown>>
}

/** Buttons of the layer itself. */
const CONFIRM = 'ok'
const CANCEL = 'cancel'
const FORM = 'form'
const AGAIN = 'again'

/** Answers people on every chat: roles, limits, confirmation, forms, audit; the same for all networks (bridging 18). */
export class CommandService implements Lifecycle {
  readonly name = 'commands'
  readonly registry: CommandRegistry
  readonly #options: CommandServiceOptions
  readonly #runner: Runner
  readonly #forms: Pending<OpenForm>
  readonly #questions: Pending<OpenQuestion>
  readonly #rates = new BoundedMap<string, TokenBucket>({ max: MAX_ACTORS })
  readonly #running = new Map<string, number>()
  #cancelPrune = (): void => {}

  constructor(options: CommandServiceOptions) {
    this.#options = options
    this.registry = options.registry
    this.#runner = new Runner({ audit: (entry) => options.store.audit(entry), clock: options.clock, log: options.log })
    this.#forms = new Pending(options.clock, options.rng)
    this.#questions = new Pending(options.clock, options.rng)
  }

  get runner(): Runner {
    return this.#runner
  }

  async start(): Promise<void> {
    this.#prune()
  }

  /** What runs is told to stop; nothing new begins. */
  async drain(): Promise<void> {
    this.#cancelPrune()
    this.#runner.stop()
  }

  /** For bridges. Never rejects: what goes wrong becomes an answer, and when even that is impossible a line in the log. */
  readonly handle: InteractionHandler = async (interaction) => {
    try {
      if (interaction.input.kind === 'suggest') await this.#suggest(interaction)
      else await this.#take(interaction)
    } catch (error) {
      const { log } = this.#options
      log.debug({ ev: 'interaction-failed', err: error }, 'an interaction ended with an error')
      await interaction.answer
        .reply(errorNotice(error), { private: true })
        .catch((err) => log.warn({ ev: 'answer-failed', reason: errorMessage(err) }, 'a person could not be answered'))
    }
  }

  async #take(interaction: Interaction): Promise<void> {
    const { store, access, clock } = this.#options
    const { actor, input, network, account } = interaction
    // Programs that answer programs would never stop.
    if (actor.isBot) return
    if (!(await store.claim(`${network}/${account}/${interaction.id}`, clock.now()))) return
    this.#charge(actor.key, 'command', ACTOR_RATE)
    const standing = await access.standingOf(interaction)
    const caller: Caller = { ...standing, origin: { surface: 'chat', interaction, at: interaction.at } }
    if (input.kind === 'command') await this.#command(interaction, caller, input.path, input.args)
    else if (input.kind === 'action') await this.#action(interaction, caller, input.id)
    else if (input.kind === 'form') await this.#submitted(interaction, caller, input.id, input.values)
  }

  /** Throws `COMMAND_TOO_FAST`. */
  #charge(actor: string, what: string, rate: { readonly perSecond: number; readonly burst: number }): void {
    const now = this.#options.clock.monotonic()
    const key = `${what} ${actor}`
    const bucket = this.#rates.get(key, now) ?? new TokenBucket(rate.perSecond, rate.burst, now)
    this.#rates.set(key, bucket, now)
    if (bucket.take(now)) return
    const seconds = Math.ceil(bucket.waitMs(now) / 1000)
    throw new K2Error({ code: 'COMMAND_TOO_FAST', kind: 'limit', message: `slow down a little: try again in ${seconds} s` })
  }

  async #command(
    interaction: Interaction,
    caller: Caller,
    path: readonly string[],
    given: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const command = this.registry.find(path)
    const { network } = interaction
    if (command === undefined) {
      const text = `There is no command "${path.join(' ').slice(0, 64)}". ${network === 'telegram' ? '/k2_help' : '/k2 help'} lists all.`
      return interaction.answer.reply(notice(text), { private: true })
    }
    const { definition } = command
    let args: Record<string, unknown>
    try {
      this.#options.access.require(caller.role, definition.role)
      args = parseArguments(definition, command.arguments, given)
    } catch (error) {
      await this.#runner.refused(caller, { name: definition.path.join(' '), args: auditedArguments(command, given) }, error)
      return interaction.answer.reply(errorNotice(error, command, network), { private: true })
    }
    if (definition.confirm) return this.#ask(interaction, caller, command, args)
    await this.#runCommand(interaction, caller, command, args, false)
  }

  async #ask(
    interaction: Interaction,
    caller: Caller,
    command: RegisteredCommand,
    args: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { ids } = this.#options
    const key = this.#questions.add(caller.actor.key, { command, args })
    const shown = question(command.definition.confirm?.(args) ?? '')
    const actions = [
      [
        { id: ids.id(CONFIRM, key), label: 'Yes, do it', style: 'danger' as const },
        { id: ids.id(CANCEL, key), label: 'Cancel', style: 'secondary' as const },
      ],
    ]
    await interaction.answer.reply({ ...shown, actions }, { private: true })
  }

  #runCommand(
    interaction: Interaction,
    caller: Caller,
    command: RegisteredCommand,
    args: Readonly<Record<string, unknown>>,
    replaces: boolean,
  ): Promise<void> {
    const { definition } = command
    const work: Work = {
      name: definition.path.join(' '),
      args: auditedArguments(command, args),
      ...(definition.timeoutMs !== undefined && { timeoutMs: definition.timeoutMs }),
      run: (context) => definition.run(context, args),
    }
    return this.#carryOut(interaction, caller, work, {
      role: definition.role,
      isPrivate: definition.private ?? true,
      replaces,
      command,
    })
  }

  async #action(interaction: Interaction, caller: Caller, id: string): Promise<void> {
    const ref = this.#options.ids.read(id)
    if (ref === undefined) return interaction.answer.reply(expired(), { private: true })
    if (ref.name === CONFIRM || ref.name === CANCEL) return this.#answered(interaction, caller, ref)
    if (ref.name === AGAIN) return this.#formAgain(interaction, caller, ref.argument)
    const action = this.registry.action(ref.name)
    if (action === undefined) return interaction.answer.reply(expired(), { private: true })
    const work: Work = {
      name: `button:${action.name}`,
      args: { argument: ref.argument },
      run: (context) => action.run(context, ref.argument),
    }
    try {
      this.#options.access.require(caller.role, action.role)
    } catch (error) {
      await this.#runner.refused(caller, work, error)
      return interaction.answer.reply(errorNotice(error), { private: true })
    }
    await this.#carryOut(interaction, caller, work, { role: action.role, isPrivate: true, replaces: false })
  }

  async #answered(interaction: Interaction, caller: Caller, { name, argument }: ActionRef): Promise<void> {
    const asked = this.#questions.peek(argument, caller.actor.key)
    if (asked === 'foreign')
      return interaction.answer.reply(notice('Only the person who was asked can answer.'), { private: true })
    if (asked === undefined) return interaction.answer.update(expired())
    this.#questions.drop(argument)
    if (name === CANCEL) return interaction.answer.update(cancelled())
    const { command, args } = asked.value
    // Rights may have been taken away since the question.
    this.#options.access.require(caller.role, command.definition.role)
    await this.#runCommand(interaction, caller, command, args, true)
  }

  async #submitted(
    interaction: Interaction,
    caller: Caller,
    id: string,
    values: Readonly<Record<string, string>>,
  ): Promise<void> {
    const ref = this.#options.ids.read(id)
    const asked = ref?.name === FORM ? this.#forms.peek(ref.argument, caller.actor.key) : undefined
    if (asked === 'foreign' || asked === undefined || ref === undefined)
      return interaction.answer.reply(expired(), { private: true })
    const open = asked.value
    this.#options.access.require(caller.role, open.role)
    const clean = formValues(open.form, values)
    const work: Work = { name: `form:${open.name}`, args: {}, run: (context) => open.submit(context, clean) }
    try {
      await this.#perform(interaction, caller, work, { ...open, replaces: false })
      this.#forms.drop(ref.argument)
    } catch (error) {
      const form = { ...open.form, fields: open.form.fields.map((f) => ({ ...f, value: clean[f.name] ?? f.value ?? '' })) }
      const key = this.#forms.add(caller.actor.key, { ...open, form })
      const again = { id: this.#options.ids.id(AGAIN, key), label: 'Correct and try again', style: 'primary' as const }
      await interaction.answer.reply({ ...errorNotice(error), actions: [[again]] }, { private: true })
    }
  }

  async #formAgain(interaction: Interaction, caller: Caller, key: string): Promise<void> {
    const asked = this.#forms.peek(key, caller.actor.key)
    if (asked === undefined || asked === 'foreign') return interaction.answer.reply(expired(), { private: true })
    await interaction.answer.form({ ...asked.value.form, id: this.#options.ids.id(FORM, key) })
  }

  async #carryOut(
    interaction: Interaction,
    caller: Caller,
    work: Work,
    how: { readonly role: Role; readonly isPrivate: boolean; readonly replaces: boolean; readonly command?: RegisteredCommand },
  ): Promise<void> {
    try {
      await this.#perform(interaction, caller, work, how)
    } catch (error) {
      const shown = errorNotice(error, how.command, interaction.network)
      await (how.replaces ? interaction.answer.update(shown) : interaction.answer.reply(shown, { private: true }))
    }
  }

  /** Runs it and says what came of it. Rejects with the work's error. */
  async #perform(
    interaction: Interaction,
    caller: Caller,
    work: Work,
    how: { readonly role: Role; readonly isPrivate: boolean; readonly replaces: boolean },
  ): Promise<void> {
    const answers = new ChatAnswers(interaction.answer, how)
    const result = await this.#counted(caller, () => this.#runner.run(caller, work, (shown) => answers.say(shown)))
    if (result.kind === 'form') return this.#openForm(interaction, caller, work.name, how, result)
    const isPrivate = result.private ?? how.isPrivate
    if (result.replace === true && interaction.input.kind === 'action') return interaction.answer.update(result.notice)
    if (!how.replaces || isPrivate) return answers.say(result.notice, isPrivate, result.private === true)
    await answers.say(notice('✅ Done.'))
    await answers.sayToAll(result.notice)
  }

  async #openForm(
    interaction: Interaction,
    caller: Caller,
    name: string,
    how: { readonly role: Role; readonly isPrivate: boolean },
    result: Extract<CommandResult, { kind: 'form' }>,
  ): Promise<void> {
    const key = this.#forms.add(caller.actor.key, {
      name: name.replace(/^form:/, ''),
      role: how.role,
      isPrivate: how.isPrivate,
      form: result.form,
      submit: result.submit,
    })
    await interaction.answer.form({ ...result.form, id: this.#options.ids.id(FORM, key) })
  }

  /** Throws `COMMAND_BUSY` when the person has too much under way. */
  async #counted<T>(caller: Caller, work: () => Promise<T>): Promise<T> {
    const { key } = caller.actor
    const running = this.#running.get(key) ?? 0
    if (running >= MAX_RUNNING) {
      throw new K2Error({ code: 'COMMAND_BUSY', kind: 'limit', message: 'wait until your other commands have finished' })
    }
    this.#running.set(key, running + 1)
    try {
      return await work()
    } finally {
      const left = (this.#running.get(key) ?? 1) - 1
      if (left > 0) this.#running.set(key, left)
      else this.#running.delete(key)
    }
  }

  async #suggest(interaction: Interaction): Promise<void> {
    const { input, actor, answer } = interaction
    if (input.kind !== 'suggest' || actor.isBot) return
    const command = this.registry.find(input.path)
    const suggest = command?.definition.argumentHelp[input.argument]?.suggest
    if (command === undefined || suggest === undefined) return answer.suggest([])
    try {
      this.#charge(actor.key, 'suggest', SUGGEST_RATE)
      const standing = await this.#options.access.standingOf(interaction)
      this.#options.access.require(standing.role, command.definition.role)
      const signal = AbortSignal.timeout(SUGGEST_MS)
      const context = {
        ...standing,
        origin: { surface: 'chat' as const, interaction, at: interaction.at },
        progress: async () => {},
        signal,
      }
      const values = await suggest.call(command.definition.argumentHelp[input.argument], context, input.typed.slice(0, 100))
      await answer.suggest(values.slice(0, MAX_SUGGESTIONS))
    } catch (err) {
      this.#options.log.debug({ ev: 'suggest-failed', reason: errorMessage(err) }, 'no suggestions could be made')
      await answer.suggest([])
    }
  }

  #prune(): void {
    const { store, clock, log } = this.#options
    store
      .prune(clock.now())
      .catch((err) => log.warn({ ev: 'command-prune', err }, 'old records of commands could not be removed'))
    this.#cancelPrune = clock.after(PRUNE_EVERY_MS, () => this.#prune())
  }
}

/** Longest value of one field, UTF-16 units. */
const MAX_FIELD = 4_000

/** Only what was asked, cut to its length. Throws `COMMAND_BAD_ARGUMENT` when something required is missing. */
export function formValues(form: Omit<Form, 'id'>, given: Readonly<Record<string, string>>): Record<string, string> {
  const values: Record<string, string> = {}
  for (const { name, label, required, maxLength } of form.fields) {
    const value = (given[name] ?? '').trim().slice(0, maxLength ?? MAX_FIELD)
    if (value === '' && required) {
      throw new K2Error({ code: 'COMMAND_BAD_ARGUMENT', kind: 'input', message: `"${label}" is missing` })
    }
    if (value !== '') values[name] = value
  }
  return values
}
