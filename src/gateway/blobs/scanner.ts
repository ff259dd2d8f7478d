import { spawn } from 'node:child_process'
import { errorCode, K2Error } from '../../base/errors.ts'

/** Exit code of a scanner that has found something. */
const FOUND = 1
/** ms a scanner has to end after it was asked to. */
const GRACE_MS = 2_000

export interface ScannerConfig {
  /** Program and arguments; `{file}` stands for the path. */
  readonly command: readonly string[]
  /** ms */
  readonly timeout: number
}

const refused = (): K2Error =>
  new K2Error({ code: 'BLOB_SCAN_REFUSED', kind: 'denied', message: 'the file was refused by the virus scanner' })

const failed = (why: string, cause?: unknown): K2Error =>
  new K2Error({
    code: 'BLOB_SCAN_FAILED',
    kind: 'platform',
    retry: 'later',
    message: `the file could not be checked: ${why}`,
    cause,
  })

/**
 * Runs the configured command on a file: 0 lets it pass. Rejects `BLOB_SCAN_REFUSED` (1), or `BLOB_SCAN_FAILED` (other codes,
 * time-out, no such program): a file that could not be checked is not delivered. No shell is involved; the command's output
 * is not read, its name for the file is a path of ours.
 */
export async function scanFile(scanner: ScannerConfig, file: string, signal: AbortSignal): Promise<void> {
  const [program, ...args] = scanner.command.map((part) => part.replaceAll('{file}', file))
  const code = await new Promise<number | string>((resolve, reject) => {
    const child = spawn(program as string, args, { stdio: 'ignore', env: { PATH: process.env.PATH } })
    let over: string | undefined
    const end = (why: string): void => {
      over ??= why
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
    }
    const timer = setTimeout(() => end('it took too long'), scanner.timeout)
    const onAbort = (): void => end('the gateway is stopping')
    signal.addEventListener('abort', onAbort, { once: true })
    const settle = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    child.once('error', (error) => {
      settle()
      reject(failed(`the scanner cannot be run (${errorCode(error)})`, error))
    })
    child.once('exit', (exit, by) => {
      settle()
      resolve(over ?? exit ?? `it was ended by ${by}`)
    })
  })
  if (code === FOUND) throw refused()
  if (code !== 0) throw failed(typeof code === 'number' ? `the scanner ended with code ${code}` : code)
}
