import { type DestinationStream, destination, pino } from 'pino'
import { isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Config } from '../config/schema.ts'

/** Longest peer- or platform-controlled text in a line, characters. */
const MAX_TEXT = 200
/** Bytes of lines that wait for a disk with room. */
const MAX_WAITING_BYTES = 256 * 1024
/** Deepest chain of causes written out. */
const MAX_CAUSES = 3

/** Field names whose values never reach a log line, at the top and one level down. */
export const REDACTED_FIELDS = ['token', 'authorization', 'secret', 'password', 'url', 'seed', 'secretKey', 'cookie'] as const

/** Tokens inside texts: Telegram bot tokens, Discord bot tokens and webhook paths, URLs with a password. */
const TOKEN_PATTERNS: readonly [RegExp, string][] = [
  [/(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}/g, '[redacted]'],
  [/\b[A-Za-z0-9_-]{23,30}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}/g, '[redacted]'],
  [/(\/webhooks\/\d+\/)[A-Za-z0-9_-]{20,}/g, '$1[redacted]'],
  [/(:\/\/[^/\s:@]*:)[^@\s/]+@/g, '$1[redacted]@'],
]

/** Removes what looks like a credential from a text and cuts it. */
export function scrub(text: string, max = 1000): string {
  let out = text.length > max ? `${text.slice(0, max)}…` : text
  for (const [pattern, replacement] of TOKEN_PATTERNS) out = out.replace(pattern, replacement)
  return out
}

export interface LoggedError {
  readonly code?: string
  readonly kind?: string
  readonly message: string
  readonly cause?: LoggedError
  readonly stack?: string
}

/** What a log line shows of an error. Stacks only for errors that are not ours: ours say what to do. */
export function serializeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { message: scrub(String(error), MAX_TEXT) }
  const ours = isK2Error(error)
  const code = (error as { code?: unknown }).code
  return {
    ...(typeof code === 'string' && { code }),
    ...(ours && { kind: error.kind }),
    message: scrub(error.message),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: serializeError(error.cause, depth + 1) }),
    ...(!ours && error.stack !== undefined && { stack: scrub(error.stack, 4000) }),
  }
}

export interface LogOptions {
  readonly level: Config['log']['level']
  readonly pretty: Config['log']['pretty']
  readonly instance: string
  /** Where lines go; default: standard error, so that standard output stays for results. */
  readonly to?: DestinationStream
}

/** JSON lines (or readable ones on a terminal). Every text is scrubbed of credentials, listed fields are removed. */
export function createLogger(options: LogOptions): Logger {
  const pretty = options.pretty === 'always' || (options.pretty === 'auto' && process.stderr.isTTY)
  const stream = options.to ?? standardError()
  const root = pino(
    {
      level: options.level,
      base: { app: options.instance },
      serializers: { err: serializeError },
      redact: { paths: REDACTED_FIELDS.flatMap((f) => [f, `*.${f}`]), censor: '[redacted]' },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((a) => (typeof a === 'string' ? scrub(a) : a)) as Parameters<typeof method>)
        },
      },
      formatters: { level: (label) => ({ level: label }), log: scrubFields },
    },
    pretty && options.to === undefined ? readable(stream) : stream,
  )
  return root as unknown as Logger
}

/** Lines a full disk or a broken pipe does not take are kept up to a limit, then lost: a log must never end the process. */
function standardError(): DestinationStream {
  const stream = destination({ fd: 2, sync: true, maxLength: MAX_WAITING_BYTES })
  stream.on('error', () => {}) // nowhere to tell it
  return stream
}

function scrubFields(fields: object): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) out[key] = typeof value === 'string' ? scrub(value, MAX_TEXT) : value
  return out
}

/** Turns a JSON line into `12:30:01 info  gossip  message  key=value …` without a further dependency. */
function readable(to: DestinationStream): DestinationStream {
  return {
    write(line: string) {
      const { level, time, msg, app: _app, mod, err, ...rest } = JSON.parse(line) as Record<string, unknown>
      const clock = new Date(Number(time)).toISOString().slice(11, 23)
      const fields = Object.entries(rest).map(([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`)
      const failure = err as LoggedError | undefined
      if (failure) fields.push(`error=${failure.code ? `${failure.code}: ` : ''}${failure.message}`)
      to.write(
        `${clock} ${String(level).padEnd(5)} ${String(mod ?? '').padEnd(9)} ${msg ?? ''}  ${fields.join(' ')}`
          .trimEnd()
          .concat('\n'),
      )
    },
  }
}
