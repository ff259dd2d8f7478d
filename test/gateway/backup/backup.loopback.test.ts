import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { readControlFile } from '../../../src/gateway/cli/control-file.ts'
import { runProgram } from '../../../src/gateway/cli/program.ts'
import { startGateway } from '../../../src/gateway/compose.ts'
import { configSchema } from '../../../src/gateway/config/schema.ts'
import type { Gateway } from '../../../src/gateway/gateway.ts'
import { createLogger } from '../../../src/gateway/observe/logger.ts'
import { A, B } from '../../core/k2/fixtures.ts'

/** A first start creates a database; a busy machine takes its time for that. */
const START_MS = 300_000
const PASSPHRASE = 'passphrase-canary-0123'

let folder: string
let gateway: Gateway | undefined

const dataDir = (name: string): string => join(folder, name)

async function start(name: string): Promise<Gateway> {
  const config = configSchema.parse({
    dataDir: dataDir(name),
    instance: 'test',
    http: { port: 0 },
    node: { mode: 'loopback', topics: ['Goods'] },
  })
  const log = createLogger({ level: 'error', pretty: 'never', instance: 'test' })
  return startGateway({ config, log }, new AbortController().signal)
}

async function k2gw(name: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const env = { K2_DATA_DIR: dataDir(name), K2__NODE__MODE: 'loopback' }
  const code = await runProgram(argv, { env, cwd: folder, out, err, signal: new AbortController().signal })
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
}

async function api(name: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const file = await readControlFile(dataDir(name))
  const response = await fetch(`${file?.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${file?.token.reveal()}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(response.ok, `${method} ${path}: ${text}`).toBe(true)
  return JSON.parse(text)
}

interface Answer {
  readonly type: string
  readonly id?: string
  readonly retryAfterMs?: number
}

/** One page of the web chat in the room Goods. */
function page(url: string, onMessage: (message: Answer, send: (message: object) => void) => void): WebSocket {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
  const send = (message: object): void => socket.send(JSON.stringify(message))
  socket.on('open', () => {
    send({ type: 'hello', version: 1, client: 'a-client-of-the-test', name: 'Ann' })
    send({ type: 'join', room: 'Goods' })
  })
  socket.on('message', (data) => onMessage(JSON.parse(String(data)) as Answer, send))
  return socket
}

/** Somebody who writes line after line until told to stop; `acknowledged` grows meanwhile. */
function writer(url: string): { readonly acknowledged: string[]; stop(): void } {
  const acknowledged: string[] = []
  let n = 0
  const text = (): string => `line ${String(n).padStart(4, '0')}`
  const socket = page(url, (message, send) => {
    const again = (): void => send({ type: 'send', id: `operation-${n}`, room: 'Goods', text: text() })
    if (message.type === 'error' && message.retryAfterMs !== undefined) setTimeout(again, message.retryAfterMs)
    if (message.type === 'ack' && message.id === `operation-${n}`) acknowledged.push(text()) && n++
    else if (message.type !== 'joined') return
    again()
  })
  return { acknowledged, stop: () => socket.close() }
}

/** What the room shows somebody who comes. */
const linesOf = (url: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = page(url, (message) => {
      if (message.type !== 'joined') return
      socket.close()
      resolve(JSON.stringify(message))
    })
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-backup-'))
  await writeFile(join(folder, 'pass'), `${PASSPHRASE}\n`, { mode: 0o600 })
  gateway = await start('data')
}, START_MS)
afterAll(async () => {
  await gateway?.stop().catch(() => {})
  await rm(folder, { recursive: true, force: true })
}, START_MS)

test('a backup made while the gateway works is a whole gateway elsewhere', { timeout: 2 * START_MS }, async () => {
  const running = gateway as Gateway
  const file = (await api('data', 'POST', '/api/v1/blobs?name=a.bin', 'x'.repeat(100_000))) as { id: string; share: string }
  await api('data', 'POST', '/api/v1/contacts', { name: 'Bob', node: B })
  await api('data', 'POST', `/api/v1/peers/${A}/block`, {})
  const traffic = writer(running.url)
  await vi.waitFor(() => expect(traffic.acknowledged.length).toBeGreaterThan(2), START_MS)
  const before = [...traffic.acknowledged]

  const made = await k2gw('data', '--json', 'backup', 'create', 'all.backup', '--passphrase-file', join(folder, 'pass'))
  expect(made).toMatchObject({ code: 0 })
  expect(traffic.acknowledged.length).toBeGreaterThan(before.length)
  traffic.stop()
  expect((await stat(join(folder, 'all.backup'))).mode & 0o777).toBe(0o600)
  expect(await readdir(join(dataDir('data'), 'backup.partial'))).toEqual([])

  // Nothing of it is told, and the file shows nothing.
  const seed = JSON.parse(await readFile(join(dataDir('data'), 'identity.json'), 'utf8')).secretKey as string
  const listed = await k2gw('data', 'backup', 'check', 'all.backup', '--passphrase-file', join(folder, 'pass'))
  expect(listed.code).toBe(0)
  expect(listed.out).toContain(running.node.id)
  for (const secret of [seed, PASSPHRASE]) {
    expect([made.out, made.err, listed.out, listed.err].join('\n')).not.toContain(secret)
    expect((await readFile(join(folder, 'all.backup'))).includes(secret)).toBe(false)
  }
  expect(await k2gw('data', 'backup', 'create', 'all.backup')).toMatchObject({ code: 2 })

  // Refusals leave everything alone.
  const pass = ['--passphrase-file', join(folder, 'pass')]
  expect((await k2gw('data', 'backup', 'restore', 'all.backup', ...pass)).err).toMatch(/DB_LOCKED|BACKUP_NOT_EMPTY/)
  await writeFile(join(folder, 'wrong'), 'another passphrase\n', { mode: 0o600 })
  expect((await k2gw('other', 'backup', 'restore', 'all.backup', '--passphrase-file', join(folder, 'wrong'))).err).toContain(
    'BACKUP_PASSPHRASE',
  )
  const bytes = await readFile(join(folder, 'all.backup'))
  bytes[bytes.length - 40_000] = (bytes[bytes.length - 40_000] as number) ^ 1
  await writeFile(join(folder, 'bad.backup'), bytes)
  expect((await k2gw('other', 'backup', 'restore', 'bad.backup', ...pass)).err).toContain('BACKUP_DAMAGED')
  expect((await readdir(dataDir('other'))).filter((name) => !name.startsWith('gateway.lock'))).toEqual([])
  await mkdir(dataDir('used'), { recursive: true })
  await writeFile(join(dataDir('used'), 'notes.txt'), 'mine')
  expect((await k2gw('used', 'backup', 'restore', 'all.backup', ...pass)).err).toContain('BACKUP_NOT_EMPTY')

  // Two programs on one identity are never to run at once.
  await running.stop()
  gateway = undefined
  expect(await k2gw('other', 'backup', 'restore', 'all.backup', ...pass)).toMatchObject({ code: 0 })
  expect((await stat(join(dataDir('other'), 'identity.json'))).mode & 0o777).toBe(0o600)
  gateway = await start('other')
  expect(gateway.node.id).toBe(running.node.id)
  expect(JSON.stringify(await api('other', 'GET', '/api/v1/contacts'))).toContain(B)
  expect(JSON.stringify(await api('other', 'GET', '/api/v1/peers'))).toContain(A)
  expect(await api('other', 'GET', `/api/v1/blobs/${file.id}`)).toMatchObject({ id: file.id })
  const found = await k2gw('other', 'blob', 'get', file.share, '-o', 'fetched')
  expect(found.code, found.err).toBe(0)
  expect(await readFile(join(folder, 'fetched', 'a.bin'), 'utf8')).toBe('x'.repeat(100_000))
  const shown = await linesOf(gateway.url)
  for (const line of before) expect(shown).toContain(line)
  const after = await k2gw('other', '--json', 'backup', 'create', 'second.backup')
  expect(after).toMatchObject({ code: 0 })
  expect(after.err).toContain('not sealed')
})
