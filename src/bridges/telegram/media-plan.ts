import type { AttachmentKind } from '../model/message.ts'
import type { OutgoingFiles, SendableFile } from '../outgoing-files.ts'

/** How the platform takes a file. */
export type TelegramMedia = 'photo' | 'video' | 'animation' | 'audio' | 'voice' | 'video_note' | 'sticker' | 'document'

/** Files that are sent by one call: several of kinds that form an album, or one. */
export interface MediaGroup {
  readonly items: readonly { readonly media: TelegramMedia; readonly file: SendableFile }[]
}

/** What is known of the body's files when a plan is made. */
export interface PlanFiles {
  readonly files: OutgoingFiles
  /** What a file is sent as, where its own kind was refused. */
  readonly as: ReadonlyMap<number, TelegramMedia>
  /** No albums, because one was refused. */
  readonly single: boolean
  /** Parts whose file the platform did not let us replace. */
  readonly fixed: ReadonlySet<number>
}

const MEBIBYTE = 1024 * 1024
/** Limits of the public Bot API, bytes (bridging 5.1). */
export const MAX_UPLOAD = 50 * MEBIBYTE
const MAX_PHOTO = 10 * MEBIBYTE
/** Sides of a photo: their sum, and how many times the longer one may be the shorter. */
const MAX_SIDES = 10_000
const MAX_RATIO = 20
const MAX_ALBUM = 10

/** Kinds that may share an album with each other (bridging 5.1). */
const FAMILY: Readonly<Partial<Record<TelegramMedia, string>>> = {
  photo: 'visual',
  video: 'visual',
  document: 'document',
  audio: 'audio',
}
/** Kinds that can have no caption. */
export const CAPTIONLESS: ReadonlySet<TelegramMedia> = new Set(['video_note', 'sticker'])

const VIDEO: ReadonlySet<string> = new Set(['video/mp4'])
const AUDIO: ReadonlySet<string> = new Set(['audio/mpeg', 'audio/mp4', 'audio/x-m4a'])
const PHOTO: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/webp'])

/** What a file is sent as, by its content first and by what its sender called it second. */
export function mediaOf({ attachment, file }: SendableFile): TelegramMedia {
  const kind: AttachmentKind = attachment.kind
  const { mime } = file
  if (kind === 'sticker' && (mime === 'image/webp' || mime === 'video/webm')) return 'sticker'
  if (kind === 'sticker' && mime === 'application/gzip') return 'sticker'
  if (kind === 'video-note' && VIDEO.has(mime)) return 'video_note'
  if (kind === 'voice' && (mime === 'audio/ogg' || mime === 'audio/opus' || AUDIO.has(mime))) return 'voice'
  if (mime === 'image/gif' || (kind === 'animation' && VIDEO.has(mime))) return 'animation'
  if (PHOTO.has(mime) && kind !== 'file' && isPhoto(attachment.width, attachment.height, file.size)) return 'photo'
  if (VIDEO.has(mime) && kind !== 'file') return 'video'
  return AUDIO.has(mime) && kind !== 'file' ? 'audio' : 'document'
}

function isPhoto(width = 1, height = 1, size: number): boolean {
  const ratio = Math.max(width, height) / Math.max(1, Math.min(width, height))
  return size <= MAX_PHOTO && width + height <= MAX_SIDES && ratio <= MAX_RATIO
}

/**
 * Files by call: albums of two to ten of one family, what is left over singly. Within a family the order stays; families come
 * in the order of their first file. `as` says what a file is sent as where that is decided already; `single` gives up albums.
 */
export function groupsOf(
  files: readonly SendableFile[],
  as: ReadonlyMap<number, TelegramMedia>,
  single: boolean,
): readonly MediaGroup[] {
  const groups: { family: string | undefined; items: { media: TelegramMedia; file: SendableFile }[] }[] = []
  for (const file of files) {
    const media = as.get(file.index) ?? mediaOf(file)
    const family = single ? undefined : FAMILY[media]
    const open = family === undefined ? undefined : groups.findLast((g) => g.family === family && g.items.length < MAX_ALBUM)
    if (open) open.items.push({ media, file })
    else groups.push({ family, items: [{ media, file }] })
  }
  return groups.map(({ items }) => ({ items }))
}
