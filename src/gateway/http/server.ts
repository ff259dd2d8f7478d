import type { IncomingMessage, Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { errorCode, K2Error } from '../../base/errors.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { WebSocketDoor } from './ws.ts'

/** A request must have sent its headers within this time, ms (slow-loris guard). */
const HEADERS_TIMEOUT_MS = 10_000
/** A request must be complete within this time, ms; uploads only must not stand still for so long. */
const REQUEST_TIMEOUT_MS = 30_000
/** Where bodies may take longer. */
const UPLOADS = /^\/(api\/v1\/blobs|upload)(\/|\?|$)/

export interface HttpServerOptions {
  readonly app: Hono
  readonly door: WebSocketDoor | undefined
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
}

/** Listens for pages, the control API and metrics. */
export class HttpServer implements Lifecycle {
  readonly name = 'http'
  readonly #options: HttpServerOptions
  #server: Server | undefined

  constructor(options: HttpServerOptions) {
    this.#options = options
  }

  /** Address people can open, without a trailing slash; known after `start`. */
  get url(): string {
    const address = this.#server?.address()
    if (typeof address !== 'object' || address === null) return ''
    const { host } = this.#options
    const name = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host
    return `http://${name}:${address.port}`
  }

  async start(): Promise<void> {
    const { app, door, host, port } = this.#options
    const server = createAdaptorServer({ fetch: app.fetch }) as Server
    server.headersTimeout = HEADERS_TIMEOUT_MS
    // The library knows one time for all requests.
    server.requestTimeout = 0
    server.on('request', guardBody)
    if (door) server.on('upgrade', (request, socket, head) => door.upgrade(request, socket, head))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, host, port)))
      server.listen(port, host, resolve)
    })
    // Later errors concern single sockets; they must not take the process down.
    server.on('error', () => {})
    this.#server = server
  }

  async drain(): Promise<void> {
    this.#options.door?.close()
    this.#server?.close()
    this.#server?.closeIdleConnections()
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
      setTimeout(resolve, 1000).unref()
    })
  }
}

/** Ends connections whose body does not come (slow-loris guard). */
function guardBody(request: IncomingMessage): void {
  const { socket } = request
  const cut = (): void => void socket.destroy()
  const isUpload = UPLOADS.test(request.url ?? '')
  if (isUpload) socket.setTimeout(REQUEST_TIMEOUT_MS, cut)
  const timer = isUpload ? undefined : setTimeout(() => request.complete || cut(), REQUEST_TIMEOUT_MS).unref()
  const done = (): void => {
    clearTimeout(timer)
    if (isUpload) socket.setTimeout(0).removeListener('timeout', cut)
  }
  request.once('end', done).once('close', done)
}

function listenError(error: unknown, host: string, port: number): K2Error {
  const code = errorCode(error)
  const where = `${host}:${port}`
  if (code === 'EADDRINUSE') {
    return new K2Error({
      code: 'HTTP_PORT_IN_USE',
      kind: 'network',
      message: `${where} is in use: stop the program that listens there, or set http.port (0 takes any free port)`,
      data: { port },
      cause: error,
    })
  }
  return new K2Error({
    code: 'HTTP_LISTEN_FAILED',
    kind: 'network',
    message: `cannot listen on ${where} (${code}): check http.host and http.port`,
    cause: error,
  })
}
