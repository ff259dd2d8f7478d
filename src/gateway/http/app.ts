import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import { systemClock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Secret } from '../../base/secret.ts'
import type { OutFile } from '../../bridges/interaction.ts'
import { type ChatFiles, NOTICE_FILES } from '../../bridges/webchat/index.ts'
import type { DatabaseSnapshots } from '../backup/snapshots.ts'
import type { BlobService } from '../blobs/service.ts'
import type { OperatorCommands } from '../commands/operator.ts'
import type { HttpLimits, ProxyConfig } from '../config/http.ts'
import type { ProfileDesk } from '../docs/profile.ts'
import { AddressLimits } from './address-limits.ts'
import { hostAllowed } from './auth.ts'
import { Callers } from './callers.ts'
import type { Control } from './control.ts'
import { errorBody, errorResponse } from './errors.ts'
import { backupRoutes } from './routes/backup.ts'
import { blobRoutes, uploadRoutes } from './routes/blobs.ts'
import { CHAT_FILES, chatFileRoutes, chatUploadRoutes } from './routes/chat-files.ts'
import { commandRoutes } from './routes/commands.ts'
import { controlRoutes } from './routes/control.ts'
import { fileRoutes, type LinkedFiles } from './routes/files.ts'
import { healthRoutes } from './routes/health.ts'
import { noticeFileRoutes } from './routes/notice-files.ts'
import { profileImageRoutes } from './routes/profile-images.ts'
import { type HookedBridge, TELEGRAM_HOOKS, telegramRoutes } from './routes/telegram.ts'
import { staticRoutes } from './static.ts'

/** Largest request body, bytes. */
const MAX_BODY_BYTES = 256 * 1024

/** Takes bodies of any length by its own bounds. */
const UPLOADS = '/api/v1/blobs'
const IMAGES = '/api/v1/profile/images'

export interface AppOptions {
  readonly control: Control
  /** Every command under `/api/v1`; undefined in tests that need none. */
  readonly commands?: OperatorCommands
  /** Files: `/api/v1/blobs` and downloads by signed links. */
  readonly files?: { readonly service: BlobService; readonly linked: LinkedFiles }
  /** Files of the web chat’s notices, by id. */
  readonly noticeFile?: (id: string) => OutFile | undefined
  /** Files of the web chat. */
  readonly chatFiles?: ChatFiles | undefined
  /** Images of the node's profile: `/api/v1/profile/images`. */
  readonly profile?: ProfileDesk
  /** Telegram accounts that receive by webhook. */
  readonly hooks?: (account: string) => HookedBridge | undefined
  /** Copies of the database: `/api/backup`. */
  readonly snapshots?: Pick<DatabaseSnapshots, 'take'>
  readonly adminToken: Secret
  /** Address the server listens on; decides which Host headers are believed. */
  readonly host: string
  /** A proxy whose headers are believed. */
  readonly proxy?: ProxyConfig | undefined
  /** What one address may ask for; undefined: anything. */
  readonly limits?: HttpLimits
  /** ms; default: the system's clock. */
  readonly now?: () => number
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
  const callers = new Callers({
    token: options.adminToken,
    proxy: options.proxy,
    limits: options.limits && new AddressLimits(options.limits),
    now: options.now ?? (() => systemClock.now()),
  })
  // The platform calls by the public name; its secret alone counts.
  if (options.hooks) app.route(TELEGRAM_HOOKS, telegramRoutes(options.hooks))
  app.use(callers.limited)
  // Links are for people elsewhere, under whatever name they reach this server; the signature alone counts. Their headers are
  // stricter than those of pages.
  if (options.files) app.route('/files', fileRoutes(options.files.linked))
  const ownHost: MiddlewareHandler = async (c, next) => {
    if (!hostAllowed(c.req.header('host'), options.host, options.proxy?.publicUrl)) {
      throw new K2Error({ code: 'HTTP_BAD_HOST', kind: 'denied', message: 'this server answers only to its own address' })
    }
    await next()
  }
  if (options.chatFiles) {
    app.use(`${CHAT_FILES}/*`, ownHost)
    app.route(CHAT_FILES, chatFileRoutes(options.chatFiles))
  }
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
  app.use(ownHost)
  const token = callers.admins
  if (options.files) {
    app.use(UPLOADS, token)
    app.route(UPLOADS, uploadRoutes(options.files.service))
  }
  if (options.chatFiles) app.route(CHAT_FILES, chatUploadRoutes(options.chatFiles))
  if (options.profile) {
    app.use(`${IMAGES}/*`, token)
    app.route(IMAGES, profileImageRoutes(options.profile))
  }
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => c.json(errorBody('HTTP_TOO_LARGE', `a request body may have ${MAX_BODY_BYTES} bytes`), 413),
    }),
  )
  app.route('/health', healthRoutes(control))
  app.use('/api/*', token)
  if (options.commands) app.route('/api/v1', commandRoutes(options.commands))
  if (options.files) app.route('/api/v1', blobRoutes(options.files.service))
  if (options.snapshots) app.route('/api/backup', backupRoutes(options.snapshots))
  app.route('/api', controlRoutes(control))
  app.get('/metrics', token, async (c) => c.text(await control.metrics()))
  if (options.noticeFile) app.route(NOTICE_FILES, noticeFileRoutes(options.noticeFile))
  if (options.pages !== undefined) app.route('/', await staticRoutes(options.pages))
  return app
}
