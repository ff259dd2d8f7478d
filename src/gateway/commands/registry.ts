import { K2Error } from '../../base/errors.ts'
import type { ArgumentSpec, CommandSpec } from '../../bridges/interaction.ts'
import { argumentSpecs, needsFile } from './arguments.ts'
import type { ActionDefinition, CommandDefinition, Role } from './definition.ts'

export type Surface = 'discord' | 'telegram' | 'web' | 'cli' | 'http'

/** A definition with everything derived from it. */
export interface RegisteredCommand {
  readonly definition: CommandDefinition
  /** Its name on Telegram. */
  readonly telegram: string
  /** Throws `COMMAND_BAD_SCHEMA`, a bug; so does `arguments`. */
  readonly spec: CommandSpec
  readonly arguments: readonly ArgumentSpec[]
  /** Words on the command line behind `k2gw`. */
  readonly cli: readonly string[]
  readonly surfaces: ReadonlySet<Surface>
}

const WORD = /^[a-z][a-z-]{0,31}$/
const TELEGRAM = /^[a-z0-9_]{1,32}$/
/** Discord's bounds for the whole tree: top-level entries of a command, and commands of a group. */
const MAX_ENTRIES = 25
const ALL: readonly Surface[] = ['discord', 'telegram', 'web', 'cli', 'http']
const RANK: Readonly<Record<Role, number>> = { everyone: 0, trader: 1, moderator: 2, admin: 3 }

/** Whether somebody with role `have` may do what needs `need`. */
export function mayUse(have: Role, need: Role): boolean {
  return RANK[have] >= RANK[need]
}

/** Every command and button of the gateway. Built once; throws `COMMAND_CLASH`, a bug. */
export class CommandRegistry {
  readonly commands: readonly RegisteredCommand[]
  readonly #byPath = new Map<string, RegisteredCommand>()
  readonly #actions = new Map<string, ActionDefinition>()

  constructor(definitions: readonly CommandDefinition[], actions: readonly ActionDefinition[] = []) {
    const taken = new Set<string>()
    const claim = (what: string): void => {
      if (taken.has(what)) throw clash(`${what} is taken twice`)
      taken.add(what)
    }
    this.commands = definitions.map((definition) => {
      const command = register(definition)
      claim(`command "${definition.path.join(' ')}"`)
      claim(`Telegram name "${command.telegram}"`)
      claim(`command line "${command.cli.join(' ')}"`)
      claim(`${definition.http.method} ${definition.http.path.replace(/:[^/]+/g, ':')}`)
      this.#byPath.set(definition.path.join(' '), command)
      return command
    })
    for (const action of actions) {
      claim(`button "${action.name}"`)
      this.#actions.set(action.name, action)
    }
    this.#checkTree()
  }

  find(path: readonly string[]): RegisteredCommand | undefined {
    return this.#byPath.get(path.join(' '))
  }

  action(name: string): ActionDefinition | undefined {
    return this.#actions.get(name)
  }

  on(surface: Surface): readonly RegisteredCommand[] {
    return this.commands.filter((command) => command.surfaces.has(surface))
  }

  /** What bridges of a network register. */
  specsFor(surface: 'discord' | 'telegram' | 'web'): CommandSpec[] {
    return this.on(surface).map((command) => command.spec)
  }

  #checkTree(): void {
    const groups = new Map<string, number>()
    for (const { definition } of this.commands) {
      const [first, second] = definition.path
      groups.set(first, (groups.get(first) ?? 0) + 1)
      if (second !== undefined && this.#byPath.has(first)) throw clash(`"${first}" is both a command and a group`)
    }
    for (const [group, size] of groups)
      if (size > MAX_ENTRIES) throw clash(`group "${group}" has more than ${MAX_ENTRIES} commands`)
  }
}

function register(definition: CommandDefinition): RegisteredCommand {
  const telegram = definition.telegram ?? `k2_${definition.path.join('_').replaceAll('-', '_')}`
  if (!definition.path.every((word) => WORD.test(word))) throw clash(`"${definition.path.join(' ')}" is no command name`)
  if (!TELEGRAM.test(telegram)) throw clash(`"${telegram}" is no Telegram command name`)
  // A file can only be handed over in chats that have files.
  // A file can only be handed over in chats.
  const fileless = needsFile(definition) ? (['cli', 'http'] as const) : []
  const absent = new Set<Surface>([...(definition.notOn ?? []), ...fileless])
  let args: readonly ArgumentSpec[] | undefined
  return {
    definition,
    telegram,
    // Derived when a surface asks: for a hundred commands that is a good part of a start.
    get arguments() {
      args ??= argumentSpecs(definition)
      return args
    },
    cli: (definition.cli ?? definition.path.join(' ')).split(' '),
    surfaces: new Set(ALL.filter((surface) => !absent.has(surface))),
    get spec() {
      return {
        path: definition.path,
        telegram,
        summary: definition.summary,
        arguments: this.arguments,
        adminOnly: RANK[definition.role] >= RANK.moderator,
        private: definition.private ?? true,
        ...(definition.menu === false && { unlisted: true as const }),
      }
    },
  }
}

function clash(message: string): K2Error {
  return new K2Error({ code: 'COMMAND_CLASH', kind: 'bug', message })
}
