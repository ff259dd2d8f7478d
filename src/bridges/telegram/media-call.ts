import type { InputFile as GrammyFile } from 'grammy'
import type { SendableFile } from '../outgoing-files.ts'
import type { TelegramMedia } from './media-plan.ts'
import type { TelegramCall, TelegramText } from './outbound.ts'

export type MediaCall = TelegramCall & { readonly op: 'media' }
export type ReplaceCall = TelegramCall & { readonly op: 'replace' }

/** Makes the library's upload objects; one serves one attempt. */
export type NewInputFile = (bytes: AsyncIterable<Uint8Array>, name: string) => GrammyFile

const METHOD: Readonly<Record<TelegramMedia, string>> = {
  photo: 'sendPhoto',
  video: 'sendVideo',
  animation: 'sendAnimation',
  audio: 'sendAudio',
  voice: 'sendVoice',
  video_note: 'sendVideoNote',
  sticker: 'sendSticker',
  document: 'sendDocument',
}
const SPOILERABLE: ReadonlySet<TelegramMedia> = new Set(['photo', 'video', 'animation'])
const TIMED: ReadonlySet<TelegramMedia> = new Set(['video', 'animation', 'audio', 'voice', 'video_note'])
const SIZED: ReadonlySet<TelegramMedia> = new Set(['video', 'animation'])

export function mediaMethod(call: MediaCall | ReplaceCall): string {
  if (call.op === 'replace') return 'editMessageMedia'
  const { group } = call
  return group.items.length > 1 ? 'sendMediaGroup' : METHOD[(group.items[0] as MediaCall['group']['items'][number]).media]
}

/** Bytes a call uploads. */
export function uploadSize(call: MediaCall | ReplaceCall): number {
  const items = call.op === 'replace' ? [call.item] : call.group.items
  return items.reduce((sum, { file }) => sum + file.file.size, 0)
}

/** What a call says beside its chat and options. `plain` leaves out formatting. */
export function mediaPayload(call: MediaCall, plain: boolean, newFile: NewInputFile): Record<string, unknown> {
  const { items } = call.group
  const caption = call.caption === undefined ? {} : captionFields(call.caption, plain)
  const open = (file: SendableFile): GrammyFile => newFile(file.file.stream(), file.name)
  if (items.length === 1) {
    const { media, file } = items[0] as (typeof items)[number]
    return { [media]: open(file), ...caption, ...details(media, file) }
  }
  return {
    media: items.map(({ media, file }, i) => ({
      type: media,
      media: open(file),
      ...(i === 0 ? caption : {}),
      ...details(media, file),
    })),
  }
}

/** Another file for a message that is there. */
export function replacePayload(call: ReplaceCall, plain: boolean, newFile: NewInputFile): Record<string, unknown> {
  const { media, file } = call.item
  const caption = call.caption === undefined ? {} : captionFields(call.caption, plain)
  return { media: { type: media, media: newFile(file.file.stream(), file.name), ...caption, ...details(media, file) } }
}

export function captionFields({ text, entities }: TelegramText, plain: boolean): Record<string, unknown> {
  return { caption: text, ...(plain || entities.length === 0 ? {} : { caption_entities: entities }) }
}

function details(media: TelegramMedia, { attachment }: SendableFile): Record<string, unknown> {
  const { durationMs, width, height, spoiler } = attachment
  return {
    ...(spoiler && SPOILERABLE.has(media) ? { has_spoiler: true } : {}),
    ...(TIMED.has(media) && durationMs !== undefined ? { duration: Math.round(durationMs / 1000) } : {}),
    ...(SIZED.has(media) && width && height ? { width, height } : {}),
  }
}
