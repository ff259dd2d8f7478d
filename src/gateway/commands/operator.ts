import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { Rng } from '../../base/random.ts'
import type { Form, Notice } from '../../bridges/interaction.ts'
import type { ActionIds } from './action-ids.ts'
import { parseArguments } from './arguments.ts'
import { auditedArguments } from './audit.ts'
import type { CommandResult, FormSubmit } from './definition.ts'
import { Pending } from './pending.ts'
import type { CommandRegistry, RegisteredCommand } from './registry.ts'
import type { Caller, Runner } from './runner.ts'
import { formValues } from './service.ts'

export type OperatorSurface = 'cli' | 'http'

/** An answer for programs and terminals; a `form` is sent on with `submit`. */
export type OperatorAnswer =
  | { readonly kind: 'answer'; readonly notice: Notice; readonly data: unknown }
  | { readonly kind: 'form'; readonly form: Form }

interface OpenForm {
  readonly name: string
  readonly form: Omit<Form, 'id'>
  readonly submit: FormSubmit
}

const OPERATOR = { key: 'operator', displayName: 'Operator' } as const
const FORM = 'form'

/** The same commands for the command line and HTTP: whoever has the admin token administrates. */
export class OperatorCommands {
  readonly registry: CommandRegistry
  readonly #runner: Runner
  readonly #ids: ActionIds
  readonly #forms: Pending<OpenForm>

  constructor(options: {
    readonly registry: CommandRegistry
    readonly runner: Runner
    readonly ids: ActionIds
    readonly clock: Clock
    readonly rng: Rng
  }) {
    this.registry = options.registry
    this.#runner = options.runner
    this.#ids = options.ids
    this.#forms = new Pending(options.clock, options.rng)
  }

  /**
   * Runs one command. With `ask`, one that needs confirmation rejects `COMMAND_NEEDS_CONFIRMATION`, whose message is the
   * question. Rejects `COMMAND_BAD_ARGUMENT` and what the command itself throws.
   */
  async run(
    surface: OperatorSurface,
    command: RegisteredCommand,
    given: Readonly<Record<string, unknown>>,
    options: { readonly ask: boolean; readonly signal?: AbortSignal },
  ): Promise<OperatorAnswer> {
    const { definition } = command
    const name = definition.path.join(' ')
    const args = parseArguments(definition, withoutFiles(command), given)
    if (options.ask && definition.confirm) {
      throw new K2Error({ code: 'COMMAND_NEEDS_CONFIRMATION', kind: 'conflict', message: definition.confirm(args) })
    }
    const work = {
      name,
      args: auditedArguments(command, args),
      ...(definition.timeoutMs !== undefined && { timeoutMs: definition.timeoutMs }),
      run: (context: Parameters<typeof definition.run>[0]) => definition.run(context, args),
    }
    return this.#answer(name, await this.#runner.run(callerFrom(surface), work, async () => {}, options.signal))
  }

  /** Sends a form's values. Rejects `FORM_EXPIRED`. The form stays open when its values were refused. */
  async submit(surface: OperatorSurface, id: string, values: Readonly<Record<string, string>>): Promise<OperatorAnswer> {
    const ref = this.#ids.read(id)
    const open = ref?.name === FORM ? this.#forms.peek(ref.argument, OPERATOR.key) : undefined
    if (ref === undefined || open === undefined || open === 'foreign') {
      throw new K2Error({ code: 'FORM_EXPIRED', kind: 'input', message: 'this form is too old: give the command again' })
    }
    const { name, form, submit } = open.value
    const clean = formValues(form, values)
    const work = { name: `form:${name}`, args: {}, run: (context: Parameters<FormSubmit>[0]) => submit(context, clean) }
    const result = await this.#runner.run(callerFrom(surface), work, async () => {})
    this.#forms.drop(ref.argument)
    return this.#answer(name, result)
  }

  #answer(name: string, result: CommandResult): OperatorAnswer {
    if (result.kind === 'answer') return { kind: 'answer', notice: result.notice, data: result.data }
    const key = this.#forms.add(OPERATOR.key, { name, form: result.form, submit: result.submit })
    return { kind: 'form', form: { ...result.form, id: this.#ids.id(FORM, key) } }
  }
}

/** Files come from chats only: what claims to be one here would make the gateway fetch anything. */
const withoutFiles = (command: RegisteredCommand) => command.arguments.filter((spec) => spec.type !== 'attachment')

function callerFrom(surface: OperatorSurface): Caller {
  return { actor: OPERATOR, role: 'admin', origin: { surface } }
}
