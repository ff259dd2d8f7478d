import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import { K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Secret } from '../../base/secret.ts'
import type { OperatorCommands } from '../commands/operator.ts'
import { hostAllowed, requireToken } from './auth.ts'
import type { Control } from './control.ts'
import { errorBody, errorResponse } from './errors.ts'
import { commandRoutes } from './routes/commands.ts'
import { controlRoutes } from './routes/control.ts'
import { healthRoutes } from './routes/health.ts'
import { staticRoutes } from './static.ts'

/** Largest request body, bytes. */
const MAX_BODY_BYTES = 256 * 1024

export interface AppOptions {
  readonly control: Control
  /** Every command under `/api/v1`; undefined in tests that need none. */
  readonly commands?: OperatorCommands
  readonly adminToken: Secret
  /** Address the server listens on; decides which Host headers are believed. */
  readonly host: string
  /** Folder with the web chat page; undefined when it is switched off. */
  readonly pages: string | undefined
  readonly log: Logger
}

/** All HTTP routes of the gateway; testable without a socket through `app.request()`. */
export async function createApp(options: AppOptions): Promise<Hono> {
  const { control, log } = options
  const app = new Hono()
  app.onError((error, c) => errorResponse(error, c, log))
  app.notFound((c) => c.json(errorBody('HTTP_NOT_FOUND', 'nothing is here'), 404))
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: 'no-referrer',
    }),
  )
  app.use(async (c, next) => {
    if (!hostAllowed(c.req.header('host'), options.host)) {
      throw new K2Error({ code: 'HTTP_BAD_HOST', kind: 'denied', message: 'this server answers only to its own address' })
    }
    await next()
  })
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => c.json(errorBody('HTTP_TOO_LARGE', `a request body may have ${MAX_BODY_BYTES} bytes`), 413),
    }),
  )
  app.route('/health', healthRoutes(control))
  const token = requireToken(options.adminToken)
  app.use('/api/*', token)
  if (options.commands) app.route('/api/v1', commandRoutes(options.commands))
  app.route('/api', controlRoutes(control))
  app.get('/metrics', token, async (c) => c.text(await control.metrics()))
  if (options.pages !== undefined) app.route('/', await staticRoutes(options.pages))
  return app
}
