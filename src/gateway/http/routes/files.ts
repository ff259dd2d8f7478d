import { type Context, Hono } from 'hono'
import { stream } from 'hono/streaming'
import { attachmentHeader, safeContentType } from '../../blobs/content-headers.ts'
import type { LinkTarget } from '../../blobs/file-ledger.ts'
import { readRange } from '../../blobs/http-range.ts'
import { errorBody } from '../errors.ts'

/** Content behind a link. */
export interface LinkedFile {
  readonly name: string
  /** As found in the content. */
  readonly mime: string
  /** Bytes. */
  readonly size: number
  /** Of the content: the same for the same bytes. */
  readonly etag: string
  /** Bytes `start` to `end` (exclusive). */
  read(start: number, end: number): AsyncIterable<Uint8Array>
  release(): void
}

/** What the route needs: the target of a token, if it still works, and its content, if it is still here. */
export interface LinkedFiles {
  resolve(token: string): Promise<LinkTarget | undefined>
  open(target: LinkTarget): Promise<LinkedFile | undefined>
}

/** Nothing of a file may run, load anything or be framed, whatever it is and however it is opened. */
const POLICY = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/**
 * `GET /files/:token`: downloads by signed links (RFC 9110 ranges, one at a time). Files are always attachments; the next
 * piece is read when the reader took the last one.
 */
export function fileRoutes(files: LinkedFiles): Hono {
  const serve = async (c: Context): Promise<Response> => {
    const target = await files.resolve(c.req.param('token') ?? '')
    if (target === undefined) return c.json(errorBody('HTTP_LINK_EXPIRED', 'this link does not work any more'), 404)
    const file = await files.open(target)
    if (file === undefined) return c.json(errorBody('BLOB_UNKNOWN', 'the file is not here any more'), 410)
    return answerFile(c, file)
  }
  return new Hono().get('/:token', serve)
}

/** A file with ranges and headers that let nothing in it run. `inline`: shown instead of saved, only for pictures. */
export function answerFile(c: Context, file: LinkedFile, { inline = false }: { readonly inline?: boolean } = {}): Response {
  const { name, mime, size, etag } = file
  c.header('Content-Security-Policy', POLICY)
  c.header('X-Content-Type-Options', 'nosniff')
  c.header('Cross-Origin-Resource-Policy', 'same-origin')
  c.header('Cache-Control', 'private, no-store')
  c.header('Accept-Ranges', 'bytes')
  c.header('ETag', etag)
  // A range of another version of the file would be glued to the wrong bytes.
  const condition = c.req.header('if-range')
  const wanted = condition === undefined || condition === etag ? c.req.header('range') : undefined
  const range = readRange(wanted, size)
  if (range.kind === 'refused') {
    file.release()
    c.header('Content-Range', `bytes */${size}`)
    return c.json(errorBody('HTTP_BAD_RANGE', 'one range within the file can be asked for at a time'), 416)
  }
  const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, size]
  c.header('Content-Type', safeContentType(mime))
  const disposition = attachmentHeader(name)
  c.header('Content-Disposition', inline ? disposition.replace(/^attachment/, 'inline') : disposition)
  c.header('Content-Length', String(end - start))
  if (range.kind === 'part') {
    c.header('Content-Range', `bytes ${start}-${end - 1}/${size}`)
    c.status(206)
  }
  if (c.req.method === 'HEAD') {
    file.release()
    return c.body(null)
  }
  return stream(c, async (out) => {
    try {
      for await (const piece of file.read(start, end)) {
        if (out.aborted) return
        await out.write(piece)
      }
    } finally {
      file.release()
    }
  })
}
