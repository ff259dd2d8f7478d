import { z } from 'zod'

/**
 * The parts of Bot API objects that the bridge reads. Loose: further fields pass. A message that does not fit is retried
 * with `MessageFrame`, so that people at least see that something was there.
 */
const Id = z.int()

const User = z.looseObject({
  id: Id,
  is_bot: z.boolean().default(false),
  first_name: z.string().default(''),
  last_name: z.string().optional(),
  username: z.string().optional(),
})
export type TgUser = z.output<typeof User>

const Chat = z.looseObject({
  id: Id,
  type: z.string(),
  title: z.string().optional(),
  username: z.string().optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
})
export type TgChat = z.output<typeof Chat>

const Entity = z.looseObject({
  type: z.string(),
  offset: z.number(),
  length: z.number(),
  url: z.string().optional(),
  language: z.string().optional(),
  user: z.looseObject({ id: Id }).optional(),
  custom_emoji_id: z.string().optional(),
  unix_time: z.number().optional(),
  date_time_format: z.string().optional(),
})

const File = z.looseObject({
  file_id: z.string(),
  file_unique_id: z.string(),
  file_name: z.string().optional(),
  mime_type: z.string().optional(),
  file_size: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  duration: z.number().optional(),
  title: z.string().optional(),
  performer: z.string().optional(),
})
export type TgFile = z.output<typeof File>

const Location = z.looseObject({ latitude: z.number(), longitude: z.number(), live_period: z.number().optional() })

const Origin = z.looseObject({
  type: z.string(),
  date: z.number().optional(),
  sender_user: User.optional(),
  sender_user_name: z.string().optional(),
  sender_chat: Chat.optional(),
  chat: Chat.optional(),
  message_id: Id.optional(),
})
export type TgOrigin = z.output<typeof Origin>

const Text = z.looseObject({ text: z.string() })

const frame = {
  message_id: Id,
  date: z.number(),
  chat: Chat,
  message_thread_id: Id.optional(),
  is_topic_message: z.boolean().optional(),
  from: User.optional(),
  sender_chat: Chat.optional(),
}

/** What every message has; enough to say that something unreadable was there. */
export const MessageFrame = z.looseObject(frame)

const content = {
  edit_date: z.number().optional(),
  author_signature: z.string().optional(),
  media_group_id: z.string().optional(),
  is_automatic_forward: z.boolean().optional(),
  forward_origin: Origin.optional(),
  quote: Text.optional(),
  link_preview_options: z.looseObject({ is_disabled: z.boolean().optional() }).optional(),
  text: z.string().optional(),
  entities: z.array(Entity).optional(),
  caption: z.string().optional(),
  caption_entities: z.array(Entity).optional(),
  rich_message: z.looseObject({ blocks: z.array(z.unknown()) }).optional(),
  has_media_spoiler: z.boolean().optional(),
  photo: z.array(File).optional(),
  live_photo: File.optional(),
  video: File.optional(),
  video_note: File.optional(),
  audio: File.optional(),
  voice: File.optional(),
  animation: File.optional(),
  document: File.optional(),
  sticker: z.looseObject({ ...File.shape, emoji: z.string().optional(), set_name: z.string().optional() }).optional(),
  contact: z.looseObject({ phone_number: z.string(), first_name: z.string(), last_name: z.string().optional() }).optional(),
  dice: z.looseObject({ emoji: z.string(), value: z.number() }).optional(),
  game: z.looseObject({ title: z.string() }).optional(),
  poll: z
    .looseObject({
      question: z.string(),
      options: z.array(Text),
      allows_multiple_answers: z.boolean().optional(),
    })
    .optional(),
  venue: z.looseObject({ location: Location, title: z.string(), address: z.string().default('') }).optional(),
  location: Location.optional(),
  checklist: z
    .looseObject({
      title: z.string(),
      tasks: z.array(z.looseObject({ text: z.string(), completion_date: z.number().optional() })),
    })
    .optional(),
  new_chat_members: z.array(User).optional(),
  left_chat_member: User.optional(),
  new_chat_title: z.string().optional(),
  migrate_to_chat_id: Id.optional(),
  migrate_from_chat_id: Id.optional(),
  forum_topic_created: z.looseObject({ name: z.string() }).optional(),
  forum_topic_edited: z.looseObject({ name: z.string().optional() }).optional(),
}

/** A message without the messages inside it. */
const Plain = z.looseObject({ ...frame, ...content })

export const Message = z.looseObject({
  ...Plain.shape,
  reply_to_message: Plain.optional(),
  pinned_message: Plain.partial({ date: true }).optional(),
  external_reply: z.looseObject({ origin: Origin, chat: Chat.optional(), message_id: Id.optional() }).optional(),
})
export type TgMessage = z.output<typeof Message>
export type TgPlainMessage = z.output<typeof Plain>

export const MessageReaction = z.looseObject({
  chat: Chat,
  message_id: Id,
  date: z.number(),
  user: User.optional(),
  actor_chat: Chat.optional(),
  new_reaction: z.array(
    z.looseObject({ type: z.string(), emoji: z.string().optional(), custom_emoji_id: z.string().optional() }),
  ),
})
export type TgMessageReaction = z.output<typeof MessageReaction>

export const MyChatMember = z.looseObject({
  chat: Chat,
  old_chat_member: z.looseObject({ status: z.string() }).optional().catch(undefined),
  new_chat_member: z.looseObject({ status: z.string() }),
  date: z.number().optional(),
})

/** A pressed inline button. Messages too old for Telegram to show come without their content. */
export const CallbackQuery = z.looseObject({
  id: z.string(),
  from: User,
  message: Plain.partial({ date: true }).optional(),
  data: z.string().max(64).optional(),
})
export type CallbackQuery = z.output<typeof CallbackQuery>

/** What the bridge needs of `getMe`. */
export const Me = z.looseObject({
  id: Id,
  username: z.string().default(''),
  can_read_all_group_messages: z.boolean().default(false),
})
export type TgMe = z.output<typeof Me>

/** An update as delivered: a number and one payload. */
export const Update = z.looseObject({ update_id: Id })
