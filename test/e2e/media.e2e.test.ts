import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { MIB, PNG } from '../support/media.ts'

/** Scenario J (bridging 22): what people send besides short texts arrives as the conversion tables say. */
const ARRIVES = { timeout: 60_000, interval: 100 }

let folder: string
let discord: FakeDiscord
let telegram: FakeTelegram
let gateway: GatewayProcess
let channel: string
let chat: number
let tess: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-media-e2e-'))
  discord = await FakeDiscord.start()
  telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
  const bot = telegram.control.addBot({ privacy: false })
  tess = telegram.control.addUser({ firstName: 'Tess' })
  channel = discord.control.addChannel({ guild: discord.info.guild, name: 'crossing' }).id
  chat = telegram.control.addChat({ title: 'Crossing', members: [bot.id, tess] })
  gateway = await GatewayProcess.prepare(
    folder,
    'media',
    {
      node: { mode: 'loopback', topics: [] },
      web: { enabled: false },
      media: { maxFile: '50MB' },
      accounts: {
        discord: { main: { token: '${env:MEDIA_DISCORD}', apiUrl: discord.info.apiUrl } },
        telegram: { main: { token: '${env:MEDIA_TELEGRAM}', apiUrl: telegram.url, limits: 'off' } },
      },
      routes: [
        {
          id: 'crossing',
          members: [{ place: `discord/main/${discord.info.guild}/${channel}` }, { place: `telegram/main/${chat}` }],
        },
      ],
    },
    { MEDIA_DISCORD: discord.info.token, MEDIA_TELEGRAM: bot.token },
  )
  await gateway.start()
}, 120_000)

afterAll(async () => {
  await gateway?.kill()
  await Promise.all([discord?.close(), telegram?.stop()])
  await rm(folder, { recursive: true, force: true })
})

const onDiscord = () => discord.control.visible({ channel })
const onTelegram = () => telegram.control.visible(chat)
const say = (content: string, more: object = {}) => discord.control.say({ channel, user: discord.info.user, content, ...more })
const picture = (name: string) => ({
  name,
  type: 'image/png',
  content: Buffer.concat([PNG, Buffer.from(name)]).toString('base64'),
  width: 1,
  height: 1,
})

/** What arrived on a side since the last look. */
function reader<T>(all: () => readonly T[]): (count: number) => Promise<readonly T[]> {
  let read = 0
  return async (count) => {
    await expect.poll(() => all().length, ARRIVES).toBeGreaterThanOrEqual(read + count)
    const fresh = all().slice(read, read + count)
    read += count
    return fresh
  }
}
const nextOnDiscord = reader(onDiscord)
const nextOnTelegram = reader(onTelegram)

it('files from Discord: what fits is sent, what does not is named, nothing is lost', async () => {
  say('three files', {
    files: [
      { name: 'nine.bin', size: 9 * MIB },
      { name: 'eleven.bin', size: 11 * MIB },
      { name: 'sixty.bin', size: 60 * MIB },
    ],
  })
  await nextOnDiscord(1)
  const seen = await nextOnTelegram(2)
  expect(seen.map((m) => [m.kind, m.text, m.size])).toEqual([
    ['document', 'Ann: three files\n📎 sixty.bin (62.9 MB) – too large for Telegram', 9 * MIB],
    ['document', '', 11 * MIB],
  ])
  expect(seen[0]?.album).toBe(seen[1]?.album)
})

it('files from Telegram: nine megabytes are sent, eleven and sixty are named', async () => {
  for (const [name, size] of [
    ['nine.bin', 9],
    ['eleven.bin', 11],
    ['sixty.bin', 60],
  ] as const) {
    telegram.people.post(chat, tess, { ...telegram.people.file('document', name, Buffer.alloc(size * MIB, name)), caption: name })
  }
  await nextOnTelegram(3)
  const seen = await nextOnDiscord(3)
  expect(seen.map((m) => [m.author, m.content, m.files, m.sizes])).toEqual([
    ['Tess', 'nine.bin', ['nine.bin'], [9 * MIB]],
    ['Tess', expect.stringMatching(/^eleven\.bin\n📎 eleven\.bin \(11\.5 MB\)(?: – too large for Discord|: http)/), [], []],
    ['Tess', 'sixty.bin\n📎 sixty.bin (62.9 MB) – too large for Discord', [], []],
  ])
})

it('albums of ten both ways', async () => {
  const items = Array.from({ length: 10 }, (_, i) =>
    telegram.people.file('photo', `t${i}.png`, Buffer.concat([PNG, Buffer.from(`t${i}`)])),
  )
  telegram.people.postAlbum(chat, tess, [{ ...items[0], caption: 'ten from here' }, ...items.slice(1)])
  await nextOnTelegram(10)
  const [message] = await nextOnDiscord(1)
  expect([message?.content, message?.files.length]).toEqual(['ten from here', 10])
  say('ten from there', { files: Array.from({ length: 10 }, (_, i) => picture(`d${i}.png`)) })
  await nextOnDiscord(1)
  const seen = await nextOnTelegram(10)
  expect(new Set(seen.map((m) => m.album)).size).toBe(1)
  expect(seen.map((m) => [m.kind, m.text])).toEqual([['photo', 'Ann: ten from there'], ...Array(9).fill(['photo', ''])])
})

it('stickers and voice', async () => {
  say('', { sticker: { name: 'party', format: 1, content: PNG.toString('base64') } })
  say('', { sticker: { name: 'dance', format: 3 } })
  const voice = Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.alloc(22), Buffer.from('OpusHead'), Buffer.alloc(20)])
  say('', {
    flags: 1 << 13,
    files: [{ name: 'voice-message.ogg', type: 'audio/ogg', content: voice.toString('base64'), voiceSeconds: 2 }],
  })
  await nextOnDiscord(3)
  expect((await nextOnTelegram(3)).map((m) => [m.kind, m.text])).toEqual([
    ['photo', 'Ann'],
    ['text', 'Ann: 🏷 sticker dance'],
    ['voice', 'Ann'],
  ])
  const webp = Buffer.concat([Buffer.from('RIFF'), Buffer.from([30, 0, 0, 0]), Buffer.from('WEBPVP8 '), Buffer.alloc(20)])
  telegram.people.post(chat, tess, telegram.people.file('sticker', 's.webp', webp, { emoji: '🎉', set_name: 'Fun' }))
  telegram.people.post(chat, tess, telegram.people.file('voice', 'v.ogg', voice, { duration: 2, mime_type: 'audio/ogg' }))
  await nextOnTelegram(2)
  const seen = await nextOnDiscord(2)
  expect(seen.map((m) => [m.author, m.content, m.files.length])).toEqual([
    ['Tess', '', 1],
    ['Tess', '', 1],
  ])
  expect(seen[0]?.files[0]).toMatch(/\.webp$/)
})

it('long texts and texts of markup only', async () => {
  const words = (length: number): string =>
    'lorem ipsum dolor '
      .repeat(length / 18 + 1)
      .slice(0, length)
      .trim()
  telegram.people.post(chat, tess, words(4000))
  telegram.people.post(chat, tess, '*'.repeat(2000))
  await nextOnTelegram(2)
  const seen = await nextOnDiscord(3 + 2)
  const plain = seen.map((m) => m.content.replaceAll('\\*', '*'))
  expect(plain.slice(0, -3).concat(plain.slice(-3)).join('').replace(/\s/g, '')).toContain(words(4000).replace(/\s/g, ''))
  expect(plain.join('').match(/\*/g)?.length).toBe(2000)
  say(words(2000))
  say('*'.repeat(2000))
  await nextOnDiscord(2)
  const [text, stars] = await nextOnTelegram(2)
  expect(text?.text).toBe(`Ann: ${words(2000)}`)
  // Discord itself takes pairs of them for markup, as far as it nests.
  expect(stars?.text).toMatch(/^Ann: \*{1900,2000}$/)
})

it('reactions follow the people elsewhere, and go with them', async () => {
  const { id } = say('react to this')
  await nextOnDiscord(1)
  const [copy] = await nextOnTelegram(1)
  const there = copy?.id as number
  const shownThere = () => telegram.control.visible(chat).find((m) => m.id === there)?.reactions ?? []
  const shownHere = () => Object.keys(onDiscord().find((m) => m.id === id)?.reactions ?? {})
  discord.control.react({ channel, message: id, user: discord.info.user, emoji: '🔥' })
  await expect.poll(shownThere, ARRIVES).toEqual(['🔥'])
  telegram.control.setMember(chat, telegram.world.bots.keys().next().value as number, 'administrator')
  telegram.control.react(chat, there, tess, ['👍', '❤'])
  await expect.poll(shownHere, ARRIVES).toEqual(['🔥', '👍', '❤️'])
  telegram.control.react(chat, there, tess, ['❤'])
  await expect.poll(shownHere, ARRIVES).toEqual(['🔥', '❤️'])
  // Not allowed on Telegram: it stays with what is.
  const bob = discord.control.addUser({ name: 'bob', guild: discord.info.guild }).id
  for (const user of [discord.info.user, bob]) discord.control.react({ channel, message: id, user, emoji: '🥑' })
  discord.control.react({ channel, message: id, user: bob, emoji: '🎉' })
  await expect.poll(shownThere, ARRIVES).toEqual(['🎉'])
  discord.control.react({ channel, message: id, user: bob, emoji: '🎉', on: false })
  await expect.poll(shownThere, ARRIVES).toEqual(['🔥'])
})

it('protocols were kept, and nothing secret got out', async () => {
  expect(discord.control.violations()).toEqual([])
  expect(telegram.remarks).toEqual([])
  expect(gateway.log).not.toMatch(/AAF|APP_UNHANDLED/)
})
