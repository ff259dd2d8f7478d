import { badRequest } from './errors.ts'

/** Parameters of one call. Values from a query or form are text; objects in them are JSON. */
export class Params {
  readonly values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values
  }

  text(name: string): string | undefined {
    const value = this.values[name]
    if (value === undefined || value === null) return undefined
    return typeof value === 'string' ? value : String(value)
  }

  integer(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = Number(text)
    if (!Number.isInteger(value)) throw badRequest(`field "${name}" must be a valid Number`)
    return value
  }

  flag(name: string): boolean {
    return this.text(name)?.toLowerCase() === 'true'
  }

  json(name: string): unknown {
    const value = this.values[name]
    if (typeof value !== 'string') return value ?? undefined
    try {
      return JSON.parse(value)
    } catch {
      throw badRequest(`can't parse field "${name}": it must be JSON`)
    }
  }

  object(name: string): Record<string, unknown> | undefined {
    const value = this.json(name)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest(`object expected as ${name}`)
    return value as Record<string, unknown>
  }
}

const CHAT = ['business_connection_id', 'chat_id']
const SEND = [
  ...CHAT,
  'message_thread_id',
  'direct_messages_topic_id',
  'disable_notification',
  'protect_content',
  'allow_paid_broadcast',
  'message_effect_id',
  'suggested_post_parameters',
  'reply_parameters',
  'reply_markup',
]

const CAPTION = ['caption', 'caption_entities', 'parse_mode', 'show_caption_above_media']

/** Fields of each method as documented; others are remarks, because the real server ignores or misreads them. */
export const FIELDS: Readonly<Record<string, readonly string[]>> = {
  getme: [],
  logout: [],
  close: [],
  getupdates: ['offset', 'limit', 'timeout', 'allowed_updates'],
  setwebhook: ['url', 'certificate', 'ip_address', 'max_connections', 'allowed_updates', 'drop_pending_updates', 'secret_token'],
  deletewebhook: ['drop_pending_updates'],
  getwebhookinfo: [],
  sendmessage: [...SEND, 'text', 'entities', 'parse_mode', 'link_preview_options'],
  sendphoto: [...SEND, 'photo', ...CAPTION, 'has_spoiler'],
  senddocument: [...SEND, 'document', 'thumbnail', ...CAPTION, 'disable_content_type_detection'],
  sendvideo: [...SEND, 'video', 'thumbnail', 'duration', 'width', 'height', ...CAPTION, 'has_spoiler', 'supports_streaming'],
  sendanimation: [...SEND, 'animation', 'thumbnail', 'duration', 'width', 'height', ...CAPTION, 'has_spoiler'],
  sendaudio: [...SEND, 'audio', 'thumbnail', 'duration', 'performer', 'title', ...CAPTION],
  sendvoice: [...SEND, 'voice', 'duration', ...CAPTION],
  sendvideonote: [...SEND, 'video_note', 'thumbnail', 'duration', 'length'],
  sendsticker: [...SEND, 'sticker', 'emoji'],
  sendmediagroup: [...SEND, 'media'],
  editmessagemedia: [...CHAT, 'message_id', 'inline_message_id', 'media', 'reply_markup'],
  editmessagecaption: [...CHAT, 'message_id', 'inline_message_id', ...CAPTION, 'reply_markup'],
  getfile: ['file_id'],
  getuserprofilephotos: ['user_id', 'offset', 'limit'],
  setmessagereaction: ['chat_id', 'message_id', 'reaction', 'is_big'],
  editmessagetext: [
    ...CHAT,
    'message_id',
    'inline_message_id',
    'text',
    'entities',
    'parse_mode',
    'link_preview_options',
    'reply_markup',
  ],
  deletemessage: ['chat_id', 'message_id'],
  deletemessages: ['chat_id', 'message_ids'],
  sendchataction: [...CHAT, 'message_thread_id', 'action'],
  getchat: ['chat_id'],
  getchatmember: ['chat_id', 'user_id'],
  getchatadministrators: ['chat_id'],
  getchatmembercount: ['chat_id'],
  getmycommands: ['scope', 'language_code'],
  answercallbackquery: ['callback_query_id', 'text', 'show_alert', 'url', 'cache_time'],
  setmycommands: ['commands', 'scope', 'language_code'],
  pinchatmessage: ['business_connection_id', 'chat_id', 'message_id', 'disable_notification'],
  unpinchatmessage: ['business_connection_id', 'chat_id', 'message_id'],
  createforumtopic: ['chat_id', 'name', 'icon_color', 'icon_custom_emoji_id'],
  editforumtopic: ['chat_id', 'message_thread_id', 'name', 'icon_custom_emoji_id'],
  closeforumtopic: ['chat_id', 'message_thread_id'],
  reopenforumtopic: ['chat_id', 'message_thread_id'],
  deleteforumtopic: ['chat_id', 'message_thread_id'],
  leavechat: ['chat_id'],
  sendpoll: [
    ...SEND,
    'question',
    'question_parse_mode',
    'question_entities',
    'options',
    'is_anonymous',
    'type',
    'allows_multiple_answers',
    'correct_option_ids',
    'explanation',
    'explanation_entities',
    'open_period',
    'close_date',
    'is_closed',
  ],
  sendlocation: [...SEND, 'latitude', 'longitude', 'horizontal_accuracy', 'live_period', 'heading', 'proximity_alert_radius'],
  sendrichmessage: [...SEND, 'rich_message'],
  forwardmessage: [
    'chat_id',
    'message_thread_id',
    'from_chat_id',
    'message_id',
    'disable_notification',
    'protect_content',
    'video_start_timestamp',
  ],
  copymessage: [...SEND, 'from_chat_id', 'message_id', ...CAPTION],
  editmessagereplymarkup: [...CHAT, 'message_id', 'inline_message_id', 'reply_markup'],
  banchatmember: ['chat_id', 'user_id', 'until_date', 'revoke_messages'],
  unbanchatmember: ['chat_id', 'user_id', 'only_if_banned'],
}
