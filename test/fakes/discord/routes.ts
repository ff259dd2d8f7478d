import type { FormPart } from '../multipart.ts'
import { fail } from './errors.ts'
import type { FakeGateway } from './gateway.ts'
import type { Interactions } from './interactions.ts'
import type { Permission } from './permissions.ts'
import type { Violations } from './violations.ts'
import type { Bot, Channel, World } from './world.ts'

/** What routes work on. */
export interface Site {
  readonly world: World
  readonly gateway: FakeGateway
  readonly violations: Violations
  readonly interactions: Interactions
  /** Base URL of attachments. */
  readonly cdn: string
}

export interface Call {
  readonly site: Site
  readonly query: URLSearchParams
  readonly body: unknown
  readonly parts: readonly FormPart[]
  /** Everything the request uses after the answer was decided: gateway events of our own sends. */
  readonly echo: (run: () => void) => void
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
}

export type BotHandler = (call: Call, bot: Bot, ...ids: string[]) => Answer
export type OpenHandler = (call: Call, ...ids: string[]) => Answer

export type Route =
  | { readonly method: string; readonly pattern: RegExp; readonly auth: 'bot'; readonly handle: BotHandler }
  | { readonly method: string; readonly pattern: RegExp; readonly auth: 'none'; readonly handle: OpenHandler }

/** `/channels/:id/messages` → a pattern whose groups are the parameters. */
function compile(path: string): RegExp {
  return new RegExp(`^${path.replace(/:[a-z]+/g, '([^/]+)')}$`)
}

export function botRoute(method: string, path: string, handle: BotHandler): Route {
  return { method, pattern: compile(path), auth: 'bot', handle }
}

export function openRoute(method: string, path: string, handle: OpenHandler): Route {
  return { method, pattern: compile(path), auth: 'none', handle }
}

export const ok = (body: unknown): Answer => ({ status: 200, body })
export const created = (body: unknown): Answer => ({ status: 201, body })
export const noContent: Answer = { status: 204 }

/** The channel, when the bot may see it and do this there. */
export function channelFor(call: Call, bot: Bot, id: string, ...permissions: Permission[]): Channel {
  const { world } = call.site
  const channel = world.channel(id)
  if (!world.may(bot, channel, 'VIEW_CHANNEL')) throw fail.missingAccess()
  for (const permission of permissions) if (!world.may(bot, channel, permission)) throw fail.missingPermissions()
  return channel
}

export function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
}
