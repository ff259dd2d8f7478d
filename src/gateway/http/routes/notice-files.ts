import { Readable } from 'node:stream'
import { Hono } from 'hono'
import type { OutFile } from '../../../bridges/interaction.ts'

/** Types a page may show by itself; everything else is saved, never opened as a page of ours. */
const SHOWN = /^image\/(png|jpeg|gif|webp)$/

/** Files of the web chat's notices, for whoever was told their address. */
export function noticeFileRoutes(find: (id: string) => OutFile | undefined): Hono {
  return new Hono().get('/:id', (c) => {
    const file = find(c.req.param('id'))
    if (file === undefined) return c.text('This file is no longer here. Ask for it again.', 404)
    const isShown = SHOWN.test(file.mime)
    const name = encodeURIComponent(file.name).replace(/['()*]/g, (x) => `%${x.charCodeAt(0).toString(16).toUpperCase()}`)
    return c.body(Readable.toWeb(Readable.from(file.open(c.req.raw.signal))) as ReadableStream, 200, {
      'Content-Type': isShown ? file.mime : 'application/octet-stream',
      'Content-Length': String(file.size),
      'Content-Disposition': `${isShown ? 'inline' : 'attachment'}; filename*=UTF-8''${name}`,
      'Cache-Control': 'private, no-store',
      'X-Content-Type-Options': 'nosniff',
    })
  })
}
