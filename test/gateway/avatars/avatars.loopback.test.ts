import { afterEach, beforeEach, expect, test } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import type { TelegramBridge } from '../../../src/bridges/telegram/index.ts'
import { Avatars } from '../../../src/gateway/avatars/avatars.ts'
import { BridgeSet } from '../../../src/gateway/pipeline/bridge-set.ts'
import { MemorySink, newBridge } from '../../bridges/telegram/support.ts'
import { FakeTelegram } from '../../fakes/telegram/index.ts'
import { type MediaRig, mediaRig, PNG } from '../../support/media.ts'
import { ShiftedClock } from '../pipeline/rig.ts'

const DAY_MS = 86_400_000
const OTHER = Buffer.concat([PNG, Buffer.from('other')])

let telegram: FakeTelegram
let media: MediaRig
let avatars: Avatars
let bridge: TelegramBridge
let sink: MemorySink
let clock: ShiftedClock
let chat: number
let tess: number
let said = 0
const links: { name: string; until: number }[] = []

beforeEach(async () => {
  links.length = 0
  clock = new ShiftedClock()
  telegram = await new FakeTelegram({ seed: 1 }).start()
  const bot = telegram.control.addBot({ privacy: false })
  tess = telegram.control.addUser({ firstName: 'Tess' })
  chat = telegram.control.addChat({ title: 'Group', members: [bot.id, tess] })
  media = await mediaRig({
    links: {
      async linkTo(_file, name, until) {
        links.push({ name, until })
        return `https://gateway.example/files/${name}`
      },
    },
  })
  const bridges = new BridgeSet()
  avatars = new Avatars({ bridges, media: media.library, enabled: true, clock, log: nullLogger, paceMs: 0 })
  sink = new MemorySink()
  bridge = newBridge({ fake: telegram, token: bot.token }, avatars.sink(sink))
  bridges.add(bridge)
  media.library.addSource('telegram', 'main', bridge)
  await bridge.start(new AbortController().signal)
})
afterEach(async () => {
  await avatars.stop()
  await bridge.stop()
  await media.stop()
  await telegram.stop()
})

/** The next message of Tess as the pipeline gets it. */
async function next(): Promise<Envelope> {
  telegram.control.post(chat, tess, `message ${++said}`)
  const count = sink.envelopes.length + 1
  return (await sink.until(count))[count - 1] as Envelope
}

const asked = (): number => telegram.control.requests('getUserProfilePhotos').length

test('authors get a picture at an address of ours, a changed one at another; the first message goes without', async () => {
  telegram.control.setPortrait(tess, PNG.toString('base64'))
  expect((await next()).author.avatar).toBeUndefined()
  await expect.poll(async () => (await next()).author.avatar, { timeout: 30_000 }).toMatchObject({ kind: 'url' })
  const first = (await next()).author.avatar
  expect(first?.ref).toMatch(/^https:\/\/gateway\.example\/files\/[0-9a-f]{16}\.png$/)
  expect(links).toHaveLength(1)
  expect((links[0]?.until ?? 0) - clock.now()).toBeGreaterThan(DAY_MS)
  expect(asked()).toBe(1)
  telegram.control.setPortrait(tess, OTHER.toString('base64'))
  clock.shift(DAY_MS + 1)
  // Still the old one, while the new one is fetched.
  expect((await next()).author.avatar).toEqual(first)
  await expect.poll(async () => (await next()).author.avatar?.ref, { timeout: 30_000 }).not.toBe(first?.ref)
  expect(asked()).toBe(2)
})

test('who has no picture, or one too large, is asked for once a day, and messages do not wait', async () => {
  await next()
  await expect.poll(asked, { timeout: 30_000 }).toBe(1)
  telegram.control.setPortrait(tess, Buffer.alloc(2 * 1024 * 1024, 1).toString('base64'))
  expect((await next()).author.avatar).toBeUndefined()
  clock.shift(DAY_MS + 1)
  await next()
  await expect.poll(asked, { timeout: 30_000 }).toBe(2)
  expect((await next()).author.avatar).toBeUndefined()
  expect(media.opened.size).toBe(0)
  expect(asked()).toBe(2)
})
