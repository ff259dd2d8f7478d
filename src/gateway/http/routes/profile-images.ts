import { Hono } from 'hono'
import { z } from 'zod'
import { noImage } from '../../docs/commands-profile.ts'
import { IMAGE_FIELDS, imageBytes, type ProfileDesk } from '../../docs/profile.ts'
import { errorBody } from '../errors.ts'
import { ANSWER_TYPE } from './commands.ts'

const field = z.enum(IMAGE_FIELDS)

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** `/api/v1/profile/images`, behind the admin token and before any bound on bodies: images as they are, not as JSON. */
export function profileImageRoutes(profile: ProfileDesk): Hono {
  return new Hono()
    .get('/:field', async (c, next) => {
      // The command line asks for the command of the same name.
      if (c.req.header('accept') === ANSWER_TYPE) return next()
      const name = field.parse(c.req.param('field'))
      const picture = await profile.image(name)
      if (picture === undefined) return c.json(errorBody('PROFILE_NO_IMAGE', noImage(name).message), 404)
      return c.body(picture.bytes.slice().buffer as ArrayBuffer, 200, {
        'Content-Type': picture.mime,
        ETag: `"${picture.hash}"`,
        'X-Content-Type-Options': 'nosniff',
      })
    })
    .put('/:field', async (c) => {
      const name = field.parse(c.req.param('field'))
      const body = c.req.raw.body as AsyncIterable<Uint8Array> | null
      const { hash, mime, bytes } = await profile.setImage(name, await imageBytes(body ?? nothing()))
      return c.json({ field: name, hash, mime, size: bytes.length })
    })
}
