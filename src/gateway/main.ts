import { runProgram } from './cli/program.ts'

/** Entry of the `k2gw` command: answers the exit code once everything is stopped. */
export async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    // The second signal is a person who does not want to wait any longer.
    if (stop.signal.aborted) process.exit(1)
    stop.abort(signal)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // A full disk or a reader that has gone must not end the process; a command whose answer got lost has failed, though.
  let lost = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    lost ||= error.code !== 'EPIPE'
  })
  process.stderr.on('error', () => {})
  process.on('unhandledRejection', (reason) => {
    // Nothing may take the process down: what got here is a bug, is reported, and everything else goes on.
    process.stderr.write(`APP_UNHANDLED ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`)
  })
  try {
    const code = await runProgram(argv, {
      env: process.env,
      cwd: process.cwd(),
      out: process.stdout,
      err: process.stderr,
      input: process.stdin,
      signal: stop.signal,
      onHangup: (listener) => {
        process.on('SIGHUP', listener)
        return () => process.off('SIGHUP', listener)
      },
    })
    return code === 0 && lost ? 1 : code
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
