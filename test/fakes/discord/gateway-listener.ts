import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../../../src/base/clock.ts'

/** The gateway's own port, so that it can be closed, silent or reset while the REST API goes on. */
export class GatewayListener {
  readonly #clock: Clock
  readonly #accept: (socket: WebSocket, url: string) => void
  readonly #sockets = new Set<Socket>()
  readonly #wss = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  #server: Server | undefined
  #port = 0
  #closed = false
  #cancelReopen = (): void => {}
  /** Accepts TCP connections but never answers. */
  blackHole = false

  constructor(clock: Clock, accept: (socket: WebSocket, url: string) => void) {
    this.#clock = clock
    this.#accept = accept
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`
  }

  async listen(port = 0): Promise<void> {
    const server = createServer((_request, response) => response.writeHead(426).end())
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('upgrade', (request, socket, head) => {
      if (this.blackHole) return
      this.#wss.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, request.url ?? '/'))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Stops listening and cuts every connection; the port stays ours to come back to. */
  async unlisten(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    this.resetAll()
    await closed
  }

  /** Refuses connections, as a closed port does, for `ms`. */
  async refuseFor(ms: number, onError: (error: unknown) => void): Promise<void> {
    await this.unlisten()
    this.#cancelReopen = this.#clock.after(ms, () => {
      if (!this.#closed) this.listen(this.#port).catch(onError)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelReopen()
    await this.unlisten()
    this.#wss.close()
  }
}
