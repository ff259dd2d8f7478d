import { cutGraphemes } from '../format/sanitize.ts'
import { httpUrl } from '../format/urls.ts'
import type { NativeRef } from '../model/place.ts'
import type { OutgoingFiles, SendableFile } from '../outgoing-files.ts'
import type { NativePart, SendOutcome, SendRequest } from '../port.ts'
import type { ApiFile } from './api.ts'
import { CDN_URL } from './directory.ts'
import type { Verdict } from './errors.ts'
import { channelIdOf, type DiscordCall, type Mode, uploadsOf } from './outbound.ts'
import type { WebhookRecord } from './webhook-registry.ts'

/** Everything that may change while one request is carried out. */
export interface Run {
  readonly request: SendRequest
  readonly signal: AbortSignal
  /** Our own user. */
  readonly botId: string
  readonly parts: Map<number, NativePart>
  /** The next create may be there already: look before sending. */
  lookSince: number | undefined
  /** In a forum: the post the message is in, once there is one. */
  post?: string | undefined
  /** In a forum: Discord refused a post because it had no tag. */
  tagDemanded?: boolean
  mode: Mode
  /** Edits: who was not the message's author. */
  readonly triedModes: Set<Mode>
  allowFile: boolean
  /** What becomes of the body's files; undefined until they were gathered. */
  files: OutgoingFiles | undefined
  /** Lets go of the files. */
  releaseFiles: () => void
  /** Files Discord found too large, and whether several in one message were. */
  readonly refusedFiles: Set<number>
  single: boolean
  plain: boolean
  strictName: boolean
  remadeWebhook: boolean
  unarchived: boolean
}

/** How doubtful sends ended, and what had to be given up (20). */
export interface SendCounters {
  adoptedByEcho: number
  adoptedByProbe: number
  resent: number
  simplified: number
  botFallbacks: number
}

/** What one call led to: a part (or nothing left to do), a new plan, or the end. */
export type Step =
  | { readonly kind: 'next'; readonly part?: NativePart }
  | { readonly kind: 'replan' }
  | { readonly kind: 'end'; readonly outcome: SendOutcome }

/** An answer that is not yet decided upon. */
export interface Judged {
  readonly kind: 'judged'
  readonly verdict: Verdict
  /** Whose answer it was. */
  readonly webhook?: WebhookRecord
  readonly call?: DiscordCall
}

/** What one call of a plan led to; `as-bot`: there is no webhook to be had. */
export type Result = Step | Judged | { readonly kind: 'as-bot' }

/** Every send says that nobody is pinged (1.7). */
export const NOBODY = { parse: [], users: [], roles: [], replied_user: false } as const

/** Nobody but these people. */
export function pinging(mentioned: readonly string[] | undefined): object {
  return mentioned === undefined ? NOBODY : { ...NOBODY, users: mentioned }
}

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

/** Uploads of a message, and what Discord is told about them. */
export function filesOf(call: DiscordCall & { op: 'create' | 'edit' }): { files?: readonly ApiFile[] } {
  const text = call.op === 'edit' ? undefined : call.file
  const files = [...(text === undefined ? [] : [textFile(text)]), ...uploadsOf(call).map(mediaFile)]
  return files.length === 0 ? {} : { files }
}

/** Descriptions for people who do not see the pictures. */
export function descriptionsOf(call: DiscordCall & { op: 'create' }): { attachments?: readonly object[] } {
  const uploads = call.uploads ?? []
  if (!uploads.some((u) => u.attachment.alt)) return {}
  const first = call.file === undefined ? 0 : 1
  return { attachments: uploads.map((upload, i) => description(upload, i + first)) }
}

/** A new file in the list of a message's files; `id` is its place among the uploads. */
export function description(upload: SendableFile, id: number): object {
  const text = cutGraphemes(upload.attachment.alt ?? '', MAX_DESCRIPTION)
  return { id, filename: uploadName(upload), ...(text !== '' && { description: text }) }
}

/** Sizes of the files a message of ours has, for finding it again. */
export function sizesOf(call: DiscordCall & { op: 'create' }): readonly number[] {
  return (filesOf(call).files ?? []).map((f) => f.size)
}

function textFile(file: { readonly name: string; readonly text: string }): ApiFile {
  const blob = new Blob([file.text], { type: 'text/plain; charset=utf-8' })
  return { name: file.name, type: blob.type, size: blob.size, open: async () => blob }
}

function mediaFile(upload: SendableFile): ApiFile {
  const { file } = upload
  return { name: uploadName(upload), type: file.mime, size: file.size, open: () => file.blob() }
}

/** Discord hides what is called like this until somebody clicks it. */
const SPOILER = 'SPOILER_'
const MAX_DESCRIPTION = 1024

function uploadName({ name, attachment }: SendableFile): string {
  return attachment.spoiler && !name.startsWith(SPOILER) ? `${SPOILER}${name}` : name
}

const CDN_AVATAR = /^avatars\/\d{1,20}\/\w{1,64}$/

/** A picture the platform can fetch; never a link that contains a token (4.4). */
export function avatarOf(request: SendRequest): { avatar_url?: string } {
  const { avatar } = request.author
  // Discord's own pictures are public.
  if (avatar?.kind === 'discord-cdn' && CDN_AVATAR.test(avatar.ref))
    return { avatar_url: `${CDN_URL}/${avatar.ref}.png?size=128` }
  const url = avatar?.kind === 'url' ? httpUrl(avatar.ref) : undefined
  return url === undefined || url.username !== '' || url.password !== '' ? {} : { avatar_url: url.href }
}
