import { z } from 'zod'
import type { CommandSpec } from '../interaction.ts'
import { type MenuEntry, menuOf } from './command-text.ts'
import type { DeskCalls } from './desk-calls.ts'

const Menu = z.array(z.looseObject({ command: z.string(), description: z.string() }))

/** Sets the menus of commands where they are not what Telegram has: one for everybody, a longer one for group administrators. */
export async function registerMenus(calls: DeskCalls, specs: readonly CommandSpec[], signal: AbortSignal): Promise<void> {
  const menus = [
    { scope: { type: 'default' }, commands: menuOf(specs, false) },
    { scope: { type: 'all_chat_administrators' }, commands: menuOf(specs, true) },
  ]
  for (const { scope, commands } of menus) {
    const found = Menu.safeParse(await calls.call('getMyCommands', { scope }, signal))
    if (!found.success || !same(found.data, commands)) await calls.call('setMyCommands', { scope, commands }, signal)
  }
}

function same(found: readonly MenuEntry[], wanted: readonly MenuEntry[]): boolean {
  return (
    found.length === wanted.length &&
    wanted.every((w, i) => found[i]?.command === w.command && found[i]?.description === w.description)
  )
}
