import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENCE, Stage, until } from './stage.ts'

type Room = ReturnType<Stage['addRoom']>

/** Scenario I of bridging 22, of L what people write, and of N the move of a group, in one gateway. */
describe('edits that race, bad actors, and a group that moves', () => {
  let stage: Stage
  const rooms: Room[] = []

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        for (let n = 0; n < 5; n++) {
          const channel = s.discord.control.addChannel({ guild, name: `room-${n}` }).id
          rooms.push({ channel, chat: s.telegram.control.addChat({ title: `room ${n}`, members: [s.bot.id, s.tess] }) })
        }
        return {
          routes: rooms.map((room, n) => ({
            id: `room-${n}`,
            // Exponential where expressions go back and try again.
            ...(n === 4 && { filters: [{ name: 'only-a', when: { textMatches: '^(a+)+$' }, action: 'drop' }] }),
            members: [{ place: `discord/main/${guild}/${room.channel}` }, { place: `telegram/main/${room.chat}` }],
          })),
        }
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  const room = (n: number): Room => rooms[n] as Room
  const seen = (chat: number, text: string) =>
    stage.telegram.control.untilVisible({ chatId: chat, text, count: 1, timeoutMs: PATIENCE.timeout })
  const settled = async (n: number, mark: string): Promise<void> => {
    stage.ann(room(n).channel, mark)
    await seen(room(n).chat, mark)
  }

  it('I: edits and deletes race with sending; both sides end up the same', { timeout: 200_000 }, async () => {
    const { channel, chat } = room(0)
    const { control } = stage.discord
    const burst = Array.from({ length: 10 }, (_, n) => {
      const message = stage.ann(channel, `draft ${n}`)
      if (n % 3 === 0) control.edit({ channel, message, content: `final ${n}` })
      if (n % 3 === 1) control.remove({ channel, messages: [message] })
      return message
    })
    const fast = stage.ann(channel, 'version 0')
    for (let v = 1; v <= 20; v++) control.edit({ channel, message: fast, content: `version ${v}` })
    const removed = stage.ann(channel, 'gone soon')
    control.edit({ channel, message: removed, content: 'gone sooner' })
    control.remove({ channel, messages: [removed] })
    await settled(0, 'end of edits')
    const wanted = [
      ...burst.flatMap((_, n) => (n % 3 === 0 ? [`final ${n}`] : n % 3 === 2 ? [`draft ${n}`] : [])),
      'version 20',
      'end of edits',
    ]
    await until(() => {
      const now = stage.onTelegram(chat).map((text) => text.replace(/^[^:]*: |^[^\n]*\n/, ''))
      return JSON.stringify(now) === JSON.stringify(wanted)
    })
  })

  it('I: an edit in the middle of a long text grows it, and every part is right', { timeout: 200_000 }, async () => {
    const { channel, chat } = room(0)
    const part = (name: string, n: number): string => `${name} `.repeat(Math.ceil(n / (name.length + 1))).trim()
    const message = stage.telegram.control.post(chat, stage.tess, part('alpha', 3_800))
    await until(() => stage.onDiscord(channel).length >= 2)
    stage.telegram.control.edit(chat, message, `${part('alpha', 1_900)} ${part('beta', 1_900)}`)
    await until(() => {
      const words = stage.onDiscord(channel).join(' ').split(/\s+/)
      return (
        words.filter((w) => w === 'beta').length === 380 && words.filter((w) => w === 'alpha').length === Math.ceil(1_900 / 6)
      )
    })
  })

  it('L: mention spam pings nobody, names cannot impersonate, and floods of formatting stay whole', {
    timeout: 200_000,
  }, async () => {
    const { channel, chat } = room(2)
    const { user } = stage.discord.info
    const evil = stage.telegram.control.addUser({ firstName: '\u202eAdmin\u200b everyone', lastName: '`@here`' })
    stage.telegram.control.join(chat, evil)
    const spam = `@everyone @here <@${user}> <@&${stage.discord.info.guild}> \`<@${user}>\` \\@everyone`
    stage.telegram.control.post(chat, evil, spam)
    const entities = Array.from({ length: 10_000 }, (_, n) => ({ type: 'bold', offset: (n % 1_000) * 2, length: 1 }))
    stage.telegram.control.post(chat, evil, { text: 'x '.repeat(1_000).trim(), entities })
    await until(() => stage.onDiscord(channel).join('').replaceAll(/[^x]/g, '').length === 1_000)
    const messages = stage.discord.control.visible({ channel }).filter((m) => m.isBot)
    expect(messages[0]?.author).not.toMatch(/[\u202e\u200e\u200f@]/)
    // The fake notes a send that would ping anybody it was not granted for.
    expect(stage.discord.control.violations()).toEqual([])
    const mentions = (stage.discord.control.visible({ channel }) as readonly { mentions?: readonly string[] }[]).flatMap(
      (m) => m.mentions ?? [],
    )
    expect(mentions).toEqual([])
  })

  it('L: a picture that claims to be huge, an archive that unpacks for ever, a text made for slow expressions', {
    timeout: 200_000,
  }, async () => {
    const { channel, chat } = room(4)
    const { user } = stage.discord.info
    const png = Buffer.alloc(64)
    png.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')
    png.writeUInt32BE(50_000, 16)
    png.writeUInt32BE(50_000, 20)
    const zip = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(42_000, 7)])
    stage.discord.control.say({
      channel,
      user,
      content: 'look at these',
      files: [
        { name: 'huge.png', type: 'image/png', width: 50_000, height: 50_000, content: png.toString('base64') },
        { name: '42.zip', type: 'application/zip', content: zip.toString('base64') },
      ],
    })
    stage.ann(channel, `${'a'.repeat(1_900)}!`)
    stage.ann(channel, `${'a'.repeat(30)}`)
    await settled(4, 'after the bombs')
    const shown = stage.telegram.control.visible(chat).filter((m) => m.from !== 'Tess')
    // Nothing is unpacked or decoded: both are files like others, whole and with their text.
    expect(shown.filter((m) => m.kind === 'document').map((m) => m.size)).toEqual([png.length, zip.length])
    expect(shown.some((m) => m.text.includes('look at these'))).toBe(true)
    expect(shown.filter((m) => m.text.includes('aaa')).map((m) => m.text)).toEqual([`Ann: ${'a'.repeat(1_900)}!`])
    expect(stage.metric('bridge_filtered_total', { rule: 'only-a' })).toBe(1)
    expect(stage.telegram.remarks).toEqual([])
  })

  it('N: a group that becomes a supergroup goes on in both directions, and once each', { timeout: 200_000 }, async () => {
    const { channel, chat } = room(3)
    await settled(3, 'still a group')
    const fresh = stage.telegram.control.migrate(chat)
    stage.ann(channel, 'to the supergroup')
    await seen(fresh, 'to the supergroup')
    stage.telegram.control.post(fresh, stage.tess, 'from the supergroup')
    await until(() => stage.onDiscord(channel).some((text) => text.includes('from the supergroup')))
    stage.ann(channel, 'and back')
    await seen(fresh, 'and back')
    // Only copies are listed: one on each side.
    const copies = [...stage.onTelegram(fresh), ...stage.onDiscord(channel)].filter((text) => text.includes('supergroup'))
    expect(copies).toHaveLength(2)
  })
})
