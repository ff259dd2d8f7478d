import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { Hono } from 'hono'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/** Serves the files of one folder from memory; nothing outside that list can be asked for. */
export async function staticRoutes(folder: string): Promise<Hono> {
  const files = new Map<string, { body: Uint8Array<ArrayBuffer>; type: string; etag: string }>()
  for (const name of await readdir(folder)) {
    const type = TYPES[extname(name)]
    if (type === undefined) continue
    const body = new Uint8Array(await readFile(join(folder, name)))
    files.set(`/${name}`, { body, type, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` })
  }
  const index = files.get('/index.html')
  if (index) files.set('/', index)
  return new Hono().get('*', async (c, next) => {
    const file = files.get(c.req.path)
    if (!file) return next()
    const headers = { 'Content-Type': file.type, ETag: file.etag, 'Cache-Control': 'no-cache' }
    return c.req.header('if-none-match') === file.etag ? c.body(null, 304, headers) : c.body(file.body, 200, headers)
  })
}
