import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Logger } from '../../base/logger.ts'
import type { WebChatSession } from '../../bridges/webchat/index.ts'
import { hostAllowed, originAllowed } from './auth.ts'

/** Largest message a page may send, bytes. */
const MAX_MESSAGE_BYTES = 32 * 1024
/** A page that has not answered a ping for this long is gone, ms. */
const PING_EVERY_MS = 30_000

export interface WebSocketOptions {
  readonly path: string
  readonly host: string
  /** Where a proxy offers the pages. */
  readonly publicUrl?: string | undefined
  readonly maxSessions: number
  readonly log: Logger
  connect(session: WebChatSession): void
}

/** Upgrades requests for one path; everything else is refused with a plain HTTP answer. */
export class WebSocketDoor {
  readonly #options: WebSocketOptions
  readonly #server: WebSocketServer
  #pings: ReturnType<typeof setInterval> | undefined

  constructor(options: WebSocketOptions) {
    this.#options = options
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_MESSAGE_BYTES,
      clientTracking: true,
      perMessageDeflate: false,
    })
  }

  /** To be called for the HTTP server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const refusal = this.#refusal(request)
    if (refusal) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => this.#open(ws, request.socket.remoteAddress ?? 'unknown'))
    this.#pings ??= this.#startPings()
  }

  /** Says goodbye to every page ("going away") and forgets those that do not answer. */
  close(): void {
    clearInterval(this.#pings)
    for (const ws of this.#server.clients) ws.close(1001, 'the gateway is stopping')
    setTimeout(() => {
      for (const ws of this.#server.clients) ws.terminate()
    }, 500).unref()
    this.#server.close()
  }

  #refusal(request: IncomingMessage): string | undefined {
    const { path, host, publicUrl, maxSessions } = this.#options
    if ((request.url ?? '').split('?', 1)[0] !== path) return '404 Not Found'
    const mine = hostAllowed(request.headers.host, host, publicUrl) && originAllowed(request.headers.origin, request.headers.host)
    if (!mine) return '403 Forbidden'
    return this.#server.clients.size >= maxSessions ? '503 Service Unavailable' : undefined
  }

  #open(ws: WebSocket, remoteAddress: string): void {
    const { log } = this.#options
    const alive = ws as WebSocket & { answered?: boolean }
    alive.answered = true
    ws.on('pong', () => {
      alive.answered = true
    })
    ws.on('error', (err) => log.debug({ ev: 'ws-error', err }, 'a page broke the connection'))
    this.#options.connect({
      remoteAddress,
      get bufferedBytes() {
        return ws.bufferedAmount
      },
      send(text) {
        if (ws.readyState === ws.OPEN) ws.send(text)
      },
      close: (code, reason) => ws.close(code, reason),
      onMessage: (handler) =>
        ws.on('message', (data, isBinary) => (isBinary ? ws.close(1003, 'text only') : handler(String(data)))),
      onClose: (handler) => ws.on('close', handler),
    })
  }

  #startPings(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      for (const ws of this.#server.clients as Set<WebSocket & { answered?: boolean }>) {
        if (!ws.answered) ws.terminate()
        else {
          ws.answered = false
          ws.ping()
        }
      }
    }, PING_EVERY_MS)
    timer.unref()
    return timer
  }
}
