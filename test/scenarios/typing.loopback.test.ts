import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Stage, until } from './stage.ts'

const LIMIT = { timeout: 120_000 }

/** Bridging 10.1: who is writing is shown elsewhere where a route wants it, and nowhere else. */
describe('somebody is writing', () => {
  let stage: Stage
  let shown: { channel: string; chat: number }
  let topics: { channel: string; chat: number; thread: string; topic: number }
  let silent: { channel: string; chat: number }
  let second: string

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        const room = (name: string) => ({
          channel: s.discord.control.addChannel({ guild, name }).id,
          chat: s.telegram.control.addChat({ title: name, forum: name === 'topics', admins: [s.bot.id], members: [s.tess] }),
        })
        shown = room('shown')
        silent = room('silent')
        second = s.discord.control.addChannel({ guild, name: 'second' }).id
        const forum = room('topics')
        topics = {
          ...forum,
          thread: s.discord.control.startThread({ channel: forum.channel, name: 'talk' }).id,
          topic: s.telegram.control.createTopic(forum.chat, s.tess, 'talk'),
        }
        const at = (channel: string) => ({ place: `discord/main/${guild}/${channel}` })
        const chat = (id: number | string) => ({ place: `telegram/main/${id}` })
        return {
          routes: [
            { id: 'shown', typing: true, members: [at(shown.channel), chat(shown.chat), at(second)] },
            { id: 'silent', members: [at(silent.channel), chat(silent.chat)] },
            {
              id: 'topics',
              typing: true,
              members: [at(`${topics.channel}#${topics.thread}`), chat(`${topics.chat}#${topics.topic}`)],
            },
          ],
        }
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  const type = (channel: string) => stage.discord.control.type({ channel, user: stage.discord.info.user })
  const actions = (chat: number) => stage.telegram.requests.filter((r) => r.method === 'sendChatAction' && r.chatId === chat)
  const typing = (channel: string) => stage.discord.control.requests({ method: 'POST', path: `/channels/${channel}/typing` })

  it('is shown on the other sides, once in a while, and not where nobody wants it', LIMIT, async () => {
    type(silent.channel)
    for (let i = 0; i < 5; i++) type(shown.channel)
    await until(() => actions(shown.chat).length > 0 && typing(second).length > 0)
    type(topics.thread)
    await until(() => actions(topics.chat).length > 0)
    // What was said after all that has arrived, so everything before it was heard.
    stage.ann(silent.channel, 'done')
    await until(() => stage.onTelegram(silent.chat).includes('Ann: done'))
    expect(actions(shown.chat)).toHaveLength(1)
    expect(typing(second)).toHaveLength(1)
    expect(actions(silent.chat)).toEqual([])
    // Our own signs come back as nothing.
    expect(typing(shown.channel)).toEqual([])
    expect(stage.telegram.remarks).toEqual([])
    expect(stage.discord.control.violations()).toEqual([])
  })
})
