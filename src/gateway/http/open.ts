import { fileURLToPath } from 'node:url'
import type { Secret } from '../../base/secret.ts'
import { type ChatFiles, WEBCHAT_PAGES, type WebChatBridge } from '../../bridges/webchat/index.ts'
import type { Config } from '../config/schema.ts'
import { type AppOptions, createApp } from './app.ts'
import { HttpServer } from './server.ts'
import { WebSocketDoor } from './ws.ts'

type Pages = 'adminToken' | 'host' | 'proxy' | 'limits' | 'noticeFile' | 'pages' | 'chatFiles'

export interface ServerOptions extends Omit<AppOptions, Pages> {
  readonly http: Config['http']
  /** The web chat; undefined: no pages. */
  readonly web: WebChatBridge | undefined
  readonly chatFiles: ChatFiles
  readonly token: Secret
}

/** The gateway's server as the configuration has it: API, pages, and the web chat's connections. Not started. */
export async function openServer({ http, web, chatFiles, token, ...app }: ServerOptions): Promise<HttpServer> {
  const { host, port, maxSessions, proxy, limits } = http
  return new HttpServer({
    app: await createApp({
      ...app,
      chatFiles: web && chatFiles,
      adminToken: token,
      host,
      proxy,
      limits,
      noticeFile: (id) => web?.noticeFile(id),
      pages: web && fileURLToPath(WEBCHAT_PAGES),
    }),
    door:
      web &&
      new WebSocketDoor({
        path: '/ws',
        host,
        publicUrl: proxy?.publicUrl,
        maxSessions,
        log: app.log,
        connect: (s) => web.connect(s),
      }),
    host,
    port,
  })
}
