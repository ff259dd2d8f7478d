import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import type { PeerEvent } from '../../bridges/p2p/port.ts'
import type { StatusReport } from '../http/control.ts'
import type { ControlFile } from './control-file.ts'

/** A call to the running gateway must be answered within this time, ms. Streams have no limit. */
const CALL_TIMEOUT_MS = 20_000

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** ms; default 20 s. */
  readonly timeoutMs?: number
}

/** Talks to the control API of the gateway that runs on this data directory. */
export class ControlClient {
  readonly #file: ControlFile

  constructor(file: ControlFile) {
    this.#file = file
  }

  status(): Promise<StatusReport> {
    return this.call('GET', '/api/status') as Promise<StatusReport>
  }

  async sendToTopic(topic: string, text: string, name: string): Promise<{ messageIds: string[] }> {
    return (await this.call('POST', `/api/topics/${encodeURIComponent(topic)}/messages`, { text, name })) as {
      messageIds: string[]
    }
  }

  async sendDirect(contact: string, text: string, name: string): Promise<{ messageIds: string[] }> {
    return (await this.call('POST', `/api/contacts/${encodeURIComponent(contact)}/messages`, { text, name })) as {
      messageIds: string[]
    }
  }

  async *follow(filter: { topic: string } | { contact: string }, signal: AbortSignal): AsyncGenerator<PeerEvent> {
    const what =
      'topic' in filter ? `topics/${encodeURIComponent(filter.topic)}` : `contacts/${encodeURIComponent(filter.contact)}`
    const response = await this.#fetch(`/api/${what}/messages`, { signal })
    const lines = createInterface({ input: Readable.fromWeb(response.body as ReadableStream), signal })
    try {
      for await (const line of lines) if (line !== '') yield JSON.parse(line) as PeerEvent
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** One call; answers the parsed JSON body. Rejects with the gateway's own error code. */
  async call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<unknown> {
    const response = await this.#fetch(path, {
      method,
      signal: AbortSignal.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS),
      ...(options.headers && { headers: options.headers }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return response.json()
  }

  /** One call with a body or an answer of any length, without a time limit. Rejects as `call`. */
  request(path: string, init: RequestInit): Promise<Response> {
    return this.#fetch(path, init)
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response
    try {
      response = await fetch(`${this.#file.url}${path}`, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${this.#file.token.reveal()}` },
      })
    } catch (cause) {
      throw this.#unreachable(`does not answer at ${this.#file.url}`, cause)
    }
    if (response.ok) return response.body === null ? response : new Response(this.#toEnd(response.body, init.signal), response)
    const parsed = failure.safeParse(await response.json().catch(() => undefined))
    const { code, message } = parsed.success
      ? parsed.data.error
      : { code: 'CLI_BAD_ANSWER', message: `the gateway answered ${response.status}` }
    throw new K2Error({ code, kind: 'platform', message })
  }

  /** A body that ends too early fails with an error of ours, unless its reader ended it. */
  #toEnd(body: AsyncIterable<Uint8Array>, signal: AbortSignal | null | undefined): globalThis.ReadableStream<Uint8Array> {
    const unreachable = (cause: unknown): K2Error => this.#unreachable('ended in the middle of its answer', cause)
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        yield* body
      } catch (cause) {
        throw signal?.aborted ? cause : unreachable(cause)
      }
    }
    return ReadableStream.from(pieces()) as globalThis.ReadableStream<Uint8Array>
  }

  #unreachable(what: string, cause: unknown): K2Error {
    return new K2Error({
      code: 'CLI_UNREACHABLE',
      kind: 'network',
      message: `the gateway (process ${this.#file.pid}) ${what}`,
      cause,
    })
  }
}
