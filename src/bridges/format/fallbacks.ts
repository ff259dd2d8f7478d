import type { Attachment, AttachmentKind, Body, EmbedSummary, MarketCard } from '../model/message.ts'
import { plain, type RichText } from '../model/rich-text.ts'
import { concatRich, styled } from './rich-text-ops.ts'
import { sanitizeName } from './sanitize.ts'

/** What a kind of file is called, with a sign people recognise. */
const KIND_LABEL: Readonly<Record<AttachmentKind, readonly [string, string]>> = {
  image: ['🖼', 'photo'],
  video: ['🎬', 'video'],
  audio: ['🎵', 'audio'],
  voice: ['🎤', 'voice message'],
  'video-note': ['📹', 'video message'],
  animation: ['🎞', 'GIF'],
  sticker: ['🏷', 'sticker'],
  file: ['📎', 'file'],
}
/** Kinds whose file name is made up by the platform and tells people nothing. */
const NAMELESS: ReadonlySet<AttachmentKind> = new Set(['image', 'voice', 'video-note', 'animation', 'sticker'])
const MAX_NAME = 80

export interface BodyTextOptions {
  /** Files that reach the destination as files and need no line. */
  readonly sentAsFile?: (attachment: Attachment) => boolean
  /** What to say about a file instead of its usual line. */
  readonly lineOf?: (attachment: Attachment) => string | undefined
  /** Descriptions of files that are sent as files become lines, where the network has no place for them. */
  readonly altLines?: boolean
}

/**
 * The whole body as text, so that nothing vanishes where a network or this version cannot carry it natively: forwards,
 * cards, polls, stickers, places, files and embeds become readable lines around the text (bridging 5.2, 9).
 * Empty only when the body holds nothing at all.
 */
export function bodyText(body: Body, options: BodyTextOptions = {}): RichText {
  const blocks: RichText[] = []
  if (body.forwardedFrom) blocks.push(forwardLine(body.forwardedFrom))
  if (body.rich.text !== '') blocks.push(body.rich)
  if (body.card) blocks.push(cardText(body.card))
  if (body.sticker) {
    const { attachment } = body.sticker
    const line = attachment && options.lineOf?.(attachment)
    if (!attachment || !options.sentAsFile?.(attachment)) blocks.push(plain(line ?? stickerLine(body.sticker)))
  }
  if (body.poll) blocks.push(pollText(body.poll))
  if (body.location) blocks.push(plain(locationLine(body.location)))
  for (const attachment of body.attachments) {
    if (!options.sentAsFile?.(attachment)) blocks.push(plain(options.lineOf?.(attachment) ?? attachmentLine(attachment)))
    else if (options.altLines && attachment.alt)
      blocks.push(plain(`${KIND_LABEL[attachment.kind][0]} ${sanitizeName(attachment.alt, 200)}`))
  }
  for (const embed of body.embeds ?? []) blocks.push(embedText(embed))
  const lines = blocks.filter((b) => b.text !== '')
  return lines.length === 1 ? (lines[0] as RichText) : concatRich(...lines.flatMap((b, i) => (i === 0 ? [b] : ['\n', b])))
}

/** A content type this version does not know. */
export function unsupportedLine(type: string): string {
  return `[unsupported message: ${sanitizeName(type, 40) || 'unknown'}]`
}

export function attachmentLine(a: Attachment): string {
  const [sign, label] = KIND_LABEL[a.kind]
  const name = NAMELESS.has(a.kind) ? '' : sanitizeName(a.name, MAX_NAME)
  const facts = [a.durationMs === undefined ? '' : duration(a.durationMs), a.size === undefined ? '' : fileSize(a.size)]
  if (a.spoiler) facts.push('spoiler')
  const shown = facts.filter((f) => f !== '').join(', ')
  const alt = a.alt ? `: ${sanitizeName(a.alt, 200)}` : ''
  return `${sign} ${name || label}${shown === '' ? '' : ` (${shown})`}${alt}`
}

function stickerLine(sticker: NonNullable<Body['sticker']>): string {
  const name = sanitizeName(sticker.name, MAX_NAME)
  const parts = [sticker.emoji ?? '', name].filter((p) => p !== '')
  return parts.length === 0 ? '🏷 sticker' : `🏷 sticker ${parts.join(' ')}`
}

function pollText(poll: NonNullable<Body['poll']>): RichText {
  const options = poll.options.map((o) => `\n${poll.multiple ? '☐' : '○'} ${sanitizeName(o, 120)}`).join('')
  return concatRich('📊 ', styled(sanitizeName(poll.question, 300) || 'Poll', { kind: 'bold' }), options)
}

function locationLine(location: NonNullable<Body['location']>): string {
  const lat = location.lat.toFixed(5)
  const lon = location.lon.toFixed(5)
  const title = location.title ? `${sanitizeName(location.title, 120)} ` : ''
  return `📍 ${title}${lat}, ${lon} https://www.openstreetmap.org/?mlat=${lat}&mlon=${lon}#map=16/${lat}/${lon}`
}

function forwardLine(from: NonNullable<Body['forwardedFrom']>): RichText {
  const name = sanitizeName(from.name, 64) || 'somebody'
  const label = styled(name, from.link ? { kind: 'link', url: from.link } : { kind: 'italic' })
  return concatRich('↪ Forwarded from ', label, ':')
}

/** A K2 offer, interest or request as its title and ready lines. */
function cardText(card: MarketCard): RichText {
  const lines = card.lines.filter((line) => line.trim() !== '')
  return concatRich(styled(card.title, { kind: 'bold' }), ...lines.map((line) => `\n${line}`))
}

function embedText(embed: EmbedSummary): RichText {
  const parts: (RichText | string)[] = []
  const next = (part: RichText | string): void => void parts.push(...(parts.length === 0 ? [] : ['\n']), part)
  if (embed.title) next(styled(embed.title, { kind: 'bold' }, ...(embed.url ? [{ kind: 'link' as const, url: embed.url }] : [])))
  else if (embed.url) next(embed.url)
  if (embed.description) next(embed.description)
  for (const field of embed.fields ?? []) next(concatRich(styled(`${field.name}:`, { kind: 'bold' }), ` ${field.value}`))
  return concatRich(...parts)
}

/** `m:ss`, with hours when there are any. */
function duration(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000))
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  const two = (n: number): string => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** Decimal units, one digit from kB on, as people know them from file managers. */
export function fileSize(bytes: number): string {
  if (!(bytes >= 1000)) return `${Math.max(0, Math.round(bytes)) || 0} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = -1
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value.toFixed(1)} ${units[unit]}`
}
