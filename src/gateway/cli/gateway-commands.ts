import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { isK2Error, K2Error } from '../../base/errors.ts'
import type { ArgumentSpec, Form } from '../../bridges/interaction.ts'
import { ANSWER_TYPE, CONFIRM_HEADER, type ListedCommand, type ReadableNotice } from '../http/routes/commands.ts'
import type { ControlClient } from './client.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print, usageError } from './context.ts'
import { readControlFile } from './control-file.ts'
import { runningGateway } from './queue.ts'

const answerSchema = z.union([
  z.object({ data: z.unknown(), notice: z.custom<ReadableNotice>((v) => typeof v === 'object' && v !== null) }),
  z.object({ form: z.custom<Form>((v) => typeof v === 'object' && v !== null) }),
])

/** Commands have deadlines of their own; this one is for a gateway that hangs, ms. */
const COMMAND_MS = 15 * 60_000
const FORM_CALL = { headers: { accept: ANSWER_TYPE }, timeoutMs: COMMAND_MS }

interface CommandOptions {
  readonly yes?: boolean
  readonly output?: string
  readonly [name: string]: unknown
}

/**
 * Adds every command of the running gateway that the program does not have itself, so that all capabilities can be used from
 * here without being written twice. Only looks for a gateway when `argv` needs one: for an unknown command or for help.
 */
export async function addGatewayCommands(
  program: Command,
  argv: readonly string[],
  context: CliContext,
  globals: () => GlobalOptions,
  act: (work: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const { operands, unknown } = program.parseOptions([...argv])
  const wantsHelp = operands.length === 0 || operands[0] === 'help' || unknown.some((o) => o === '--help' || o === '-h')
  if (!wantsHelp && isKnown(program, operands)) return
  const listed = await listCommands(context, globals(), wantsHelp)
  for (const command of listed) add(program, command, context, globals, act)
}

function isKnown(program: Command, operands: readonly string[]): boolean {
  let at: Command | undefined = program
  for (const word of operands) {
    const children: readonly Command[] = at.commands
    if (children.length === 0) return true
    at = children.find((c) => c.name() === word)
    if (at === undefined) return false
  }
  return true
}

/** Without a running gateway help shows what there is; anything else rejects `CLI_NOT_RUNNING`. */
async function listCommands(context: CliContext, options: GlobalOptions, isHelp: boolean): Promise<readonly ListedCommand[]> {
  if (isHelp) {
    try {
      const { config } = loadFor(context, options)
      if ((await readControlFile(config.dataDir)) === undefined) return []
      return (await (await runningGateway(context, options)).call('GET', '/api/v1/commands')) as ListedCommand[]
    } catch (error) {
      if (isK2Error(error)) return []
      throw error
    }
  }
  return (await (await runningGateway(context, options)).call('GET', '/api/v1/commands')) as ListedCommand[]
}

function add(
  program: Command,
  listed: ListedCommand,
  context: CliContext,
  globals: () => GlobalOptions,
  act: (work: () => Promise<number>) => Promise<void>,
): void {
  const words = [...listed.cli]
  const name = words.pop()
  if (name === undefined) return
  let parent = program
  for (const word of words)
    parent = parent.commands.find((c) => c.name() === word) ?? parent.command(word).description(`${word} commands`)
  if (parent.commands.some((c) => c.name() === name)) return
  const positional = listed.arguments.filter((a) => a.type !== 'attachment' && (a.required || a.rest))
  const options = listed.arguments.filter((a) => a.type !== 'attachment' && !positional.includes(a))
  const command = parent
    .command(name)
    .description(listed.help ?? listed.summary)
    .summary(listed.summary)
  for (const argument of positional) command.argument(placeholder(argument), describe(argument))
  for (const option of options) {
    command.option(option.type === 'boolean' ? `--${option.name}` : `--${option.name} <value>`, describe(option))
  }
  command.option('-y, --yes', 'do not ask for confirmation').option('-o, --output <file>', 'write the answer’s file there')
  command.action((...all: unknown[]) => {
    const given = command.opts<CommandOptions>()
    const args: Record<string, unknown> = {}
    positional.forEach((spec, i) => {
      const value = all[i]
      const text = Array.isArray(value) ? value.join(' ') : value
      if (text !== undefined && text !== '') args[spec.name] = text
    })
    for (const { name: option } of options) {
      const value = given[camel(option)]
      if (value !== undefined) args[option] = value
    }
    return act(() => call(listed, args, given, context, globals()))
  })
}

function placeholder({ name, required, rest }: ArgumentSpec): string {
  const shown = rest ? `${name}...` : name
  return required ? `<${shown}>` : `[${shown}]`
}

function describe({ summary, choices }: ArgumentSpec): string {
  return choices ? `${summary} (${choices.map((c) => c.value).join(', ')})` : summary
}

/** The name commander files an option under. */
const camel = (name: string): string => name.replace(/-([a-z0-9])/g, (_, c: string) => c.toUpperCase())

async function call(
  { http, arguments: specs }: ListedCommand,
  args: Readonly<Record<string, unknown>>,
  given: CommandOptions,
  context: CliContext,
  options: GlobalOptions,
): Promise<number> {
  const client = await runningGateway(context, options)
  const rest = { ...args }
  const path = http.path.replace(/:([^/]+)/g, (_, name: string) => {
    const value = rest[name]
    delete rest[name]
    if (value === undefined) throw usageError(`"${name}" is missing: ${specs.find((s) => s.name === name)?.summary ?? ''}`)
    return encodeURIComponent(String(value))
  })
  const inQuery = http.method === 'GET' || http.method === 'DELETE'
  const query = inQuery && Object.keys(rest).length > 0 ? `?${new URLSearchParams(rest as Record<string, string>)}` : ''
  const send = (confirm: boolean): Promise<unknown> =>
    client.call(http.method, `/api/v1${path}${query}`, inQuery ? undefined : rest, {
      headers: { accept: ANSWER_TYPE, ...(confirm ? {} : { [CONFIRM_HEADER]: 'ask' }) },
      timeoutMs: COMMAND_MS,
    })
  try {
    return await show(await send(given.yes === true), client, given, context, options)
  } catch (error) {
    if (!isK2Error(error) || error.code !== 'COMMAND_NEEDS_CONFIRMATION') throw error
    const said = await ask(context, `${error.message}\nDo it? (yes/no) `)
    if (!/^y(es)?$/i.test(said.trim())) {
      context.err.write('nothing was done\n')
      return EXIT.failed
    }
    return show(await send(true), client, given, context, options)
  }
}

async function show(
  body: unknown,
  client: ControlClient,
  given: CommandOptions,
  context: CliContext,
  options: GlobalOptions,
): Promise<number> {
  const parsed = answerSchema.safeParse(body)
  if (!parsed.success)
    throw new K2Error({ code: 'CLI_BAD_ANSWER', kind: 'protocol', message: 'the gateway’s answer cannot be read' })
  if ('form' in parsed.data) {
    const { form } = parsed.data
    const values = await fill(form, context)
    const path = `/api/v1/forms/${encodeURIComponent(form.id)}`
    return show(await client.call('POST', path, { values }, FORM_CALL), client, given, context, options)
  }
  const { notice, data } = parsed.data
  print(context, options, data, () => [...(notice.title === undefined ? [] : [notice.title]), notice.text].join('\n'))
  const [file] = notice.files
  if (given.output !== undefined && file?.base64 !== undefined) {
    await writeFile(given.output, Buffer.from(file.base64, 'base64'))
    context.err.write(`${file.name} written to ${given.output}\n`)
  } else if (file !== undefined && !options.json) context.err.write(`(${file.name}: add -o <file> to save it)\n`)
  return EXIT.ok
}

async function fill(form: Form, context: CliContext): Promise<Record<string, string>> {
  context.err.write(`${form.title}\n`)
  const values: Record<string, string> = {}
  for (const { name, label, value = '', required } of form.fields) {
    const hint = value !== '' ? ` [${value}]` : required ? '' : ' (optional)'
    const said = (await ask(context, `${label}${hint}: `)).trim()
    values[name] = said === '' ? value : said
  }
  return values
}

/** Reads one line from the person. Rejects `CLI_USAGE` when nobody can answer. */
async function ask(context: CliContext, question: string): Promise<string> {
  const { input } = context
  if (input === undefined) throw usageError('this asks for confirmation or more values: run it on a terminal, or add --yes')
  const lines = createInterface({ input, output: context.err, terminal: false })
  const ended = new Promise<never>((_, reject) => {
    lines.once('close', () => reject(usageError('this asks for confirmation or more values, and nobody answered: add --yes')))
  })
  try {
    return await Promise.race([lines.question(question, { signal: context.signal }), ended])
  } finally {
    ended.catch(() => {})
    lines.close()
  }
}
