import { STATUS_CODES } from 'node:http'
import type { RESTOptions } from 'discord.js'
import type { Agent, Dispatcher } from 'undici'
import { deferred } from '../../base/async.ts'

type MakeRequest = RESTOptions['makeRequest']
type Request = Parameters<MakeRequest>[1]
type Answer = Awaited<ReturnType<MakeRequest>>

/** Largest answer read; a hundred messages with everything in them stay far below. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/**
 * The HTTP client under discord.js's REST, for bodies that are text: its own makes a stream and a `Headers` for each answer, which
 * costs as much as the rest of a call. Bodies of other kinds go its way.
 */
export class DiscordHttp {
  readonly #otherwise: MakeRequest
  readonly #agent: Promise<Agent> = import('undici').then(({ Agent }) => new Agent())

  constructor(otherwise: MakeRequest) {
    this.#otherwise = otherwise
  }

  /** Resolves with the answer's headers; its body follows. */
  readonly request: MakeRequest = async (url, init) => {
    const body = init.body ?? null
    if (typeof body !== 'string' && body !== null) return this.#otherwise(url, init)
    const agent = await this.#agent
    return new Promise((resolve, reject) => {
      const path = url.indexOf('/', url.indexOf('//') + 2)
      const options: Dispatcher.DispatchOptions = {
        origin: url.slice(0, path),
        path: url.slice(path),
        method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
        headers: init.headers as Record<string, string>,
        body,
      }
      agent.dispatch(options, new Exchange(init.signal, resolve, reject))
    })
  }

  /** Gives idle connections up. */
  async close(): Promise<void> {
    await (await this.#agent).close()
  }
}

/** One request as undici reports on it. */
class Exchange implements Dispatcher.DispatchHandlers {
  readonly #signal: Request['signal']
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: Error) => void
  readonly #body = deferred<Buffer>()
  readonly #chunks: Buffer[] = []
  #size = 0
  #abort = (_reason?: Error): void => {}

  constructor(signal: Request['signal'], resolve: (answer: Answer) => void, reject: (error: Error) => void) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    // Nobody may read the body of an answer that is given up.
    this.#body.promise.catch(() => {})
  }

  readonly #onAbort = (): void => this.#abort(this.#signal?.reason as Error | undefined)

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort
    if (this.#signal?.aborted) this.#onAbort()
    else this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  onHeaders(status: number, headers: readonly Buffer[]): boolean {
    // What is provisional is followed by the answer.
    if (status >= 200) this.#resolve(answerOf(status, headers, this.#body.promise))
    return true
  }

  onData(chunk: Buffer): boolean {
    this.#size += chunk.length
    if (this.#size > MAX_ANSWER_BYTES) this.#abort(new Error('an answer of Discord is too large'))
    else this.#chunks.push(chunk)
    return true
  }

  onComplete(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#body.resolve(this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks))
  }

  onError(error: Error): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    // One of them is settled already when the answer had begun.
    this.#reject(error)
    this.#body.reject(error)
  }
}

/** What discord.js reads of a response. */
function answerOf(status: number, raw: readonly Buffer[], body: Promise<Buffer>): Answer {
  let used = false
  const read = async (): Promise<Buffer> => {
    used = true
    return body
  }
  const answer = {
    status,
    statusText: STATUS_CODES[status] ?? '',
    ok: status >= 200 && status < 300,
    headers: headersOf(raw),
    body: null,
    get bodyUsed() {
      return used
    },
    text: async () => (await read()).toString('utf8'),
    json: async () => JSON.parse((await read()).toString('utf8')) as unknown,
    arrayBuffer: async () => new Uint8Array(await read()).buffer,
  }
  return answer as unknown as Answer
}

/** `get` and `has` of `Headers`, which is all the library asks. */
function headersOf(raw: readonly Buffer[]): Pick<Headers, 'get' | 'has'> {
  const values = new Map<string, string>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as Buffer).toString('latin1').toLowerCase()
    const value = (raw[i + 1] as Buffer).toString('latin1')
    const known = values.get(name)
    values.set(name, known === undefined ? value : `${known}, ${value}`)
  }
  return { get: (name) => values.get(name.toLowerCase()) ?? null, has: (name) => values.has(name.toLowerCase()) }
}
