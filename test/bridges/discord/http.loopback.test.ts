import { createServer, type RequestListener, type Server } from 'node:http'
import * as library from 'discord.js'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { ApiAnswer } from '../../../src/bridges/discord/api.ts'
import { DiscordRest } from '../../../src/bridges/discord/rest.ts'

let server: Server
let rest: DiscordRest
let seen: { method: string | undefined; url: string | undefined; body: string; headers: NodeJS.Dict<string | string[]> }[]
let reply: RequestListener

beforeEach(async () => {
  seen = []
  server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      seen.push({ method: req.method, url: req.url, body: Buffer.concat(chunks).toString('utf8'), headers: req.headers })
      reply(req, res)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  rest = new DiscordRest(library, {
    token: new Secret('token'),
    api: `http://127.0.0.1:${port}/api`,
    timeoutMs: 2_000,
    globalPerSecond: 50,
    clock: systemClock,
  })
})

afterEach(async () => {
  rest.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const post = (signal = new AbortController().signal): Promise<ApiAnswer> =>
  rest.call(
    { method: 'POST', path: '/webhooks/1/secret', query: { wait: 'true' }, body: { content: 'größer 🐢' }, auth: 'none' },
    signal,
  )

test('an answer in several pieces, with letters that are cut in the middle', async () => {
  const answer = Buffer.from(JSON.stringify({ id: '7', content: 'größer 🐢' }))
  reply = (_req, res) => {
    res.writeEarlyHints({ link: '</x>; rel=preload' })
    res.writeHead(200, { 'content-type': 'application/json' })
    res.write(answer.subarray(0, 26))
    setTimeout(() => res.end(answer.subarray(26)), 20)
  }
  expect(await post()).toEqual({ ok: true, body: { id: '7', content: 'größer 🐢' } })
  expect(seen).toMatchObject([{ method: 'POST', url: '/api/v10/webhooks/1/secret?wait=true' }])
  expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ content: 'größer 🐢' })
  expect(seen[0]?.headers['content-type']).toBe('application/json')
  expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => name.startsWith('x-k2gw'))).toEqual([])
})

test('no content is no body', async () => {
  reply = (_req, res) => res.writeHead(204).end()
  expect(await post()).toEqual({ ok: true, body: undefined })
})

test('an answer that breaks off may have been handled', async () => {
  reply = (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    res.write('{"id":')
    setTimeout(() => res.destroy(), 20)
  }
  expect(await post()).toEqual({ ok: false, failure: { kind: 'transport', code: 'CONNECTION_LOST', sent: true } })
})

test('what is given up ends, before and after the answer began', async () => {
  for (const begins of [false, true]) {
    const abort = new AbortController()
    const closed = new Promise<void>((resolve) => {
      reply = (req, res) => {
        req.socket.once('close', () => resolve())
        if (begins) res.writeHead(200, { 'content-type': 'application/json' }).write('{"id":')
        setTimeout(() => abort.abort(), 20)
      }
    })
    expect(await post(abort.signal)).toMatchObject({ ok: false, failure: { kind: 'transport', sent: true } })
    await closed
  }
})

test('a refusal says why, and a limit for how long, whatever the letters of the header', async () => {
  reply = (_req, res) =>
    res
      .writeHead(403, { 'Content-Type': 'application/json' })
      .end(JSON.stringify({ code: 50013, message: 'Missing Permissions' }))
  expect(await post()).toMatchObject({ ok: false, failure: { kind: 'api', status: 403, code: 50013 } })
  reply = (_req, res) =>
    res
      .writeHead(429, { 'Content-Type': 'application/json', 'RETRY-AFTER': '3', 'x-RateLimit-Scope': 'shared' })
      .end(JSON.stringify({ message: 'You are being rate limited.', retry_after: 3, global: false }))
  const refused = await post()
  expect(refused).toMatchObject({ ok: false, failure: { kind: 'rate-limit', scope: 'shared' } })
  expect(refused.ok ? 0 : (refused.failure as { afterMs: number }).afterMs).toBeGreaterThanOrEqual(3_000)
})
