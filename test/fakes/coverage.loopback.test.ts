import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROUTES } from './discord/http.ts'
import { TOKEN_START } from './discord/interactions.ts'
import { FakeDiscord } from './discord/server.ts'
import { FakeTelegram } from './telegram/index.ts'
import { METHODS } from './telegram/methods.ts'
import { FIELDS } from './telegram/params.ts'

/** docs/fakes.md says what the fakes serve; here each row is asked for, and nothing is served without a row. */
const page = readFileSync(join(import.meta.dirname, '../../docs/fakes.md'), 'utf8')

/** Names in backquotes of the first column of a section's table. */
function rowsOf(heading: string): string[] {
  const start = page.indexOf(`## ${heading}`)
  const section = page.slice(start, page.indexOf('\n## ', start + 1))
  const cells = section.split('\n').flatMap((line) => (/^\| `/.test(line) ? [line.split('|')[1] as string] : []))
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string))
}

const requests = rowsOf('Discord: REST').map((row) => {
  const [method = '', path = ''] = row.split(' ')
  return { row, method, path }
})

let discord: FakeDiscord
let telegram: FakeTelegram
beforeAll(async () => {
  discord = await FakeDiscord.start()
  telegram = await new FakeTelegram().start()
})
afterAll(async () => {
  await discord.close()
  await telegram.stop()
})

/** The path with ids that exist. */
function filled(path: string): string {
  const { guild, channel, user, bot } = discord.info
  const message = discord.control.say({ channel, user, content: 'x' }).id
  const ids: Record<string, string> = {
    guild,
    channel,
    user,
    message,
    emoji: '%F0%9F%91%8D',
    webhook: user,
    token: 'x'.repeat(68),
    application: bot,
    interaction: message,
    itoken: `${TOKEN_START}x`,
    answer: '@original',
  }
  return path.replace(/:([a-z]+)/g, (_all, name: string) => ids[name] ?? `no id for ${name}`)
}

test.each(requests)('Discord: $row', async ({ method, path }) => {
  const options = { method, headers: { authorization: `Bot ${discord.info.token}`, 'content-type': 'application/json' } }
  const body = method === 'POST' || method === 'PATCH' || method === 'PUT' ? { body: '{}' } : {}
  const response = await fetch(`${discord.info.apiUrl}/v10${filled(path)}`, { ...options, ...body })
  expect(discord.control.takeViolations({ kind: 'unknown-route' })).toEqual([])
  expect(response.status).not.toBe(500)
})

test('no route of Discord is served without a row', () => {
  const known = requests.map(({ method, path }) => ({ method, path: filled(path) }))
  const unnamed = ROUTES.filter(({ method, pattern }) => !known.some((k) => k.method === method && pattern.test(k.path)))
  expect(unnamed.map(({ method, pattern }) => `${method} ${pattern.source}`)).toEqual([])
  expect(requests.length).toBeGreaterThan(65)
})

test('every event of the gateway is sent by somebody, and every one that is has a row', () => {
  const folder = join(import.meta.dirname, 'discord')
  const sources = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.includes('.test.'))
  const text = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
  const events = rowsOf('Discord: gateway')
  expect(events.filter((event) => !text.includes(`'${event}'`))).toEqual([])
  const sent = [...text.matchAll(/(?:dispatch|announce|toSession)\([^'\n]*'([A-Z_]+)'/g)].map(([, event]) => event as string)
  expect(sent.filter((event) => !events.includes(event))).toEqual([])
  expect(sent.length).toBeGreaterThan(20)
})

test('every method of the Bot API in the table is there with its fields, and no other', async () => {
  const named = rowsOf('Telegram: Bot API')
  for (const method of named) {
    const { token } = telegram.control.addBot()
    const response = await fetch(`${telegram.url}/bot${token}/${method}`)
    expect(response.status, method).not.toBe(404)
    expect(response.status, method).not.toBe(500)
  }
  const lower = new Set(named.map((method) => method.toLowerCase()))
  const server = ['getupdates', 'setwebhook', 'deletewebhook', 'getwebhookinfo']
  expect(Object.keys(METHODS).filter((method) => !lower.has(method))).toEqual([])
  expect([...lower].filter((method) => METHODS[method] === undefined && !server.includes(method))).toEqual([])
  expect([...lower].filter((method) => FIELDS[method] === undefined)).toEqual([])
})
