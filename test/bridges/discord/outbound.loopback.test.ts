import { afterEach, expect, test } from 'vitest'
import type { Avatar } from '../../../src/bridges/model/message.ts'
import type { NativePart } from '../../../src/bridges/port.ts'
import { bodyOf, type Harness, type HarnessOptions, never, partsOf, request, startHarness } from './harness.ts'

let h: Harness
afterEach(() => h.stop())

async function start(options: HarnessOptions = {}): Promise<Harness> {
  h = await startHarness(options)
  return h
}
const seen = () => h.fake.control.visible({ channel: h.fake.info.channel })

test('authors speak through one managed webhook, which is found again', async () => {
  await start()
  partsOf(await h.bridge.send(request(h.place, { body: bodyOf('one') }), never))
  partsOf(
    await h.bridge.send(
      request(h.place, {
        body: bodyOf('two'),
        author: { key: 'p2p:x', displayName: 'Discord Clyde', isBot: false, kind: 'peer' },
      }),
      never,
    ),
  )
  expect(seen()).toMatchObject([
    { author: 'Bob', content: 'one', pings: [] },
    { author: 'Dis\u200bcord Cly\u200bde', content: 'two' },
  ])
  h.webhooks.records = []
  const again = await h.restart()
  partsOf(await again.send(request(h.place, { body: bodyOf('three') }), never))
  expect(h.fake.control.webhooks()).toHaveLength(1)
  expect(h.fake.control.violations()).toEqual([])
})

test('our own webhook messages do not come back', async () => {
  await start()
  partsOf(await h.bridge.send(request(h.place), never))
  h.fake.control.say({ channel: h.fake.info.channel, user: h.fake.info.user, content: 'a person' })
  await h.sink.count(1)
  expect(h.sink.texts()).toEqual(['a person'])
})

test('edits and deletes reach messages of webhook and bot, also after a restart', async () => {
  await start()
  const byHook = partsOf(await h.bridge.send(request(h.place, { body: bodyOf('hook') }), never))
  const byBot = partsOf(await h.bridge.send(request(h.place, { body: bodyOf('bot'), identity: 'bot' }), never))
  const fresh = await h.restart()
  for (const parts of [byHook, byBot]) {
    partsOf(await fresh.send(request(h.place, { op: 'edit', parts, body: bodyOf('edited') }), never))
  }
  expect(seen().map((m) => m.content)).toEqual(['edited', '**Bob**: edited'].toSorted((a) => (a === 'edited' ? -1 : 1)))
  for (const parts of [byHook, byBot]) partsOf(await fresh.send(request(h.place, { op: 'delete', parts }), never))
  expect(seen()).toEqual([])
  partsOf(await fresh.send(request(h.place, { op: 'delete', parts: byHook }), never))
  expect(h.fake.control.violations()).toEqual([])
})

test('without Manage Webhooks the bot speaks, with the name in front', async () => {
  await start({
    prepare: (fake) => fake.control.deny({ channel: fake.info.channel, bot: fake.info.bot, permissions: ['MANAGE_WEBHOOKS'] }),
  })
  partsOf(await h.bridge.send(request(h.place, { body: bodyOf('hi @everyone') }), never))
  expect(seen()).toMatchObject([{ author: 'k2-bridge', content: '**Bob**: hi @\u200beveryone', pings: [] }])
  expect(h.bridge.health()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('Manage Webhooks') })
  h.fake.control.deny({ channel: h.fake.info.channel, bot: h.fake.info.bot, permissions: [] })
  h.fake.control.say({ channel: h.fake.info.channel, user: h.fake.info.user, content: 'by now the change is known' })
  await h.sink.count(1)
  expect(h.bridge.health()).toEqual({ status: 'ok' })
  partsOf(await h.bridge.send(request(h.place, { body: bodyOf('again') }), never))
  expect(seen().at(-1)).toMatchObject({ author: 'Bob', content: 'again' })
})

test('a deleted webhook is made anew, once', async () => {
  await start()
  partsOf(await h.bridge.send(request(h.place), never))
  h.fake.control.removeWebhook({ webhook: h.fake.control.webhooks()[0]?.id ?? '' })
  partsOf(await h.bridge.send(request(h.place, { body: bodyOf('after') }), never))
  expect(seen().map((m) => [m.author, m.content])).toEqual([
    ['Bob', 'hello'],
    ['Bob', 'after'],
  ])
  expect(h.webhooks.records).toHaveLength(1)
})

test('replies: native for the bot, a line for webhooks, a quote without a copy', async () => {
  await start()
  const { id } = h.fake.control.say({ channel: h.fake.info.channel, user: h.fake.info.user, content: 'question?' })
  const ref = { network: 'discord', account: 'main', channel: h.fake.info.channel, id } as const
  const reply = { ref, authorName: 'Ann *x*', excerpt: 'question? @everyone' }
  partsOf(await h.bridge.send(request(h.place, { identity: 'bot', reply }), never))
  partsOf(await h.bridge.send(request(h.place, { reply }), never))
  partsOf(await h.bridge.send(request(h.place, { reply: { authorName: 'Zoe', excerpt: 'elsewhere' } }), never))
  const { guild, channel } = h.fake.info
  expect(seen().slice(1)).toMatchObject([
    { content: '**Bob**: hello', replyTo: 'question?', pings: [] },
    {
      content: `-# ↪ [Ann \\*x\\*](https://discord.com/channels/${guild}/${channel}/${id}): question? @\u200beveryone\nhello`,
      pings: [],
    },
    { content: '> Zoe: elsewhere\nhello' },
  ])
})

test('long texts become several messages, and a retry continues where it stopped', async () => {
  await start()
  const text = Array.from({ length: 700 }, (_, i) => `word${i}`).join(' ')
  const made: NativePart[] = []
  const onPart = async (part: NativePart): Promise<void> => {
    made.push(part)
  }
  h.fake.control.fault({
    method: 'POST',
    route: 'webhooks/',
    nth: 3,
    effect: { kind: 'status', status: 400, body: { code: 50109, message: 'no' } },
  })
  const first = request(h.place, { body: bodyOf(text), onPart })
  expect(await h.bridge.send(first, never)).toMatchObject({ kind: 'permanent' })
  expect(made).toHaveLength(2)
  const parts = partsOf(await h.bridge.send({ ...first, attempt: 1, parts: made }, never))
  expect(parts.map((p) => p.part)).toEqual([0, 1, 2])
  expect(
    seen()
      .map((m) => m.content)
      .join(' '),
  ).toBe(text)
  // A shorter edit removes what is too much, and that removal does not come back as somebody's.
  partsOf(await h.bridge.send(request(h.place, { op: 'edit', parts, body: bodyOf('short') }), never))
  expect(seen().map((m) => m.content)).toEqual(['short'])
  h.fake.control.say({ channel: h.fake.info.channel, user: h.fake.info.user, content: 'end' })
  await h.sink.count(1)
  expect(h.sink.events).toHaveLength(1)
})

test('texts too long for five messages arrive with a file', async () => {
  await start()
  partsOf(await h.bridge.send(request(h.place, { body: bodyOf('lorem ipsum '.repeat(2000)) }), never))
  expect(seen()).toMatchObject([{ files: ['message.txt'], content: expect.stringContaining('… (full text attached)') }])
  h.fake.control.deny({ channel: h.fake.info.channel, bot: h.fake.info.bot, permissions: [] })
  h.fake.control.fault({
    method: 'POST',
    times: 1,
    effect: { kind: 'status', status: 413, body: { code: 40005, message: 'Request entity too large' } },
  })
  partsOf(await h.bridge.send(request(h.place, { body: bodyOf('lorem ipsum '.repeat(2000)) }), never))
  expect(seen().length).toBeGreaterThan(10)
})

test('a repeated send with the same nonce makes one message', async () => {
  await start()
  h.fake.control.fault({ method: 'POST', times: 1, effect: { kind: 'response-lost' } })
  const send = request(h.place, { identity: 'bot' })
  expect(await h.bridge.send(send, never)).toMatchObject({ kind: 'ambiguous' })
  partsOf(await h.bridge.send({ ...send, attempt: 1, ambiguousSince: Date.now() - 1000 }, never))
  expect(seen()).toHaveLength(1)
})

test('a lost answer to a webhook is settled by its echo', async () => {
  await start()
  h.fake.control.fault({ method: 'POST', route: 'webhooks/', times: 1, effect: { kind: 'response-lost' } })
  const parts = partsOf(await h.bridge.send(request(h.place), never))
  expect(seen().map((m) => m.id)).toEqual([parts[0]?.ref.id])
  expect(h.bridge.stats()).toMatchObject({ adoptedByEcho: 1 })
})

test('without an echo the history tells whether a doubtful send arrived', async () => {
  await start({ bridge: { startWaitMs: 5000 } })
  const { control, info } = h.fake
  partsOf(await h.bridge.send(request(h.place, { body: bodyOf('same') }), never))
  const before = Date.now()
  control.setEcho({ timing: 'never' })
  control.fault({ method: 'POST', route: 'webhooks/', times: 1, effect: { kind: 'response-lost' } })
  const send = request(h.place, { body: bodyOf('same') })
  expect(await h.bridge.send(send, never)).toMatchObject({ kind: 'ambiguous' })
  const parts = partsOf(await h.bridge.send({ ...send, attempt: 1, ambiguousSince: before }, never))
  // The equal message of before belongs to another delivery.
  expect(parts[0]?.ref.id).toBe(seen()[1]?.id)
  expect(control.count({ channel: info.channel })).toEqual({ count: 2 })
  // One that never arrived is sent.
  control.fault({ method: 'POST', route: 'webhooks/', times: 1, effect: { kind: 'reset-before' } })
  const lost = request(h.place, { body: bodyOf('other') })
  expect(await h.bridge.send(lost, never)).toMatchObject({ kind: 'ambiguous' })
  partsOf(await h.bridge.send({ ...lost, attempt: 1, ambiguousSince: before }, never))
  expect(seen().map((m) => m.content)).toEqual(['same', 'same', 'other'])
  expect(h.bridge.stats()).toMatchObject({ adoptedByProbe: 1, resent: 1 })
})

test('refused forms are sent once more as plain text', async () => {
  await start()
  const body = { code: 50035, message: 'Invalid Form Body', errors: { content: { _errors: [] } } }
  h.fake.control.fault({ method: 'POST', route: 'webhooks/', times: 1, effect: { kind: 'status', status: 400, body } })
  const rich = { text: 'bold', spans: [{ kind: 'bold', start: 0, end: 4 }] } as const
  partsOf(await h.bridge.send(request(h.place, { body: { rich, attachments: [] } }), never))
  expect(seen().map((m) => m.content)).toEqual(['bold'])
  const name = { code: 50035, message: 'Invalid Form Body', errors: { username: { _errors: [] } } }
  h.fake.control.fault({ method: 'POST', route: 'webhooks/', times: 1, effect: { kind: 'status', status: 400, body: name } })
  const author = { key: 'telegram:1', displayName: 'Clyde', isBot: false, kind: 'user' } as const
  partsOf(await h.bridge.send(request(h.place, { author, body: { rich, attachments: [] } }), never))
  expect(seen().at(-1)).toMatchObject({ author: 'Clde', content: '**bold**' })
})

test('what Discord says becomes what the outbox does', async () => {
  await start()
  const { control, info } = h.fake
  const outcome = (identity: 'webhook' | 'bot' = 'bot') => h.bridge.send(request(h.place, { identity }), never)
  control.fault({ method: 'POST', times: 1, effect: { kind: 'rate-limit', retryAfterMs: 1500, scope: 'shared' } })
  expect(await outcome()).toMatchObject({ kind: 'rate-limited', scope: 'lane', afterMs: expect.closeTo(1550, -2) })
  control.fault({ method: 'POST', times: 1, effect: { kind: 'rate-limit', retryAfterMs: 300, scope: 'global' } })
  expect(await outcome()).toMatchObject({ kind: 'rate-limited', scope: 'account' })
  await new Promise((resolve) => setTimeout(resolve, 400))
  control.fault({ method: 'POST', times: 1, effect: { kind: 'status', status: 503 } })
  expect(await outcome()).toMatchObject({ kind: 'ambiguous' })
  control.fault({ method: 'POST', times: 1, effect: { kind: 'corrupt-json' } })
  expect(await outcome()).toMatchObject({ kind: 'ambiguous' })
  control.deny({ channel: info.channel, bot: info.bot, permissions: ['SEND_MESSAGES'] })
  expect(await outcome()).toMatchObject({ kind: 'lane-failed', code: 'DISCORD_MISSING_PERMISSIONS' })
  control.deny({ channel: info.channel, bot: info.bot, permissions: ['VIEW_CHANNEL'] })
  expect(await outcome()).toMatchObject({ kind: 'lane-failed', code: 'DISCORD_MISSING_ACCESS' })
  const gone = { ...h.place, channel: '100000000000000001' }
  expect(await h.bridge.send(request(gone), never)).toMatchObject({ kind: 'lane-failed', code: 'DISCORD_UNKNOWN_CHANNEL' })
  expect(await h.bridge.send(request(h.place, { body: bodyOf(' \u200b ') }), never)).toMatchObject({
    kind: 'permanent',
    code: 'DISCORD_EMPTY_MESSAGE',
  })
})

test('an aborted or timed-out send is in doubt only when it was under way', async () => {
  await start({ bridge: { timeoutMs: 300 } })
  const aborted = AbortSignal.abort()
  expect(await h.bridge.send(request(h.place, { identity: 'bot' }), aborted)).toMatchObject({ kind: 'not-sent' })
  h.fake.control.fault({ method: 'POST', times: 1, effect: { kind: 'delay-before', ms: 2000 } })
  expect(await h.bridge.send(request(h.place, { identity: 'bot' }), never)).toMatchObject({
    kind: 'ambiguous',
    code: 'DISCORD_TIMEOUT',
  })
  h.fake.control.fault({ method: 'POST', times: 1, effect: { kind: 'delay-after', ms: 2000 } })
  const stop = new AbortController()
  const sending = h.bridge.send(request(h.place, { identity: 'bot' }), stop.signal)
  await h.fake.control.waitFor({ channel: h.fake.info.channel, count: 1 })
  stop.abort()
  expect(await sending).toMatchObject({ kind: 'ambiguous' })
})

test('a closed port means not sent', async () => {
  await start()
  await h.fake.close()
  // The first one may still go into a connection that is just being closed.
  await h.bridge.send(request(h.place, { identity: 'bot' }), never)
  expect(await h.bridge.send(request(h.place, { identity: 'bot' }), never)).toMatchObject({
    kind: 'not-sent',
    code: 'DISCORD_NOT_CONNECTED',
  })
})

test('a revoked token fails the account, and says what to do', async () => {
  await start()
  h.fake.control.revokeToken({ bot: h.fake.info.bot })
  expect(await h.bridge.send(request(h.place, { identity: 'bot' }), never)).toMatchObject({ kind: 'account-failed' })
  expect(h.bridge.health()).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('new one in the developer portal'),
  })
})

test('real-like limits are waited for, not run into', async () => {
  await start({ fake: { profile: 'real-like' } })
  let waits = 0
  for (let n = 0; n < 12; n++) {
    for (;;) {
      const outcome = await h.bridge.send(request(h.place, { body: bodyOf(`m${n}`) }), never)
      if (outcome.kind === 'done') break
      expect(outcome).toMatchObject({ kind: 'rate-limited', scope: 'lane' })
      waits++
      await new Promise((resolve) => setTimeout(resolve, outcome.kind === 'rate-limited' ? outcome.afterMs : 0))
    }
  }
  expect(waits).toBeGreaterThan(0)
  expect(seen().map((m) => m.content)).toEqual(Array.from({ length: 12 }, (_, n) => `m${n}`))
  expect(h.fake.control.requests({ method: 'POST' }).filter((r) => r.status === 429)).toEqual([])
  expect(h.fake.control.violations()).toEqual([])
})

test('threads are reached through the webhook of their channel, archived ones are opened', async () => {
  await start()
  const thread = h.fake.control.startThread({ channel: h.fake.info.channel, name: 'talk' }).id
  const place = { ...h.place, thread }
  const parts = partsOf(await h.bridge.send(request(place), never))
  expect(parts[0]?.ref).toMatchObject({ channel: h.fake.info.channel, thread })
  partsOf(await h.bridge.send(request(place, { op: 'edit', parts, body: bodyOf('changed') }), never))
  expect(h.fake.control.visible({ channel: thread })).toMatchObject([{ author: 'Bob', content: 'changed' }])
  h.fake.control.changeThread({ thread, archived: true })
  partsOf(await h.bridge.send(request(place, { op: 'edit', parts, body: bodyOf('once more') }), never))
  expect(h.fake.control.visible({ channel: thread })).toMatchObject([{ content: 'once more' }])
  h.fake.control.changeThread({ thread, locked: true })
  expect(await h.bridge.send(request(place), never)).toMatchObject({ kind: 'lane-failed', code: 'DISCORD_THREAD_LOCKED' })
})

test('late messages show their time and make no sound', async () => {
  await start()
  partsOf(await h.bridge.send(request(h.place, { showTime: true }), never))
  expect(seen()).toMatchObject([{ content: '<t:1750000000:t> · hello', silent: true }])
})

test('an edit leaves unchanged parts alone', async () => {
  await start()
  const text = Array.from({ length: 700 }, (_, i) => `word${i}`).join(' ')
  const parts = partsOf(await h.bridge.send(request(h.place, { body: bodyOf(text) }), never))
  const before = h.fake.control.requests({ method: 'PATCH' }).length
  partsOf(await h.bridge.send(request(h.place, { op: 'edit', parts, body: bodyOf(`${text}!`) }), never))
  expect(h.fake.control.requests({ method: 'PATCH' }).length - before).toBe(1)
  expect(seen().at(-1)?.content).toMatch(/word699!$/)
})

test('an edit takes the button of a card away although its text stays', async () => {
  await start()
  const buttons = (): number => seen().at(-1)?.buttons.length ?? 0
  const card = { kind: 'offer', topic: 'Goods', title: 'Bike', lines: ['100 EUR'], intentKey: 'k' } as const
  const withButton = bodyOf('', { card: { ...card, button: { id: 'k2:interest', label: 'Interested' } } })
  const parts = partsOf(await h.bridge.send(request(h.place, { body: withButton }), never))
  expect(buttons()).toBe(1)
  partsOf(await h.bridge.send(request(h.place, { op: 'edit', parts, body: bodyOf('', { card }) }), never))
  expect(buttons()).toBe(0)
})

test('pictures by public address only', async () => {
  await start()
  const author = { key: 'telegram:7', displayName: 'Bob', isBot: false, kind: 'user' } as const
  const shown = async (avatar: Avatar): Promise<string | null | undefined> => {
    partsOf(await h.bridge.send(request(h.place, { author: { ...author, avatar } }), never))
    return seen().at(-1)?.avatar
  }
  expect(await shown({ kind: 'url', ref: 'https://gw.example/media/a.png', version: '1' })).toBe('https://gw.example/media/a.png')
  expect(await shown({ kind: 'telegram-file', ref: 'photos/file_1.jpg', version: '1' })).toBeNull()
  expect(await shown({ kind: 'discord-cdn', ref: 'avatars/12345678901234567/a1b2', version: 'a1b2' })).toBe(
    'https://cdn.discordapp.com/avatars/12345678901234567/a1b2.png?size=128',
  )
  expect(await shown({ kind: 'discord-cdn', ref: '../../evil', version: '1' })).toBeNull()
  expect(await shown({ kind: 'url', ref: 'https://user:secret@gw.example/a.png', version: '1' })).toBeNull()
})

test('direct messages are sent by the bot, and refused ones fail only their lane', async () => {
  await start()
  const { control, info } = h.fake
  const place = { network: 'discord', account: 'main', channel: control.openDm({ user: info.user, bot: info.bot }).id } as const
  partsOf(await h.bridge.send(request(place), never))
  expect(control.visible({ channel: place.channel })).toMatchObject([{ author: 'k2-bridge', content: '**Bob**: hello' }])
  control.closeDms({ user: info.user })
  expect(await h.bridge.send(request(place), never)).toMatchObject({ kind: 'lane-failed', code: 'DISCORD_CANNOT_DM' })
})
