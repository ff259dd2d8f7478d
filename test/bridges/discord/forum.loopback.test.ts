import { afterEach, expect, test } from 'vitest'
import type { NativePart, SendRequest } from '../../../src/bridges/port.ts'
import { bodyOf, type Harness, never, partsOf, request, startHarness } from './harness.ts'

let h: Harness
let forum: string
afterEach(() => h.stop())

async function start(tags: { name: string; moderated?: boolean }[] = [], required = tags.length > 0): Promise<void> {
  h = await startHarness({
    prepare: (fake) => {
      forum = fake.control.addChannel({ guild: fake.info.guild, name: 'board', kind: 'forum' }).id
      if (tags.length > 0) fake.control.setForumTags({ channel: forum, tags, required })
    },
  })
}
const posts = () => h.fake.control.threads({ channel: forum })
const shown = (name: string) => h.fake.control.visible({ channel: posts().find((p) => p.name === name)?.id ?? '' })
const toForum = (more: Partial<SendRequest>): SendRequest => request({ ...h.place, channel: forum }, more)
const deny = (permissions: 'MANAGE_WEBHOOKS'[]) => h.fake.control.deny({ channel: forum, bot: h.fake.info.bot, permissions })

test('without webhooks the bot begins posts itself, with a file, answers, edits and deletes', async () => {
  await start()
  deny(['MANAGE_WEBHOOKS'])
  const begun = partsOf(await h.bridge.send(toForum({ body: bodyOf('Boat for sale\nblue') }), never))
  expect(shown('Boat for sale')).toMatchObject([{ author: 'k2-bridge', content: '**Bob**: Boat for sale\nblue', pings: [] }])
  const { ref } = begun[0] as NativePart
  expect(ref).toMatchObject({ channel: forum, thread: posts()[0]?.id })
  const answer = toForum({ body: bodyOf('still there'), reply: { ref, authorName: 'Bob', excerpt: 'Boat for sale' } })
  partsOf(await h.bridge.send(answer, never))
  expect(shown('Boat for sale')[1]).toMatchObject({ replyTo: expect.stringContaining('Boat for sale') })
  partsOf(await h.bridge.send(toForum({ op: 'edit', parts: begun, body: bodyOf('Boat for sale\nred') }), never))
  expect(shown('Boat for sale')[0]).toMatchObject({ content: '**Bob**: Boat for sale\nred' })
  const long = Array.from({ length: 500 }, (_, i) => `word${i}`).join(' ')
  const parts = partsOf(await h.bridge.send(toForum({ body: bodyOf(`Long story\n${long}`) }), never))
  expect(parts.length).toBeGreaterThan(1)
  expect(shown('Long story')).toHaveLength(parts.length)
  partsOf(await h.bridge.send(toForum({ body: bodyOf(`Whole book\n${long.repeat(5)}`) }), never))
  expect(shown('Whole book')).toMatchObject([{ files: ['message.txt'] }])
  partsOf(await h.bridge.send(toForum({ op: 'delete', parts: begun }), never))
  expect(shown('Boat for sale')).toHaveLength(1)
  expect(posts()).toHaveLength(3)
  expect(h.fake.control.violations()).toEqual([])
})

test('a lost answer to a post of the bot begins no second one', async () => {
  await start()
  const lost = toForum({ identity: 'bot', body: bodyOf('Oars for sale') })
  h.fake.control.fault({ method: 'POST', route: '/threads', times: 1, effect: { kind: 'response-lost' } })
  expect(await h.bridge.send(lost, never)).toMatchObject({ kind: 'ambiguous' })
  const parts = partsOf(await h.bridge.send({ ...lost, attempt: 1, ambiguousSince: Date.now() - 1_000 }, never))
  expect(parts[0]?.ref).toMatchObject({ id: posts()[0]?.id, thread: posts()[0]?.id })
  expect(shown('Oars for sale')).toHaveLength(1)
  expect(posts()).toHaveLength(1)
})

test.each(['webhook', 'bot'] as const)('forums that demand a tag get the first one anybody may set (%s)', async (identity) => {
  await start([{ name: 'news', moderated: true }, { name: 'offers' }, { name: 'other' }])
  partsOf(await h.bridge.send(toForum({ identity, body: bodyOf('Boat') }), never))
  expect(posts()).toMatchObject([{ name: 'Boat', tags: ['offers'] }])
  await h.bridge.openThread({ ...h.place, channel: forum }, 'A topic', never)
  expect(posts()[1]).toMatchObject({ name: 'A topic', tags: ['offers'] })
  expect(h.fake.control.violations()).toEqual([])
})

test.each(['webhook', 'bot'] as const)(
  'a forum that began to demand tags unheard is answered with one (%s)',
  async (identity) => {
    await start([{ name: 'offers' }], false)
    partsOf(await h.bridge.send(toForum({ identity, body: bodyOf('Before') }), never))
    expect(posts()).toMatchObject([{ name: 'Before', tags: [] }])
    // Its answer says what no event said.
    const tagRequired = { code: 40067, message: 'A tag is required to create a forum post in this channel' }
    const effect = { kind: 'status', status: 400, body: tagRequired } as const
    h.fake.control.fault({ method: 'POST', route: identity === 'bot' ? '/threads' : '/webhooks/', times: 1, effect })
    partsOf(await h.bridge.send(toForum({ identity, body: bodyOf('After') }), never))
    expect(posts()[1]).toMatchObject({ name: 'After', tags: ['offers'] })
  },
)

test('a forum that demands tags and has none says what to do', async () => {
  await start()
  h.fake.control.setForumTags({ channel: forum, tags: [], required: true })
  const outcome = await h.bridge.send(toForum({ body: bodyOf('Boat') }), never)
  expect(outcome).toMatchObject({ kind: 'lane-failed', code: 'DISCORD_FORUM', message: expect.stringContaining('demands a tag') })
  expect(posts()).toEqual([])
})
