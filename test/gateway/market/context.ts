import type { Place } from '../../../src/bridges/model/place.ts'
import type { CommandContext, CommandResult } from '../../../src/gateway/commands/definition.ts'
import { personOf } from './rig.ts'

/** Somebody who gives a command or presses a button in a place. */
export function contextOf(at: Place, name: string): CommandContext {
  const actor = personOf(at.network, name)
  return {
    origin: {
      surface: 'chat',
      at,
      interaction: {
        id: 'i',
        network: at.network,
        account: at.account,
        at,
        actor,
        platformAdmin: false,
        direct: false,
        input: { kind: 'command', path: [], args: {} },
        answer: { reply: async () => {}, update: async () => {}, form: async () => {}, suggest: async () => {} },
      },
    },
    actor,
    role: 'trader',
    progress: async () => {},
    signal: new AbortController().signal,
  }
}

export function textOf(result: CommandResult): string {
  return result.kind === 'answer' ? result.notice.rich.text : `form: ${result.form.title}`
}

export function dataOf<T>(result: CommandResult): T {
  if (result.kind !== 'answer') throw new Error('not an answer')
  return result.data as T
}
