import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Client, GatewayIntentBits, type Message, REST, Routes } from 'discord.js'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { deferred } from '../../../src/base/async.ts'
import { connectFakeDiscord } from './client.ts'
import { FakeDiscord, type FakeDiscordInfo, type FakeDiscordOptions } from './server.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function startFake(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
  const fake = await FakeDiscord.start(options)
  open.push(() => fake.close())
  return fake
}

function restFor(fake: FakeDiscord, token = fake.info.token): REST {
  return new REST({ api: fake.info.apiUrl, retries: 0, rejectOnRateLimit: () => true }).setToken(token)
}

async function login(fake: FakeDiscord): Promise<Client<true>> {
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
    rest: { api: fake.info.apiUrl },
  })
  open.push(() => client.destroy())
  const ready = once(client, 'clientReady')
  await client.login(fake.info.token)
  await ready
  return client as Client<true>
}

const send = { allowed_mentions: { parse: [] } }

test('discord.js logs in, reads people and answers them', async () => {
  const fake = await startFake()
  const { info, control } = fake
  const client = await login(fake)
  expect(client.user.id).toBe(info.bot)
  expect(client.guilds.cache.get(info.guild)?.channels.cache.get(info.channel)?.name).toBe('general')
  const received = once(client, 'messageCreate') as Promise<[Message]>
  control.say({ channel: info.channel, user: info.user, content: 'hello' })
  const [message] = await received
  expect(message.content).toBe('hello')
  expect(message.author.globalName).toBe('Ann')
  await message.reply({ content: 'hi', allowedMentions: { parse: [], repliedUser: false } })
  expect(control.visible({ channel: info.channel })).toMatchObject([
    { author: 'Ann', content: 'hello' },
    { author: 'k2-bridge', content: 'hi', isBot: true, replyTo: 'hello' },
  ])
  expect(control.violations()).toEqual([])
})

test('webhooks carry names and files, and refuse what Discord refuses', async () => {
  const fake = await startFake()
  const { info, control } = fake
  const rest = restFor(fake)
  const webhook = (await rest.post(Routes.channelWebhooks(info.channel), { body: { name: 'K2 gateway' } })) as {
    id: string
    token: string
  }
  const query = new URLSearchParams({ wait: 'true' })
  const path = Routes.webhook(webhook.id, webhook.token)
  const body = { ...send, content: 'one', username: 'Bob (tg)' }
  await rest.post(path, { auth: false, query, body, files: [{ name: 'a.txt', data: Buffer.from('hello') }] })
  expect(control.visible({ channel: info.channel })).toMatchObject([{ author: 'Bob (tg)', content: 'one', files: ['a.txt'] }])
  await expect(rest.post(path, { auth: false, query, body: { ...body, username: 'Discord' } })).rejects.toMatchObject({
    code: 50035,
  })
  await expect(rest.post(path, { auth: false, query, body: { ...send, content: '' } })).rejects.toMatchObject({ code: 50006 })
  await expect(rest.post(path, { auth: false, query, body: { ...send, content: 'x'.repeat(2001) } })).rejects.toMatchObject({
    code: 50035,
  })
  expect(control.takeViolations({ kind: 'bad-payload' })).toHaveLength(3)
  await rest.post(path, { auth: false, query, body: { content: 'pings @everyone' } })
  expect(control.takeViolations({ kind: 'implicit-mentions' })).toHaveLength(1)
  expect(control.visible({ channel: info.channel }).at(-1)?.pings).toEqual(['@everyone'])
  await rest.post(path, { auth: false, query, body: { ...send, content: 'quiet @everyone' } })
  expect(control.visible({ channel: info.channel }).at(-1)?.pings).toEqual([])
  expect(control.violations()).toEqual([])
})

test('a repeated enforced nonce answers the first message', async () => {
  const fake = await startFake()
  const rest = restFor(fake)
  const post = (nonce: string): Promise<unknown> =>
    rest.post(Routes.channelMessages(fake.info.channel), { body: { ...send, content: 'x', nonce, enforce_nonce: true } })
  const [a, b, c] = (await Promise.all([post('n1'), post('n1'), post('n2')])) as [{ id: string }, { id: string }, { id: string }]
  expect(a.id).toBe(b.id)
  expect(c.id).not.toBe(a.id)
  expect(fake.control.count({ channel: fake.info.channel })).toEqual({ count: 2 })
})

test('permissions, unknown things and bad tokens answer as Discord does', async () => {
  const fake = await startFake()
  const { info, control } = fake
  const rest = restFor(fake)
  control.deny({ channel: info.channel, bot: info.bot, permissions: ['SEND_MESSAGES', 'MANAGE_WEBHOOKS'] })
  const body = { ...send, content: 'x' }
  await expect(rest.post(Routes.channelMessages(info.channel), { body })).rejects.toMatchObject({ status: 403, code: 50013 })
  await expect(rest.post(Routes.channelWebhooks(info.channel), { body: { name: 'x' } })).rejects.toMatchObject({ code: 50013 })
  await expect(rest.post(Routes.channelMessages('100000000000000001'), { body })).rejects.toMatchObject({
    status: 404,
    code: 10003,
  })
  await expect(rest.patch(Routes.channelMessage(info.channel, '100000000000000001'), { body })).rejects.toMatchObject({
    code: 10008,
  })
  await expect(restFor(fake, 'wrong').get(Routes.user())).rejects.toMatchObject({ status: 401 })
  expect(control.violations()).toEqual([])
})

test('real-like limits: headers let the client wait, ignoring them is a violation', async () => {
  const fake = await startFake({ profile: 'real-like' })
  const rest = restFor(fake)
  const post = (): Promise<unknown> => rest.post(Routes.channelMessages(fake.info.channel), { body: { ...send, content: 'x' } })
  for (let i = 0; i < 5; i++) await post()
  await expect(post()).rejects.toMatchObject({ name: expect.stringContaining('RateLimitError') })
  expect(fake.control.requests({ method: 'POST' })).toHaveLength(5)
  expect(fake.control.violations()).toEqual([])
})

test('faults hit requests: lost answers, resets, statuses, broken JSON', async () => {
  const fake = await startFake()
  const { control, info } = fake
  const rest = restFor(fake)
  const post = (content: string): Promise<unknown> =>
    rest.post(Routes.channelMessages(info.channel), { body: { ...send, content } })
  control.fault({ method: 'POST', times: 1, effect: { kind: 'response-lost' } })
  await expect(post('arrives')).rejects.toThrow()
  control.fault({ method: 'POST', times: 1, effect: { kind: 'reset-before' } })
  await expect(post('never')).rejects.toThrow()
  control.fault({ method: 'POST', times: 1, effect: { kind: 'status', status: 502 } })
  await expect(post('never')).rejects.toMatchObject({ status: 502 })
  control.fault({ method: 'POST', times: 1, effect: { kind: 'half-response' } })
  await expect(post('half')).rejects.toThrow()
  control.fault({ method: 'POST', times: 1, effect: { kind: 'corrupt-json' } })
  await expect(post('corrupt')).rejects.toThrow()
  expect(control.visible({ channel: info.channel }).map((m) => m.content)).toEqual(['arrives', 'half', 'corrupt'])
  expect(control.faultCounts()).toEqual({
    'response-lost': 1,
    'reset-before': 1,
    status: 1,
    'half-response': 1,
    'corrupt-json': 1,
  })
})

/** A gateway connection without a library, to look at the protocol itself. */
class Wire {
  readonly socket: WebSocket
  readonly frames: { op: number; t: string | null; s: number | null; d: Record<string, unknown> }[] = []
  readonly closed = deferred<number>()
  #checks: (() => void)[] = []

  constructor(url: string) {
    this.socket = new WebSocket(`${url}/?v=10&encoding=json`)
    this.socket.on('error', () => {})
    this.socket.on('close', (code) => this.closed.resolve(code))
    this.socket.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()) as never)
      for (const check of this.#checks) check()
    })
  }

  async until(what: (frame: Wire['frames'][number]) => boolean): Promise<Wire['frames'][number]> {
    const found = deferred<Wire['frames'][number]>()
    const check = (): void => {
      const frame = this.frames.find(what)
      if (frame) found.resolve(frame)
    }
    this.#checks.push(check)
    check()
    return found.promise
  }

  send(op: number, d: unknown): void {
    this.socket.send(JSON.stringify({ op, d }))
  }
}

async function identified(fake: FakeDiscord, intents = 0x8201): Promise<{ wire: Wire; url: string; sessionId: string }> {
  const { url } = (await restFor(fake).get(Routes.gatewayBot())) as { url: string }
  const wire = new Wire(url)
  await wire.until((f) => f.op === 10)
  wire.send(2, { token: fake.info.token, intents, properties: {} })
  const ready = await wire.until((f) => f.t === 'READY')
  return { wire, url: String(ready.d.resume_gateway_url), sessionId: String(ready.d.session_id) }
}

test('RESUME replays what was missed, in order, and says when it cannot', async () => {
  const fake = await startFake()
  const { control, info } = fake
  const { wire, url, sessionId } = await identified(fake)
  await wire.until((f) => f.t === 'GUILD_CREATE')
  const seq = wire.frames.at(-1)?.s
  await control.gateway({ action: 'reset' })
  await wire.closed.promise
  for (const content of ['a', 'b', 'c']) control.say({ channel: info.channel, user: info.user, content })
  const again = new Wire(url.replace('/resume', ''))
  await again.until((f) => f.op === 10)
  again.send(6, { token: info.token, session_id: sessionId, seq })
  await again.until((f) => f.t === 'RESUMED')
  expect(again.frames.filter((f) => f.t === 'MESSAGE_CREATE').map((f) => f.d.content)).toEqual(['a', 'b', 'c'])
  await control.gateway({ action: 'forget', what: 'sessions' })
  const third = new Wire(url)
  await third.until((f) => f.op === 10)
  third.send(6, { token: info.token, session_id: sessionId, seq })
  expect(await third.until((f) => f.op === 9)).toMatchObject({ d: false })
})

test('close codes: bad token, disallowed and unknown intents, wrong sequence', async () => {
  const fake = await startFake()
  const bare = fake.control.addBot({ name: 'bare', guilds: [fake.info.guild], privileged: false })
  const { url } = (await restFor(fake).get(Routes.gatewayBot())) as { url: string }
  const closing = async (op: number, d: object): Promise<number> => {
    const wire = new Wire(url)
    await wire.until((f) => f.op === 10)
    wire.send(op, d)
    return wire.closed.promise
  }
  expect(await closing(2, { token: 'nonsense', intents: 1 })).toBe(4004)
  expect(await closing(2, { token: bare.token, intents: 1 << 15 })).toBe(4014)
  expect(await closing(2, { token: fake.info.token, intents: 2 ** 30 })).toBe(4013)
  expect(await closing(99, {})).toBe(4001)
  const { sessionId } = await identified(fake)
  expect(await closing(6, { token: fake.info.token, session_id: sessionId, seq: 10_000 })).toBe(4007)
  expect(fake.control.takeViolations({ kind: 'gateway' })).toHaveLength(2)
})

test('without the content intent other people are silent', async () => {
  const fake = await startFake()
  const { wire } = await identified(fake, 1 | (1 << 9))
  fake.control.say({ channel: fake.info.channel, user: fake.info.user, content: 'secret' })
  fake.control.say({ channel: fake.info.channel, user: fake.info.user, content: `<@${fake.info.bot}> hello` })
  await wire.until((f) => f.t === 'MESSAGE_CREATE' && f.d.content !== '')
  expect(wire.frames.filter((f) => f.t === 'MESSAGE_CREATE').map((f) => f.d.content)).toEqual(['', `<@${fake.info.bot}> hello`])
})

test('events can be doubled, lost until resume, and swapped', async () => {
  const fake = await startFake()
  const { control, info } = fake
  const { wire } = await identified(fake)
  control.fault({ on: 'event', route: 'MESSAGE_CREATE', nth: 1, effect: { kind: 'duplicate-event' } })
  control.fault({ on: 'event', route: 'MESSAGE_CREATE', nth: 2, effect: { kind: 'reorder-event' } })
  control.fault({ on: 'event', route: 'MESSAGE_CREATE', nth: 4, effect: { kind: 'drop-event' } })
  for (const content of ['1', '2', '3', '4', '5']) control.say({ channel: info.channel, user: info.user, content })
  await wire.until((f) => f.t === 'MESSAGE_CREATE' && f.d.content === '5')
  expect(wire.frames.filter((f) => f.t === 'MESSAGE_CREATE').map((f) => f.d.content)).toEqual(['1', '1', '3', '2', '5'])
})

test('the control interface works over HTTP', async () => {
  const fake = await startFake()
  const remote = connectFakeDiscord(fake.info.controlUrl)
  await remote.say({ channel: fake.info.channel, user: fake.info.user, content: 'from outside' })
  await remote.waitFor({ channel: fake.info.channel, count: 1 })
  expect(await remote.visible({ channel: fake.info.channel })).toMatchObject([{ content: 'from outside' }])
  await expect(remote.say({ channel: '1', user: '2' })).rejects.toThrow('say:')
  const list = (await (await fetch(fake.info.controlUrl)).json()) as { methods: string[] }
  expect(list.methods).toContain('visible')
})

test('attachments are served from signed links', async () => {
  const fake = await startFake()
  const { control, info } = fake
  const rest = restFor(fake)
  control.say({
    channel: info.channel,
    user: info.user,
    content: 'see',
    files: [{ name: 'cat.png', type: 'image/png', size: 9 }],
  })
  const [message] = (await rest.get(Routes.channelMessages(info.channel))) as { attachments: { url: string; size: number }[] }[]
  const url = message?.attachments[0]?.url ?? ''
  expect(await (await fetch(url)).text()).toBe('cat.pngca')
  expect((await fetch(url.replace(/ex=[0-9a-f]+/, 'ex=1'))).status).toBe(404)
})

test('runs as a process of its own', async () => {
  const main = new URL('./main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', main, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  open.push(async () => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const info = JSON.parse(line) as FakeDiscordInfo
  const remote = connectFakeDiscord(info.controlUrl)
  await remote.burst({ channel: info.channel, user: info.user, count: 100 })
  expect(await remote.count({ channel: info.channel })).toEqual({ count: 100 })
  expect((await remote.stats()).violations).toBe(0)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
}, 30_000)
