import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyText } from '../../../src/bridges/format/fallbacks.ts'
import { type Inbound, type InboundContext, inboundOf } from '../../../src/bridges/telegram/inbound.ts'

const OWN = 6_100_000_001
const ctx: InboundContext = {
  account: 'main',
  own: new Set([`telegram:${OWN}`]),
  receivedAt: 1_750_000_100_000,
  isBridged: (channel) => channel === '-1009000000001',
}
const CHAT = { id: -1_002_000_000_001, type: 'supergroup', title: 'Market' }
const ADA = { id: 5_000_000_001, is_bot: false, first_name: 'Ada', last_name: 'L', username: 'ada' }
const FILE = { file_id: 'F', file_unique_id: 'U' }

const update = (message: object, kind = 'message'): unknown => ({
  update_id: 7,
  [kind]: { message_id: 42, date: 1_750_000_000, chat: CHAT, from: ADA, ...message },
})
const inbound = (message: object, kind?: string): Inbound => inboundOf(update(message, kind), ctx)
const bodyIn = (result: Inbound) => {
  const event = result.envelope?.event
  if (event?.kind !== 'message.create' && event?.kind !== 'message.edit') throw new Error(`no message: ${JSON.stringify(result)}`)
  return event.body
}
const shown = (message: object): string => bodyText(bodyIn(inbound(message))).text

describe('messages', () => {
  it('become envelopes with text ids, place, author and times', () => {
    expect(inbound({ text: 'hello' })).toEqual({
      updateId: 7,
      envelope: {
        v: 1,
        eventId: expect.stringMatching(/^[a-z2-7]{26}$/),
        account: 'main',
        at: { network: 'telegram', account: 'main', space: '-1002000000001', channel: '-1002000000001' },
        msg: { network: 'telegram', account: 'main', channel: '-1002000000001', id: '42' },
        author: { key: 'telegram:5000000001', displayName: 'Ada L', username: 'ada', isBot: false, kind: 'user' },
        occurredAt: 1_750_000_000_000,
        receivedAt: 1_750_000_100_000,
        event: { kind: 'message.create', body: { rich: { text: 'hello', spans: [] }, attachments: [] } },
        via: [],
      },
    })
  })

  it('have the same event id on every account that sees them', () => {
    const other = inboundOf(update({ text: 'hello' }), { ...ctx, account: 'second' })
    expect(other.envelope?.eventId).toBe(inbound({ text: 'hello' }).envelope?.eventId)
  })

  const lines: [string, object, string][] = [
    ['caption', { photo: [{ ...FILE, width: 90, height: 60 }], caption: 'look' }, 'look\n🖼 photo'],
    [
      'the largest photo',
      {
        photo: [
          { ...FILE, file_size: 9, width: 1, height: 1 },
          { ...FILE, file_size: 5000, width: 9, height: 9 },
        ],
      },
      '🖼 photo (5.0 kB)',
    ],
    ['spoiler', { photo: [FILE], has_media_spoiler: true }, '🖼 photo (spoiler)'],
    ['video', { video: { ...FILE, duration: 61, file_name: 'v.mp4' } }, '🎬 v.mp4 (1:01)'],
    ['voice', { voice: { ...FILE, duration: 3 } }, '🎤 voice message (0:03)'],
    ['video note', { video_note: { ...FILE, duration: 3 } }, '📹 video message (0:03)'],
    ['audio', { audio: { ...FILE, duration: 180, performer: 'X', title: 'Y' } }, '🎵 X - Y (3:00)'],
    ['animation once', { animation: FILE, document: FILE }, '🎞 GIF'],
    ['document without its folder', { document: { ...FILE, file_name: '../../etc/passwd' } }, '📎 passwd'],
    ['sticker', { sticker: { ...FILE, emoji: '😺', set_name: 'Cats' } }, '🏷 sticker 😺 Cats'],
    ['poll', { poll: { question: 'When?', options: [{ text: 'Mon' }, { text: 'Tue' }] } }, '📊 When?\n○ Mon\n○ Tue'],
    ['contact', { contact: { phone_number: '+491', first_name: 'Bo', last_name: 'K' } }, '👤 Bo K +491'],
    ['dice', { dice: { emoji: '🎲', value: 4 } }, '🎲 4'],
    ['game', { game: { title: 'Chess', description: '', photo: [] } }, '🎮 Chess'],
    [
      'checklist',
      {
        checklist: {
          title: 'Todo',
          tasks: [
            { id: 1, text: 'a', completion_date: 1 },
            { id: 2, text: 'b' },
          ],
        },
      },
      'Todo\n☑ a\n☐ b',
    ],
    ['unknown content', { hologram: { depth: 3 } }, '[unsupported message: hologram]'],
    ['story', { story: { id: 1, chat: CHAT } }, '[unsupported message: story]'],
    ['giveaway', { giveaway: { chats: [] } }, '[unsupported message: giveaway]'],
    ['content of a shape that is new', { photo: 'not a list any more' }, '[unsupported message: photo]'],
    ['nothing at all', {}, '[unsupported message: empty]'],
    [
      'forward of a person',
      { text: 'x', forward_origin: { type: 'user', date: 1, sender_user: ADA } },
      '↪ Forwarded from Ada L:\nx',
    ],
    [
      'forward of a hidden person',
      { text: 'x', forward_origin: { type: 'hidden_user', date: 1, sender_user_name: 'Zed' } },
      '↪ Forwarded from Zed:\nx',
    ],
    [
      'reply to another chat',
      { text: 'x', external_reply: { origin: { type: 'user', date: 1, sender_user: ADA } }, quote: { text: 'their words' } },
      'Ada L: their words\nx',
    ],
  ]
  it.each(lines)('show %s', (_name, message, text) => {
    expect(shown(message)).toBe(text)
  })

  it('show places with and without a name', () => {
    const location = { latitude: 52.52, longitude: 13.405 }
    expect(shown({ location })).toContain('📍 52.52000, 13.40500 ')
    expect(shown({ venue: { location, title: 'Bar', address: 'Street 1' } })).toContain('📍 Bar, Street 1 52.52000')
  })

  it('link forwarded posts of public channels', () => {
    const chat = { id: -100, type: 'channel', title: 'News', username: 'news' }
    const body = bodyIn(inbound({ text: 'x', forward_origin: { type: 'channel', date: 5, chat, message_id: 9 } }))
    expect(body.forwardedFrom).toEqual({ name: 'News', at: 5000, link: 'https://t.me/news/9' })
  })

  it('carry styles, previews that were turned off, albums', () => {
    const result = inbound({
      text: 'bold',
      entities: [{ type: 'bold', offset: 0, length: 4 }],
      link_preview_options: { is_disabled: true },
      media_group_id: '99',
    })
    expect(bodyIn(result)).toMatchObject({ rich: { spans: [{ kind: 'bold', start: 0, end: 4 }] }, noPreview: true })
    expect(result.envelope?.event).toMatchObject({ albumKey: '-1002000000001:99' })
  })

  it('keep file ids, never links', () => {
    const [file] = bodyIn(
      inbound({ document: { ...FILE, file_name: 'a.pdf', mime_type: 'application/pdf', file_size: 12 } }),
    ).attachments
    expect(file).toEqual({
      id: 'U',
      kind: 'file',
      name: 'a.pdf',
      mime: 'application/pdf',
      size: 12,
      source: { kind: 'telegram-file', account: 'main', fileId: 'F', fileUniqueId: 'U' },
    })
  })

  it('flatten block messages', () => {
    const blocks = [
      { type: 'heading', size: 1, text: 'Title' },
      {
        type: 'paragraph',
        text: ['plain ', { type: 'bold', text: 'bold' }, { type: 'url', text: ' link', url: 'https://e.org' }],
      },
      {
        type: 'list',
        items: [
          { label: '1.', blocks: [{ type: 'paragraph', text: 'one' }] },
          { label: '•', has_checkbox: true, is_checked: true, blocks: [{ type: 'paragraph', text: 'done' }] },
        ],
      },
      { type: 'blockquote', blocks: [{ type: 'paragraph', text: 'wise' }], credit: 'W' },
      {
        type: 'table',
        cells: [
          [{ text: 'a' }, { text: 'b' }],
          [{ text: 'c' }, {}],
        ],
      },
      { type: 'pre', text: 'x = 1', language: 'py' },
      { type: 'details', summary: 'More', blocks: [{ type: 'footer', text: 'small' }] },
      { type: 'photo', photo: [FILE], caption: { text: 'cat' } },
      { type: 'divider' },
      { type: 'brand-new' },
    ]
    const { rich } = bodyIn(inbound({ rich_message: { blocks } }))
    expect(rich.text).toBe(
      'Title\nplain bold link\n1. one\n☑ done\nwise\nW\na | b\nc | \nx = 1\nMore\nsmall\n[photo]\ncat\n———\n[brand-new]',
    )
    expect(rich.spans.map((s) => s.kind)).toEqual(['heading', 'bold', 'link', 'quote', 'pre', 'bold', 'subtext'])
  })
})

describe('authors', () => {
  const author = (message: object, kind?: string) => inbound({ text: 'x', ...message }, kind).envelope?.author

  it('are people, bots, channels and anonymous administrators', () => {
    expect(author({ from: { ...ADA, is_bot: true } })).toMatchObject({ kind: 'bot', isBot: true })
    expect(author({ from: { id: 1087968824, is_bot: true, first_name: 'Group' }, sender_chat: CHAT })).toEqual({
      key: 'telegram:-1002000000001',
      displayName: 'Market',
      isBot: false,
      kind: 'anonymous-admin',
    })
    expect(author({ from: undefined, sender_chat: CHAT, author_signature: 'Boss' })).toMatchObject({
      displayName: 'Boss',
      kind: 'anonymous-admin',
    })
    const channel = { id: -1009, type: 'channel', title: 'News', username: 'news' }
    expect(author({ sender_chat: channel })).toMatchObject({ key: 'telegram:-1009', kind: 'channel', username: 'news' })
    expect(
      author({ chat: channel, from: undefined, sender_chat: channel, author_signature: 'Jo' }, 'channel_post'),
    ).toMatchObject({
      displayName: 'News (Jo)',
      kind: 'channel',
    })
  })

  it('have clean names', () => {
    expect(author({ from: { id: 1, is_bot: false, first_name: '  A\n\u202eb ' } })?.displayName).toBe('A b')
    expect(author({ from: { id: 1, is_bot: false, first_name: '' } })?.displayName).toBe('Deleted account')
    expect(author({ from: { id: 1, is_bot: false, first_name: '\u200b', username: 'nick' } })?.displayName).toBe('nick')
  })

  it('are dropped when they are us', () => {
    expect(inbound({ text: 'x', from: { id: OWN, is_bot: true, first_name: 'Us' } })).toEqual({ updateId: 7, dropped: 'own' })
    expect(inbound({ new_chat_members: [{ id: OWN, is_bot: true, first_name: 'Us' }] })).toMatchObject({ dropped: 'own' })
  })
})

describe('replies and topics', () => {
  const event = (message: object) => inbound({ text: 'x', ...message }).envelope?.event
  const target = { message_id: 40, date: 1, chat: CHAT, from: ADA, text: 'the question' }

  it('name the target, its author and words', () => {
    expect(event({ reply_to_message: target })).toMatchObject({
      replyTo: {
        ref: { network: 'telegram', account: 'main', channel: '-1002000000001', id: '40' },
        authorName: 'Ada L',
        excerpt: 'the question',
      },
    })
    expect(event({ reply_to_message: target, quote: { text: 'question', position: 4 } })).toMatchObject({
      replyTo: { excerpt: 'question' },
    })
    expect(event({ reply_to_message: { ...target, text: undefined, voice: { ...FILE, duration: 1 } } })).toMatchObject({
      replyTo: { ref: { id: '40' } },
    })
  })

  it('are not replies when they only point at the start of their topic', () => {
    const topic = { is_topic_message: true, message_thread_id: 30 }
    const plainInTopic = inbound({ text: 'x', ...topic, reply_to_message: { ...target, message_id: 30 } })
    expect(plainInTopic.envelope?.event).not.toHaveProperty('replyTo')
    expect(plainInTopic.envelope?.at).toMatchObject({ thread: '30' })
    expect(plainInTopic.envelope?.msg).toMatchObject({ thread: '30' })
    expect(event({ ...topic, reply_to_message: target })).toMatchObject({ replyTo: { ref: { id: '40', thread: '30' } } })
    expect(event({ reply_to_message: { ...target, forum_topic_created: { name: 'T' } } })).not.toHaveProperty('replyTo')
  })

  it('have no thread when the id only groups a reply chain', () => {
    expect(inbound({ text: 'x', message_thread_id: 30 }).envelope?.at).not.toHaveProperty('thread')
  })
})

describe('edits', () => {
  const edit = (message: object) => inbound({ edit_date: 1_750_000_050, ...message }, 'edited_message')

  it('differ by text even within one second and are equal for equal texts', () => {
    const [a, b, again] = [edit({ text: 'a' }), edit({ text: 'b' }), edit({ text: 'a' })]
    expect(a.envelope?.event).toMatchObject({ kind: 'message.edit', editedAt: 1_750_000_050_000 })
    expect(a.envelope?.occurredAt).toBe(1_750_000_050_000)
    expect(a.envelope?.eventId).not.toBe(b.envelope?.eventId)
    expect(a.envelope?.eventId).toBe(again.envelope?.eventId)
    expect(a.envelope?.eventId).not.toBe(inbound({ text: 'a' }).envelope?.eventId)
  })

  it('of channel posts count as well, those of moving positions do not', () => {
    expect(inbound({ text: 'x', edit_date: 2 }, 'edited_channel_post').envelope?.event.kind).toBe('message.edit')
    expect(edit({ location: { latitude: 1, longitude: 2, live_period: 60 } })).toEqual({ updateId: 7, dropped: 'live-location' })
  })
})

const PINNED = { network: 'telegram', account: 'main', channel: String(CHAT.id), id: '1' }

describe('service messages', () => {
  const cases: [string, object, object][] = [
    [
      'join',
      { new_chat_members: [{ id: 9, is_bot: false, first_name: 'Bo' }] },
      { kind: 'notice', notice: 'join', text: 'Bo joined' },
    ],
    [
      'leave',
      { left_chat_member: { id: 9, is_bot: false, first_name: 'Bo' } },
      { kind: 'notice', notice: 'leave', text: 'Bo left' },
    ],
    ['title', { new_chat_title: 'New' }, { kind: 'notice', notice: 'title', text: 'Ada L changed the title to “New”' }],
    [
      'pin',
      { pinned_message: { message_id: 1, date: 5, chat: CHAT, text: 'rules' } },
      { kind: 'notice', notice: 'pin', text: 'Ada L pinned “rules”', target: PINNED },
    ],
    [
      'pin of something unreachable',
      { pinned_message: { message_id: 1, date: 0, chat: CHAT } },
      { kind: 'notice', notice: 'pin', text: 'Ada L pinned a message', target: PINNED },
    ],
    ['call', { video_chat_started: {} }, { kind: 'notice', notice: 'call', text: 'Ada L started a call' }],
    ['boost', { boost_added: { boost_count: 2 } }, { kind: 'notice', notice: 'boost', text: 'Ada L boosted the group' }],
    ['picture', { new_chat_photo: [FILE] }, { kind: 'notice', notice: 'other', text: 'Ada L changed the group picture' }],
    [
      'topic',
      { is_topic_message: true, message_thread_id: 42, forum_topic_created: { name: 'Goods', icon_color: 1 } },
      { kind: 'thread.create', thread: '42', title: 'Goods' },
    ],
    [
      'topic renamed',
      { is_topic_message: true, message_thread_id: 30, forum_topic_edited: { name: 'New' } },
      { kind: 'thread.rename', thread: '30', title: 'New' },
    ],
    [
      'topic icon',
      { is_topic_message: true, message_thread_id: 30, forum_topic_edited: {} },
      { kind: 'notice', notice: 'other', text: 'The icon of a topic was changed' },
    ],
    [
      'topic closed',
      { is_topic_message: true, message_thread_id: 30, forum_topic_closed: {} },
      { kind: 'thread.close', thread: '30' },
    ],
    [
      'topic reopened',
      { is_topic_message: true, message_thread_id: 30, forum_topic_reopened: {} },
      { kind: 'thread.reopen', thread: '30' },
    ],
  ]
  it.each(cases)('%s', (_name, message, event) => {
    expect(inbound(message).envelope?.event).toEqual(event)
  })

  it('threads are named by their event, the place stays the chat', () => {
    const result = inbound({ is_topic_message: true, message_thread_id: 42, forum_topic_created: { name: 'G' } })
    expect(result.envelope?.at).not.toHaveProperty('thread')
  })

  it('tell about migrations from both sides', () => {
    expect(inbound({ migrate_to_chat_id: -1009 }).migration).toEqual({ from: '-1002000000001', to: '-1009' })
    expect(inbound({ migrate_from_chat_id: -77 }).migration).toEqual({ from: '-77', to: '-1002000000001' })
    expect(inbound({ migrate_from_chat_id: -77 }).envelope?.event).toMatchObject({ kind: 'notice' })
  })
})

describe('other updates', () => {
  it('skips automatic copies of channels that are bridged themselves', () => {
    const sender_chat = { id: -1_009_000_000_001, type: 'channel', title: 'News' }
    expect(inbound({ text: 'x', is_automatic_forward: true, sender_chat })).toEqual({ updateId: 7, dropped: 'automatic-forward' })
    expect(inbound({ text: 'x', is_automatic_forward: true, sender_chat: { ...sender_chat, id: -5 } }).envelope).toBeDefined()
  })

  it('reads reactions as the full set of their actor', () => {
    const reaction = {
      update_id: 8,
      message_reaction: {
        chat: CHAT,
        message_id: 42,
        date: 1_750_000_000,
        user: ADA,
        old_reaction: [],
        new_reaction: [
          { type: 'emoji', emoji: '❤️' },
          { type: 'emoji', emoji: '👍🏽' },
          { type: 'custom_emoji', custom_emoji_id: '5' },
          { type: 'paid' },
        ],
      },
    }
    const { envelope } = inboundOf(reaction, ctx)
    expect(envelope?.event).toMatchObject({
      kind: 'reaction.set',
      actor: { key: 'telegram:5000000001' },
      emojis: [{ key: '❤', name: '❤️' }, { key: '👍', name: '👍🏽' }, { key: 'custom:5' }],
    })
    expect(inboundOf({ ...reaction, update_id: 9 }, ctx).envelope?.eventId).not.toBe(envelope?.eventId)
    const anonymous = { ...reaction.message_reaction, user: undefined, actor_chat: CHAT }
    expect(inboundOf({ update_id: 8, message_reaction: anonymous }, ctx).envelope?.author.kind).toBe('anonymous-admin')
  })

  it('reports our own standing', () => {
    const my_chat_member = { chat: CHAT, from: ADA, date: 1, old_chat_member: {}, new_chat_member: { status: 'kicked' } }
    expect(inboundOf({ update_id: 8, my_chat_member }, ctx).membership).toEqual({
      channel: '-1002000000001',
      title: 'Market',
      status: 'kicked',
    })
  })

  it('counts what it does not handle', () => {
    expect(inboundOf({ update_id: 8, callback_query: { id: '1' } }, ctx)).toEqual({ updateId: 8, dropped: 'unhandled' })
    expect(inboundOf({ update_id: 8 }, ctx)).toEqual({ updateId: 8, dropped: 'unhandled' })
    expect(inboundOf({ message: {} }, ctx)).toEqual({ dropped: 'malformed' })
    expect(inboundOf(null, ctx)).toEqual({ dropped: 'malformed' })
    expect(inbound({ chat: 'nowhere' })).toEqual({ updateId: 7, dropped: 'malformed' })
  })

  it('never throws, whatever arrives', () => {
    const field = fc.oneof(
      fc.jsonValue(),
      fc.constant({ ...FILE, width: -1 }),
      fc.constant([{ type: 'bold', offset: 9e9, length: -4 }]),
      fc.constant({ id: 1, type: 'channel', title: '' }),
    )
    const keys = fc.constantFrom(
      ...'text entities caption photo video sticker poll venue location contact checklist reply_to_message pinned_message quote rich_message forward_origin external_reply from sender_chat new_chat_members forum_topic_created date chat message_id edit_date'.split(
        ' ',
      ),
    )
    const kinds = fc.constantFrom('message', 'edited_message', 'channel_post', 'message_reaction', 'my_chat_member')
    fc.assert(
      fc.property(kinds, fc.dictionary(keys, field), fc.boolean(), (kind, fields, framed) => {
        const result = inboundOf(
          { update_id: 1, [kind]: framed ? { message_id: 1, date: 1, chat: CHAT, from: ADA, ...fields } : fields },
          ctx,
        )
        expect(result.updateId).toBe(1)
        JSON.stringify(result)
      }),
      { numRuns: 5000, seed: 3 },
    )
  })
})
