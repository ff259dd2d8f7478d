import { excerptOf } from '../format/plain.ts'
import { sanitizeName } from '../format/sanitize.ts'
import type { BridgeEvent } from '../model/message.ts'
import { authorOf, userAuthor } from './author.ts'
import { bodyOf } from './content.ts'
import type { TgMessage } from './schema.ts'

type ServiceEvent = Extract<
  BridgeEvent,
  { kind: 'notice' | 'thread.create' | 'thread.rename' | 'thread.close' | 'thread.reopen' }
>
type NoticeKind = Extract<BridgeEvent, { kind: 'notice' }>['notice']

/** Service fields that say all by their name. */
const PLAIN_NOTICES: Readonly<Record<string, readonly [NoticeKind, string]>> = {
  new_chat_photo: ['other', 'changed the group picture'],
  delete_chat_photo: ['other', 'removed the group picture'],
  group_chat_created: ['other', 'created the group'],
  supergroup_chat_created: ['other', 'created the group'],
  channel_chat_created: ['other', 'created the channel'],
  message_auto_delete_timer_changed: ['other', 'changed when messages are deleted'],
  chat_background_set: ['other', 'changed the background'],
  general_forum_topic_hidden: ['other', 'hid the General topic'],
  general_forum_topic_unhidden: ['other', 'showed the General topic again'],
  migrate_to_chat_id: ['other', 'turned the group into a supergroup'],
  migrate_from_chat_id: ['other', 'turned the group into a supergroup'],
  video_chat_scheduled: ['call', 'scheduled a call'],
  video_chat_started: ['call', 'started a call'],
  video_chat_ended: ['call', 'ended the call'],
  video_chat_participants_invited: ['call', 'invited people to the call'],
  boost_added: ['boost', 'boosted the group'],
}

/** The event of a service message; undefined when the message is an ordinary one. */
export function serviceEvent(m: TgMessage): ServiceEvent | undefined {
  const who = authorOf(m).displayName
  const notice = (kind: NoticeKind, text: string): ServiceEvent => ({ kind: 'notice', notice: kind, text })
  if (m.new_chat_members && m.new_chat_members.length > 0) {
    const names = m.new_chat_members.map((u) => userAuthor(u).displayName).join(', ')
    return notice('join', `${names} joined`)
  }
  if (m.left_chat_member) return notice('leave', `${userAuthor(m.left_chat_member).displayName} left`)
  if (m.new_chat_title !== undefined) {
    return notice('title', `${who} changed the title to “${sanitizeName(m.new_chat_title, 128)}”`)
  }
  if (m.pinned_message) return notice('pin', pinnedText(who, m))
  const topic = topicEvent(m)
  if (topic) return topic
  const key = Object.keys(PLAIN_NOTICES).find((k) => m[k] !== undefined)
  const plain = key === undefined ? undefined : PLAIN_NOTICES[key]
  return plain && notice(plain[0], `${who} ${plain[1]}`)
}

function pinnedText(who: string, m: TgMessage): string {
  const pinned = m.pinned_message
  // Inaccessible messages have the date 0 and no content.
  const excerpt = pinned?.date ? excerptOf(bodyOf({ ...pinned, date: pinned.date }).rich, 80) : ''
  return excerpt === '' ? `${who} pinned a message` : `${who} pinned “${excerpt}”`
}

function topicEvent(m: TgMessage): ServiceEvent | undefined {
  const thread = String(m.message_thread_id ?? m.message_id)
  if (m.forum_topic_created) return { kind: 'thread.create', thread, title: m.forum_topic_created.name }
  // An edit without a name changed only the icon.
  if (m.forum_topic_edited?.name !== undefined) return { kind: 'thread.rename', thread, title: m.forum_topic_edited.name }
  if (m.forum_topic_edited) return { kind: 'notice', notice: 'other', text: 'The icon of a topic was changed' }
  if (m.forum_topic_closed !== undefined) return { kind: 'thread.close', thread }
  if (m.forum_topic_reopened !== undefined) return { kind: 'thread.reopen', thread }
  return undefined
}
