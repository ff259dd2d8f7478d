import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import type { BlobService } from '../../blobs/service.ts'

const OPERATOR = 'operator'
const limit = z.coerce.number().int().min(1).max(1000).default(100)
const name = z.string().min(1).max(1000)
const collectionBody = z.strictObject({ name, files: z.array(z.string()).min(1).max(1000) })
const linkBody = z.strictObject({
  lifetimeSeconds: z
    .int()
    .min(1)
    .max(30 * 86_400)
    .optional(),
})

async function json(c: Context): Promise<unknown> {
  try {
    return await c.req.json()
  } catch (cause) {
    throw new K2Error({ code: 'HTTP_BAD_REQUEST', kind: 'input', message: 'the body is not JSON', cause })
  }
}

/** `/api/v1/blobs`, behind the admin token and before any bound on bodies: uploads have their own. */
export function uploadRoutes(service: BlobService): Hono {
  return new Hono().post('/', async (c) => {
    const { maxSize } = service.config
    const announced = Number(c.req.header('content-length') ?? 0)
    if (announced > maxSize) {
      throw new K2Error({ code: 'BLOB_TOO_LARGE', kind: 'limit', message: `files may have ${maxSize} bytes`, data: { maxSize } })
    }
    const body = c.req.raw.body as AsyncIterable<Uint8Array> | null
    const source = body ?? emptyBody()
    const file = await service.upload(source, {
      name: name.default('file.bin').parse(c.req.query('name')),
      owner: OPERATOR,
      maxBytes: maxSize,
    })
    return c.json(file, 201)
  })
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

/** `/api/v1`: blobs, their jobs and links, for operators. */
export function blobRoutes(service: BlobService): Hono {
  return new Hono()
    .get('/blobs', async (c) => c.json(await service.files(limit.parse(c.req.query('limit')))))
    .get('/blobs/stored', async (c) => c.json(await service.blobs(limit.parse(c.req.query('limit')))))
    .post('/blobs/gc', async (c) => c.json(await service.gc()))
    .post('/blobs/collections', async (c) => {
      const body = collectionBody.parse(await json(c))
      return c.json(await service.collect(body.files, body.name, OPERATOR), 201)
    })
    .get('/blobs/:id', async (c) => c.json(await service.file(c.req.param('id'))))
    .delete('/blobs/:id', async (c) => {
      const removed = await service.remove(c.req.param('id'))
      if (removed === 0) throw new K2Error({ code: 'BLOB_UNKNOWN', kind: 'input', message: 'the gateway has no such file' })
      return c.json({ removed })
    })
    .post('/blobs/:id/links', async (c) => {
      const { lifetimeSeconds } = linkBody.parse(c.req.header('content-length') === '0' ? {} : await json(c))
      return c.json(
        await service.link(c.req.param('id'), lifetimeSeconds === undefined ? undefined : lifetimeSeconds * 1000),
        201,
      )
    })
    .delete('/links/:id', async (c) => c.json({ revoked: await service.revoke(c.req.param('id')) }))
}
