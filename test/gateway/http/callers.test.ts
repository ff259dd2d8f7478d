import { beforeEach, describe, expect, test } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { Secret } from '../../../src/base/secret.ts'
import { httpLimitsSchema, proxySchema } from '../../../src/gateway/config/http.ts'
import { configSchema } from '../../../src/gateway/config/schema.ts'
import { groupOf } from '../../../src/gateway/http/address-limits.ts'
import { createApp } from '../../../src/gateway/http/app.ts'
import { scriptedControl } from '../../support/scripted-control.ts'

const TOKEN = 'admin-token-for-tests'
const PROXY = '10.0.0.5'
const PUBLIC = 'https://k2.example.org'
const SEND = '/api/topics/Goods/messages'
const BODY = JSON.stringify({ text: 'hello' })

let now: number
let app: Awaited<ReturnType<typeof createApp>>
beforeEach(async () => {
  now = 1_000_000
  app = await createApp({
    control: scriptedControl(),
    adminToken: new Secret(TOKEN),
    host: '127.0.0.1',
    proxy: proxySchema.parse({ addresses: [PROXY], publicUrl: PUBLIC, admins: ['ann@example.org'] }),
    limits: httpLimitsSchema.parse({ perSecond: 1, burst: 30, badTokens: 5 }),
    now: () => now,
    pages: undefined,
    log: nullLogger,
  })
})

/** A request as it comes from a socket with this address. */
async function ask(from: string, path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
  const headers = { host: '127.0.0.1', ...init.headers }
  return app.request(path, { ...init, headers }, { incoming: { socket: { remoteAddress: from } } })
}

const ANN = { 'x-forwarded-user': 'ann@example.org' }

test('HTTP listens on loopback and believes nobody unless the configuration says so', () => {
  const { http } = configSchema.parse({ dataDir: '/nowhere' })
  expect(http).toMatchObject({ host: '127.0.0.1', limits: { perSecond: 50, burst: 500, badTokens: 20 } })
  expect(http.proxy).toBeUndefined()
})

describe('a person named by a proxy', () => {
  test('is believed from the address of the proxy and from nowhere else', async () => {
    expect((await ask(PROXY, '/api/status', { headers: ANN })).status).toBe(200)
    expect((await ask(`::ffff:${PROXY}`, '/api/status', { headers: ANN })).status).toBe(200)
    expect((await ask('10.0.0.6', '/api/status', { headers: ANN })).status).toBe(401)
    expect((await ask('127.0.0.1', '/api/status', { headers: ANN })).status).toBe(401)
    // Naming the proxy as the one who forwards does not make one the proxy.
    const forged = { ...ANN, 'x-forwarded-for': PROXY, forwarded: `for=${PROXY}` }
    expect((await ask('10.0.0.6', '/api/status', { headers: forged })).status).toBe(401)
  })

  test('must be an administrator', async () => {
    for (const user of ['bob@example.org', 'ANN@example.org', '']) {
      expect((await ask(PROXY, '/api/status', { headers: { 'x-forwarded-user': user } })).status).toBe(401)
    }
    expect((await ask(PROXY, '/api/status')).status).toBe(401)
  })

  test('does not make up for a wrong token', async () => {
    expect((await ask(PROXY, '/api/status', { headers: { ...ANN, authorization: 'Bearer wrong' } })).status).toBe(401)
  })

  test('changes something only from our own page, not from one that rides on the login', async () => {
    const post = (headers: Record<string, string>): Promise<Response> =>
      ask(PROXY, SEND, { method: 'POST', body: BODY, headers: { ...ANN, ...headers } })
    const foreign = await post({ origin: 'https://evil.example' })
    expect(foreign.status).toBe(403)
    expect(await foreign.json()).toMatchObject({ error: { code: 'HTTP_FORGED' } })
    expect((await post({})).status).toBe(403)
    expect((await post({ origin: PUBLIC })).status).toBe(403)
    expect((await post({ origin: 'https://evil.example', 'x-k2gw-request': '1' })).status).toBe(403)
    expect((await post({ origin: 'null', 'x-k2gw-request': '1' })).status).toBe(403)
    expect((await post({ origin: PUBLIC, 'x-k2gw-request': '1' })).status).toBe(200)
    // No answer lets a foreign page send that header.
    const asked = await ask(PROXY, SEND, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-headers': 'x-k2gw-request' },
    })
    expect(asked.headers.get('access-control-allow-origin')).toBeNull()
    expect(asked.headers.get('access-control-allow-headers')).toBeNull()
  })

  test('the token needs no such header: no browser sends it by itself', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect((await ask('127.0.0.1', SEND, { method: 'POST', body: BODY, headers })).status).toBe(200)
  })

  test('the name under which the proxy offers the pages is answered, others are not', async () => {
    expect((await ask(PROXY, '/health/live', { headers: { host: 'k2.example.org' } })).status).toBe(200)
    expect((await ask(PROXY, '/health/live', { headers: { host: 'evil.example' } })).status).toBe(403)
  })
})

describe('one address', () => {
  test('is told to wait when it asks for too much, and others are not', async () => {
    for (let i = 0; i < 30; i++) expect((await ask('192.0.2.1', '/health/live')).status).toBe(200)
    const refused = await ask('192.0.2.1', '/health/live')
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await ask('192.0.2.2', '/health/live')).status).toBe(200)
    // An operator is never locked out by what others do from the same address.
    expect((await ask('192.0.2.1', '/api/status', { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200)
    now += 1000
    expect((await ask('192.0.2.1', '/health/live')).status).toBe(200)
    expect((await ask('192.0.2.1', '/health/live')).status).toBe(429)
  })

  test('is the person’s behind a trusted proxy, and the socket’s otherwise', async () => {
    const via = (person: string): Promise<Response> =>
      ask(PROXY, '/health/live', { headers: { 'x-forwarded-for': `203.0.113.9, ${person}` } })
    for (let i = 0; i < 30; i++) await via('192.0.2.1')
    expect((await via('192.0.2.1')).status).toBe(429)
    expect((await via('192.0.2.2')).status).toBe(200)
    // Somebody else cannot choose whom the requests count for.
    const lying = (i: number): Promise<Response> =>
      ask('198.51.100.1', '/health/live', { headers: { 'x-forwarded-for': `192.0.2.${i}` } })
    for (let i = 0; i < 30; i++) await lying(i)
    expect((await lying(99)).status).toBe(429)
  })

  test('may be wrong about the token only so often; the right one always counts', async () => {
    const guess = (headers = { authorization: 'Bearer guess' }): Promise<Response> => ask('192.0.2.1', '/api/status', { headers })
    for (let i = 0; i < 5; i++) expect((await guess()).status).toBe(401)
    const refused = await guess()
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ error: { code: 'HTTP_TOO_MANY' } })
    expect((await guess({ authorization: `Bearer ${TOKEN}` })).status).toBe(200)
    now += 60_000
    expect((await guess()).status).toBe(401)
  })

  test('of IPv6 counts by its network', () => {
    expect(groupOf('2001:db8:1:2:3:4:5:6')).toBe('20010db800010002/64')
    expect(groupOf('2001:0DB8:1:2::1')).toBe('20010db800010002/64')
    expect(groupOf('::1')).toBe('0000000000000000/64')
    expect(groupOf('fe80::1%eth0')).toBe('fe80000000000000/64')
    expect(groupOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(groupOf('192.0.2.1')).toBe('192.0.2.1')
  })
})
