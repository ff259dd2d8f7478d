import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Stage, until } from './stage.ts'

const LIMIT = { timeout: 200_000 }

/** Mentions of bridging 11: a person who proved that two accounts are theirs is mentioned on both networks; nobody else is. */
describe('mentions of people who linked their accounts', () => {
  let stage: Stage
  let room: ReturnType<Stage['addRoom']>
  let quiet: ReturnType<Stage['addRoom']>
  let bob: string
  let uwe: number

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        uwe = s.telegram.control.addUser({ firstName: 'Uwe' })
        bob = s.discord.control.addUser({ name: 'bob', guild }).id
        const add = (name: string) => ({
          channel: s.discord.control.addChannel({ guild, name }).id,
          chat: s.telegram.control.addChat({ title: name, members: [s.bot.id, s.tess, uwe] }),
        })
        room = add('room')
        quiet = add('quiet')
        const members = ({ channel, chat }: typeof room) => [
          { place: `discord/main/${guild}/${channel}` },
          { place: `telegram/main/${chat}` },
        ]
        return {
          routes: [
            { id: 'room', members: members(room) },
            { id: 'quiet', members: members(quiet), mentions: 'none' },
          ],
        }
      },
    })
    await until(() => stage.discord.control.commands({ bot: stage.discord.info.bot }).includes('k2'))
    const asked = stage.discord.control.runCommand({
      user: stage.discord.info.user,
      channel: room.channel,
      command: 'k2 link',
    })
    const shown = await stage.discord.control.answer({ ...asked, timeoutMs: 40_000 })
    const code = /\b[A-Z0-9]{4,}(?:-[A-Z0-9]{3,})*\b/.exec(shown.messages.map((m) => m.text).join(' '))?.[0] ?? ''
    const chat = stage.telegram.control.startBot(stage.tess, stage.bot.id)
    stage.telegram.control.post(chat, stage.tess, `/k2_link ${code}`)
    await until(() =>
      stage.telegram.control.visible(chat).some((m) => m.from !== 'Tess' && /link|one person|joined/i.test(m.text)),
    )
    // Gateways learn of new links by and by, and at their start.
    await stage.stop()
    await stage.start()
  }, 300_000)
  afterAll(() => stage?.close())

  const says = (content: string, { channel } = room): string => stage.discord.control.say({ channel, user: bob, content }).id
  const there = (text: string, { chat } = room) => stage.telegram.control.visible(chat).find((m) => m.text === `bob: ${text}`)
  const here = (text: string, { channel } = room) =>
    stage.discord.control
      .visible({ channel })
      .find((m) => m.isBot && m.content.replace('hello @', 'hello ') === text.replace('hello @', 'hello '))
  const mention = (userId: number, name: string) => ({
    text: `hello ${name}`,
    entities: [{ type: 'text_mention', offset: 6, length: name.length, user: { id: userId, is_bot: false, first_name: name } }],
  })

  it('reach them on the other network', LIMIT, async () => {
    const { user } = stage.discord.info
    says(`hello <@${user}>`)
    await until(() => there('hello @Ann') !== undefined)
    expect(there('hello @Ann')?.entities).toContainEqual(
      expect.objectContaining({ type: 'text_mention', user: expect.objectContaining({ id: stage.tess }) }),
    )
    stage.telegram.control.post(room.chat, uwe, mention(stage.tess, 'Tess'))
    await until(() => here(`hello <@${user}>`) !== undefined)
    expect(here(`hello <@${user}>`)?.pings).toHaveLength(1)
  })

  it('reach nobody who did not, and nobody where the route says so', LIMIT, async () => {
    says(`hello <@${bob}>`)
    await until(() => there('hello @bob') !== undefined)
    expect(there('hello @bob')?.entities.map((e) => e.type)).toEqual(['bold'])
    stage.telegram.control.post(room.chat, uwe, mention(uwe, 'Uwe'))
    stage.telegram.control.post(quiet.chat, uwe, mention(stage.tess, 'Tess'))
    // Markup that looks like a mention is none, whoever is linked.
    stage.telegram.control.post(room.chat, uwe, `psst <@${stage.discord.info.user}>`)
    await until(() => here('hello @Tess', quiet) !== undefined && here('hello @Uwe') !== undefined)
    await until(() => stage.onDiscord(room.channel).some((text) => text.startsWith('psst')))
    for (const channel of [room.channel, quiet.channel]) {
      const pinged = stage.discord.control.visible({ channel }).filter((m) => m.isBot && m.pings.length > 0)
      expect(pinged.map((m) => m.content)).toEqual(channel === room.channel ? [`hello <@${stage.discord.info.user}>`] : [])
    }
    expect(stage.discord.control.violations()).toEqual([])
    expect(stage.telegram.remarks).toEqual([])
  })
})
