import { unsupportedLine } from '../format/fallbacks.ts'
import { concatRich, styled } from '../format/rich-text-ops.ts'
import { sanitizeName } from '../format/sanitize.ts'
import { fromTelegramEntities, type TelegramEntity } from '../format/telegram-entities.ts'
import type { Attachment, AttachmentKind, Body } from '../model/message.ts'
import { plain, type RichText } from '../model/rich-text.ts'
import { originOf } from './author.ts'
import { flattenRichMessage } from './rich-message.ts'
import type { TgFile, TgPlainMessage } from './schema.ts'

/** Fields that say something about a message instead of being its content. */
const FRAME = new Set(
  `message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot sender_tag
  business_connection_id guest_query_id guest_bot_caller_user guest_bot_caller_chat receiver_user ephemeral_message_id date chat
  forward_origin is_topic_message is_automatic_forward reply_to_message external_reply quote reply_to_story
  reply_to_checklist_task_id reply_to_poll_option_id via_bot edit_date has_protected_content is_from_offline is_paid_post
  media_group_id author_signature paid_star_count text entities link_preview_options suggested_post_info effect_id caption
  caption_entities show_caption_above_media has_media_spoiler reply_markup rich_message`.split(/\s+/),
)

const EXTENSION: Readonly<Record<AttachmentKind, string>> = {
  image: 'jpg',
  video: 'mp4',
  audio: 'mp3',
  voice: 'ogg',
  'video-note': 'mp4',
  animation: 'mp4',
  sticker: 'webp',
  file: 'bin',
}
const MAX_FILE_NAME = 120

/** The content field of a message, e.g. `story`; undefined for text alone. */
export function contentKey(message: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(message).find((key) => !FRAME.has(key) && message[key] !== undefined)
}

/** Telegram's entity objects carry optional fields as undefined after validation; the formatter does not mind. */
function richOf(text: string | undefined, entities: readonly object[] | undefined): RichText {
  return text === undefined ? plain('') : fromTelegramEntities(text, (entities ?? []) as readonly TelegramEntity[])
}

function attachment(kind: AttachmentKind, file: TgFile, account: string | undefined, spoiler = false): Attachment {
  const given = file.file_name ?? ([file.performer, file.title].filter((p) => p !== undefined).join(' - ') || undefined)
  const name = sanitizeName((given ?? '').split(/[/\\]/).at(-1) ?? '', MAX_FILE_NAME)
  return {
    id: file.file_unique_id,
    kind,
    name: name || `${kind}-${file.file_unique_id}.${EXTENSION[kind]}`,
    ...(file.mime_type === undefined ? {} : { mime: file.mime_type }),
    ...(file.file_size === undefined ? {} : { size: file.file_size }),
    ...(file.width === undefined ? {} : { width: file.width }),
    ...(file.height === undefined ? {} : { height: file.height }),
    ...(file.duration === undefined ? {} : { durationMs: file.duration * 1000 }),
    ...(spoiler ? { spoiler } : {}),
    source: {
      kind: 'telegram-file',
      ...(account === undefined ? {} : { account }),
      fileId: file.file_id,
      fileUniqueId: file.file_unique_id,
    },
  }
}

function attachmentsOf(m: TgPlainMessage, account: string | undefined): Attachment[] {
  const out: Attachment[] = []
  const add = (kind: AttachmentKind, file: TgFile | undefined): void => {
    if (file) out.push(attachment(kind, file, account, m.has_media_spoiler === true))
  }
  const pixels = (f: TgFile): number => (f.width ?? 0) * (f.height ?? 0)
  add('image', m.photo?.toSorted((a, b) => pixels(b) - pixels(a))[0])
  add('image', m.live_photo)
  add('video', m.video)
  add('video-note', m.video_note)
  add('audio', m.audio)
  add('voice', m.voice)
  add('animation', m.animation)
  // An animation repeats itself as a document for old clients.
  if (!m.animation) add('file', m.document)
  return out
}

/** Small things that have no place in the model, as a line of text. */
function smallThings(m: TgPlainMessage): RichText | undefined {
  if (m.contact) {
    const name = sanitizeName([m.contact.first_name, m.contact.last_name].filter((p) => p !== undefined).join(' '))
    return plain(`👤 ${name} ${sanitizeName(m.contact.phone_number)}`)
  }
  if (m.dice) return plain(`${m.dice.emoji} ${m.dice.value}`)
  if (m.game) return concatRich('🎮 ', styled(sanitizeName(m.game.title, 80), { kind: 'bold' }))
  if (m.checklist) {
    const tasks = m.checklist.tasks.map((t) => `\n${t.completion_date ? '☑' : '☐'} ${sanitizeName(t.text, 120)}`)
    return concatRich(styled(sanitizeName(m.checklist.title, 255), { kind: 'bold' }), ...tasks)
  }
  return undefined
}

function stickerOf(m: TgPlainMessage, account: string | undefined): Body['sticker'] {
  if (!m.sticker) return undefined
  const { set_name, emoji } = m.sticker
  return {
    name: set_name ?? '',
    ...(emoji === undefined ? {} : { emoji }),
    attachment: attachment('sticker', m.sticker, account),
  }
}

function placeOf(m: TgPlainMessage): Body['location'] {
  if (m.venue) {
    const title = [m.venue.title, m.venue.address].filter((p) => p !== '').join(', ')
    return { lat: m.venue.location.latitude, lon: m.venue.location.longitude, title }
  }
  return m.location && { lat: m.location.latitude, lon: m.location.longitude }
}

/**
 * What a message holds, in the neutral model. Never empty: unknown content becomes a line that names it. `account` is the bot
 * that can fetch its files.
 */
export function bodyOf(m: TgPlainMessage, account?: string): Body {
  const text = m.rich_message
    ? flattenRichMessage(m.rich_message.blocks)
    : richOf(m.text ?? m.caption, m.entities ?? m.caption_entities)
  const attachments = attachmentsOf(m, account)
  const sticker = stickerOf(m, account)
  const location = placeOf(m)
  const small = smallThings(m)
  const poll = m.poll && {
    question: m.poll.question,
    options: m.poll.options.map((o) => o.text),
    multiple: m.poll.allows_multiple_answers === true,
  }
  const known = attachments.length > 0 || sticker || location || small || poll
  const lines = small ? [small] : known || text.text !== '' ? [] : [plain(unsupportedLine(contentKey(m) ?? 'empty'))]
  const rich = lines.length === 0 ? text : concatRich(...(text.text === '' ? [] : [text, '\n']), ...lines)
  return {
    rich,
    attachments,
    ...(poll ? { poll } : {}),
    ...(sticker ? { sticker } : {}),
    ...(location ? { location } : {}),
    ...(m.forward_origin ? { forwardedFrom: originOf(m.forward_origin) } : {}),
    ...(m.link_preview_options?.is_disabled ? { noPreview: true } : {}),
  }
}
