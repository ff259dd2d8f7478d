import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DIRECT_ALPN, encodeDirectMessage, sendDirect } from '../../src/core/k2/direct-stream.ts'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import { runProgram } from '../../src/gateway/cli/program.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { type Config, configSchema } from '../../src/gateway/config/schema.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { createLogger } from '../../src/gateway/observe/logger.ts'
import { B } from '../core/k2/fixtures.ts'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { FakeTelegram } from '../fakes/telegram/index.ts'
import { startRawPeer } from '../support/k2-nodes.ts'

/** A first start creates a database; a busy machine takes its time for that. */
const START_MS = 300_000

/** Whatever must be seen nowhere. */
let secrets: { readonly discord: string; readonly telegram: string; readonly admin: string }
let discord: FakeDiscord
let telegram: FakeTelegram

let folder: string
let config: Config
let gateway: Gateway
let token: string
const logged: string[] = []
/** Everything the gateway answered over HTTP. */
const answered: string[] = []

async function start(dataDir: string): Promise<Gateway> {
  config = configSchema.parse({
    dataDir,
    instance: 'test',
    log: { level: 'debug' },
    http: { port: 0, adminToken: secrets.admin },
    node: { mode: 'loopback', topics: ['Goods'] },
    accounts: {
      discord: { main: { token: secrets.discord, apiUrl: discord.info.apiUrl } },
      telegram: { main: { token: secrets.telegram, apiUrl: telegram.url, limits: 'off' } },
    },
  })
  const log = createLogger({ level: 'debug', pretty: 'never', instance: 'test', to: { write: (line) => void logged.push(line) } })
  const started = await startGateway({ config, log }, new AbortController().signal)
  token = (await readControlFile(dataDir))?.token.reveal() as string
  return started
}

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`${gateway.url}${path}`, init)
  answered.push(await response.clone().text())
  return response
}
const authorized = (): { authorization: string } => ({ authorization: `Bearer ${token}` })

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function k2gw(dataDir: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const env = { K2_DATA_DIR: dataDir, K2__NODE__MODE: 'loopback' }
  const code = await runProgram(argv, { env, cwd: folder, out, err, signal: new AbortController().signal })
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-security-'))
  discord = await FakeDiscord.start()
  telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
  const bot = telegram.control.addBot({ privacy: false })
  secrets = { discord: discord.info.token, telegram: bot.token, admin: 'admin-canary-0123456789' }
  gateway = await start(join(folder, 'data'))
}, START_MS)
afterAll(async () => {
  await gateway?.stop().catch(() => {})
  await telegram?.stop()
  await discord?.close()
  await rm(folder, { recursive: true, force: true })
}, START_MS)

describe('a gateway with secrets', { timeout: START_MS }, () => {
  test('answers control calls only to the token, and pages with a strict policy', async () => {
    for (const path of ['/api/status', '/api/v1/peers', '/metrics']) {
      expect((await call(path)).status).toBe(401)
      expect((await call(path, { headers: { authorization: 'Bearer guess' } })).status).toBe(401)
      // A page elsewhere cannot make a browser send the token: there is no cookie to ride on.
      expect((await call(path, { headers: { cookie: `token=${token}` } })).status).toBe(401)
      expect((await call(path, { headers: authorized() })).status).toBe(200)
    }
    const page = await call('/')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe-(inline|eval)/)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
  })

  test('blocks a peer by command and remembers it', async () => {
    const json = { ...authorized(), 'content-type': 'application/json' }
    const block = await call(`/api/v1/peers/${B}/block`, { method: 'POST', headers: json, body: JSON.stringify({ for: '2h' }) })
    expect(await block.json()).toMatchObject({ peer: B, level: 'blocked' })
    const bad = await call(`/api/v1/peers/${B}/block`, { method: 'POST', headers: json, body: JSON.stringify({ for: 'soon' }) })
    expect(bad.status).toBe(400)
    expect(await (await call('/api/v1/peers', { headers: authorized() })).json()).toMatchObject({ peers: [{ peer: B }] })
  })

  test('a stranger who writes directly is asked about, not added', async () => {
    await using stranger = await startRawPeer({ peers: [gateway.node.ticket()] })
    const direct = await stranger.endpoint.dial(gateway.node.id, DIRECT_ALPN, { exclusive: true })
    const message = { senderId: stranger.id, senderName: 'Eve', content: 'may I?', sentAt: Date.now() }
    expect(await sendDirect(direct, encodeDirectMessage(message))).toBe('delivered')
    const waiting = async () => (await (await call('/api/v1/approvals', { headers: authorized() })).json()) as object[]
    await expect.poll(waiting, { timeout: 30_000 }).toMatchObject([{ kind: 'contact', id: stranger.id, what: 'may I?' }])
    expect(gateway.node.contacts()).toEqual([])
    gateway.node.addContact({ addr: { id: stranger.id, relays: [], direct: [] } })
    expect(await waiting()).toEqual([])
  })

  test('shows its secrets in no log line, no answer, and no file but its own key and control file', async () => {
    await call('/api/v1/nothing', { headers: authorized() })
    await call('/api/status', { headers: authorized() })
    await call('/health')
    const yaml = join(folder, 'wrong.yaml')
    await writeFile(
      yaml,
      JSON.stringify({
        dataDir: join(folder, 'elsewhere'),
        accounts: { telegram: { main: { token: secrets.telegram, wrong: 1 } } },
      }),
    )
    const checked = await k2gw(join(folder, 'elsewhere'), '--config', yaml, 'check-config')
    expect(checked.code).not.toBe(0)
    const told = [...logged, ...answered, checked.out, checked.err, JSON.stringify(config), String(config.http.adminToken)].join(
      '\n',
    )
    const seed = JSON.parse(await readFile(join(config.dataDir, 'identity.json'), 'utf8')).secretKey as string
    for (const secret of [...Object.values(secrets), seed]) expect(told).not.toContain(secret)
    expect(logged.length).toBeGreaterThan(10)
    for (const file of await filesBelow(config.dataDir)) {
      if (/(identity|control)\.json$/.test(file)) continue
      const bytes = await readFile(file)
      for (const secret of [...Object.values(secrets), seed]) expect(bytes.includes(secret), file).toBe(false)
    }
  })

  test('keeps its folder and what is secret in it to its owner', async () => {
    expect((await stat(config.dataDir)).mode & 0o777).toBe(0o700)
    for (const name of ['identity.json', 'control.json']) {
      expect((await stat(join(config.dataDir, name))).mode & 0o777, name).toBe(0o600)
    }
  })
})
