import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import type { Control } from '../control.ts'

/** Longest text one control call may send, characters; longer ones are refused, not cut. */
const MAX_TEXT = 20_000

const sendBody = z.strictObject({ text: z.string().min(1).max(MAX_TEXT), name: z.string().min(1).max(64).default('k2gw') })
const limitQuery = z.coerce.number().int().min(1).max(1000).default(100)

async function json(request: { json(): Promise<unknown> }): Promise<unknown> {
  try {
    return await request.json()
  } catch (cause) {
    throw new K2Error({ code: 'HTTP_BAD_REQUEST', kind: 'input', message: 'the body is not JSON', cause })
  }
}

/** `/api/*`, behind the admin token: what the command line and operators use. Streams are JSON lines. */
export function controlRoutes(control: Control): Hono {
  const follow = (filter: { topic: string } | { contact: string }) => (c: Parameters<typeof stream>[0]) =>
    stream(c, async (out) => {
      const stop = new AbortController()
      out.onAbort(() => stop.abort())
      // Headers go out with the first byte: an empty line tells the other side that listening has begun.
      await out.write('\n')
      for await (const event of control.follow(filter, stop.signal)) await out.write(`${JSON.stringify(event)}\n`)
    })

  return new Hono()
    .get('/status', async (c) => c.json(await control.status()))
    .post('/topics/:topic/messages', async (c) => {
      const { text, name } = sendBody.parse(await json(c.req))
      return c.json(await control.sendToTopic(c.req.param('topic'), text, name))
    })
    .get('/topics/:topic/messages', (c) => follow({ topic: c.req.param('topic') })(c))
    .post('/contacts/:contact/messages', async (c) => {
      const { text, name } = sendBody.parse(await json(c.req))
      return c.json(await control.sendDirect(c.req.param('contact'), text, name))
    })
    .get('/contacts/:contact/messages', (c) => follow({ contact: c.req.param('contact') })(c))
    .get('/lanes', async (c) => c.json(await control.lanes()))
    .get('/dead-letters', async (c) => c.json(await control.deadLetters(limitQuery.parse(c.req.query('limit')))))
    .post('/dead-letters/:id/replay', async (c) => {
      await control.replayDeadLetter(c.req.param('id'))
      return c.json({ ok: true })
    })
    .delete('/dead-letters/:id', async (c) => {
      await control.discardDeadLetter(c.req.param('id'))
      return c.json({ ok: true })
    })
    .get('/events/:id', async (c) => {
      const found = await control.why(c.req.param('id'))
      if (!found) throw new K2Error({ code: 'HTTP_NOT_FOUND', kind: 'input', message: 'no event with this id is known' })
      return c.json(found)
    })
}
