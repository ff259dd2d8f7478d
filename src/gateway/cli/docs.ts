import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import { MAX_IMAGE_BYTES } from '../docs/profile.ts'
import { type CliContext, EXIT, type GlobalOptions, print } from './context.ts'
import { runningGateway } from './queue.ts'

/** Longest `contacts.json`, bytes. */
const MAX_CONTACTS = 240_000

/** `k2gw contact import <file>`: a `contacts.json` of older K2 programs. */
export async function contactImport(context: CliContext, options: GlobalOptions, file: string): Promise<number> {
  const json = Buffer.from(await readBounded(context, file, MAX_CONTACTS)).toString('utf8')
  const client = await runningGateway(context, options)
  const { added } = z.object({ added: z.number() }).parse(await client.call('POST', '/api/v1/contacts/import', { json }))
  print(context, options, { added }, () => `${added} ${added === 1 ? 'contact' : 'contacts'} added`)
  return EXIT.ok
}

/** `k2gw profile image-set <field> <file>` */
export async function profileImageSet(context: CliContext, options: GlobalOptions, field: string, file: string): Promise<number> {
  const body = await readBounded(context, file, MAX_IMAGE_BYTES)
  const client = await runningGateway(context, options)
  const path = `/api/v1/profile/images/${encodeURIComponent(field)}`
  const response = await client.request(path, { method: 'PUT', body: new Uint8Array(body) })
  const set = z.object({ hash: z.string(), size: z.number() }).parse(await response.json())
  print(context, options, { field, ...set }, () => `${field} replaced (${set.size} bytes)`)
  return EXIT.ok
}

async function readBounded(context: CliContext, file: string, maxBytes: number): Promise<Uint8Array> {
  const path = resolve(context.cwd, file)
  const fail = (message: string, cause?: unknown): K2Error =>
    new K2Error({ code: 'CLI_BAD_FILE', kind: 'input', message: `${file}: ${message}`, ...(cause !== undefined && { cause }) })
  const info = await stat(path).catch((cause: unknown) => {
    throw fail('there is no such file', cause)
  })
  if (!info.isFile()) throw fail('this is no file')
  if (info.size > maxBytes) throw fail(`it has ${info.size} bytes, at most ${maxBytes} are taken`)
  return readFile(path)
}
