import http from 'node:http'
import https from 'node:https'

/** Largest answer read; a batch of 100 updates stays far below. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024
/** Idle connections are given up before the far side does it in the middle of our next request. */
const IDLE_MS = 25_000
const CONNECT_MS = 10_000

/** A request that got no usable answer. The message never contains the URL, which holds the token. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  /** `ECONNRESET`, `ENOTFOUND`, `HTTP_502`, … */
  readonly code: string
  /** False: certainly not handled (never written, or refused on the way). True: it may have been. */
  readonly maybeHandled: boolean

  constructor(code: string, maybeHandled: boolean) {
    super(`no usable answer (${code})`)
    this.code = code
    this.maybeHandled = maybeHandled
  }
}

/** What grammY reads of a response. */
interface JsonResponse {
  readonly ok: boolean
  readonly status: number
  json(): Promise<unknown>
}

interface RequestInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly signal?: AbortSignal
}

export interface Transport {
  fetch(url: string, init: RequestInit): Promise<JsonResponse>
  /** Closes idle connections. */
  close(): void
}

/**
 * HTTP for grammY (its `fetch` option) with what the outbox needs and the library's own client does not tell: whether a
 * failed request can have reached the server, an error instead of a stall when an answer ends early, and a fresh
 * connection after any error (bridging 15.4).
 */
export function createTransport(apiRoot: string): Transport {
  const secure = apiRoot.startsWith('https:')
  const newAgent = (): http.Agent =>
    secure ? new https.Agent({ keepAlive: true, timeout: IDLE_MS }) : new http.Agent({ keepAlive: true, timeout: IDLE_MS })
  let agent = newAgent()
  return {
    async fetch(url, init) {
      const used = agent
      try {
        return await exchange(secure ? https : http, used, url, init)
      } catch (error) {
        if (agent === used) agent = newAgent()
        // Requests in flight keep their sockets; only idle ones are closed.
        closeIdle(used)
        throw error
      }
    },
    close: () => agent.destroy(),
  }
}

function closeIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

function exchange(client: typeof http | typeof https, agent: http.Agent, url: string, init: RequestInit): Promise<JsonResponse> {
  return new Promise((resolve, reject) => {
    let connected = false
    let settled = false
    const req = client.request(url, { method: init.method ?? 'GET', headers: { ...init.headers }, agent })
    const finish = (act: () => void): void => {
      if (settled) return
      settled = true
      clearTimeout(connecting)
      init.signal?.removeEventListener('abort', onAbort)
      act()
    }
    const fail = (code: string): void => finish(() => reject(new TransportError(code, connected)))
    const onAbort = (): void => {
      fail('ABORTED')
      req.destroy()
    }
    const connecting = setTimeout(() => {
      if (connected) return
      fail('CONNECT_TIMEOUT')
      req.destroy()
    }, CONNECT_MS)
    // The listener stays after the outcome: a destroyed request may report once more.
    req.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'NETWORK'))
    req.on('socket', (socket) => {
      const onConnect = (): void => {
        connected = true
      }
      if (req.reusedSocket) onConnect()
      else socket.once(client === https ? 'secureConnect' : 'connect', onConnect)
    })
    req.on('response', (res) => {
      readText(res).then(
        (text) => finish(() => resolve(jsonResponse(res.statusCode ?? 0, text))),
        (error: NodeJS.ErrnoException) => fail(error.code ?? 'RESPONSE_CUT'),
      )
    })
    if (init.signal?.aborted) return onAbort()
    init.signal?.addEventListener('abort', onAbort, { once: true })
    send(req, init.body)
  })
}

function send(req: http.ClientRequest, body: unknown): void {
  if (typeof body === 'string') {
    req.setHeader('content-length', Buffer.byteLength(body))
    req.end(body)
  } else if (isStream(body)) {
    body.on('error', (error: Error) => req.destroy(error))
    body.pipe(req)
  } else req.end()
}

function isStream(body: unknown): body is NodeJS.ReadableStream {
  return typeof (body as { pipe?: unknown } | undefined)?.pipe === 'function'
}

/** By events: an async iterator costs more than the rest of reading a short answer. */
function readText(res: http.IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    res.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_RESPONSE_BYTES) res.destroy(Object.assign(new Error('answer too large'), { code: 'RESPONSE_TOO_LARGE' }))
      else chunks.push(chunk)
    })
    res.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    // The listener stays: a connection may report once more after its end.
    res.on('error', reject)
    res.once('close', () => reject(Object.assign(new Error('answer ended early'), { code: 'RESPONSE_CUT' })))
  })
}

function jsonResponse(status: number, text: string): JsonResponse {
  return {
    ok: status >= 200 && status < 300,
    status,
    // Proxies answer in HTML; a client error of theirs means that nothing was handled.
    async json() {
      try {
        const value: unknown = JSON.parse(text)
        if (typeof value === 'object' && value !== null && typeof (value as { ok?: unknown }).ok === 'boolean') return value
      } catch {
        // Falls through: not JSON and JSON of another shape are the same to us.
      }
      throw new TransportError(`HTTP_${status}`, !(status >= 400 && status < 500))
    },
  }
}
