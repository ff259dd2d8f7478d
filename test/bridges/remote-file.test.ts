import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRemote } from '../../src/bridges/remote-file.ts'

const never = new AbortController().signal
let server: Server
let base: string
let asked: string[]

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://x')
    asked.push(pathname)
    if (pathname === '/moved') response.writeHead(302, { location: decodeURIComponent(search.slice(1)) }).end('elsewhere')
    else response.writeHead(pathname === '/gone' ? 404 : 200, { 'content-type': 'text/plain; charset=utf-8' }).end('content')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => void server.close())

const fromHere = (url: URL): boolean => url.origin === base

test('reads a file of the platform, and says when it is gone', async () => {
  const file = await openRemote(`${base}/file`, fromHere, never)
  expect(file).toMatchObject({ mime: 'text/plain' })
  expect(await openRemote(`${base}/gone`, fromHere, never)).toBe('gone')
})

test.each(['/secret', 'http://169.254.169.254/latest/meta-data', 'http://[::1]/'])(
  'follows no redirect, not even to %s',
  async (to) => {
    const address = `${base}/moved?${encodeURIComponent(to)}`
    await expect(openRemote(address, fromHere, never)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' })
    expect(asked).toEqual(['/moved'])
  },
)

test.each(['file:///etc/passwd', 'http://127.0.0.2:1/', 'https://user:pw@127.0.0.1/', 'nonsense', ''])(
  'asks nobody for %j',
  async (address) => {
    const error: unknown = await openRemote(address, fromHere, never).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'MEDIA_GONE', kind: 'denied' })
    expect(String(error)).not.toContain('pw')
    expect(asked).toEqual([])
  },
)
