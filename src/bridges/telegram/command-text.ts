import type { CommandSpec } from '../interaction.ts'

/** Names people try first. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['start', 'k2_help'],
  ['help', 'k2_help'],
  ['status', 'k2_status'],
])

/** A command in a message's text, as far as it is meant for us. */
export interface CommandText {
  readonly name: string
  /** What stands behind it. */
  readonly rest: string
}

const COMMAND = /^\/([a-z0-9_]{1,32})(?:@([A-Za-z0-9_]{3,32}))?(?=\s|$)/i
const OURS = /^k2_/
/** Deep link that hands over a linking code: `t.me/<bot>?start=link-<code>`. */
const LINK_PAYLOAD = /^link[-_]([A-Za-z2-7]{8})$/

/**
 * Reads a command at the beginning of a text. Undefined when there is none or it is for another bot: other bots' commands are
 * messages like any others. In groups only our own names count; `/start`, `/help` and `/status` need our name behind them there. Pure.
 */
export function commandText(
  text: string,
  context: { readonly username: string; readonly isPrivate: boolean; readonly known: (name: string) => boolean },
): CommandText | undefined {
  const match = COMMAND.exec(text)
  if (!match) return undefined
  const [all, name = '', bot] = match
  const lower = name.toLowerCase()
  if (bot !== undefined && bot.toLowerCase() !== context.username.toLowerCase()) return undefined
  const isMeant = context.isPrivate || bot !== undefined || OURS.test(lower) || context.known(lower)
  return isMeant ? { name: lower, rest: text.slice(all.length).trim() } : undefined
}

/** What a command leads to: a path with the text of its arguments, the end of a dialogue, or nothing we know. */
export type Meaning =
  | { readonly kind: 'command'; readonly path: readonly string[]; readonly spec?: CommandSpec; readonly rest: string }
  | { readonly kind: 'cancel' | 'skip' }
  | { readonly kind: 'unknown' }

export function meaningOf({ name, rest }: CommandText, specs: ReadonlyMap<string, CommandSpec>): Meaning {
  if (name === 'cancel' || name === 'skip') return { kind: name }
  const link = name === 'start' ? LINK_PAYLOAD.exec(rest)?.[1] : undefined
  const wanted = link === undefined ? (ALIASES.get(name) ?? name) : 'k2_link'
  const spec = specs.get(wanted)
  if (spec === undefined) return { kind: 'unknown' }
  return { kind: 'command', path: spec.path, spec, rest: name === 'start' ? (link ?? '') : rest }
}

export interface MenuEntry {
  readonly command: string
  readonly description: string
}

const MAX_MENU = 100
const MAX_DESCRIPTION = 256

/** The menu of commands, for everybody or for administrators of groups. */
export function menuOf(specs: readonly CommandSpec[], forAdmins: boolean): MenuEntry[] {
  return specs
    .filter((spec) => !spec.unlisted && (forAdmins || !spec.adminOnly))
    .slice(0, MAX_MENU)
    .map((spec) => ({ command: spec.telegram, description: spec.summary.slice(0, MAX_DESCRIPTION) }))
}
