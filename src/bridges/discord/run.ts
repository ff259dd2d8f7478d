import { httpUrl } from '../format/urls.ts'
import type { NativeRef } from '../model/place.ts'
import type { NativePart, SendOutcome, SendRequest } from '../port.ts'
import { channelIdOf, type DiscordCall, type Mode } from './outbound.ts'
import type { WebhookRecord } from './webhook-registry.ts'

/** Everything that may change while one request is carried out. */
export interface Run {
  readonly request: SendRequest
  readonly signal: AbortSignal
  readonly parts: Map<number, NativePart>
  /** The next create may be there already: look before sending. */
  lookSince: number | undefined
  mode: Mode
  /** Edits: who was not the message's author. */
  readonly triedModes: Set<Mode>
  allowFile: boolean
  plain: boolean
  strictName: boolean
  remadeWebhook: boolean
  unarchived: boolean
}

/** What one call led to: a part (or nothing left to do), a new plan, or the end. */
export type Step =
  | { readonly kind: 'next'; readonly part?: NativePart }
  | { readonly kind: 'replan' }
  | { readonly kind: 'end'; readonly outcome: SendOutcome }

/** Every send says that nobody is pinged (1.7). */
export const NOBODY = { parse: [], users: [], roles: [], replied_user: false } as const

export interface Target {
  readonly path: `/${string}`
  readonly auth: 'bot' | 'none'
  readonly query?: Readonly<Record<string, string>>
}

export function viaWebhook(webhook: WebhookRecord, ref: NativeRef): Target {
  const path = `/webhooks/${webhook.id}/${webhook.token.reveal()}/messages/${ref.id}` as const
  return { path, auth: 'none', ...(ref.thread !== undefined && { query: { thread_id: ref.thread } }) }
}

export function viaBot(ref: NativeRef): Target {
  return { path: `/channels/${channelIdOf(ref)}/messages/${ref.id}`, auth: 'bot' }
}

export function ended(kind: 'permanent' | 'lane-failed', code: string, message: string): Step {
  return { kind: 'end', outcome: { kind, code, message } }
}

export function filesOf(call: DiscordCall & { op: 'create' }) {
  if (call.file === undefined) return {}
  return { files: [{ name: call.file.name, data: new TextEncoder().encode(call.file.text), type: 'text/plain; charset=utf-8' }] }
}

/** A picture the platform can fetch; never a link that contains a token (4.4). */
export function avatarOf(request: SendRequest): { avatar_url?: string } {
  const { avatar } = request.author
  const url = avatar?.kind === 'url' ? httpUrl(avatar.ref) : undefined
  return url === undefined || url.username !== '' || url.password !== '' ? {} : { avatar_url: url.href }
}
