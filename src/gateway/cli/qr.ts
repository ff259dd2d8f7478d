import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { qrPng, qrSvg, qrTerminal } from '../blobs/qr.ts'
import { type CliContext, EXIT, type GlobalOptions, usageError } from './context.ts'

/** `k2gw qr <text>`: to the terminal, or into a file whose name ends with .png or .svg. */
export async function qr(
  context: CliContext,
  _options: GlobalOptions,
  text: string,
  output: string | undefined,
): Promise<number> {
  if (output === undefined) {
    context.out.write(`${await qrTerminal(text)}\n`)
    return EXIT.ok
  }
  const path = resolve(context.cwd, output)
  if (/\.png$/i.test(path)) await writeFile(path, await qrPng(text))
  else if (/\.svg$/i.test(path)) await writeFile(path, await qrSvg(text))
  else throw usageError('the file must end with .png or .svg')
  return EXIT.ok
}
