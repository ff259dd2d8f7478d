import type { z } from 'zod'
import type { Form, Interaction, Notice } from '../../bridges/interaction.ts'
import type { Author } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'

/** Who may use a command (k2-application 4.2, bridging 18): everyone in a bridged place, traders (linked people), moderators, administrators. */
export type Role = 'everyone' | 'trader' | 'moderator' | 'admin'

/** Where a command was given. Operators of the command line and the control API are administrators. */
export type CommandOrigin =
  | { readonly surface: 'chat'; readonly interaction: Interaction; readonly at: Place }
  | { readonly surface: 'cli' | 'http' }

export interface CommandContext {
  readonly origin: CommandOrigin
  /** The person, stable over networks when accounts are linked; `operator` for the command line and HTTP. */
  readonly actor: Pick<Author, 'key' | 'displayName'>
  readonly role: Role
  /** Shown while the command runs; at most a few per second reach a platform. */
  progress(notice: Notice): Promise<void>
  readonly signal: AbortSignal
}

/**
 * What a command answers. `data` is the machine's answer (HTTP, `--json`), `notice` the person's. `private` answers are shown
 * to the asking person alone where the platform can. A `form` asks for more; its values come to `submit`.
 */
export type CommandResult =
  | {
      readonly kind: 'answer'
      readonly notice: Notice
      readonly data: unknown
      /** True: secret, nobody else may see it on any platform. Unset: as the definition says. */
      readonly private?: boolean
      /** For buttons: the notice takes the place of the message that carries the button. */
      readonly replace?: boolean
    }
  | { readonly kind: 'form'; readonly form: Omit<Form, 'id'>; readonly submit: FormSubmit }

export type FormSubmit = (context: CommandContext, values: Readonly<Record<string, string>>) => Promise<CommandResult>

/** How one argument is shown; its type, bounds and requiredness come from the zod schema. */
export interface ArgumentHelp {
  readonly summary: string
  readonly rest?: boolean
  suggest?(context: CommandContext, typed: string): Promise<readonly { readonly name: string; readonly value: string }[]>
}

/** One capability, rendered as Discord slash command, Telegram command, command-line command and HTTP operation. */
export interface CommandDefinition<S extends z.ZodObject = z.ZodObject> {
  readonly path: readonly [string] | readonly [string, string]
  /** Default: `k2_` + path joined by '_'. */
  readonly telegram?: string
  /** Default: path joined by blanks. */
  readonly cli?: string
  readonly http: {
    readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
    /** Under `/api/v1`, parameters as `:name`. */
    readonly path: string
  }
  readonly summary: string
  readonly help?: string
  readonly role: Role
  /** Answers are for the asking person alone, unless a result says otherwise. Default: true. */
  readonly private?: boolean
  /** ms `run` may take; default 60 s. */
  readonly timeoutMs?: number
  /** Asked before running, with a button (`yes` on the command line). */
  readonly confirm?: (args: z.output<S>) => string
  readonly arguments: S
  readonly argumentHelp: { readonly [K in keyof z.output<S>]-?: ArgumentHelp }
  /** Schema of `data`, for the description of the HTTP API. */
  readonly data?: z.ZodType
  /** False: left out of Telegram's menu, which holds 100; the command is there all the same. */
  readonly menu?: false
  /** Surfaces without it; default: all. */
  readonly notOn?: readonly ('discord' | 'telegram' | 'web' | 'cli' | 'http')[]
  run(context: CommandContext, args: z.output<S>): Promise<CommandResult>
}

/** A button's meaning. `ActionIds.id(name, argument)` (`action-ids.ts`) makes the signed, bounded id that goes into `Action.id`. */
export interface ActionDefinition {
  /** 1 to 12 of a-z, '-'. */
  readonly name: string
  readonly role: Role
  /** `argument` is at most 40 printable ASCII characters without blanks, usually a database id. */
  run(context: CommandContext, argument: string): Promise<CommandResult>
}

/** Gives a definition its argument types and takes them off again, so that definitions of all kinds fit into one list. */
export function defineCommand<S extends z.ZodObject>(definition: CommandDefinition<S>): CommandDefinition {
  return definition as unknown as CommandDefinition
}
