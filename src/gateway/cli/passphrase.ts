import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { ReadStream } from 'node:tty'
import { errorCode } from '../../base/errors.ts'
import { type CliContext, usageError } from './context.ts'

const MAX_BYTES = 4096
const OTHERS = 0o077

/**
 * A passphrase from a file, typed on a terminal without showing it, or the first line of the input. Rejects `CLI_USAGE`; what was
 * typed is in no error.
 */
export async function readPassphrase(context: CliContext, file: string | undefined, question: string): Promise<string> {
  if (file !== undefined) return passphraseFile(file)
  const { input, err } = context
  if (input === undefined) throw usageError('a passphrase is needed: --passphrase-file, or type it')
  const terminal = input as Partial<ReadStream>
  if (terminal.isTTY === true && terminal.setRawMode !== undefined) {
    err.write(`${question}: `)
    const typed = await typedLine(input as ReadStream, context.signal)
    err.write('\n')
    return typed
  }
  const lines = createInterface({ input })
  try {
    for await (const line of lines) return line
  } finally {
    lines.close()
  }
  throw usageError('a passphrase is needed: --passphrase-file, or type it')
}

async function passphraseFile(path: string): Promise<string> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw usageError(`the passphrase file cannot be read (${errorCode(error)})`)
  })
  try {
    const info = await file.stat()
    if (process.platform !== 'win32' && (info.mode & OTHERS) !== 0) {
      throw usageError('others may read the passphrase file: run chmod 600 on it')
    }
    if (info.size > MAX_BYTES) throw usageError('the passphrase file is too long')
    const line = (await file.readFile('utf8')).split(/\r?\n/, 1)[0] as string
    if (line === '') throw usageError('the passphrase file is empty')
    return line
  } finally {
    await file.close()
  }
}

const CTRL_C = '\u0003'
const DELETE = new Set(['\u007f', '\b'])

function typedLine(terminal: ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = ''
    const end = (work: () => void): void => {
      terminal.off('data', onData)
      terminal.setRawMode(false)
      terminal.pause()
      signal.removeEventListener('abort', onAbort)
      work()
    }
    const onAbort = (): void => end(() => reject(usageError('stopped')))
    const onData = (data: Buffer): void => {
      for (const char of data.toString('utf8')) {
        if (char === CTRL_C) end(() => reject(usageError('stopped')))
        else if (char === '\r' || char === '\n') end(() => resolve(typed))
        else typed = DELETE.has(char) ? [...typed].slice(0, -1).join('') : typed + char
        if (char === CTRL_C || char === '\r' || char === '\n') break
      }
    }
    terminal.setRawMode(true)
    terminal.resume()
    terminal.on('data', onData)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
