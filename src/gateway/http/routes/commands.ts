import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import { plainText } from '../../../bridges/format/plain.ts'
import type { Notice } from '../../../bridges/interaction.ts'
import type { OperatorAnswer, OperatorCommands } from '../../commands/operator.ts'
import type { RegisteredCommand } from '../../commands/registry.ts'
import { openApiDocument } from './openapi.ts'

/** Asked for by the command line: the answer as people read it, beside the data. */
export const ANSWER_TYPE = 'application/vnd.k2gw.answer+json'
/** `ask`: commands that need it are confirmed first; the refusal carries the question. */
export const CONFIRM_HEADER = 'k2-confirm'
/** Largest file put into an answer, bytes; greater ones are only named. */
const MAX_FILE = 8 * 1024 * 1024

const formBody = z.strictObject({ values: z.record(z.string(), z.string()) })

/** `/api/v1`: every command under its own path, the forms some of them ask for, and the description of all that. */
export function commandRoutes(commands: OperatorCommands): Hono {
  const app = new Hono()
  const all = commands.registry.on('http')
  const byCli = commands.registry.on('cli')
  app.get('/openapi.json', (c) => c.json(openApiDocument(all)))
  app.get('/commands', (c) => c.json(byCli.map(listed)))
  app.post('/forms/:id', async (c) => {
    const { values } = formBody.parse(await bodyOf(c))
    return answered(c, await commands.submit(surfaceOf(c), c.req.param('id'), values))
  })
  for (const command of new Set([...all, ...byCli])) {
    const { method, path } = command.definition.http
    app.on(method, path, async (c) => {
      const surface = surfaceOf(c)
      if (!command.surfaces.has(surface)) throw notHere()
      const body = method === 'GET' || method === 'DELETE' ? {} : z.record(z.string(), z.unknown()).parse(await bodyOf(c))
      const given = { ...c.req.query(), ...body, ...c.req.param() }
      const ask = c.req.header(CONFIRM_HEADER) === 'ask'
      return answered(c, await commands.run(surface, command, given, { ask, signal: c.req.raw.signal }))
    })
  }
  return app
}

const isCli = (c: Context): boolean => c.req.header('accept') === ANSWER_TYPE
const surfaceOf = (c: Context): 'cli' | 'http' => (isCli(c) ? 'cli' : 'http')

function notHere(): K2Error {
  return new K2Error({ code: 'HTTP_NOT_FOUND', kind: 'input', message: 'this command is not offered here' })
}

/** No body is an empty one. Throws `HTTP_BAD_REQUEST`. */
async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text()
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new K2Error({ code: 'HTTP_BAD_REQUEST', kind: 'input', message: 'the body is not JSON', cause })
  }
}

async function answered(c: Context, result: OperatorAnswer): Promise<Response> {
  if (result.kind === 'form') return c.json({ form: result.form }, 202)
  if (!isCli(c)) return c.json((result.data ?? null) as object)
  return c.json({ data: result.data ?? null, notice: await readable(result.notice, c.req.raw.signal) })
}

export interface ReadableNotice {
  readonly title?: string
  readonly text: string
  readonly files: readonly { readonly name: string; readonly mime: string; readonly size: number; readonly base64?: string }[]
}

async function readable(notice: Notice, signal: AbortSignal): Promise<ReadableNotice> {
  const files: { name: string; mime: string; size: number; base64?: string }[] = []
  for (const file of notice.files ?? []) {
    const { name, mime, size } = file
    if (size > MAX_FILE) files.push({ name, mime, size })
    else {
      const chunks: Uint8Array[] = []
      for await (const chunk of file.open(signal)) chunks.push(chunk)
      files.push({ name, mime, size, base64: Buffer.concat(chunks).toString('base64') })
    }
  }
  return { ...(notice.title !== undefined && { title: notice.title }), text: plainText(notice.rich), files }
}

export interface ListedCommand {
  readonly cli: readonly string[]
  readonly summary: string
  readonly help?: string
  readonly http: { readonly method: string; readonly path: string }
  readonly arguments: RegisteredCommand['arguments']
}

function listed({ definition, cli, arguments: args }: RegisteredCommand): ListedCommand {
  const { summary, help, http } = definition
  return { cli, summary, ...(help !== undefined && { help }), http, arguments: args }
}
