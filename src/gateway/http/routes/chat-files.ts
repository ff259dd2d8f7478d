import { Hono } from 'hono'
import { errorCode, K2Error } from '../../../base/errors.ts'
import { type ChatFiles, INLINE_TYPES } from '../../../bridges/webchat/index.ts'
import { originAllowed } from '../auth.ts'
import { errorBody } from '../errors.ts'
import { answerFile } from './files.ts'

/** Where pages send files to, and read files of messages from. */
export const CHAT_FILES = '/chat/files'
const MAX_NAME = 500

/** `POST /chat/files?name=…` with the file as body and the page's token in `x-upload-token`. Bounded by the store itself. */
export function chatUploadRoutes(files: ChatFiles): Hono {
  return new Hono().post('/', async (c) => {
    if (!originAllowed(c.req.header('origin'), c.req.header('host')))
      return c.json(errorBody('HTTP_FOREIGN_PAGE', 'another site cannot upload here'), 403)
    const announced = Number(c.req.header('content-length') ?? Number.NaN)
    const size = Number.isSafeInteger(announced) ? announced : undefined
    if (size !== undefined && size > files.maxBytes) return c.json(errorBody('MEDIA_TOO_LARGE', 'the file is too large'), 413)
    const { body } = c.req.raw
    if (body === null || size === 0) return c.json(errorBody('HTTP_EMPTY', 'there is no file in the request'), 400)
    const name = (c.req.query('name') ?? '').slice(0, MAX_NAME) || 'file'
    try {
      const stream = body as unknown as AsyncIterable<Uint8Array>
      const { id, name: kept, mime, size: bytes } = await files.upload(c.req.header('x-upload-token') ?? '', name, stream, size)
      return c.json({ id, name: kept, mime, size: bytes }, 201)
    } catch (error) {
      if (errorCode(error) === 'MEDIA_TOO_LARGE') return c.json(errorBody('MEDIA_TOO_LARGE', 'the file is too large'), 413)
      throw error
    }
  })
}

/** `GET /chat/files/:room/:message/:n`: pictures are shown, everything else is a download. */
export function chatFileRoutes(files: ChatFiles): Hono {
  return new Hono().get('/:room/:message/:n', async (c) => {
    const { room, message, n } = c.req.param()
    const found = /^\d{1,3}$/.test(n) ? await files.open(room, message, Number(n), c.req.raw.signal).catch(gone) : undefined
    if (found === undefined) return c.json(errorBody('HTTP_NOT_FOUND', 'this file is not here'), 404)
    const { file, name } = found
    const linked = {
      name,
      mime: file.mime,
      size: file.size,
      etag: `"${file.sha256.slice(0, 32)}"`,
      read: (start: number, end: number) => file.stream({ start, end: end - 1 }),
      release: () => file.release(),
    }
    return answerFile(c, linked, { inline: INLINE_TYPES.has(file.mime) })
  })
}

function gone(error: unknown): undefined {
  if (error instanceof K2Error && errorCode(error).startsWith('MEDIA_')) return undefined
  throw error
}
