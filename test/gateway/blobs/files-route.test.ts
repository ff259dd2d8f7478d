import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { fileRoutes, type LinkedFiles } from '../../../src/gateway/http/routes/files.ts'

const content = Buffer.from('<script>alert(1)</script> and more')
let released = 0
let read = 0

const files: LinkedFiles = {
  async resolve(token) {
    if (token === 'good') return { kind: 'blob', hash: 'ab'.repeat(32) as never, name: 'ev il.html', mime: 'text/html' }
    return token === 'lost' ? { kind: 'media', sha256: 'cd', name: 'x' } : undefined
  },
  async open(target) {
    if (target.kind === 'media') return undefined
    return {
      name: target.name,
      mime: target.mime,
      size: content.length,
      etag: '"v1"',
      async *read(start, end) {
        for (let at = start; at < end; at += 8) {
          read++
          yield content.subarray(at, Math.min(end, at + 8))
        }
      },
      release: () => {
        released++
      },
    }
  },
}
const app = new Hono().route('/files', fileRoutes(files))

describe('GET /files/:token', () => {
  it('sends everything as an attachment that cannot run', async () => {
    const answer = await app.request('/files/good')
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="ev il.html"',
      'content-length': String(content.length),
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
    })
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'; sandbox/)
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(content)
  })

  it('sends one range, refuses several and those outside', async () => {
    const part = await app.request('/files/good', { headers: { range: 'bytes=2-5' } })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toBe(`bytes 2-5/${content.length}`)
    expect(await part.text()).toBe(content.toString().slice(2, 6))
    const suffix = await app.request('/files/good', { headers: { range: 'bytes=-4' } })
    expect(await suffix.text()).toBe('more')
    for (const range of ['bytes=0-1,4-5', 'bytes=1000-']) {
      const refused = await app.request('/files/good', { headers: { range } })
      expect(refused.status).toBe(416)
      expect(refused.headers.get('content-range')).toBe(`bytes */${content.length}`)
    }
  })

  it('a range of another version is not glued to this one (If-Range)', async () => {
    const headers = { range: 'bytes=2-5', 'if-range': '"v0"' }
    expect((await app.request('/files/good', { headers })).status).toBe(200)
    expect((await app.request('/files/good', { headers: { ...headers, 'if-range': '"v1"' } })).status).toBe(206)
  })

  it('HEAD tells the size and reads nothing', async () => {
    read = 0
    const answer = await app.request('/files/good', { method: 'HEAD' })
    expect(answer.headers.get('content-length')).toBe(String(content.length))
    expect(read).toBe(0)
  })

  it('does not tell unknown, expired and revoked links apart; a lost file is gone', async () => {
    const unknown = await app.request('/files/bad')
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toMatchObject({ error: { code: 'HTTP_LINK_EXPIRED' } })
    expect((await app.request('/files/lost')).status).toBe(410)
  })

  it('reads no further when the reader has gone, and lets go of the file', async () => {
    read = 0
    const before = released
    const answer = await app.request('/files/good')
    await answer.body?.cancel()
    await new Promise((go) => setImmediate(go))
    expect(read).toBeLessThan(content.length / 8)
    expect(released).toBeGreaterThan(before)
  })
})
