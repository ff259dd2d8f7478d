import type { Message } from 'grammy/types'
import { checkText } from './entities.ts'
import { ApiError, badRequest } from './errors.ts'
import { fileObject, storeFile } from './files.ts'
import type { MethodContext } from './method-context.ts'
import type { Params } from './params.ts'
import { formattedText } from './parse-mode.ts'
import type { StoredFile } from './world.ts'

const MEBIBYTE = 1024 * 1024
const MAX_UPLOAD = 50 * MEBIBYTE
const MAX_PHOTO = 10 * MEBIBYTE
const MAX_CAPTION = 1024

/** Kinds by method. */
export const MEDIA_METHODS: Readonly<Record<string, string>> = {
  sendphoto: 'photo',
  senddocument: 'document',
  sendvideo: 'video',
  sendanimation: 'animation',
  sendaudio: 'audio',
  sendvoice: 'voice',
  sendvideonote: 'video_note',
  sendsticker: 'sticker',
}
const CAPTIONLESS = new Set(['video_note', 'sticker'])
/** Kinds that may share an album. */
const FAMILIES = [new Set(['photo', 'video']), new Set(['document']), new Set(['audio'])]

export type Content = Record<string, unknown>

/** Content of one uploaded file of a kind, checked as the real server does. */
async function contentOf(
  kind: string,
  value: unknown,
  params: Params,
  details: Record<string, unknown>,
  ctx: MethodContext,
): Promise<Content> {
  const file = await fileOf(kind, value, params, ctx)
  const object = { ...fileObject(file), ...pick(details, ['duration', 'width', 'height']) }
  if (kind === 'photo') {
    if (file.bytes.length > MAX_PHOTO) throw badRequest('file is too big')
    const sides = sidesOf(file.bytes)
    if (sides === undefined) throw badRequest('IMAGE_PROCESS_FAILED')
    if (sides.width + sides.height > 10_000 || Math.max(sides.width, sides.height) > 20 * Math.min(sides.width, sides.height))
      throw badRequest('PHOTO_INVALID_DIMENSIONS')
    return { photo: [{ ...fileObject(file), ...sides }], ...spoilerOf(details) }
  }
  if (kind === 'sticker')
    return { sticker: { ...object, type: 'regular', width: 512, height: 512, is_animated: false, is_video: false } }
  const named = { ...object, file_name: file.name, mime_type: file.mime }
  if (kind === 'animation') return { animation: named, document: named, ...spoilerOf(details) }
  return { [kind]: kind === 'voice' || kind === 'video_note' ? object : named, ...(kind === 'video' ? spoilerOf(details) : {}) }
}

function spoilerOf(details: Record<string, unknown>): Content {
  return String(details.has_spoiler) === 'true' ? { has_media_spoiler: true } : {}
}

function pick(from: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((n) => from[n] !== undefined).map((n) => [n, Number(from[n])]))
}

async function fileOf(kind: string, value: unknown, params: Params, ctx: MethodContext): Promise<StoredFile> {
  const attached =
    typeof value === 'string' && value.startsWith('attach://') ? params.values[value.slice('attach://'.length)] : value
  if (typeof attached === 'string') {
    const known = ctx.world.files.get(attached)
    if (known) return known
    throw badRequest(/^https?:/.test(attached) ? 'failed to get HTTP URL content' : 'wrong remote file identifier specified')
  }
  if (!(attached instanceof Blob)) throw badRequest(`there is no ${kind} in the request`)
  if (attached.size === 0) throw badRequest('file must be non-empty')
  if (attached.size > MAX_UPLOAD) throw new ApiError(413, 'Request Entity Too Large')
  const bytes = new Uint8Array(await attached.arrayBuffer())
  const name = 'name' in attached ? String(attached.name) : 'file'
  return storeFile(ctx.world, { name, bytes, mime: typeOf(name) })
}

function typeOf(name: string): string {
  const types: Record<string, string> = {
    mp4: 'video/mp4',
    mp3: 'audio/mpeg',
    ogg: 'audio/ogg',
    gif: 'image/gif',
    png: 'image/png',
    txt: 'text/plain',
  }
  return types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
}

/** Sides of a PNG or JPEG; undefined for anything that is no picture. */
function sidesOf(bytes: Uint8Array): { width: number; height: number } | undefined {
  const data = Buffer.from(bytes)
  if (data.subarray(1, 4).toString('latin1') === 'PNG') return { width: data.readUInt32BE(16), height: data.readUInt32BE(20) }
  if (data[0] === 0xff && data[1] === 0xd8) return { width: 100, height: 100 }
  if (data.subarray(8, 12).toString('latin1') === 'WEBP') return { width: 100, height: 100 }
  return undefined
}

export function captionOf(params: Params, ctx: MethodContext, at: Record<string, unknown> = params.values): Content {
  const raw = at.caption
  if (raw === undefined) return {}
  const given = typeof at.caption_entities === 'string' ? params.json('caption_entities') : at.caption_entities
  const mode = at.parse_mode === undefined ? undefined : String(at.parse_mode)
  if (mode !== undefined) ctx.remark('parse_mode instead of entities')
  const { text, entities } = formattedText(String(raw), given, mode)
  const checked = checkText(text, entities)
  for (const remark of checked.remarks) ctx.remark(remark)
  if (checked.text.length > MAX_CAPTION) throw badRequest('message caption is too long')
  if (checked.text === '') return {}
  return { caption: checked.text, ...(checked.entities.length > 0 ? { caption_entities: checked.entities } : {}) }
}

/** Content of a single send. */
export async function singleContent(kind: string, params: Params, ctx: MethodContext): Promise<Content> {
  if (CAPTIONLESS.has(kind) && params.values.caption !== undefined) ctx.remark(`a caption of a ${kind}`)
  const content = await contentOf(kind, params.values[kind], params, params.values, ctx)
  return { ...content, ...(CAPTIONLESS.has(kind) ? {} : captionOf(params, ctx)) }
}

/** Contents of an album, in order. */
export async function albumContents(params: Params, ctx: MethodContext): Promise<Content[]> {
  const items = params.json('media')
  if (!Array.isArray(items) || items.length < 2 || items.length > 10) throw badRequest('group media must have from 2 to 10 items')
  const kinds = items.map((item: { type?: unknown }) => String(item.type))
  if (!FAMILIES.some((family) => kinds.every((kind) => family.has(kind))))
    throw badRequest("can't mix these types of media in a group")
  const contents: Content[] = []
  for (const item of items as Record<string, unknown>[]) {
    contents.push({ ...(await contentOf(String(item.type), item.media, params, item, ctx)), ...captionOf(params, ctx, item) })
  }
  return contents
}

/** A sent message with a file, as editMessageCaption leaves it. */
export function recaptioned(message: Message, caption: Content, date: number): Message {
  const { caption: _c, caption_entities: _e, ...rest } = message as Message & { caption?: string; caption_entities?: unknown }
  return { ...rest, ...caption, edit_date: date } as Message
}

/** Kinds editMessageMedia takes and leaves. */
const REPLACEABLE = new Set(['photo', 'video', 'animation', 'audio', 'document'])

/** What editMessageMedia puts into a message; checked against what the message is and the album it belongs to. */
export async function replacedContent(message: Message, params: Params, ctx: MethodContext): Promise<Content> {
  const item = params.object('media')
  const kind = String(item?.type)
  if (item === undefined || !REPLACEABLE.has(kind)) throw badRequest('wrong type of the input media')
  const old = Object.keys(message).filter((key) => Object.values(MEDIA_METHODS).includes(key))
  if (old.some((key) => !REPLACEABLE.has(key))) throw badRequest("message can't be edited")
  const family = FAMILIES.find((f) => old.some((key) => f.has(key)))
  if (message.media_group_id !== undefined && !family?.has(kind))
    throw badRequest("can't use the media of the specified type in the album")
  return { ...(await contentOf(kind, item.media, params, item, ctx)), ...captionOf(params, ctx, item) }
}

/** A message as editMessageMedia leaves it. */
export function replaced(message: Message, content: Content, date: number): Message {
  const stale = new Set([...Object.values(MEDIA_METHODS), 'text', 'entities', 'caption', 'caption_entities', 'has_media_spoiler'])
  const frame = Object.fromEntries(Object.entries(message).filter(([key]) => !stale.has(key)))
  return { ...frame, ...content, edit_date: date } as unknown as Message
}

export const hasMedia = (message: Message): boolean => Object.values(MEDIA_METHODS).some((kind) => kind in message)
