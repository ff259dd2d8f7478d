import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'

/** Largest update, bytes. */
const MAX_UPDATE_BYTES = 1024 * 1024
const SECRET_HEADER = 'x-telegram-bot-api-secret-token'
/** Asked to come again after this, seconds. */
const RETRY_AFTER = '1'

export const TELEGRAM_HOOKS = '/telegram'

export const telegramHookPath = (account: string): string => `${TELEGRAM_HOOKS}/${encodeURIComponent(account)}`

/** A bridge that receives by webhook. */
export interface HookedBridge {
  /** Answers the HTTP status: 200 only after the commit. */
  takeUpdate(secret: string | undefined, update: unknown): Promise<number>
}

/** Updates of Telegram accounts in webhook mode (bridging 5.5). Answers never carry a body: the platform could read a call in it. */
export function telegramRoutes(accounts: (account: string) => HookedBridge | undefined): Hono {
  const app = new Hono()
  app.use(bodyLimit({ maxSize: MAX_UPDATE_BYTES, onError: (c) => c.body(null, 413) }))
  app.post('/:account', async (c) => {
    const bridge = accounts(c.req.param('account'))
    if (bridge === undefined) return c.body(null, 404)
    let update: unknown
    try {
      update = await c.req.json()
    } catch {
      // No JSON: not from the platform.
      return c.body(null, 400)
    }
    const status = await bridge.takeUpdate(c.req.header(SECRET_HEADER), update)
    return c.body(null, status as 200, status === 200 ? {} : { 'retry-after': RETRY_AFTER })
  })
  return app
}
