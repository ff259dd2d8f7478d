import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ShiftedClock } from '../gateway/pipeline/rig.ts'
import { Stage, until } from './stage.ts'

type Room = ReturnType<Stage['addRoom']>
interface LaneView {
  readonly lane: string
  readonly state: string
  readonly reason?: string
}

const PROBE_MS = 5 * 60_000

/** Scenario N of bridging 22: rights go and come back; lanes say so, nothing else stands still, nothing is restarted. */
describe('bridging 22.N: permission loss and recovery', () => {
  let stage: Stage
  const clock = new ShiftedClock()
  const rooms: Room[] = []
  let topic: number
  let thread: string

  beforeAll(async () => {
    stage = await Stage.open({
      clock,
      config: (s) => {
        for (let n = 0; n < 6; n++) {
          const { guild } = s.discord.info
          const channel = s.discord.control.addChannel({ guild, name: `room-${n}` }).id
          rooms.push({ channel, chat: s.telegram.control.addChat({ title: `room ${n}`, members: [s.bot.id, s.tess] }) })
        }
        const forum = rooms[5] as Room
        s.telegram.control.setMember(forum.chat, s.bot.id, 'administrator')
        topic = s.telegram.control.createTopic(forum.chat, s.tess, 'plans')
        thread = s.discord.control.startThread({ channel: forum.channel, name: 'plans' }).id
        return config(rooms, s.discord.info.guild)
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  const config = (all: readonly Room[], guild = stage.discord.info.guild): object => ({
    routes: all.map(({ channel, chat }, n) => ({
      id: `room-${n}`,
      members: [
        { place: `discord/main/${guild}/${channel}${n === 5 ? `#${thread}` : ''}` },
        { place: `telegram/main/${chat}${n === 5 ? `#${topic}` : ''}` },
      ],
    })),
  })
  const room = (n: number): Room => rooms[n] as Room
  const tess = (n: number, text: string, threadId?: number): number =>
    stage.telegram.control.post(room(n).chat, stage.tess, text, threadId === undefined ? {} : { threadId })
  const onDiscord = (n: number, text: string) => until(() => stage.onDiscord(room(n).channel).some((t) => t.includes(text)))
  const onTelegram = (n: number, text: string) => until(() => stage.onTelegram(room(n).chat).some((t) => t.includes(text)))
  const lane = async (part: string): Promise<LaneView | undefined> =>
    (await stage.gateway.pipeline.admin.lanes()).find((l) => l.lane.includes(part))
  const stands = (part: string, reason: RegExp) =>
    until(async () => {
      const view = await lane(part)
      return view?.state === 'suspended' && reason.test(view.reason ?? '')
    })
  const runs = (part: string) => until(async () => (await lane(part))?.state === 'idle')

  it('a webhook that is deleted is made anew, once', { timeout: 120_000 }, async () => {
    tess(0, 'before')
    await onDiscord(0, 'before')
    const old = stage.discord.control.webhooks().find((w) => w.channel === room(0).channel)
    stage.discord.control.removeWebhook({ webhook: old?.id as string })
    for (let n = 0; n < 5; n++) tess(0, `after ${n}`)
    await onDiscord(0, 'after 4')
    expect(stage.onDiscord(room(0).channel)).toEqual(['before', ...[0, 1, 2, 3, 4].map((n) => `after ${n}`)])
    const hooks = stage.discord.control.webhooks().filter((w) => w.channel === room(0).channel)
    expect(hooks).toHaveLength(1)
    expect(hooks[0]?.id).not.toBe(old?.id)
    expect(new Set(stage.discord.control.visible({ channel: room(0).channel }).map((m) => m.author))).toEqual(new Set(['Tess']))
  })

  it('without the right to webhooks the bot speaks itself; without the right to write the lane stands until it has it', {
    timeout: 120_000,
  }, async () => {
    const { channel } = room(1)
    const bot = stage.discord.info.bot
    stage.discord.control.deny({ channel, bot, permissions: ['MANAGE_WEBHOOKS'] })
    tess(1, 'by the bot')
    await onDiscord(1, 'by the bot')
    stage.discord.control.deny({ channel, bot, permissions: ['MANAGE_WEBHOOKS', 'SEND_MESSAGES'] })
    for (let n = 0; n < 3; n++) tess(1, `waiting ${n}`)
    await stands(channel, /DISCORD_MISSING/)
    // Others go on meanwhile.
    tess(0, 'elsewhere')
    await onDiscord(0, 'elsewhere')
    expect((await stage.fetch('/metrics')).status).toBe(200)
    stage.discord.control.deny({ channel, bot, permissions: [] })
    await onDiscord(1, 'waiting 2')
    const texts = stage.onDiscord(channel).filter((t) => t.includes('waiting'))
    expect(texts.map((t) => t.replace(/^\*\*Tess\*\*: /, ''))).toEqual([0, 1, 2].map((n) => `waiting ${n}`))
    await runs(channel)
  })

  it('a channel that is deleted stands, and its route goes on in another one', { timeout: 120_000 }, async () => {
    const gone = room(2)
    tess(2, 'here')
    await onDiscord(2, 'here')
    stage.discord.control.removeChannel({ channel: gone.channel })
    tess(2, 'nowhere')
    await stands(gone.channel, /DISCORD_UNKNOWN_CHANNEL/)
    const channel = stage.discord.control.addChannel({ guild: stage.discord.info.guild, name: 'room-2 again' }).id
    rooms[2] = { ...gone, channel }
    await stage.configure(config(rooms))
    await stage.api('POST', '/reload', {})
    tess(2, 'here again')
    await onDiscord(2, 'here again')
    stage.ann(channel, 'from there')
    await onTelegram(2, 'from there')
  })

  it('a bot that is removed from a group stands, and goes on when it is back', { timeout: 120_000 }, async () => {
    const { chat, channel } = room(3)
    stage.telegram.control.setMember(chat, stage.bot.id, 'kicked')
    stage.ann(channel, 'while it is away')
    await stands(String(chat), /TELEGRAM_KICKED|TELEGRAM_NOT_A_MEMBER/)
    stage.telegram.control.setMember(chat, stage.bot.id, 'member')
    await onTelegram(3, 'while it is away')
    await runs(String(chat))
  })

  it('a group where nobody may write is probed after five minutes', { timeout: 120_000 }, async () => {
    const { chat, channel } = room(4)
    stage.telegram.control.setWritable(chat, false)
    stage.ann(channel, 'not now')
    await stands(String(chat), /TELEGRAM_NO_RIGHTS/)
    stage.telegram.control.setWritable(chat, true)
    // Nothing tells the bot: it looks again by itself.
    clock.shift(PROBE_MS + 1_000)
    await onTelegram(4, 'not now')
    await runs(String(chat))
  })

  it('a topic that is closed stands, and goes on when it is opened again', { timeout: 120_000 }, async () => {
    const { chat } = room(5)
    const say = (text: string) => stage.ann(thread, text)
    say('open')
    await onTelegram(5, 'open')
    stage.telegram.control.setMember(chat, stage.bot.id, 'member')
    stage.telegram.control.setTopic(chat, stage.tess, topic, 'close')
    say('closed')
    await stands(`${chat}/${topic}`, /TELEGRAM_TOPIC_CLOSED/)
    stage.telegram.control.setTopic(chat, stage.tess, topic, 'reopen')
    await onTelegram(5, 'closed')
    await runs(`${chat}/${topic}`)
    const shown = stage.telegram.control.visible(chat).filter((m) => /Ann: (open|closed)/.test(m.text))
    expect(shown.map((m) => m.threadId)).toEqual([topic, topic])
  })

  it('the platforms had nothing to complain about', () => {
    expect(stage.discord.control.violations()).toEqual([])
    expect(stage.telegram.remarks).toEqual([])
  })
})
