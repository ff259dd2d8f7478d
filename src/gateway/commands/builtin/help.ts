import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import type { Notice } from '../../../bridges/interaction.ts'
import type { Network } from '../../../bridges/model/place.ts'
import type { RichText } from '../../../bridges/model/rich-text.ts'
import { invocationOf, usageOf } from '../answers.ts'
import { type CommandContext, type CommandDefinition, type CommandResult, defineCommand } from '../definition.ts'
import { answer, bold, code, line, lines, notice } from '../notices.ts'
import { type CommandRegistry, mayUse, type RegisteredCommand } from '../registry.ts'

/** First steps in the order people take them; shown as far as the commands exist. */
const FOR = { trader: 'traders', moderator: 'moderators', admin: 'administrators' } as const
const STEPS: readonly { readonly path: string; readonly text: string }[] = [
  { path: 'sell', text: 'offer something to everybody on the network' },
  { path: 'buy', text: 'say what you look for, and hear when somebody offers it' },
  { path: 'offers', text: 'see what is offered now' },
  { path: 'match list', text: 'see offers that fit what you look for' },
  { path: 'alert add', text: 'be told when something fits' },
  { path: 'contact list', text: 'see who you can write to' },
  { path: 'dm send', text: 'write to somebody directly' },
  { path: 'file get', text: 'fetch a file somebody shared' },
  { path: 'file share', text: 'share a file of your own' },
  { path: 'node id', text: 'the id others need to reach you here' },
  { path: 'link', text: 'join your accounts on Discord, Telegram and the web chat' },
]

/** `help`: without a topic it leads a newcomer, with one it explains a command or lists a group. */
export function helpCommand(registry: () => CommandRegistry): CommandDefinition {
  return defineCommand({
    path: ['help'],
    telegram: 'k2_help',
    cli: 'commands',
    http: { method: 'GET', path: '/help' },
    summary: 'what you can do here, and how',
    role: 'everyone',
    arguments: z.object({ command: z.string().max(65).optional() }),
    argumentHelp: {
      command: {
        summary: 'a command or a group of commands to explain',
        rest: true,
        suggest: async (context, typed) =>
          visible(registry(), context)
            .map((c) => c.definition.path.join(' '))
            .filter((name) => name.includes(typed.trim().toLowerCase()))
            .slice(0, 25)
            .map((name) => ({ name, value: name })),
      },
    },
    run: async (context, { command }) => {
      const shown = visible(registry(), context)
      return command === undefined || command.trim() === '' ? overview(shown, context) : explain(shown, command, context)
    },
  })
}

/** Said where the gateway is added to a server or group. */
export function welcomeOn(network: Network, registry: CommandRegistry): Notice {
  const help = registry.find(['help'])
  const first = help ? invocationOf(help, network) : '/help'
  return notice(
    lines(
      'Hello! I connect this place with K2, a marketplace without a company in the middle.',
      line(code(first), ' shows what you can do here: offer and find things, write to people, share files.'),
      'What is said in bridged channels is shown to others on K2.',
    ),
    { title: 'K2 gateway' },
  )
}

function networkOf({ origin }: CommandContext): Network {
  return origin.surface === 'chat' ? origin.interaction.network : 'discord'
}

function visible(registry: CommandRegistry, context: CommandContext): RegisteredCommand[] {
  const { origin, role } = context
  const network = origin.surface === 'chat' ? origin.interaction.network : origin.surface
  return registry.commands.filter((c) => network !== 'p2p' && c.surfaces.has(network) && mayUse(role, c.definition.role))
}

function overview(commands: readonly RegisteredCommand[], context: CommandContext): CommandResult {
  const network = networkOf(context)
  const byPath = new Map(commands.map((c) => [c.definition.path.join(' '), c]))
  const steps = STEPS.flatMap(({ path, text }): RichText[] => {
    const command = byPath.get(path)
    return command ? [line('• ', code(invocationOf(command, network)), ` — ${text}`)] : []
  })
  const groups = new Map<string, string[]>()
  for (const { definition, spec } of commands) {
    const [first, second] = definition.path
    const name = network === 'telegram' ? `/${spec.telegram}` : (second ?? first)
    groups.set(second === undefined ? 'general' : first, [...(groups.get(second === undefined ? 'general' : first) ?? []), name])
  }
  const help = byPath.get('help')
  return answer(
    lines(
      'K2 is a marketplace without a company in the middle: offers, requests and messages travel directly between people’s computers. This gateway is your way in, from right here.',
      '',
      bold('First steps'),
      ...steps,
      '',
      bold('All commands'),
      ...[...groups].map(([group, names]) => line(bold(group), `: ${names.join(', ')}`)),
      '',
      help ? line('More about one of them: ', code(usageOf(help, network))) : undefined,
    ),
    { commands: commands.map(machine) },
    { title: 'Welcome to K2' },
  )
}

function explain(commands: readonly RegisteredCommand[], wanted: string, context: CommandContext): CommandResult {
  const network = networkOf(context)
  const name = wanted
    .trim()
    .toLowerCase()
    .replace(/^\//, '')
    .replace(/^k2(-admin)? /, '')
  const exact = commands.find((c) => c.definition.path.join(' ') === name || c.spec.telegram === name)
  if (exact) return answer(details(exact, network), machine(exact), { title: exact.definition.summary })
  const group = commands.filter((c) => c.definition.path[0] === name)
  if (group.length === 0) {
    throw new K2Error({ code: 'COMMAND_UNKNOWN', kind: 'input', message: `there is no command "${wanted.slice(0, 40)}" for you` })
  }
  return answer(lines(...group.map((c) => line(code(usageOf(c, network)), ` — ${c.definition.summary}`))), {
    commands: group.map(machine),
  })
}

function details(command: RegisteredCommand, network: Network): RichText {
  const { definition } = command
  return lines(
    code(usageOf(command, network)),
    definition.help ?? definition.summary,
    ...command.arguments.map((arg) => {
      const choices = arg.choices ? ` (${arg.choices.map((c) => c.name).join(', ')})` : ''
      return line('• ', bold(arg.name), `: ${arg.summary}${choices}${arg.required ? '' : ', optional'}`)
    }),
    definition.role === 'everyone' ? undefined : `For ${FOR[definition.role]}.`,
  )
}

function machine({ definition, spec, cli, arguments: args }: RegisteredCommand): Record<string, unknown> {
  const { role, summary, http } = definition
  return { path: definition.path, role, summary, telegram: spec.telegram, cli: cli.join(' '), http, arguments: args }
}
