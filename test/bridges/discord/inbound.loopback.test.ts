import { afterEach, expect, test } from 'vitest'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import type { FakeDiscord } from '../../fakes/discord/server.ts'
import { type Harness, type HarnessOptions, startHarness } from './harness.ts'

let h: Harness
afterEach(() => h.stop())

async function start(options: HarnessOptions = {}): Promise<Harness> {
  h = await startHarness(options)
  return h
}

const say = (content: string, more: Partial<Parameters<typeof h.fake.control.say>[0]> = {}): string =>
  h.fake.control.say({ channel: h.fake.info.channel, user: h.fake.info.user, content, ...more }).id

function numbered(n: number): string[] {
  return Array.from({ length: n }, (_, i) => `message ${i + 1}`)
}

test('create, edit, delete and bulk delete arrive in order', async () => {
  await start()
  const { control, info } = h.fake
  const id = say(`**one** <@${info.user}>`)
  control.unfurl({ channel: info.channel, message: id, title: 'preview', url: 'https://e.org' })
  control.edit({ channel: info.channel, message: id, content: 'two' })
  control.remove({ channel: info.channel, messages: [id] })
  const many = [say('a'), say('b')]
  control.remove({ channel: info.channel, messages: many })
  await h.sink.count(7)
  expect(h.sink.events.map((e) => e.event.kind)).toEqual([
    'message.create',
    'message.edit',
    'message.delete',
    'message.create',
    'message.create',
    'message.delete',
    'message.delete',
  ])
  const [created, edited, deleted] = h.sink.events as [Envelope, Envelope, Envelope]
  expect(created).toMatchObject({
    at: { network: 'discord', account: 'main', space: info.guild, channel: info.channel },
    msg: { id },
    author: { key: `discord:${info.user}`, displayName: 'Ann', username: 'ann', kind: 'user', isBot: false },
    event: {
      body: {
        rich: {
          text: 'one @Ann',
          spans: [
            { kind: 'bold', start: 0, end: 3 },
            { kind: 'mention', name: 'Ann', start: 4, end: 8 },
          ],
        },
      },
    },
  })
  expect(edited).toMatchObject({ msg: { id }, event: { body: { rich: { text: 'two' } } } })
  expect(deleted.msg.id).toBe(id)
  expect(new Set(h.sink.events.map((e) => e.eventId)).size).toBe(7)
})

test('everything else a message can hold arrives readably', async () => {
  await start()
  const { control, info } = h.fake
  const first = say('start')
  say('yes', { replyTo: first })
  say('', { files: [{ name: 'SPOILER_cat.png', type: 'image/png', size: 9, width: 4, height: 3, description: 'a cat' }] })
  say('', { files: [{ name: 'voice.ogg', type: 'audio/ogg', voiceSeconds: 2.5 }], flags: 1 << 13 })
  say('', { sticker: { name: 'party' } })
  say('', { poll: { question: 'Tea?', answers: ['yes', 'no'] } })
  say('', { embeds: [{ type: 'rich', title: 'Sale', description: 'now', fields: [{ name: 'price', value: '5' }] }] })
  say('', { forward: { channel: info.channel, message: first } })
  say('', { type: 7 })
  say('', { type: 99 })
  control.foreignWebhookSay({ channel: info.channel, name: 'News', content: 'from a webhook' })
  await h.sink.count(11)
  const events = h.sink.events.map((e) => e.event)
  expect(events[1]).toMatchObject({ replyTo: { ref: { id: first }, authorName: 'Ann', excerpt: 'start' } })
  expect(events[2]).toMatchObject({
    body: {
      attachments: [
        {
          kind: 'image',
          name: 'SPOILER_cat.png',
          size: 9,
          width: 4,
          spoiler: true,
          alt: 'a cat',
          source: { kind: 'discord-url' },
        },
      ],
    },
  })
  expect(events[3]).toMatchObject({ body: { attachments: [{ kind: 'voice', durationMs: 2500 }] } })
  expect(events[4]).toMatchObject({ body: { sticker: { name: 'party' } } })
  expect(events[5]).toMatchObject({ body: { poll: { question: 'Tea?', options: ['yes', 'no'], multiple: false } } })
  expect(events[6]).toMatchObject({
    body: { embeds: [{ title: 'Sale', description: 'now', fields: [{ name: 'price', value: '5' }] }] },
  })
  expect(events[7]).toMatchObject({ body: { rich: { text: 'start' }, forwardedFrom: { name: '#general' } } })
  expect(events[8]).toEqual({ kind: 'notice', notice: 'join', text: 'Ann joined the server' })
  expect(events[9]).toEqual({ kind: 'notice', notice: 'other', text: '[unsupported message: type 99]' })
  expect(h.sink.events[10]?.author).toMatchObject({ kind: 'webhook', isBot: true, displayName: 'News' })
})

test('threads are places of their channel; reactions and thread changes are told', async () => {
  await start()
  const { control, info } = h.fake
  const thread = control.startThread({ channel: info.channel, name: 'side talk' }).id
  const id = control.say({ channel: thread, user: info.user, content: 'in the thread' }).id
  control.react({ channel: thread, message: id, user: info.user, emoji: '👍' })
  control.changeThread({ thread, name: 'renamed' })
  control.changeThread({ thread, archived: true })
  await h.sink.count(5)
  expect(h.sink.events.map((e) => [e.event.kind, e.at.channel, e.at.thread])).toEqual(
    ['thread.create', 'message.create', 'reaction.delta', 'thread.rename', 'thread.close'].map((kind) => [
      kind,
      info.channel,
      thread,
    ]),
  )
})

test('a thread nobody told us about is looked up, and keeps its order', async () => {
  await start()
  const { control, info } = h.fake
  control.fault({ on: 'event', route: 'THREAD_CREATE', times: 1, effect: { kind: 'drop-event' } })
  const thread = control.startThread({ channel: info.channel, name: 'quiet' }).id
  for (const content of ['1', '2', '3']) control.say({ channel: thread, user: info.user, content })
  await h.sink.count(3)
  expect(h.sink.texts()).toEqual(['1', '2', '3'])
  expect(h.sink.events.every((e) => e.at.thread === thread && e.at.channel === info.channel)).toBe(true)
})

test('direct messages have no server', async () => {
  await start()
  const { control, info } = h.fake
  const dm = control.openDm({ user: info.user, bot: info.bot }).id
  control.say({ channel: dm, user: info.user, content: 'psst' })
  await h.sink.count(1)
  expect(h.sink.events[0]?.at).toEqual({ network: 'discord', account: 'main', channel: dm })
})

test('the sink may fail: events come again until they are stored, in order', async () => {
  await start()
  h.sink.failure = new Error('database is away')
  h.fake.control.burst({ channel: h.fake.info.channel, user: h.fake.info.user, count: 250 })
  await h.sink.until(() => h.sink.calls >= 3)
  expect(h.bridge.health()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('database is away') })
  h.sink.failure = undefined
  await h.sink.count(250)
  expect(h.sink.texts()).toEqual(numbered(250))
  expect(h.sink.duplicates).toBe(0)
})

test('duplicate and swapped events are taken once', async () => {
  await start()
  h.fake.control.fault({ on: 'event', route: 'MESSAGE_CREATE', every: 3, effect: { kind: 'duplicate-event' } })
  h.fake.control.burst({ channel: h.fake.info.channel, user: h.fake.info.user, count: 30 })
  await h.sink.count(30)
  expect(h.sink.texts()).toEqual(numbered(30))
})

test.each([
  ['a TCP reset', { action: 'reset' }],
  ['op 7', { action: 'reconnect' }],
  ['close 4000', { action: 'close', code: 4000 }],
  ['op 9, resumable', { action: 'invalid-session', resumable: true }],
] as const)('%s: the session is resumed and nothing is missed', async (_name, action) => {
  await start()
  const { control, info } = h.fake
  say('message 1')
  await h.sink.count(1)
  await control.gateway(action)
  for (let n = 2; n <= 20; n++) say(`message ${n}`)
  await h.sink.count(20)
  say('message 21')
  await h.sink.count(21)
  expect(h.sink.texts()).toEqual(numbered(21))
  await control.waitForSession({ resumed: 1 })
  expect(control.stats()).toMatchObject({ identifies: 1, resumed: 1 })
  expect(control.requests({ path: `/channels/${info.channel}/messages` }).length).toBeLessThanOrEqual(1)
})

test('a lost session is caught up from the cursor, before live messages', async () => {
  await start()
  const { control } = h.fake
  say('message 1')
  await h.sink.count(1)
  control.fault({ on: 'event', route: 'MESSAGE_CREATE', effect: { kind: 'drop-event' } })
  for (let n = 2; n <= 230; n++) say(`message ${n}`)
  control.clearFaults()
  await control.gateway({ action: 'invalid-session', resumable: false })
  await h.sink.count(230)
  say('message 231')
  await h.sink.count(231)
  expect(h.sink.texts()).toEqual(numbered(231))
  expect(h.sink.duplicates).toBe(0)
}, 30_000)

test('what was said and edited while the gateway was down arrives at the next start', async () => {
  await start()
  const { control, info } = h.fake
  const early = say('message 1')
  await h.sink.count(1)
  await h.bridge.drain(new AbortController().signal)
  await h.bridge.stop()
  for (let n = 2; n <= 40; n++) say(`message ${n}`)
  control.edit({ channel: info.channel, message: early, content: 'changed meanwhile' })
  const again = await h.restart()
  await h.sink.count(41)
  say('message 41')
  await h.sink.count(42)
  expect(h.sink.texts()).toEqual(numbered(41))
  expect(h.sink.events.filter((e) => e.event.kind === 'message.edit')).toMatchObject([{ msg: { id: early } }])
  expect(again.health()).toEqual({ status: 'ok' })
})

test('the first contact begins now, and limits leave a notice', async () => {
  await start({
    bridge: { catchUp: { maxMessages: 100 } },
    prepare: (fake) => {
      fake.control.burst({ channel: fake.info.channel, user: fake.info.user, count: 5, prefix: 'old ' })
    },
  })
  say('new')
  await h.sink.count(1)
  expect(h.sink.texts()).toEqual(['new'])
  await h.bridge.drain(new AbortController().signal)
  await h.bridge.stop()
  h.fake.control.burst({ channel: h.fake.info.channel, user: h.fake.info.user, count: 250 })
  const again = await h.restart()
  await h.sink.until(() => h.sink.events.some((e) => e.event.kind === 'notice'))
  expect(h.sink.texts()).toEqual(['new', ...numbered(100)])
  expect(h.sink.events.flatMap((e) => (e.event.kind === 'notice' ? [e.event.notice] : []))).toEqual(['gap'])
  expect(again.stats().gaps).toBe(1)
})

test('with a backfill the first contact begins that many messages earlier, and only once', async () => {
  await start({
    bridge: { catchUp: { backfill: () => 150 } },
    prepare: (fake) => {
      fake.control.burst({ channel: fake.info.channel, user: fake.info.user, count: 250 })
    },
  })
  await h.sink.count(150)
  say('new')
  await h.sink.count(151)
  expect(h.sink.texts()).toEqual([...numbered(250).slice(100), 'new'])
  await h.bridge.drain(new AbortController().signal)
  await h.bridge.stop()
  await h.restart()
  say('newer')
  await h.sink.count(152)
  expect(h.sink.texts().slice(150)).toEqual(['new', 'newer'])
  expect(h.fake.control.violations()).toEqual([])
})

test('what was said in threads meanwhile arrives, also in those nobody had heard of', async () => {
  await start()
  const { control, info } = h.fake
  const known = control.startThread({ channel: info.channel, name: 'known' }).id
  control.say({ channel: known, user: info.user, content: 'before' })
  const quiet = control.startThread({ channel: info.channel, name: 'quiet' }).id
  control.say({ channel: quiet, user: info.user, content: 'nothing after this' })
  say('and here')
  await h.sink.until(() => h.sink.texts().length === 3)
  await h.bridge.drain(new AbortController().signal)
  await h.bridge.stop()
  control.say({ channel: known, user: info.user, content: 'meanwhile' })
  const fresh = control.startThread({ channel: info.channel, name: 'fresh' }).id
  for (const content of ['one', 'two']) control.say({ channel: fresh, user: info.user, content })
  say('and there')
  await h.restart()
  await h.sink.until(() => h.sink.texts().length === 7)
  control.say({ channel: fresh, user: info.user, content: 'three' })
  await h.sink.until(() => h.sink.texts().length === 8)
  const said = (thread: string | undefined): string[] =>
    h.sink.events.flatMap((e) => (e.at.thread === thread && e.event.kind === 'message.create' ? [e.event.body.rich.text] : []))
  expect(said(known)).toEqual(['before', 'meanwhile'])
  expect(said(fresh)).toEqual(['one', 'two', 'three'])
  expect(said(quiet)).toEqual(['nothing after this'])
  expect(said(undefined)).toEqual(['and here', 'and there'])
  expect(h.sink.duplicates).toBe(0)
}, 30_000)

test('where Discord asks for several connections each is resumed and caught up for its own servers', async () => {
  const guilds: { id: string; channel: string }[] = []
  const shardOf = (guild: string): number => Number((BigInt(guild) >> 22n) % 2n)
  await start({
    fake: { shards: 2, identifyIntervalMs: 0 },
    prepare: ({ control, info }) => {
      const bot = info.bot
      while (new Set(guilds.map((g) => shardOf(g.id))).size < 2) {
        const { guild, channel } = control.joinGuild({ bot, name: `server ${guilds.length}` })
        guilds.push({ id: guild, channel })
      }
    },
    bridge: {
      places: () => guilds.map(({ id, channel }) => ({ network: 'discord', account: 'main', space: id, channel })),
    },
  })
  const { control, info } = h.fake
  const write = (text: string): void => {
    for (const { id, channel } of guilds) control.say({ channel, user: info.user, content: `${text} ${shardOf(id)}` })
  }
  const perShard = (shard: number): string[] => h.sink.texts().filter((t) => t.endsWith(` ${shard}`))
  await expect.poll(() => control.stats().identifies, { timeout: 15_000 }).toBe(2)
  // Each server is written to once its connection stands: the first contact begins then.
  await expect
    .poll(
      () => {
        write('hello')
        return new Set(h.sink.texts()).size
      },
      { timeout: 15_000, interval: 200 },
    )
    .toBe(2)
  const before = h.sink.events.length
  for (let n = 0; n < 20; n++) write(`line ${n}`)
  await h.sink.until(() => perShard(0).some((t) => t === 'line 19 0') && perShard(1).some((t) => t === 'line 19 1'))
  expect(h.sink.events.length).toBeGreaterThanOrEqual(before + 20 * guilds.length)

  await control.gateway({ action: 'close', code: 4000 })
  write('after the close')
  await h.sink.until(() => [0, 1].every((s) => perShard(s).includes(`after the close ${s}`)))
  expect(control.stats()).toMatchObject({ identifies: 2, resumed: 2 })
  control.fault({ on: 'event', route: 'MESSAGE_CREATE', effect: { kind: 'drop-event' } })
  write('missed')
  control.clearFaults()
  await control.gateway({ action: 'invalid-session', resumable: false })
  await h.sink.until(() => [0, 1].every((s) => perShard(s).includes(`missed ${s}`)))
  expect(control.stats().identifies).toBe(4)
  for (const shard of [0, 1]) {
    const lines = perShard(shard).filter((t) => t.startsWith('line '))
    const [first] = guilds.filter((g) => shardOf(g.id) === shard)
    const own = h.sink.events.filter((e) => e.at.channel === first?.channel).length
    expect(own).toBeGreaterThanOrEqual(22)
    expect(new Set(lines).size).toBe(20)
  }
  expect(h.sink.duplicates).toBe(0)
}, 60_000)

test('refused connections for a while: the session is still resumed, nothing missed', async () => {
  await start()
  say('message 1')
  await h.sink.count(1)
  await h.fake.control.gateway({ action: 'refuse', ms: 1500 })
  for (let n = 2; n <= 10; n++) say(`message ${n}`)
  await h.sink.count(10, 20_000)
  expect(h.sink.texts()).toEqual(numbered(10))
  expect(h.fake.control.stats()).toMatchObject({ identifies: 1, resumed: 1 })
}, 30_000)

test('a zombie connection is noticed and resumed', async () => {
  await start({ fake: { heartbeatMs: 300 } })
  say('message 1')
  await h.sink.count(1)
  await h.fake.control.gateway({ action: 'zombie', on: true })
  say('message 2')
  await h.fake.control.gateway({ action: 'zombie', on: false, afterMs: 900 })
  await h.sink.count(2)
  expect(h.sink.texts()).toEqual(numbered(2))
}, 30_000)

/** Portal settings before the bridge starts. */
const REFUSALS: readonly (readonly [string, (fake: FakeDiscord) => void, string])[] = [
  [
    'a refused intent',
    (fake) => fake.control.setMessageContent({ bot: fake.info.bot, allowed: false }),
    'Message Content Intent',
  ],
  ['a bad token', (fake) => void fake.control.revokeToken({ bot: fake.info.bot }), 'refuses the bot token'],
]

test.each(REFUSALS)('%s fails the account and says what to do', async (_name, prepare, words) => {
  await start({ prepare })
  expect(h.bridge.health()).toMatchObject({ status: 'failed', reason: expect.stringContaining(words) })
  expect(h.fake.control.stats().identifies).toBeLessThanOrEqual(1)
})

test('an API that is away at the start does not fail it', async () => {
  await start({
    bridge: { startWaitMs: 300 },
    prepare: (fake) => fake.control.fault({ route: '/gateway/bot', times: 5, effect: { kind: 'status', status: 503 } }),
  })
  expect(h.bridge.health()).toMatchObject({ status: 'degraded' })
  await h.fake.control.waitForSession({ timeoutMs: 20_000 })
  say('here we are')
  await h.sink.count(1)
  expect(h.bridge.health()).toEqual({ status: 'ok' })
}, 30_000)

test('empty messages of others betray a missing content intent', async () => {
  await start()
  for (let n = 0; n < 3; n++) say('')
  say('<@1> hello')
  await h.sink.count(1)
  expect(h.sink.texts()).toEqual(['@unknown user hello'])
  expect(h.bridge.stats().dropped).toMatchObject({ 'no-content': 3 })
})
