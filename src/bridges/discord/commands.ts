import { type ArgumentSpec, type CommandSpec, DISCORD_ADMIN_ROOT, DISCORD_ROOT } from '../interaction.ts'

/** Application command as the REST API takes it; only the members we use. */
export interface ApplicationCommand {
  readonly type: 1
  readonly name: string
  readonly description: string
  readonly options: readonly CommandOption[]
  /** Who sees it by default; people can change that in the server's settings. */
  readonly default_member_permissions: string | null
  readonly contexts: readonly number[]
}

export interface CommandOption {
  readonly type: number
  readonly name: string
  readonly description: string
  readonly required?: boolean
  readonly autocomplete?: boolean
  readonly choices?: readonly { readonly name: string; readonly value: string | number }[]
  readonly options?: readonly CommandOption[]
}

const SUB_COMMAND = 1
const SUB_COMMAND_GROUP = 2
const OPTION_TYPE = { string: 3, integer: 4, boolean: 5, number: 10, attachment: 11 } as const
/** Administrators have it, too; the gateway itself decides who may do what. */
const MANAGE_MESSAGES = '8192'
/** Servers and direct conversations with the bot. */
const CONTEXTS = [0, 1] as const
/** All names, descriptions and choice values of one command together, characters. */
const MAX_TOTAL = 8_000
/** Descriptions are shortened step by step until everything fits. */
const DESCRIPTION_LENGTHS = [100, 80, 64, 52, 42, 34, 26, 20] as const
const MAX_CHOICE = 100

/**
 * All commands as `/k2 <group> <command>`, those for administrators and moderators as `/k2-admin <group> <command>`: Discord can hide only
 * whole commands from people. Pure.
 */
export function applicationCommands(specs: readonly CommandSpec[]): ApplicationCommand[] {
  const roots = [
    { name: DISCORD_ROOT, description: 'K2: trade, talk and share files', adminOnly: false },
    { name: DISCORD_ADMIN_ROOT, description: 'K2: administration of the gateway', adminOnly: true },
  ]
  return roots.flatMap(({ name, description, adminOnly }) => {
    const own = specs.filter((spec) => spec.adminOnly === adminOnly)
    if (own.length === 0) return []
    return [
      {
        type: 1 as const,
        name,
        description,
        options: fitting(own),
        default_member_permissions: adminOnly ? MANAGE_MESSAGES : null,
        contexts: CONTEXTS,
      },
    ]
  })
}

function fitting(specs: readonly CommandSpec[]): CommandOption[] {
  let tree: CommandOption[] = []
  for (const length of DESCRIPTION_LENGTHS) {
    tree = treeOf(specs, length)
    if (sizeOf(tree) <= MAX_TOTAL) break
  }
  return tree
}

function treeOf(specs: readonly CommandSpec[], length: number): CommandOption[] {
  const groups = new Map<string, CommandOption[]>()
  const tree: CommandOption[] = []
  for (const spec of specs) {
    const [first, second] = spec.path
    if (second === undefined) tree.push(subCommand(first, spec, length))
    else {
      const group = groups.get(first)
      if (group) group.push(subCommand(second, spec, length))
      else {
        const options = [subCommand(second, spec, length)]
        groups.set(first, options)
        tree.push({ type: SUB_COMMAND_GROUP, name: first, description: first, options })
      }
    }
  }
  return tree
}

function subCommand(name: string, spec: CommandSpec, length: number): CommandOption {
  // Discord wants required options first.
  const sorted = [...spec.arguments.filter((a) => a.required), ...spec.arguments.filter((a) => !a.required)]
  return {
    type: SUB_COMMAND,
    name,
    description: cut(spec.summary, length),
    options: sorted.map((argument) => option(argument, length)),
  }
}

function option(argument: ArgumentSpec, length: number): CommandOption {
  const { name, summary, type, required, choices, suggests } = argument
  return {
    type: OPTION_TYPE[type],
    name,
    description: cut(summary, length),
    required,
    ...(choices && { choices: choices.map((c) => ({ name: c.name.slice(0, MAX_CHOICE), value: c.value })) }),
    ...(suggests && !choices && type !== 'boolean' && type !== 'attachment' && { autocomplete: true }),
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).trimEnd()}…`
}

function sizeOf(options: readonly CommandOption[]): number {
  return options.reduce((sum, o) => {
    const choices = (o.choices ?? []).reduce((s, c) => s + c.name.length + String(c.value).length, 0)
    return sum + o.name.length + o.description.length + choices + sizeOf(o.options ?? [])
  }, 0)
}

/**
 * Whether what Discord has is what we would register. Discord adds members of its own and leaves out defaults, so only ours
 * are compared.
 */
export function isRegistered(wanted: readonly ApplicationCommand[], registered: unknown): boolean {
  return (
    Array.isArray(registered) && registered.length === wanted.length && wanted.every((w) => registered.some((r) => holds(w, r)))
  )
}

function holds(wanted: unknown, found: unknown): boolean {
  if (Array.isArray(wanted)) {
    const list = Array.isArray(found) ? found : []
    return list.length === wanted.length && wanted.every((w, i) => holds(w, list[i]))
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof found !== 'object' || found === null) return false
    return Object.entries(wanted).every(([key, value]) => holds(value, (found as Record<string, unknown>)[key]))
  }
  // Defaults are left out of what Discord shows.
  if (wanted === false || wanted === null) return found === wanted || found === undefined
  return wanted === found
}
