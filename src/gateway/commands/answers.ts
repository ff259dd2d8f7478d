import { type ErrorKind, errorMessage, isK2Error } from '../../base/errors.ts'
import type { ArgumentSpec, Notice } from '../../bridges/interaction.ts'
import { DISCORD_ADMIN_ROOT, DISCORD_ROOT } from '../../bridges/interaction.ts'
import type { Network } from '../../bridges/model/place.ts'
import { positional } from '../../bridges/text-command.ts'
import { scrub } from '../observe/logger.ts'
import { bold, code, line, lines, notice } from './notices.ts'
import type { RegisteredCommand } from './registry.ts'

/** Errors whose message was written for the person who caused them. */
const SPOKEN: ReadonlySet<ErrorKind> = new Set([
  'input',
  'denied',
  'limit',
  'conflict',
  'network',
  'timeout',
  'config',
  'closed',
  'platform',
])

/** What people are told about an error: never a stack trace, a secret, or the inside of a bug. */
export function errorNotice(error: unknown, command?: RegisteredCommand, network: Network = 'discord'): Notice {
  if (!isK2Error(error) || !SPOKEN.has(error.kind)) {
    return notice('⚠️ This did not work because of a fault in the gateway. It is in its log; try again later.')
  }
  const said = `⚠️ ${sentence(scrub(errorMessage(error)))}`
  if (error.code !== 'COMMAND_BAD_ARGUMENT' || command === undefined) return notice(said)
  return notice(lines(said, line('Usage: ', code(usageOf(command, network)))))
}

/** `/k2 file get <ticket> [name]`, as it is written on a network. */
export function usageOf(command: RegisteredCommand, network: Network): string {
  const inOrder = positional(command.arguments)
  const byName = command.arguments.filter((arg) => !inOrder.includes(arg))
  const last = inOrder.filter((arg) => arg.rest)
  const first = inOrder.filter((arg) => !arg.rest)
  return [
    invocationOf(command, network),
    ...first.map(usageOfArgument),
    ...byName.map(({ name, type }) => (type === 'attachment' ? `[${name}: a file]` : `[${name}=…]`)),
    ...last.map(usageOfArgument),
  ].join(' ')
}

/** The command's name as it is written on a network. */
export function invocationOf({ definition, spec }: RegisteredCommand, network: Network): string {
  if (network === 'telegram') return `/${spec.telegram}`
  const root = network === 'discord' && spec.adminOnly ? DISCORD_ADMIN_ROOT : DISCORD_ROOT
  return `/${root} ${definition.path.join(' ')}`
}

export function usageOfArgument({ name, required, rest }: ArgumentSpec): string {
  const shown = rest ? `${name}…` : name
  return required ? `<${shown}>` : `[${shown}]`
}

function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1)
  return /[.!?…]$/.test(first) ? first : `${first}.`
}

export const expired = (): Notice => notice('⌛ This is too old or no longer valid. Give the command again.')
export const cancelled = (): Notice => notice('Cancelled. Nothing was done.')
export const question = (text: string): Notice => notice(lines(bold('Are you sure?'), text))
