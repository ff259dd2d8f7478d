import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import { ControlClient } from '../../../src/gateway/cli/client.ts'

const HALF = '{"half": '
let server: Server
let client: ControlClient

/** A gateway that ends in the middle of every answer. */
beforeEach(async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(HALF, () => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  client = new ControlClient({ url: `http://127.0.0.1:${port}`, token: new Secret('t'), pid: 7 })
})

afterEach(async () => {
  server.close()
  await once(server, 'close')
})

const gone = expect.objectContaining({
  code: 'CLI_UNREACHABLE',
  message: 'the gateway (process 7) ended in the middle of its answer',
})

test('a call whose answer breaks off fails with an error that says so', async () => {
  await expect(client.call('GET', '/api/status')).rejects.toEqual(gone)
})

test('so does a file, after what came of it', async () => {
  const response = await client.request('/files/x', {})
  const pieces: string[] = []
  const read = async (): Promise<void> => {
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) pieces.push(Buffer.from(piece).toString())
  }
  await expect(read()).rejects.toEqual(gone)
  expect(pieces.join('')).toBe(HALF)
})

test('and a feed that nobody ended', async () => {
  const read = async (): Promise<void> => {
    for await (const _ of client.follow({ topic: 'Goods' }, new AbortController().signal)) expect.unreachable()
  }
  await expect(read()).rejects.toEqual(gone)
})
