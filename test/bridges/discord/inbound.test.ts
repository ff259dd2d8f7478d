import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Directory } from '../../../src/bridges/discord/directory.ts'
import { type Inbound, type InboundContext, inboundOf, threadChanged } from '../../../src/bridges/discord/inbound.ts'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import { OwnIdentities } from '../../../src/bridges/own-identities.ts'

const GUILD = '100000000000000001'
const CHANNEL = '100000000000000002'
const THREAD = '100000000000000003'
const USER = { id: '100000000000000009', username: 'ann', global_name: 'Ann' }

function context(more: Partial<InboundContext> = {}): InboundContext {
  const directory = new Directory()
  directory.setGuild({
    id: GUILD,
    roles: [{ id: '100000000000000005', name: 'mods' }],
    channels: [{ id: CHANNEL, name: 'general', type: 0 }],
    threads: [{ id: THREAD, name: 'talk', type: 11, parent_id: CHANNEL }],
  })
  const own = new OwnIdentities()
  for (const key of ['discord:900', 'discord-webhook:901', 'discord-application:902']) own.add(key)
  return { account: 'main', directory, own, isOwnDelete: () => false, sequence: 's:1', now: 1_750_000_000_000, ...more }
}

const message = (more: object = {}): object => ({
  id: '1234567890123456789',
  channel_id: CHANNEL,
  guild_id: GUILD,
  author: USER,
  content: 'hi',
  type: 0,
  edited_timestamp: null,
  ...more,
})

function only(inbound: Inbound): Envelope {
  if (inbound.kind !== 'events') throw new Error(`dropped: ${inbound.reason}`)
  expect(inbound.envelopes).toHaveLength(1)
  return inbound.envelopes[0] as Envelope
}
const create = (more: object = {}, ctx = context()): Inbound => inboundOf('MESSAGE_CREATE', message(more), ctx)

describe('what is not bridged', () => {
  test.each([
    ['our bot', { author: { id: '900', username: 'k2' } }, 'own-account'],
    ['our webhook', { webhook_id: '901' }, 'own-webhook'],
    ['an application of ours', { webhook_id: '5', application_id: '902' }, 'own-webhook'],
    ['ephemeral answers', { flags: 64 }, 'ephemeral'],
    ['thread starters', { type: 21 }, 'thread-starter'],
    ['channels nobody knows', { channel_id: '555' }, 'unknown-channel'],
  ])('%s', (_what, more, reason) => {
    expect(create(more)).toEqual({ kind: 'dropped', reason })
  })

  test('an update without an edit time', () => {
    expect(inboundOf('MESSAGE_UPDATE', message(), context())).toEqual({ kind: 'dropped', reason: 'not-an-edit' })
    expect(inboundOf('MESSAGE_UPDATE', { id: '1', channel_id: CHANNEL }, context())).toEqual({
      kind: 'dropped',
      reason: 'not-an-edit',
    })
  })

  test('our own deletions and reactions', () => {
    const ctx = context({ isOwnDelete: (_c, id) => id === '7' })
    expect(inboundOf('MESSAGE_DELETE', { id: '7', channel_id: CHANNEL, guild_id: GUILD }, ctx)).toEqual({
      kind: 'dropped',
      reason: 'own-delete',
    })
    const bulk = inboundOf('MESSAGE_DELETE_BULK', { ids: ['6', '7'], channel_id: CHANNEL, guild_id: GUILD }, ctx)
    expect(only(bulk).msg.id).toBe('6')
    const reaction = { user_id: '900', channel_id: CHANNEL, message_id: '1', guild_id: GUILD, emoji: { id: null, name: '👍' } }
    expect(inboundOf('MESSAGE_REACTION_ADD', reaction, ctx)).toEqual({ kind: 'dropped', reason: 'own-account' })
  })
})

test('an id says when the message was written, and where it is', () => {
  const { occurredAt, at, msg } = only(create({ id: '175928847299117063', channel_id: THREAD }))
  expect(new Date(occurredAt).toISOString()).toBe('2016-04-30T11:18:25.796Z')
  expect(at).toEqual({ network: 'discord', account: 'main', space: GUILD, channel: CHANNEL, thread: THREAD })
  expect(msg).toEqual({ network: 'discord', account: 'main', channel: CHANNEL, thread: THREAD, id: '175928847299117063' })
})

test('names: nickname, then global name, then user name, then a placeholder', () => {
  expect(only(create({ member: { nick: 'Nick\u202e', roles: ['1'] } })).author).toMatchObject({
    displayName: 'Nick',
    roles: ['1'],
  })
  expect(only(create()).author.displayName).toBe('Ann')
  expect(only(create({ author: { id: '3', username: 'plain' } })).author.displayName).toBe('plain')
  expect(only(create({ author: { id: '3', username: '' } })).author.displayName).toBe('Deleted user')
})

test('two accounts see the same event', () => {
  const here = only(create())
  const there = only(create({}, context({ account: 'other', now: 5 })))
  expect(there.eventId).toBe(here.eventId)
  expect(there.account).not.toBe(here.account)
})

test('edits: same time and text are one event, another text is another', () => {
  const edit = (content: string): string =>
    only(inboundOf('MESSAGE_UPDATE', message({ content, edited_timestamp: '2025-06-21T10:00:00.000000+00:00' }), context()))
      .eventId
  expect(edit('a')).toBe(edit('a'))
  expect(edit('a')).not.toBe(edit('b'))
})

test('component texts are read', () => {
  const components = [
    {
      type: 17,
      components: [
        { type: 10, content: '# Title' },
        { type: 1, components: [{ type: 2, label: 'Open', url: 'https://e.org' }] },
      ],
    },
  ]
  const { event } = only(create({ content: '', components, flags: 1 << 15 }))
  expect(event).toMatchObject({ body: { rich: { text: 'Title\nOpen: https://e.org' } } })
})

test('link previews are no content, embeds of bots are', () => {
  const embeds = [
    { type: 'article', title: 'News' },
    { type: 'rich', description: 'own words', footer: { text: 'foot' } },
  ]
  const { event } = only(create({ embeds }))
  expect(event).toMatchObject({ body: { embeds: [{ description: 'own words\nfoot' }] } })
})

test('thread changes', () => {
  const thread = { id: THREAD, guild_id: GUILD, parent_id: CHANNEL, name: 'new', thread_metadata: { archived: true } }
  expect(only(threadChanged(thread, { name: 'old' }, context())).event).toEqual({
    kind: 'thread.rename',
    thread: THREAD,
    title: 'new',
  })
  expect(only(threadChanged(thread, { name: 'new' }, context())).event.kind).toBe('thread.close')
  expect(
    only(threadChanged({ ...thread, thread_metadata: { archived: false } }, { name: 'new', archived: true }, context())).event
      .kind,
  ).toBe('thread.reopen')
  expect(threadChanged(thread, { name: 'new', archived: true }, context())).toEqual({ kind: 'dropped', reason: 'irrelevant' })
})

const EVENTS = [
  'MESSAGE_CREATE',
  'MESSAGE_UPDATE',
  'MESSAGE_DELETE',
  'MESSAGE_DELETE_BULK',
  'MESSAGE_REACTION_ADD',
  'THREAD_CREATE',
  'X',
]

test('never throws, whatever arrives', () => {
  const shape = fc.record(
    {
      id: fc.oneof(fc.constant('1234567890123456789'), fc.anything()),
      channel_id: fc.oneof(fc.constant(CHANNEL), fc.anything()),
      guild_id: fc.oneof(fc.constant(GUILD), fc.anything()),
      author: fc.oneof(fc.constant(USER), fc.anything()),
      content: fc.oneof(fc.string(), fc.anything()),
      type: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.anything()),
      attachments: fc.anything(),
      embeds: fc.anything(),
      components: fc.anything(),
      poll: fc.anything(),
      mentions: fc.anything(),
      message_reference: fc.anything(),
      referenced_message: fc.anything(),
      message_snapshots: fc.anything(),
      edited_timestamp: fc.oneof(fc.constant('2025-06-21T10:00:00Z'), fc.anything()),
      ids: fc.anything(),
      emoji: fc.anything(),
    },
    { requiredKeys: [] },
  )
  const ctx = context()
  fc.assert(
    fc.property(fc.constantFrom(...EVENTS), fc.oneof(shape, fc.anything()), (event, data) => {
      const inbound = inboundOf(event, data, ctx)
      if (inbound.kind === 'events') for (const e of inbound.envelopes) expect(e.eventId).toMatch(/^[a-z2-7]{26}$/)
      if (typeof data === 'object' && data !== null) ctx.directory.apply('THREAD_LIST_SYNC', data as Record<string, unknown>)
    }),
    { numRuns: 5000, seed: 20_250_621 },
  )
})
