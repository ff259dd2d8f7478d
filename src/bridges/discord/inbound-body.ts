import { parseDiscordMarkdown } from '../format/discord-markdown.ts'
import { concatRich } from '../format/rich-text-ops.ts'
import { sanitizeName, sanitizeText } from '../format/sanitize.ts'
import type { Attachment, AttachmentKind, Body, EmbedSummary } from '../model/message.ts'
import type { NativeRef } from '../model/place.ts'
import type { RichText } from '../model/rich-text.ts'
import type { Directory } from './directory.ts'
import type { DiscordAttachment, DiscordContent, DiscordEmbed, DiscordSticker } from './schema.ts'

const IS_VOICE_MESSAGE = 1 << 13
const SUPPRESS_EMBEDS = 1 << 2
const MAX_COMPONENT_TEXTS = 100

/** The body of a Discord message: text, files, stickers, polls, embeds and component texts; nothing vanishes (bridging 9). */
export function bodyOf(message: DiscordContent, ref: NativeRef, directory: Directory): Body {
  const mentioned = new Map(message.mentions.map((u) => [u.id, u.member?.nick || u.global_name || u.username]))
  const names = {
    user: (id: string) => mentioned.get(id),
    role: (id: string) => directory.roleName(id),
    channel: (id: string) => directory.channel(id)?.name,
  }
  const parse = (text: string): RichText => parseDiscordMarkdown(text, names)
  const lines = [message.content, ...componentTexts(message.components)].filter((t) => t.trim() !== '').map(parse)
  const [sticker, ...moreStickers] = message.sticker_items
  for (const more of moreStickers) lines.push({ text: `[sticker: ${sanitizeName(more.name)}]`, spans: [] })
  const embeds = message.embeds.flatMap((e) => embedOf(e) ?? [])
  const { poll } = message
  return {
    rich: concatRich(...lines.flatMap((line, i) => (i === 0 ? [line] : ['\n', line]))),
    attachments: message.attachments.map((a) => attachmentOf(a, message.flags, ref)),
    ...(embeds.length > 0 && { embeds }),
    ...(poll && {
      poll: {
        question: sanitizeText(poll.question.text ?? ''),
        options: poll.answers.map((a) => sanitizeText(a.poll_media.text ?? '')),
        multiple: poll.allow_multiselect,
      },
    }),
    ...(sticker && { sticker: { name: sanitizeName(sticker.name), ...pictureOf(sticker, ref, directory) } }),
    ...((message.flags & SUPPRESS_EMBEDS) !== 0 && { noPreview: true }),
  }
}

export function isEmptyBody(body: Body): boolean {
  return body.rich.text.trim() === '' && body.attachments.length === 0 && !body.embeds && !body.poll && !body.sticker
}

export function attachmentOf(a: DiscordAttachment, flags: number, ref: NativeRef): Attachment {
  const expires = /[?&]ex=([0-9a-f]{1,12})/.exec(a.url)?.[1]
  return {
    id: a.id,
    kind: kindOf(a, flags),
    name: a.filename,
    source: { kind: 'discord-url', url: a.url, expiresAt: expires === undefined ? 0 : Number.parseInt(expires, 16) * 1000, ref },
    ...(a.content_type !== undefined && { mime: a.content_type }),
    ...(a.size !== undefined && { size: a.size }),
    ...(a.width != null && { width: a.width }),
    ...(a.height != null && { height: a.height }),
    ...(a.duration_secs !== undefined && { durationMs: Math.round(a.duration_secs * 1000) }),
    ...(a.filename.startsWith('SPOILER_') && { spoiler: true }),
    ...(a.description != null && a.description !== '' && { alt: a.description }),
  }
}

function kindOf(a: DiscordAttachment, flags: number): AttachmentKind {
  if ((flags & IS_VOICE_MESSAGE) !== 0) return 'voice'
  const mime = a.content_type ?? ''
  if (mime === 'image/gif') return 'animation'
  const family = mime.split('/', 1)[0]
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'file'
}

/** Formats of stickers that are pictures; Lottie (3) is an animation program, of which only the name is shown. */
const STICKER_FILE: Readonly<Record<number, readonly [extension: string, mime: string]>> = {
  1: ['png', 'image/png'],
  2: ['png', 'image/png'],
  4: ['gif', 'image/gif'],
}

function pictureOf(sticker: DiscordSticker, ref: NativeRef, directory: Directory): { attachment?: Attachment } {
  const file = STICKER_FILE[sticker.format_type ?? 0]
  if (file === undefined) return {}
  const [extension, mime] = file
  // Animated ones are served by the other host.
  const base = extension === 'gif' ? directory.cdnUrl.replace('//cdn.discordapp.com', '//media.discordapp.net') : directory.cdnUrl
  const source = { kind: 'discord-url', url: `${base}/stickers/${sticker.id}.${extension}`, expiresAt: 0, ref } as const
  return {
    attachment: {
      id: sticker.id,
      kind: 'sticker',
      name: `${sanitizeName(sticker.name, 60) || 'sticker'}.${extension}`,
      mime,
      source,
    },
  }
}

/** Embeds somebody composed; previews of links are not part of what was written. */
function embedOf(embed: DiscordEmbed): EmbedSummary | undefined {
  if (embed.type !== undefined && embed.type !== 'rich' && embed.type !== 'poll_result') return undefined
  const description = [embed.author?.name, embed.description, embed.footer?.text]
    .filter((t) => t !== undefined && t !== '')
    .join('\n')
  const fields = (embed.fields ?? []).filter((f) => f.name.trim() !== '' || f.value.trim() !== '')
  const summary = {
    ...(embed.title !== undefined && { title: sanitizeText(embed.title) }),
    ...(description !== '' && { description: sanitizeText(description) }),
    ...(embed.url !== undefined && { url: embed.url }),
    ...(fields.length > 0 && { fields: fields.map((f) => ({ name: sanitizeText(f.name), value: sanitizeText(f.value) })) }),
  }
  return Object.keys(summary).length === 0 ? undefined : summary
}

/** Text of message components: text displays, and labels of buttons with links. */
function componentTexts(components: unknown): string[] {
  const out: string[] = []
  const visit = (value: unknown, depth: number): void => {
    if (depth > 6 || out.length >= MAX_COMPONENT_TEXTS || typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      for (const item of value) visit(item, depth)
      return
    }
    const component = value as Record<string, unknown>
    if (component.type === TEXT_DISPLAY && typeof component.content === 'string') out.push(component.content.slice(0, 4000))
    else if (component.type === BUTTON && typeof component.label === 'string' && typeof component.url === 'string')
      out.push(`${component.label.slice(0, 100)}: ${component.url.slice(0, 2000)}`)
    visit(component.components, depth + 1)
    visit(component.accessory, depth + 1)
  }
  visit(components, 0)
  return out
}

const BUTTON = 2
const TEXT_DISPLAY = 10
