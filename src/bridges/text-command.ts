import type { ArgumentSpec, ArgumentValue } from './interaction.ts'

/** Arguments of a command given as one line of text, and the required ones that are missing. */
export interface TextArguments {
  readonly args: Readonly<Record<string, ArgumentValue>>
  readonly missing: readonly ArgumentSpec[]
  /** Words that belong to no argument. */
  readonly surplus: string
}

const QUOTES: Readonly<Record<string, string>> = { '"': '"', '“': '”', '«': '»', '„': '“' }

/**
 * Reads arguments as people type them (k2-application 4.2): in the order of `positional`, in quotes when they have blanks, or as
 * `name=value` in any order; an argument with `rest` takes the remaining line as it is. Pure; values stay text, the gateway
 * checks them.
 */
export function parseTextArguments(specs: readonly ArgumentSpec[], text: string): TextArguments {
  const args: Record<string, ArgumentValue> = {}
  const open = specs.filter((spec) => spec.type !== 'attachment')
  const inOrder = positional(specs)
  let at = skipBlanks(text, 0)
  while (at < text.length) {
    const named = /^([a-z0-9-]{1,32})=/.exec(text.slice(at, at + 40))
    const spec = named ? open.find((s) => s.name === named[1] && args[s.name] === undefined) : undefined
    const next = spec ?? inOrder.find((s) => args[s.name] === undefined)
    if (next === undefined) break
    const from = spec && named ? at + named[0].length : at
    if (next.rest) {
      args[next.name] = unquoted(text.slice(from).trimEnd())
      at = text.length
    } else {
      const { value, end } = word(text, from)
      args[next.name] = value
      at = skipBlanks(text, end)
    }
  }
  const missing = specs.filter((s) => s.required && args[s.name] === undefined)
  return { args, missing, surplus: text.slice(at) }
}

/**
 * Arguments that can be given by their place alone: required ones, then optional ones. Before one that takes the rest of the
 * line, optional ones need their name: otherwise nobody could tell where the rest begins.
 */
export function positional(specs: readonly ArgumentSpec[]): ArgumentSpec[] {
  const open = specs.filter((spec) => spec.type !== 'attachment')
  const rest = open.filter((spec) => spec.rest)
  const single = open.filter((spec) => !spec.rest)
  const optional = rest.length > 0 ? [] : single.filter((spec) => !spec.required)
  return [...single.filter((spec) => spec.required), ...optional, ...rest]
}

function skipBlanks(text: string, at: number): number {
  let i = at
  while (i < text.length && /\s/.test(text[i] as string)) i++
  return i
}

function word(text: string, from: number): { value: string; end: number } {
  const close = QUOTES[text[from] ?? '']
  if (close !== undefined) {
    const end = text.indexOf(close, from + 1)
    if (end !== -1) return { value: text.slice(from + 1, end), end: end + 1 }
  }
  let end = from
  while (end < text.length && !/\s/.test(text[end] as string)) end++
  return { value: text.slice(from, end), end }
}

/** A whole line in quotes means its inside. */
function unquoted(text: string): string {
  const close = QUOTES[text[0] ?? '']
  return close !== undefined && text.length > 1 && text.endsWith(close) && text.indexOf(close, 1) === text.length - 1
    ? text.slice(1, -1)
    : text
}
