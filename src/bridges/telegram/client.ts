import type { Secret } from '../../base/secret.ts'
import type { NewInputFile } from './media-call.ts'
import { createTransport, type Transport } from './transport.ts'

/** Calls of the Bot API by name. Rejects what the library throws; `failureOf` reads it. */
export interface TelegramClient {
  call(method: string, payload: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<unknown>
}

export interface OpenClients {
  /** For everything but polling. */
  readonly main: TelegramClient
  /** For `getUpdates`, with a time limit beyond the long poll. */
  readonly poll: TelegramClient
  /** For uploads: without a time limit of its own, the caller sets one by size. */
  readonly upload: TelegramClient
  readonly newFile: NewInputFile
  readonly close: () => void
}

export interface ClientOptions {
  readonly token: Secret
  /** Without a trailing slash. */
  readonly apiRoot: string
  readonly callTimeoutSec: number
  readonly pollTimeoutSec: number
}

/** Loads the library (25 ms, only when an account is configured) and opens both clients over one transport. */
export async function openClients(options: ClientOptions): Promise<OpenClients> {
  const { Api, InputFile } = await import('grammy')
  const transport: Transport = createTransport(options.apiRoot)
  const open = (timeoutSeconds: number): TelegramClient => {
    const api = new Api(options.token.reveal(), {
      apiRoot: options.apiRoot,
      timeoutSeconds,
      // The library reads status and JSON only, which is what the transport answers.
      fetch: transport.fetch as unknown as typeof globalThis.fetch,
    })
    const raw = api.raw as unknown as Record<string, (payload: object, signal?: AbortSignal) => Promise<unknown>>
    return {
      async call(method, payload, signal) {
        const run = raw[method] as (payload: object, signal?: AbortSignal) => Promise<unknown>
        // The library binds an empty payload for methods without parameters and then takes the signal first.
        return NO_PARAMETERS.has(method) ? (run as (signal?: AbortSignal) => Promise<unknown>)(signal) : run(payload, signal)
      },
    }
  }
  return {
    main: open(options.callTimeoutSec),
    poll: open(options.pollTimeoutSec),
    upload: open(MAX_UPLOAD_SEC),
    newFile: (bytes, name) => new InputFile(bytes, name),
    close: () => transport.close(),
  }
}

const MAX_UPLOAD_SEC = 900
const NO_PARAMETERS = new Set(['getMe', 'getWebhookInfo', 'logOut', 'close'])
