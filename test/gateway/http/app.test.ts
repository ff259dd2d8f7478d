import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { K2Error } from '../../../src/base/errors.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { Secret } from '../../../src/base/secret.ts'
import { createApp } from '../../../src/gateway/http/app.ts'
import { originAllowed } from '../../../src/gateway/http/auth.ts'
import { scriptedControl } from '../../support/scripted-control.ts'

const TOKEN = 'admin-token-for-tests'
const auth = { authorization: `Bearer ${TOKEN}`, host: '127.0.0.1' }

let app: Awaited<ReturnType<typeof createApp>>
const control = scriptedControl()

beforeAll(async () => {
  const pages = mkdtempSync(join(tmpdir(), 'k2pages-'))
  writeFileSync(join(pages, 'index.html'), '<!doctype html><title>K2</title>')
  app = await createApp({ control, adminToken: new Secret(TOKEN), host: '127.0.0.1', pages, log: nullLogger })
})

describe('the control API', () => {
  it('refuses requests without or with a wrong token', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: TOKEN }]) {
      const answer = await app.request('/api/status', { headers: { host: '127.0.0.1', ...headers } })
      expect(answer.status).toBe(401)
      expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('HTTP_UNAUTHORIZED')
    }
  })

  it('answers with the token', async () => {
    const answer = await app.request('/api/status', { headers: auth })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ instance: 'test' })
  })

  it('validates bodies and names the wrong member', async () => {
    const answer = await app.request('/api/topics/Goods/messages', { method: 'POST', headers: auth, body: '{"text":""}' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('text')
    expect((await app.request('/api/topics/Goods/messages', { method: 'POST', headers: auth, body: '{' })).status).toBe(400)
  })

  it('refuses bodies beyond the limit', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(300_000) })
    expect(
      (
        await app.request('/api/topics/Goods/messages', {
          method: 'POST',
          headers: { ...auth, 'content-length': String(body.length) },
          body,
        })
      ).status,
    ).toBe(413)
  })

  it('maps typed errors to statuses and hides others', async () => {
    control.fail(new K2Error({ code: 'K2_UNKNOWN_TOPIC', kind: 'input', message: 'no such topic' }))
    const answer = await app.request('/api/topics/Nope/messages', { method: 'POST', headers: auth, body: '{"text":"hi"}' })
    expect(answer.status).toBe(400)
    control.fail(new TypeError('internal detail'))
    const bug = await app.request('/api/topics/Nope/messages', { method: 'POST', headers: auth, body: '{"text":"hi"}' })
    expect(bug.status).toBe(500)
    expect(await bug.text()).not.toContain('internal detail')
  })

  it('streams what arrives as JSON lines', async () => {
    const answer = await app.request('/api/topics/Goods/messages', { headers: auth })
    const lines = (await answer.text()).trim().split('\n')
    expect(lines.map((l) => (JSON.parse(l) as { message: { text: string } }).message.text)).toEqual(['one', 'two'])
  })
})

describe('pages', () => {
  it('are served with a strict policy and an entity tag', async () => {
    const page = await app.request('/', { headers: { host: 'localhost:8787' } })
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const etag = page.headers.get('etag') as string
    expect((await app.request('/', { headers: { host: 'localhost', 'if-none-match': etag } })).status).toBe(304)
  })

  it('cannot be left by path tricks', async () => {
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '//etc/passwd']) {
      expect((await app.request(path, { headers: { host: 'localhost' } })).status).toBe(404)
    }
  })

  it('are refused to foreign host names on loopback (DNS rebinding)', async () => {
    expect((await app.request('/', { headers: { host: 'evil.example:8787' } })).status).toBe(403)
  })
})

describe('origins of web sockets', () => {
  it('must be the page itself', () => {
    expect(originAllowed('http://127.0.0.1:8787', '127.0.0.1:8787')).toBe(true)
    expect(originAllowed('http://evil.example', '127.0.0.1:8787')).toBe(false)
    expect(originAllowed('null', '127.0.0.1:8787')).toBe(false)
    expect(originAllowed(undefined, '127.0.0.1:8787')).toBe(true)
  })
})

describe('health', () => {
  it('is 503 only when a part has failed', async () => {
    const ready = () => app.request('/health/ready', { headers: { host: 'localhost' } })
    expect((await ready()).status).toBe(200)
    control.setHealth({ status: 'degraded', reason: 'reconnecting' })
    expect((await ready()).status).toBe(200)
    control.setHealth({ status: 'failed', reason: 'token revoked' })
    expect((await ready()).status).toBe(503)
  })
})
