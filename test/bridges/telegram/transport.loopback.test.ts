import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTransport, type Transport, TransportError } from '../../../src/bridges/telegram/transport.ts'

describe('transport', () => {
  let server: Server
  let root: string
  let transport: Transport
  let answer: (req: IncomingMessage, res: ServerResponse) => void
  let connections: Socket[]

  beforeEach(async () => {
    connections = []
    answer = (_req, res) => res.end('{"ok":true,"result":1}')
    server = createServer((req, res) => answer(req, res))
    server.on('connection', (socket) => connections.push(socket))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    transport = createTransport(root)
  })
  afterEach(async () => {
    transport.close()
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })

  const get = (init = {}) => transport.fetch(`${root}/bot1:secret/x`, { method: 'POST', body: '{}', ...init })
  const failure = async (call: Promise<unknown>): Promise<TransportError> => {
    const error = await call.then(
      () => undefined,
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(TransportError)
    expect(String((error as Error).stack)).not.toContain('secret')
    return error as TransportError
  }

  it('keeps one connection for calls in a row, and takes a fresh one after an error', async () => {
    for (let i = 0; i < 3; i++) expect(await (await get()).json()).toEqual({ ok: true, result: 1 })
    expect(connections).toHaveLength(1)
    answer = (req) => req.socket.destroy()
    await failure(get())
    answer = (_req, res) => res.end('{"ok":true}')
    await get()
    expect(connections).toHaveLength(2)
  })

  it('knows that a refused connection carried nothing', async () => {
    const gone = createTransport('http://127.0.0.1:1')
    expect(await failure(gone.fetch('http://127.0.0.1:1/bot1:secret/x', {}))).toMatchObject({
      code: 'ECONNREFUSED',
      maybeHandled: false,
    })
    const nowhere = createTransport('http://k2.invalid')
    expect((await failure(nowhere.fetch('http://k2.invalid/bot1:secret/x', {}))).maybeHandled).toBe(false)
    const secure = createTransport(root.replace('http:', 'https:'))
    expect((await failure(secure.fetch(`${root.replace('http:', 'https:')}/bot1:secret/x`, {}))).maybeHandled).toBe(false)
  })

  it('does not know it once the connection stood', async () => {
    answer = (req) => req.socket.resetAndDestroy()
    expect((await failure(get())).maybeHandled).toBe(true)
    answer = (_req, res) => {
      res.writeHead(200, { 'content-length': 100 })
      res.write('{"ok":', () => res.socket?.destroy())
    }
    expect((await failure(get())).maybeHandled).toBe(true)
  })

  it('reads what proxies say as refusals or uncertainty', async () => {
    const status = async (code: number) => {
      answer = (_req, res) => res.writeHead(code).end('<html>')
      return failure((await get()).json())
    }
    expect(await status(413)).toMatchObject({ code: 'HTTP_413', maybeHandled: false })
    expect(await status(502)).toMatchObject({ code: 'HTTP_502', maybeHandled: true })
    answer = (_req, res) => res.end('[1]')
    expect((await failure((await get()).json())).code).toBe('HTTP_200')
  })

  it('stops at once when aborted', async () => {
    expect(await failure(get({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED', maybeHandled: false })
    const stop = new AbortController()
    answer = () => stop.abort()
    expect(await failure(get({ signal: stop.signal }))).toMatchObject({ code: 'ABORTED', maybeHandled: true })
  })

  it('does not read without end', async () => {
    answer = (_req, res) => {
      const block = Buffer.alloc(1024 * 1024, 0x20)
      const more = (): void => {
        if (!res.destroyed) res.write(block, () => setImmediate(more))
      }
      more()
    }
    expect((await failure(get())).code).toBe('RESPONSE_TOO_LARGE')
  })

  it('sends streams as well', async () => {
    let got = ''
    answer = (req, res) => {
      req.on('data', (chunk) => {
        got += String(chunk)
      })
      req.on('end', () => res.end('{"ok":true}'))
    }
    await get({ body: Readable.from(['a', 'b', 'c']) })
    expect(got).toBe('abc')
  })
})
